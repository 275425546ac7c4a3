"""Cards: the description of a backbone or a model, as JSON next to its files; untrusted until validated.

A backbone's card describes its input, its output, and the features of the golden inputs when it was made. A model's
card names its classes, its head, and its backbone: one shared by name, or its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from core.base.card_fields import FILE, HINT, NAME, SHA256, Fields, encoded_length, is_readable
from core.base.errors import ModelError
from core.base.i18n import tr
from core.base.providers import ComputePrecision
from core.card_rules import (
    Hierarchy,
    OutOfSample,
    PredictionSets,
    UnknownRule,
    read_hierarchy,
    read_out_of_sample,
    read_prediction_sets,
    read_thresholds,
    read_unknown_rule,
)

FORMAT: Final = 2
"""That of multi-label models and those with a `fit`; others have format 1, so that earlier versions still open them."""
GOLDEN_COUNT: Final = 2
"""The number of golden inputs; `core.engine.golden` draws them."""
MAX_CLASSES: Final = 100_000
MAX_FEATURES: Final = 65_536
MIN_SIZE: Final = 16
MAX_SIZE: Final = 2048
MAX_PARTS: Final = 8
"""The most backbones that one is composed of."""
_MAX_LABEL: Final = 200
_MAX_KERNELS: Final = 10_000
_MAX_CARD_BYTES: Final = 16 * 1024 * 1024
_NUMBERS = re.compile(r"\[\n\s+([-+.\deE,\s]+?)\n\s+\]")
"""A list of numbers in indented JSON, one a line; no text has line breaks in it."""
# A JPEG is decoded at reduced size (by the DCT, in eighths), but not below this multiple of the input size. Measured on
# 12-megapixel photos with noise: the cosine to the features of the full decode is 0.998 to 0.9999, compared with 0.9987
# to 0.9998 for Lanczos instead of bicubic; a multiple of two gives 0.9994 or more and takes 20% longer.
_DRAFT_FACTOR: Final = 1.25
PADDING: Final = (127, 127, 127)
"""The colour around a padded image, RGB; see `core.images.preprocessing`."""


class ResizeMode(StrEnum):
    """How an image is made square."""

    STRETCH = "stretch"
    PAD = "pad"
    CENTRE_CROP = "centre-crop"


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The preprocessing of a backbone; part of its card.

    Attributes:
        size: the input size in pixels.
        fit: how the image is made square.
        crop: with `ResizeMode.CENTRE_CROP`, the fraction of the shorter side that is kept, in (0, 1].
    """

    size: int
    fit: ResizeMode = ResizeMode.STRETCH
    crop: float = 1.0

    def __post_init__(self) -> None:
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise ValueError(f"size must be {MIN_SIZE} to {MAX_SIZE} pixels, not {self.size}")
        if not 0 < self.crop <= 1:
            raise ValueError(f"crop must lie in (0, 1], not {self.crop}")

    @property
    def min_decode_side(self) -> int:
        """The minimum shorter side in pixels when a larger image is decoded at reduced size."""
        return round(_DRAFT_FACTOR * self.size / self.crop)


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of weights, and their licence."""

    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class SharedBackbone:
    """A reference to a backbone in the library."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class BackboneVariant:
    """A backbone in fewer bits.

    Attributes:
        precision: the number format of its convolutions.
        file: the name of its ONNX file next to the card; the backbone's own if it is made of that, see
            `core.models.rounding`.
        sha256: of its ONNX file, in hexadecimal.
        golden_features: its own, as in `BackboneCard`.
        cosine: the mean cosine of its features to the backbone's, on images that it was not calibrated on.
        method: how it was made.
    """

    precision: ComputePrecision
    file: str
    sha256: str
    golden_features: str
    cosine: float
    method: str


