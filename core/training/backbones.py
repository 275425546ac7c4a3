"""The backbones that heads are trained on."""

from __future__ import annotations

from typing import Final

from core.base.errors import ModelError, UsageError
from core.base.i18n import tr
from core.base.text import display_path
from core.models.library import Library
from core.models.values import BrokenEntry, InstalledBackbone
from core.training.request import Recipe, TrainRequest

BACKBONE: Final = "xception-imagenet"
"""The backbone that is fine-tuned, and that heads are trained on if there is no other."""
JOINED: Final = "xception-lite0-imagenet"
"""The backbone that heads are trained on, unless the user chooses another: see `core.models.composite`."""

FINE_TUNABLE: Final = "Xception"
"""The network that the recipe fine-tune can train, as in the cards of backbones."""


def requested_backbone(request: TrainRequest, library: Library) -> InstalledBackbone:
    """The backbone that a request names, that of the model whose classes it keeps, or else the best for its recipe.

    Raises:
        UsageError: there is no backbone of that name, or it cannot be fine-tuned.
        ModelError: it is damaged, or the library has none.
    """
    if request.keep_classes_of:
        return library.find(request.keep_classes_of).backbone
    if not request.backbone:
        is_joined = request.recipe is not Recipe.FINE_TUNE and any(one.name == JOINED for one in library.entries())
        return backbone_of(library, JOINED if is_joined else BACKBONE)
    names = [entry.name for entry in library.entries() if isinstance(entry, InstalledBackbone)]
    if request.backbone not in names:
        what = tr("There is no backbone named “{name}”.", name=display_path(request.backbone))
        hint = tr("Installed backbones: {names}. `fovea models fetch` adds others.", names=", ".join(names))
        raise UsageError(what, hint=hint)
    backbone = backbone_of(library, request.backbone)
    if request.recipe is Recipe.FINE_TUNE and backbone.card.architecture != FINE_TUNABLE:
        what = tr("“{name}” can't be fine-tuned: its network is {network}.", name=backbone.name,
                  network=backbone.card.architecture)  # fmt: skip
        raise UsageError(what, hint=tr("Use an Xception, such as {name}, or the recipe quick or dense.", name=BACKBONE))
    return backbone


def backbone_of(library: Library, name: str = BACKBONE) -> InstalledBackbone:
    """A backbone of the library.

    Raises:
        ModelError: it is missing or damaged.
    """
    found = (entry for entry in library.entries() if entry.name == name)
    match next(found, None):
        case InstalledBackbone() as backbone:
            return backbone
        case BrokenEntry(error=error):
            raise error
        case _:
            raise ModelError(tr("The backbone “{name}” is missing.", name=name), hint=tr("Reinstall Fovea."))
