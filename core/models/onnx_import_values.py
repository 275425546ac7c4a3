"""The missing details of an ONNX classifier from another program, and the user's answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.card import ResizeMode

DEFAULT_CROP: Final = 0.875
"""Fraction of the shorter side: 224 of 256 pixels, as in the evaluation of most ImageNet classifiers."""


class Scaling(StrEnum):
    """How pixel values 0..255 are scaled for the network."""

    IMAGENET = "imagenet"
    UNIT = "unit"
    SIGNED = "signed"
    RAW = "raw"
    CAFFE = "caffe"


class ChannelOrder(StrEnum):
    """The order of the colour channels."""

    RGB = "rgb"
    BGR = "bgr"


@dataclass(frozen=True, slots=True)
class ImportQuestions:
    """The known details of a file; the others must be asked.

    Attributes:
        class_count: the number of classes.
        classes: their names if the file has them, otherwise empty.
        size: the input size in pixels; None if dynamic.
        reads_bytes: whether the input is bytes 0..255, so that no scaling is needed.
        output_kind: a description of the output, for display.
        output: the name of the output.
        scales_inside: whether the network starts by scaling its input, so that raw pixels are most likely right.
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
    """The user's answers about a file.

    Attributes:
        title: the title of the model.
        classes: class names, in the order of the outputs.
        size: the input size in pixels.
        order: the order of the colour channels.
        scaling: the scaling of pixel values.
        fit: how an image is made square.
        crop: with `ResizeMode.CENTRE_CROP`, the fraction of the shorter side that is kept, in (0, 1].
        output: the name of the output; empty if the file or the number of classes identifies it.
    """

    title: str
    classes: tuple[str, ...]
    size: int
    order: ChannelOrder = ChannelOrder.RGB
    scaling: Scaling = Scaling.IMAGENET
    fit: ResizeMode = ResizeMode.CENTRE_CROP
    crop: float = DEFAULT_CROP
    output: str = ""
