"""Cards: the description of a backbone or a model, as JSON next to its files; untrusted until validated.

A backbone's card describes its input, its output, and the features of the golden inputs when it was made. A model's
card names its classes, its head, and its backbone: one shared by name, or its own.
"""

from __future__ import annotations

import base64
import json
import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from core.base.errors import ModelError
from core.base.i18n import mark, tr

FORMAT: Final = 1
GOLDEN_COUNT: Final = 2
"""The number of golden inputs; `core.engine.golden` draws them."""
MAX_CLASSES: Final = 100_000
MAX_FEATURES: Final = 65_536
MIN_SIZE: Final = 16
MAX_SIZE: Final = 2048
MAX_PARTS: Final = 8
"""The most backbones that one is composed of."""
_MAX_LABEL: Final = 200
_MAX_CARD_BYTES: Final = 16 * 1024 * 1024
_DEVICE = r"(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z))"  # device names on Windows, in any folder
_NAME = re.compile(_DEVICE + r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9_-])?\Z")
_FILE = re.compile(_DEVICE + r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PATH_SEPARATOR = re.compile(r"[/\\]")
_MAX_NESTING: Final = 16
_HINT: Final = mark("Download or copy the model again, or use another model.")
# A JPEG is decoded at reduced size (by the DCT, in eighths), but not below this multiple of the input size. Measured on
# 12-megapixel photos with noise: the cosine to the features of the full decode is 0.998 to 0.9999, compared with 0.9987
# to 0.9998 for Lanczos instead of bicubic; a multiple of two gives 0.9994 or more and takes 20% longer.
_DRAFT_FACTOR: Final = 1.25
T = TypeVar("T")
Number = TypeVar("Number", int, float)


class ResizeMode(StrEnum):
    """How an image is made square."""

    STRETCH = "stretch"
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
        parts: the backbones that it is composed of, see `core.models.composite`; empty if it is not. The library
            composes it if the file is missing.
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
    parts: tuple[SharedBackbone, ...] = ()


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
        temperature: logits are divided by it before softmax (calibration).
        unknown_below: images with a lower best probability are unknown; None if never measured.
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


def read_card(data: bytes) -> BackboneCard | ModelCard:
    """Parse and validate a card.

    Raises:
        ModelError: a field is missing, of the wrong type, or out of range; the message names the field.
    """
    if len(data) > _MAX_CARD_BYTES:
        raise ModelError(tr("The card is too large ({count:,} bytes).", count=len(data)), hint=tr(_HINT))
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(tr("The card is not valid JSON."), hint=tr(_HINT)) from error
    fields = _Fields(content, "")
    if fields.take("format", int) != FORMAT:
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
    raise ModelError(tr("The card has the unknown kind {kind!r}.", kind=kind[:80]), hint=tr(_HINT))


def shareable(card: ModelCard) -> ModelCard:
    """The card for sharing: paths in the training command are reduced to their last names."""
    command = card.training.get("command")
    if not isinstance(command, str):
        return card
    return replace(card, training={**card.training, "command": without_paths(command)})


def without_paths(command: str) -> str:
    """A command line in which each path is reduced to its last name; empty if it cannot be parsed."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return shlex.join(_PATH_SEPARATOR.split(word.rstrip("/\\"))[-1] or "." for word in words)


def write_card(card: BackboneCard | ModelCard) -> bytes:
    """The card as readable JSON, for `read_card`."""
    kind = "backbone" if isinstance(card, BackboneCard) else "model"
    content = {"format": FORMAT, "kind": kind, **asdict(card)}
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


class _Fields:
    """A JSON object whose fields are read one by one and validated."""

    def __init__(self, content: object, place: str) -> None:
        if not isinstance(content, dict):
            if not place:
                raise ModelError(tr("The card is not a JSON object."), hint=tr(_HINT))
            raise ModelError(tr("The card's field {name!r} is not an object.", name=place), hint=tr(_HINT))
        self._content, self._place = content, place

    def take(self, key: str, kind: type[T]) -> T:
        value = self._content.get(key)
        if kind is float and type(value) is int:
            value = _as_float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            found, expected = type(value).__name__, kind.__name__
            raise self.error(key, tr("it must be of type {expected}, not {found}", expected=expected, found=found))
        return value

    def text(self, key: str, limit: int = 1000) -> str:
        value = self.take(key, str)
        if not _is_readable(value, limit):
            raise self.error(key, tr("it must have 1 to {limit} printable characters", limit=limit))
        return value

    def match(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self.take(key, str)
        if not pattern.match(value):
            raise self.error(key, tr("{value!r} is not allowed", value=value[:80]))
        return value

    def between(self, key: str, low: Number, high: Number) -> Number:
        """A number of the type of the bounds."""
        value = self.take(key, type(low))
        if not low <= value <= high:
            raise self.error(key, tr("{value} is outside {low} to {high}", value=value, low=low, high=high))
        return value

    def metadata(self, key: str) -> dict[str, Any]:
        """An object with arbitrary plain content; empty if it is missing."""
        value = self.take(key, dict) if self.has(key) else {}
        if not _is_plain(value, _MAX_NESTING):
            reason = tr("it contains infinite numbers, unprintable characters or deep nesting")
            raise self.error(key, reason)
        return value

    def items(self, key: str, limit: int) -> list[_Fields]:
        """The objects in a list; empty if it is missing."""
        values = self.take(key, list) if self.has(key) else []
        if len(values) > limit:
            raise self.error(key, tr("it must have at most {limit} entries", limit=limit))
        place = f"{self._place}.{key}" if self._place else key
        return [_Fields(value, f"{place}[{number}]") for number, value in enumerate(values)]

    def inner(self, key: str) -> _Fields:
        return _Fields(self._content.get(key), f"{self._place}.{key}" if self._place else key)

    def has(self, key: str) -> bool:
        return self._content.get(key) is not None

    def error(self, key: str, reason: str) -> ModelError:
        place = f"{self._place}.{key}" if self._place else key
        what = tr("The card's field {name!r} is invalid: {reason}.", name=place, reason=reason)
        return ModelError(what, hint=tr(_HINT))


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _is_readable(text: str, limit: int) -> bool:
    """Whether a text is readable and has no characters that control a terminal."""
    return bool(text.strip()) and len(text) <= limit and not _UNPRINTABLE.search(text)


def _is_plain(value: object, nesting: int) -> bool:
    match value:
        case dict():
            return nesting > 0 and all(
                _is_plain(key, 0) and _is_plain(item, nesting - 1) for key, item in value.items()
            )
        case list():
            return nesting > 0 and all(_is_plain(item, nesting - 1) for item in value)
        case str():
            return not _UNPRINTABLE.search(value)
        case float():
            return math.isfinite(value)
        case _:
            return True


def _origin(fields: _Fields) -> Origin:
    return Origin(source=fields.text("source"), licence=fields.text("licence"))


def _preprocessing(fields: _Fields) -> Preprocessing:
    try:
        fit = ResizeMode(fields.take("fit", str))
    except ValueError as error:
        raise fields.error("fit", tr("it must be one of {values}", values=", ".join(ResizeMode))) from error
    return Preprocessing(fields.between("size", MIN_SIZE, MAX_SIZE), fit, fields.between("crop", 0.01, 1.0))


def _backbone(fields: _Fields) -> BackboneCard:
    layout = fields.take("feature_map_layout", str)
    if layout not in ("nhwc", "nchw"):
        raise fields.error("feature_map_layout", tr("it must be one of {values}", values="nhwc, nchw"))
    card = BackboneCard(
        name=fields.match("name", _NAME),
        architecture=fields.text("architecture", 100),
        file=fields.match("file", _FILE),
        sha256=fields.match("sha256", _SHA256),
        preprocessing=_preprocessing(fields.inner("preprocessing")),
        feature_width=fields.between("feature_width", 1, MAX_FEATURES),
        feature_map_layout=layout,
        weights=fields.between("weights", 1, 10**12),
        multiply_adds=fields.between("multiply_adds", 1, 10**15),
        origin=_origin(fields.inner("origin")),
        golden_features=fields.take("golden_features", str),
        parts=_parts(fields) if fields.has("parts") else (),
    )
    if _encoded_length(card.golden_features) not in (GOLDEN_COUNT * card.feature_width * size for size in (2, 4)):
        reason = tr("it does not have {count:,} numbers for each golden input", count=card.feature_width)
        raise fields.error("golden_features", reason)
    return card


def _parts(fields: _Fields) -> tuple[SharedBackbone, ...]:
    parts = tuple(map(_shared, fields.items("parts", MAX_PARTS)))
    if len(parts) == 1:
        raise fields.error("parts", tr("a single part is not enough"))
    return parts


def _encoded_length(text: str) -> int:
    """How many bytes a base64 text encodes; -1 if it is not base64."""
    try:
        return len(base64.b64decode(text, validate=True))
    except ValueError:
        return -1


def _model(fields: _Fields) -> ModelCard:
    backbone, head = fields.inner("backbone"), fields.inner("head")
    own = backbone.has("file")
    return ModelCard(
        name=fields.match("name", _NAME),
        title=fields.text("title", 100),
        summary=fields.text("summary"),
        classes=_classes(fields),
        backbone=_backbone(backbone) if own else _shared(backbone),
        head=HeadReference(head.match("file", _FILE), head.match("sha256", _SHA256)),
        origin=_origin(fields.inner("origin")),
        temperature=fields.between("temperature", 0.01, 100.0),
        unknown_below=fields.between("unknown_below", 0.0, 1.0) if fields.has("unknown_below") else None,
        training=fields.metadata("training"),
        evaluation=fields.metadata("evaluation"),
    )


def _shared(fields: _Fields) -> SharedBackbone:
    return SharedBackbone(fields.match("name", _NAME), fields.match("sha256", _SHA256))


def _classes(fields: _Fields) -> tuple[str, ...]:
    labels = fields.take("classes", list)
    if not 2 <= len(labels) <= MAX_CLASSES:
        reason = tr("it must have 2 to {limit:,} classes, not {count:,}", limit=MAX_CLASSES, count=len(labels))
        raise fields.error("classes", reason)
    if not all(isinstance(label, str) and _is_readable(label, _MAX_LABEL) for label in labels):
        raise fields.error("classes", tr("a class name is not readable"))
    if len(set(labels)) != len(labels):
        raise fields.error("classes", tr("a class name occurs twice"))
    return tuple(labels)
