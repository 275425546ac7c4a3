"""What an ONNX classifier of another program leaves open, and what a person answers; light values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.card import ResizeMode

DEFAULT_CROP: Final = 0.875
"""Of the shorter side: 224 of 256 pixels, as most ImageNet classifiers are tested."""


class Scaling(StrEnum):
    """Which numbers a network reads for a pixel's 0..255."""

    IMAGENET = "imagenet"
    UNIT = "unit"
    SIGNED = "signed"
    RAW = "raw"
    CAFFE = "caffe"


class ChannelOrder(StrEnum):
    """In which order a network reads the three colours."""

    RGB = "rgb"
    BGR = "bgr"


@dataclass(frozen=True, slots=True)
class ImportQuestions:
    """What is known of a file, and what has to be asked.

    Attributes:
        class_count: how many classes it tells apart.
        classes: their names, where the file has them; else empty.
        size: side of the square it reads, in pixels; None where that is open.
        reads_bytes: whether it reads 0..255 as bytes, so that no scaling is asked for.
        output_kind: what it gives, in words for a person.
        output: the name of the output that gives it.
        scales_inside: whether it begins by scaling the pixels itself, so that it most likely wants them as they are.
    """

    class_count: int
    classes: tuple[str, ...]
    size: int | None
    reads_bytes: bool
    output_kind: str
    output: str = ""
    scales_inside: bool = False


@dataclass(frozen=True, slots=True)
class ImportAnswers:
    """What a person says of a file.

    Attributes:
        title: what the model is to be called.
        classes: names, in the order of what it gives.
        size: side of the square it reads, in pixels.
        order: of the colours.
        scaling: of the pixels.
        fit: how an image that is not square becomes square.
        crop: with `ResizeMode.CENTRE_CROP`, the part of the shorter side that is kept, in (0, 1].
        output: the name of the output that is the answer; empty where the file or the number of classes says which.
    """

    title: str
    classes: tuple[str, ...]
    size: int
    order: ChannelOrder = ChannelOrder.RGB
    scaling: Scaling = Scaling.IMAGENET
    fit: ResizeMode = ResizeMode.CENTRE_CROP
    crop: float = DEFAULT_CROP
    output: str = ""
