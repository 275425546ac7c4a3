"""The files of installed models and backbones."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.base.errors import ModelError
from core.base.i18n import tr
from core.card import BackboneCard, ModelCard
from core.datasets.labelled_image import LabelledImage
from core.engine import graph
from core.models.composite import compose
from core.models.files import REINSTALL, check_hash, file_size, read_checked
from core.models.heads import Head, read_head
from core.models.training_examples import EXAMPLES, read_examples
from core.models.training_hashes import TrainingHashes, read_hashes
from core.models.values import InstalledBackbone, InstalledModel

EVALUATION: Final = "evaluation.json"
"""The evaluation of a version on its test images; see `core.evaluation.kept`."""


def backbone_in(
    folder: Path, card: BackboneCard, parts: tuple[InstalledBackbone, ...] = ()
) -> InstalledBackbone:
    """The backbone with this card in a folder, or composed of `parts`.

    Raises:
        ModelError: its file is missing.
    """
    size = sum(part.size_bytes for part in parts) if parts else file_size(folder / card.file)
    return InstalledBackbone(card, folder, size, parts)


def model_in(folder: Path, card: ModelCard, backbone: InstalledBackbone, version: int) -> InstalledModel:
    """The model with this card in a folder; version 0 is a built-in one.

    Raises:
        ModelError: its head is missing.
    """
    size = backbone.size_bytes + file_size(folder / card.head.file)
    has_training_data, has_evaluation = ((folder / file).is_file() for file in (EXAMPLES, EVALUATION))
    return InstalledModel(card, folder, backbone, version == 0, version, size, has_training_data, has_evaluation)


def load_backbone(backbone: InstalledBackbone) -> bytes:
    """Read a backbone's file, or compose it of its parts, and check its hash and that it is safe to open.

    Raises:
        ModelError: it is missing, changed, unsupported or malicious.
    """
    card = backbone.card
    if backbone.parts:
        files = (read_checked(part.folder / part.card.file, part.card.sha256) for part in backbone.parts)
        data = compose([*zip(files, (part.card for part in backbone.parts), strict=True)], card)
        check_hash(data, card.sha256, backbone.folder / card.file)
    else:
        data = read_checked(backbone.folder / card.file, card.sha256)
    graph.check_backbone(data, card, is_installed=True)
    return data


def load_head(model: InstalledModel) -> Head:
    """Read a model's head, and check that it fits the card and the backbone.

    Raises:
        ModelError: it is missing, changed, or does not match the classes of the card.
    """
    head = read_head(read_checked(model.folder / model.card.head.file, model.card.head.sha256))
    check_head(head, model.card, model.backbone.card)
    return head


def load_training_hashes(model: InstalledModel) -> TrainingHashes | None:
    """The hashes of the images the model was trained on; None if unknown."""
    return read_hashes(model.folder)


def load_examples(model: InstalledModel) -> tuple[LabelledImage, ...] | None:
    """The model's training data; None if it was not saved."""
    return read_examples(model.folder, model.card.training)


def check_head(head: Head, card: ModelCard, backbone: BackboneCard) -> None:
    """Refuse a head that does not fit its backbone or the classes of its card.

    Raises:
        ModelError: the number of classes or of features differs.
    """
    if head.class_count != len(card.classes):
        what = tr(
            "The model {name!r} is damaged: its card has {classes:,} classes, its head {outputs:,}.",
            name=card.name,
            classes=len(card.classes),
            outputs=head.class_count,
        )
        raise ModelError(what, hint=tr(REINSTALL))
    if head.feature_width != backbone.feature_width:
        what = tr(
            "The model {name!r} is damaged: its head expects {expected:,} features, its backbone gives {found:,}.",
            name=card.name,
            expected=head.feature_width,
            found=backbone.feature_width,
        )
        raise ModelError(what, hint=tr(REINSTALL))
