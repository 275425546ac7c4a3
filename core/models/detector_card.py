"""The card of a detector: `detector.json` beside its ONNX file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from core.base.card_fields import FILE, HINT, NAME, SHA256, Fields, is_readable
from core.base.errors import ModelError
from core.base.i18n import tr
from core.card import MAX_SIZE, MIN_SIZE, Origin

CARD: Final = "detector.json"
FORMAT: Final = 1
_KIND: Final = "detector"
_MAX_CLASSES: Final = 1000
_MAX_LABEL: Final = 200
_MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """The card of a detector.

    Attributes:
        name: its name.
        title: its display name.
        architecture: the network, as named in its paper.
        file: the name of the ONNX file next to the card.
        sha256: of that file, in hexadecimal.
        size: its input size in pixels; images are stretched to a square.
        classes: the labels of its detections, in the order of the scores.
        weights: the number of parameters.
        multiply_adds: multiply-adds for one image.
        origin: the source of the weights.
        evaluation: how well it agrees with the original network.
    """

    name: str
    title: str
    architecture: str
    file: str
    sha256: str
    size: int
    classes: tuple[str, ...]
    weights: int
    multiply_adds: int
    origin: Origin
    evaluation: Mapping[str, Any] = field(default_factory=dict)


def read_detector_card(data: bytes) -> DetectorCard:
    """Parse and validate a card.

    Raises:
        ModelError: a field is missing, of the wrong type, or out of range; the message names the field.
    """
    if len(data) > _MAX_BYTES:
        raise ModelError(tr("The card is too large ({count:,} bytes).", count=len(data)), hint=tr(HINT))
    try:
        fields = Fields(json.loads(data), "")
    except (ValueError, RecursionError) as error:
        raise ModelError(tr("The card is not valid JSON."), hint=tr(HINT)) from error
    found = fields.take("format", int), fields.take("kind", str)
    if found != (FORMAT, _KIND):
        raise ModelError(tr("The card does not belong to a detector of this version of Fovea."), hint=tr(HINT))
    origin = fields.inner("origin")
    return DetectorCard(
        name=fields.match("name", NAME),
        title=fields.text("title", 100),
        architecture=fields.text("architecture", 100),
        file=fields.match("file", FILE),
        sha256=fields.match("sha256", SHA256),
        size=fields.between("size", MIN_SIZE, MAX_SIZE),
        classes=_classes(fields),
        weights=fields.between("weights", 1, 10**12),
        multiply_adds=fields.between("multiply_adds", 1, 10**15),
        origin=Origin(source=origin.text("source"), licence=origin.text("licence")),
        evaluation=fields.metadata("evaluation"),
    )


def write_detector_card(card: DetectorCard) -> bytes:
    """The card as readable JSON, for `read_detector_card`."""
    content = {"format": FORMAT, "kind": _KIND, **asdict(card)}
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _classes(fields: Fields) -> tuple[str, ...]:
    labels = fields.take("classes", list)
    if not 1 <= len(labels) <= _MAX_CLASSES or not all(
        isinstance(label, str) and is_readable(label, _MAX_LABEL) for label in labels
    ):
        raise fields.error("classes", tr("it must be a list of readable names"))
    return tuple(labels)
