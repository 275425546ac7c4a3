"""Backbones that the user added to the library; models of several trainings share them."""

from __future__ import annotations

from collections.abc import Mapping

from core.base.errors import ModelError, UsageError
from core.base.i18n import tr
from core.base.storage import write_atomically
from core.card import BackboneCard, SharedBackbone, read_card
from core.models import versions
from core.models.files import REINSTALL
from core.models.installed import backbone_in, load_backbone
from core.models.library import Library
from core.models.library_folders import CARD
from core.models.values import InstalledBackbone, InstalledModel


def install_backbone(library: Library, card: bytes, files: Mapping[str, bytes]) -> InstalledBackbone:
    """Add a backbone under a new name.

    Args:
        library: where to.
        card: the card's JSON.
        files: the ONNX file it names, whose hash is checked, and `NORMALISATION`.

    Raises:
        NameTakenError: the user has a model or backbone of that name.
        ModelError: the card or the file is invalid.
        StorageError: the disk does not allow it; nothing is left behind.
    """
    parsed = read_card(card)
    if not isinstance(parsed, BackboneCard):
        raise ModelError(tr("This is a model, not a backbone."), hint=tr(REINSTALL))
    place = library.user / parsed.name
    with versions.staging(place, new_name=True) as staging:
        for name, data in {CARD: card, **files}.items():
            write_atomically(staging / name, data)
        load_backbone(backbone_in(staging, parsed))
        with versions.locked(library.user):
            number = versions.publish(staging, place, activate=True, before=None)
    return backbone_in(place / str(number), parsed)


def check_unused(library: Library, name: str) -> None:
    """Check that no version of any model needs a backbone of the user.

    Raises:
        UsageError: some do.
    """
    entries = (version.entry for entry in library.entries() for version in library.versions(entry.name))
    cards = [entry.card for entry in entries if isinstance(entry, InstalledModel)]
    users = {card.name for card in cards if isinstance(card.backbone, SharedBackbone) and card.backbone.name == name}
    if users:
        what = tr("“{name}” is the backbone of {models}.", name=name, models=", ".join(sorted(users)))
        raise UsageError(what, hint=tr("Remove these models first."))
