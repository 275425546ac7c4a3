"""The backbones that heads are trained on."""

from __future__ import annotations

from typing import Final

from core.base.errors import ModelError, UsageError
from core.base.i18n import tr
from core.base.text import display_path
from core.models.library import NORMALISATION, Library
from core.models.values import BrokenEntry, InstalledBackbone
from core.training.networks import BACKBONES, BackboneRequest, can_fine_tune
from core.training.request import Depth, FitChoice, Recipe, TrainRequest

BACKBONE: Final = "xception-imagenet"
"""The backbone that is fine-tuned, and that heads are trained on if there is no other."""
JOINED: Final = "xception-lite0-imagenet"
"""The backbone that heads are trained on, unless the user chooses another: see `core.models.composite`."""

_XCEPTION: Final = "Xception"
"""The network that can be fine-tuned partially, as in the cards of backbones."""


def requested_backbone(request: TrainRequest, library: Library) -> InstalledBackbone:
    """The backbone that a request names, that of the model whose classes it keeps, or else the best for its recipe.

    Raises:
        UsageError: there is no backbone of that name, or it cannot be trained by that recipe.
        ModelError: it is damaged, or the library has none.
    """
    if request.keep_classes_of:
        return library.find(request.keep_classes_of).backbone
    return _chosen_backbone(request, library).with_fit(request.fit.mode)


def _chosen_backbone(request: TrainRequest, library: Library) -> InstalledBackbone:
    """The backbone that a request names, or else the best for its recipe, as the library has it."""
    if not request.backbone:
        return backbone_of(library) if request.recipe is Recipe.FINE_TUNE else default_backbone(library)
    names = [entry.name for entry in library.entries() if isinstance(entry, InstalledBackbone)]
    name = request.backbone
    if name not in names and name in BACKBONES:
        name = BackboneRequest(name).name
    if name not in names:
        what = tr("There is no backbone named “{name}”.", name=display_path(request.backbone))
        hint = tr(
            "Installed backbones: {names}. Others are added with --weights imagenet (download), --weights FILE or "
            "--weights none (from scratch).",
            names=", ".join(names),
        )
        raise UsageError(what, hint=hint)
    backbone = backbone_of(library, name)
    _check_recipe(request, backbone)
    return backbone


def default_backbone(library: Library) -> InstalledBackbone:
    """The backbone of heads, unless the user chooses another.

    Raises:
        ModelError: it is damaged, or the library has none.
    """
    is_joined = any(entry.name == JOINED for entry in library.entries())
    return backbone_of(library, JOINED if is_joined else BACKBONE)


def _check_recipe(request: TrainRequest, backbone: InstalledBackbone) -> None:
    """Check that a recipe can train on a backbone.

    Raises:
        UsageError: it cannot; the hint says what is possible.
    """
    card, is_whole = backbone.card, request.depth is Depth.WHOLE
    if card.untrained and not (request.recipe is Recipe.FINE_TUNE and is_whole):
        what = tr("“{name}” has random weights: it must be trained from scratch.", name=backbone.name)
        raise UsageError(what, hint=tr("Use --recipe fine-tune --depth whole."))
    if card.untrained and request.fit is FitChoice.AUTO:
        what = tr("“{name}” has random weights, so nothing can be measured before the training.", name=backbone.name)
        raise UsageError(what, hint=tr("Use --fit stretch, pad or centre-crop instead of auto."))
    if request.recipe is not Recipe.FINE_TUNE:
        return
    if not can_fine_tune(card) or not (card.untrained or (backbone.folder / NORMALISATION).exists()):
        what = tr("“{name}” can't be fine-tuned: its network is {network}.", name=backbone.name,
                  network=card.architecture)  # fmt: skip
        hint = tr("Use one that `fovea models fetch` adds, {name}, or the recipe quick or dense.", name=BACKBONE)
        raise UsageError(what, hint=hint)
    if not is_whole and (card.architecture != _XCEPTION or card.design):
        what = tr("“{name}” can't be fine-tuned partially: only Xception can.", name=backbone.name)
        raise UsageError(what, hint=tr("Use --depth whole to train all of its layers."))


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
