"""The corrections that a model has not learned yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.base.label_sets import classes_of
from core.card import ModelCard
from core.datasets.labels import Label, lineage


@dataclass(frozen=True, slots=True, eq=False)
class PendingCorrections:
    """What to retrain a model with; there may be thousands.

    Attributes:
        labels: the corrections, in the order in which they were made.
        confirmed: how many of them confirm a prediction.
        ambiguous: how many others were excluded, see `Label.is_ambiguous`.
    """

    labels: tuple[Label, ...] = ()
    confirmed: int = 0
    ambiguous: int = 0

    @classmethod
    def of(cls, corrections: Iterable[Label], card: ModelCard) -> PendingCorrections:
        """Those of a model's corrections that it was not trained with."""
        known, below = frozenset(lineage(card.training)), card.unknown_below
        pending = [one for one in corrections if one.is_pending(known)]
        labels = tuple(one for one in pending if not one.is_ambiguous(below)) if below is not None else tuple(pending)
        return cls(labels, sum(one.is_confirmation for one in labels), len(pending) - len(labels))

    def by_class(self) -> dict[str, list[Path]]:
        """Their photos of each class: a dataset for a new model."""
        photos: dict[str, list[Path]] = defaultdict(list)
        for correction in self.labels:
            for name in classes_of(correction.label):
                photos[name].append(correction.path)
        return dict(photos)
