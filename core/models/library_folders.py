"""The folders in which models and backbones are installed, and what is in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.errors import ModelError
from core.base.i18n import tr
from core.card import BackboneCard, ModelCard, SharedBackbone, read_card
from core.models import versions
from core.models.files import REINSTALL, read_file
from core.models.installed import backbone_in, composite_in, model_in
from core.models.values import BrokenEntry, Entry, InstalledBackbone, InstalledModel

CARD: Final = "card.json"


@dataclass(frozen=True, slots=True)
class LibraryFolders:
    """Finds the folders of versions, and loads what they contain with the backbones it shares.

    Attributes:
        builtin: the folder of the built-in models.
        user: the folder of the user's models; need not exist.
    """

    builtin: Path
    user: Path

    def active(self) -> Iterator[tuple[str, Path, int]]:
        """Yield the name, folder and number of every active version, the user's first; 0 means built in."""
        for place in versions.subfolders(self.user):
            number = versions.active(place)
            if number:
                yield place.name, place / str(number), number
        for folder in versions.subfolders(self.builtin):
            if _has_card(folder):
                yield folder.name, folder, 0

    def versions_of(self, name: str) -> dict[int, Path]:
        """The folders of all versions of a name, by number in ascending order."""
        found = [(0, place) for place in versions.subfolders(self.builtin) if place.name == name and _has_card(place)]
        for place in versions.subfolders(self.user):
            if place.name == name:
                found += [(number, place / str(number)) for number in versions.numbers(place)]
        return dict(found)

    def entry(self, name: str, folder: Path, number: int) -> Entry:
        """The model or backbone in the folder of a version, or the reason why it cannot be used."""
        try:
            return self._load(name, folder, number)
        except ModelError as error:
            return BrokenEntry(name, folder, error)

    def _load(self, name: str, folder: Path, number: int) -> Entry:
        card = _read_card_of(name, folder)
        if isinstance(card, BackboneCard):
            return self._backbone(card, folder)
        return self.model(card, folder, version=number)

    def model(self, card: ModelCard, folder: Path, *, version: int) -> InstalledModel:
        """The model with this card in a folder, with its own or a shared backbone.

        Raises:
            ModelError: one of its files, or its backbone, is missing.
        """
        if isinstance(card.backbone, BackboneCard):
            backbone = self._backbone(card.backbone, folder)
        else:
            backbone = self._shared(card.backbone).with_fit(card.fit)
        return model_in(folder, card, backbone, version)

    def _shared(self, wanted: SharedBackbone) -> InstalledBackbone:
        """Find a shared backbone, even if a model of the user has its name; backbones inside models do not count."""
        for name, folder, _ in self.active():
            with contextlib.suppress(ModelError):
                card = _read_card_of(name, folder) if name == wanted.name else None
                if isinstance(card, BackboneCard) and card.sha256 == wanted.sha256:
                    return self._backbone(card, folder)
        raise _backbone_error(wanted.name)

    def _backbone(self, card: BackboneCard, folder: Path) -> InstalledBackbone:
        """The backbone with this card in a folder; if its file is missing, it is composed of its parts."""
        is_whole = not card.parts or (folder / card.file).exists()
        return backbone_in(folder, card) if is_whole else composite_in(folder, card, (*map(self._part, card.parts),))

    def _part(self, wanted: SharedBackbone) -> InstalledBackbone:
        """Find a part of a backbone, be it shared or inside a model."""
        for name, folder, _ in self.active():
            with contextlib.suppress(ModelError):
                card = _read_card_of(name, folder)
                own = card if isinstance(card, BackboneCard) else card.backbone
                if isinstance(own, BackboneCard) and (own.name, own.sha256) == (wanted.name, wanted.sha256):
                    return backbone_in(folder, own)
        raise _backbone_error(wanted.name)


def _backbone_error(name: str) -> ModelError:
    return ModelError(tr("The backbone {name!r} is missing or damaged.", name=name), hint=tr(REINSTALL))


def _read_card_of(name: str, folder: Path) -> BackboneCard | ModelCard:
    data = read_file(folder / CARD)
    try:
        card = read_card(data)
    except ModelError as error:
        what = tr("Couldn't read the model {name!r}. {reason}", name=name, reason=error.what)
        raise ModelError(what, hint=error.hint) from error
    if card.name != name:
        what = tr("The card of {name!r} belongs to another model: {other!r}.", name=name, other=card.name)
        raise ModelError(what, hint=tr(REINSTALL))
    return card


def _has_card(folder: Path) -> bool:
    try:
        (folder / CARD).lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # without permission to read it, it is listed as damaged
    return True
