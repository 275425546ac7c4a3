"""The corrections that the model in use has not learned yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from core.base.label_sets import classes_of
from core.datasets.labels import Label, lineage
from gui.session.session import Session


class PendingCorrections:
    """Looks up corrections in the label store of the session.

    Attributes:
        ambiguous: how many the last call of `all` excluded, see `Label.is_ambiguous`.
        _known: the last result, with the corrections and the lineage it follows from; there may be thousands.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: tuple[Mapping[Path, Label], tuple[str, ...], tuple[Label, ...]] = ({}, (), ())
        self.ambiguous = 0

    def all(self) -> tuple[Label, ...]:
        """Unambiguous corrections that the model in use was not trained with, in the order in which they were made."""
        model = self._session.models.current
        if model is None:
            return ()
        card = model.card
        all_corrections, known = self._session.corrections.all(card.name), lineage(card.training)
        if self._known[0] is not all_corrections or self._known[1] != known:
            pending = [one for one in all_corrections.values() if one.is_pending(known)]
            unambiguous = tuple(one for one in pending if not one.is_ambiguous(card.unknown_below))
            self._known, self.ambiguous = (all_corrections, known, unambiguous), len(pending) - len(unambiguous)
        return self._known[2]

    def by_class(self) -> dict[str, list[Path]]:
        """Their photos of each class: a dataset for a new model."""
        photos: dict[str, list[Path]] = defaultdict(list)
        for correction in self.all():
            for name in classes_of(correction.label):
                photos[name].append(correction.path)
        return dict(photos)