@dataclass(frozen=True, slots=True)
class BackboneCard:
    """The card of a backbone.

    Attributes:
        name: its name in the library.
        architecture: the network, as named in its paper.
        file: the name of the ONNX file next to the card.
        sha256: of that file, in hexadecimal.
        preprocessing: the preprocessing of its input.
        feature_width: d of the features [n, d].
        feature_map_layout: axes of the feature map, "nhwc" or "nchw".
        weights: the number of parameters.
        multiply_adds: multiply-adds for one image.
        origin: the source of the weights.
        golden_features: the encoded features of the golden inputs (`golden.encode_features`) when it was made.
        precision: the number format of its file.
        variants: the same backbone in fewer bits.
        parts: the backbones that it is composed of, see `core.models.composite`; empty if it is not.
        kernel_order: for each convolution of its network in Keras, in the order of the layers, its place in the file;
            empty if the order is the same.
        design: how it differs from the published architecture, see `core.training.networks`.
        untrained: whether its weights are random, so that all of its layers have yet to be trained.
    """

    name: str
    architecture: str
    file: str
    sha256: str
    preprocessing: Preprocessing
    feature_width: int
    feature_map_layout: str
    weights: int
    multiply_adds: int
    origin: Origin
    golden_features: str
    precision: ComputePrecision = ComputePrecision.FLOAT32
    variants: tuple[BackboneVariant, ...] = ()
    parts: tuple[SharedBackbone, ...] = ()
    kernel_order: tuple[int, ...] = ()
    design: Mapping[str, Any] = field(default_factory=dict, hash=False)
    untrained: bool = False

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures of its parts, or its own."""
        return tuple(self.architecture.split(" + "))

    def of_variant(self, variant: BackboneVariant) -> BackboneCard:
        """The card of one of its variants, as of any other backbone."""
        return replace(
            self,
            file=variant.file,
            sha256=variant.sha256,
            golden_features=variant.golden_features,
            precision=variant.precision,
            variants=(),
        )

    def in_float16(self) -> BackboneCard:
        """The card of this backbone converted to compute in float16, whose features are held to those in float32."""
        sha256 = hashlib.sha256(f"{self.sha256} in float16".encode()).hexdigest()
        return replace(self, sha256=sha256, precision=ComputePrecision.FLOAT16, variants=())


@dataclass(frozen=True, slots=True)
class HeadReference:
    """The file of the head next to the card."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The card of a model.

    Attributes:
        name: its name in the library.
        title: its display name.
        summary: a one-sentence description.
        classes: class names, in the order of the logits.
        backbone: a shared backbone, or the card of the model's own.
        head: the file of the head.
        origin: the source of the head.
        temperature: logits are divided by it before softmax or sigmoid (calibration).
        unknown_below: images with a lower best probability are unknown; None if never measured.
        unknown: how images are scored as unknown instead; None for models that keep no features of training images.
        sets: the classes that an image may have; None if never measured.
        hierarchy: how the classes are grouped; None if they are not.
        out_of_sample: what it said of images that it was not trained on; None if not kept.
        fit: how images are made square, if not as its shared backbone does; None otherwise.
        thresholds: of a multi-label model, the probability from which an image has each class, in (0, 1).
        training: how it was trained, with the command that repeats it.
        evaluation: its accuracy, and the images it was measured on.
    """

    name: str
    title: str
    summary: str
    classes: tuple[str, ...]
    backbone: SharedBackbone | BackboneCard
    head: HeadReference
    origin: Origin
    temperature: float = 1.0
    unknown_below: float | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    unknown: UnknownRule | None = None
    sets: PredictionSets | None = None
    hierarchy: Hierarchy | None = None
    out_of_sample: OutOfSample | None = None
    fit: ResizeMode | None = None
    thresholds: tuple[float, ...] = ()

    @property
    def is_multi_label(self) -> bool:
        """Whether an image may have several of the classes, or none."""
        return bool(self.thresholds)

    @property
    def files(self) -> frozenset[str]:
        """The names of the files next to the card, without those of variants."""
        backbone = (self.backbone.file,) if isinstance(self.backbone, BackboneCard) else ()
        return frozenset((self.head.file, *backbone, *((self.unknown.file,) if self.unknown else ())))


def read_card(data: bytes) -> BackboneCard | ModelCard:
    """Parse and validate a card.

    Raises:
        ModelError: a field is missing, of the wrong type, or out of range; the message names the field.
    """
    if len(data) > _MAX_CARD_BYTES:
        raise ModelError(tr("The card is too large ({count:,} bytes).", count=len(data)), hint=tr(HINT))
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(tr("The card is not valid JSON."), hint=tr(HINT)) from error
    fields = Fields(content, "")
    if not 1 <= fields.take("format", int) <= FORMAT:
        what = tr(
            "The card has format {found}. This version of Fovea supports format {supported}.",
            found=content["format"],
            supported=FORMAT,
        )
        raise ModelError(what, hint=tr("Update Fovea."))
    kind = fields.take("kind", str)
    if kind == "backbone":
        return _backbone(fields)
    if kind == "model":
        return _model(fields)
    raise ModelError(tr("The card has the unknown kind {kind!r}.", kind=kind[:80]), hint=tr(HINT))


def write_card(card: BackboneCard | ModelCard) -> bytes:
    """The card as readable JSON, for `read_card`."""
    kind = "backbone" if isinstance(card, BackboneCard) else "model"
    content = {"format": 1, "kind": kind, **asdict(card)}
    if thresholds := content.pop("thresholds", ()):
        content |= {"format": FORMAT, "multi_label": {"thresholds": thresholds}}
    if fit := content.pop("fit", None):
        content |= {"format": FORMAT, "fit": fit}
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return (_NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n").encode()


def _origin(fields: Fields) -> Origin:
    return Origin(source=fields.text("source"), licence=fields.text("licence"))


def _preprocessing(fields: Fields) -> Preprocessing:
    size, crop = fields.between("size", MIN_SIZE, MAX_SIZE), fields.between("crop", 0.01, 1.0)
    return Preprocessing(size, fields.one_of("fit", ResizeMode), crop)


def _backbone(fields: Fields) -> BackboneCard:
    layout = fields.take("feature_map_layout", str)
    if layout not in ("nhwc", "nchw"):
        raise fields.error("feature_map_layout", tr("it must be one of {values}", values="nhwc, nchw"))
    width = fields.between("feature_width", 1, MAX_FEATURES)
    return BackboneCard(
        name=fields.match("name", NAME),
        architecture=fields.text("architecture", 100),
        file=fields.match("file", FILE),
        sha256=fields.match("sha256", SHA256),
        preprocessing=_preprocessing(fields.inner("preprocessing")),
        feature_width=width,
        feature_map_layout=layout,
        weights=fields.between("weights", 1, 10**12),
        multiply_adds=fields.between("multiply_adds", 1, 10**15),
        origin=_origin(fields.inner("origin")),
        golden_features=_golden_features(fields, width),
        precision=fields.one_of("precision", ComputePrecision) if fields.has("precision") else ComputePrecision.FLOAT32,
        variants=_variants(fields, width),
        parts=_parts(fields),
        kernel_order=tuple(fields.integers("kernel_order", _MAX_KERNELS)),
        design=fields.metadata("design"),
        untrained=fields.has("untrained") and fields.take("untrained", bool),
    )


def _golden_features(fields: Fields, width: int) -> str:
    text = fields.take("golden_features", str)
    if encoded_length(text) not in (GOLDEN_COUNT * width * size for size in (2, 4)):
        reason = tr("it does not have {count:,} numbers for each golden input", count=width)
        raise fields.error("golden_features", reason)
    return text


def _variants(fields: Fields, width: int) -> tuple[BackboneVariant, ...]:
    variants = tuple(
        BackboneVariant(
            precision=each.one_of("precision", ComputePrecision),
            file=each.match("file", FILE),
            sha256=each.match("sha256", SHA256),
            golden_features=_golden_features(each, width),
            cosine=each.between("cosine", -1.0, 1.0),
            method=each.text("method"),
        )
        for each in fields.items("variants", len(ComputePrecision))
    )
    if len({one.precision for one in variants}) < len(variants):
        raise fields.error("variants", tr("a precision occurs twice"))
    return variants


def _parts(fields: Fields) -> tuple[SharedBackbone, ...]:
    parts = tuple(map(_shared, fields.items("parts", MAX_PARTS)))
    if len(parts) == 1:
        raise fields.error("parts", tr("one part alone is not possible"))
    return parts


def _model(fields: Fields) -> ModelCard:
    backbone, head = fields.inner("backbone"), fields.inner("head")
    own, classes = backbone.has("file"), _classes(fields)
    return ModelCard(
        name=fields.match("name", NAME),
        title=fields.text("title", 100),
        summary=fields.text("summary"),
        classes=classes,
        backbone=_backbone(backbone) if own else _shared(backbone),
        head=HeadReference(head.match("file", FILE), head.match("sha256", SHA256)),
        origin=_origin(fields.inner("origin")),
        temperature=fields.between("temperature", 0.01, 100.0),
        unknown_below=fields.between("unknown_below", 0.0, 1.0) if fields.has("unknown_below") else None,
        training=fields.metadata("training"),
        evaluation=fields.metadata("evaluation"),
        unknown=read_unknown_rule(fields.inner("unknown")) if fields.has("unknown") else None,
        sets=read_prediction_sets(fields.inner("sets"), len(classes)) if fields.has("sets") else None,
        hierarchy=read_hierarchy(fields.inner("hierarchy"), classes) if fields.has("hierarchy") else None,
        out_of_sample=read_out_of_sample(fields.inner("out_of_sample")) if fields.has("out_of_sample") else None,
        fit=fields.one_of("fit", ResizeMode) if fields.has("fit") else None,
        thresholds=read_thresholds(fields, len(classes)) if fields.has("multi_label") else (),
    )


def _shared(fields: Fields) -> SharedBackbone:
    return SharedBackbone(fields.match("name", NAME), fields.match("sha256", SHA256))


def _classes(fields: Fields) -> tuple[str, ...]:
    labels = fields.take("classes", list)
    if not 2 <= len(labels) <= MAX_CLASSES:
        reason = tr("it must have 2 to {limit:,} classes, not {count:,}", limit=MAX_CLASSES, count=len(labels))
        raise fields.error("classes", reason)
    if not all(isinstance(label, str) and is_readable(label, _MAX_LABEL) for label in labels):
        raise fields.error("classes", tr("a class name is not readable"))
    if len(set(labels)) != len(labels):
        raise fields.error("classes", tr("a class name occurs twice"))
    return tuple(labels)
