"""The files of installed models and backbones."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from core.base.errors import ModelError
from core.base.i18n import tr
from core.base.providers import ComputePrecision
from core.card import BackboneCard, ModelCard
from core.datasets.labelled_image import LabelledImage
from core.engine import graph
from core.engine.provider_selection import BackboneFiles
from core.models.composite import Part, compose
from core.models.evidence import TrainingImages
from core.models.feature_bank import FeatureBank, read_bank
from core.models.files import REINSTALL, check_hash, file_size, read_checked
from core.models.heads import Head, read_head
from core.models.rounding import round_to_int8
from core.models.thumbnails import thumbnail_file
from core.models.training_examples import EXAMPLES, read_examples
from core.models.training_hashes import TrainingHashes, read_hashes
from core.models.values import InstalledBackbone, InstalledModel
from core.models.variant_agreement import keeps_predictions

EVALUATION: Final = "evaluation.json"
"""The evaluation of a version on its test images; see `core.evaluation.kept`."""


def composite_in(folder: Path, card: BackboneCard, parts: tuple[InstalledBackbone, ...]) -> InstalledBackbone:
    """The backbone with this card in a folder, without a file of its own: it is composed of its parts."""
    return InstalledBackbone(card, folder, sum(part.size_bytes for part in parts), parts)


def backbone_in(folder: Path, card: BackboneCard) -> InstalledBackbone:
    """The backbone with this card in a folder; files of variants may be missing.

    Raises:
        ModelError: its file is missing.
    """
    size = file_size(folder / card.file)
    for file in {variant.file for variant in card.variants} - {card.file}:
        with contextlib.suppress(ModelError):
            size += file_size(folder / file)
    return InstalledBackbone(card, folder, size)


def model_in(folder: Path, card: ModelCard, backbone: InstalledBackbone, version: int) -> InstalledModel:
    """The model with this card in a folder; version 0 is a built-in one.

    Raises:
        ModelError: its head, or the file of its training images' features, is missing.
    """
    size = backbone.size_bytes + file_size(folder / card.head.file)
    if card.unknown:
        size += file_size(folder / card.unknown.file)
    has_training_data, has_evaluation = ((folder / file).is_file() for file in (EXAMPLES, EVALUATION))
    return InstalledModel(card, folder, backbone, version == 0, version, size, has_training_data, has_evaluation)


def load_backbone(backbone: InstalledBackbone, card: BackboneCard | None = None) -> bytes:
    """Read the file of a backbone, or make it of its parts or of its own file, and check its hash and that it is safe.

    Args:
        backbone: the backbone.
        card: of the variant to read instead; None for the backbone itself.

    Raises:
        ModelError: it is missing, changed, unsupported or malicious.
    """
    card = card or backbone.card
    if backbone.parts:
        data = compose([_load_part(part, card.precision) for part in backbone.parts], card)
        check_hash(data, card.sha256, backbone.folder / card.file)
    elif card.file == backbone.card.file and card.precision is not backbone.card.precision:
        data = round_to_int8(read_checked(backbone.folder / card.file, backbone.card.sha256))
        check_hash(data, card.sha256, backbone.folder / card.file)
    else:
        data = read_checked(backbone.folder / card.file, card.sha256)
    graph.check_backbone(data, card, is_installed=True)
    return data


def load_files(backbone: InstalledBackbone) -> dict[str, bytes]:
    """Read the file of a backbone and those of its variants that have one and can be read, by name.

    Raises:
        ModelError: as `load_backbone`.
    """
    own = {backbone.card.file: load_backbone(backbone)}
    with_files = (one for one in backbone.card.variants if one.file != backbone.card.file)
    for variant in map(backbone.card.of_variant, with_files):
        with contextlib.suppress(ModelError):
            own[variant.file] = load_backbone(backbone, variant)
    return own


def _load_part(part: InstalledBackbone, precision: ComputePrecision) -> Part:
    card = part_card(part, precision)
    return read_checked(part.folder / card.file, card.sha256), card


def part_card(part: InstalledBackbone, precision: ComputePrecision) -> BackboneCard:
    """The card of a part in this precision, or else of the part itself."""
    variants = map(part.card.of_variant, part.card.variants)
    return next((one for one in variants if one.precision is precision), part.card)


def backbone_files(backbone: InstalledBackbone, model: ModelCard | None = None) -> BackboneFiles:
    """A backbone with the variants that may be used instead of it.

    Args:
        backbone: the backbone.
        model: the card of the model that uses it: only variants that keep its predictions may be used; None for all
            variants, as for a head that is yet to be trained on them.
    """
    own = backbone.card
    usable = own.variants if model is None else tuple(one for one in own.variants if keeps_predictions(model, one))
    return BackboneFiles((own, *map(own.of_variant, usable)), lambda card: load_backbone(backbone, card))


def load_head(model: InstalledModel) -> Head:
    """Read a model's head, and check that it fits the card and the backbone.

    Raises:
        ModelError: it is missing, changed, or does not match the classes of the card.
    """
    head = read_head(read_checked(model.folder / model.card.head.file, model.card.head.sha256))
    check_head(head, model.card, model.backbone.card)
    return head


def load_bank(model: InstalledModel) -> FeatureBank | None:
    """Read the features of the training images; None if the model does not keep them.

    Raises:
        ModelError: they are missing, changed, or do not match the card and the backbone.
    """
    rule = model.card.unknown
    if rule is None:
        return None
    bank = read_bank(read_checked(model.folder / rule.file, rule.sha256))
    check_bank(bank, model.card, model.backbone.card)
    return bank


def load_training_images(model: InstalledModel) -> TrainingImages | None:
    """The training images with which predictions are explained; None if the model does not keep their features.

    Raises:
        ModelError: as for `load_bank`.
    """
    bank = load_bank(model)
    if bank is None:
        return None
    examples = (load_examples(model) or ()) if bank.hashes else ()
    thumbnails = {one: file for one in bank.hashes if (file := thumbnail_file(model.folder, one)).is_file()}
    return TrainingImages(bank, {one.sha256: one.path for one in examples if one.path.is_absolute()}, thumbnails)


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


def check_bank(bank: FeatureBank, card: ModelCard, backbone: BackboneCard) -> None:
    """Refuse features of training images that do not fit the backbone or the classes of the card.

    Raises:
        ModelError: the number of features differs, or a class does not exist.
    """
    width = bank.labels.shape[1:]
    fits_classes = width == ((len(card.classes),) if card.is_multi_label else ())
    limit = 2 if width else len(card.classes)
    fits_classes &= bool(((bank.labels >= 0) & (bank.labels < limit)).all())
    if bank.codes.shape[1] != backbone.feature_width or not fits_classes:
        what = tr("The model {name!r} is damaged: its training features do not match its classes.", name=card.name)
        raise ModelError(what, hint=tr(REINSTALL))
