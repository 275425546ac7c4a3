"""From an image file to the input of a backbone, and to features of it and of the crop around its subject.

With a detector, an image is decoded, searched and cropped in the same thread. A JPEG is decoded at a reduced size, so
an image with a small subject is decoded again, at a size at which the crop is as sharp as any other input.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.base.errors import ImageError, ProviderError
from core.base.file_state import FileState
from core.card import Preprocessing
from core.detection import Box, Detection
from core.engine.feature_cache import ImageFeatures
from core.images.decoding import read_image
from core.images.drawing import Picture
from core.images.preprocessing import preprocess, preprocess_image
from core.models.detector import Detector
from core.models.subject import crop_around, subject_of
from core.prediction import NO_FILE, Failure


@dataclass(frozen=True, slots=True, eq=False)
class PreprocessedCrop:
    """A crop around the subject of an image: where it is, the subject, and the input uint8 [size, size, 3]."""

    box: Box
    subject: Detection
    input: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class PreprocessedImage:
    """An image decoded and preprocessed.

    Attributes:
        path: the image.
        input: uint8 [size, size, 3].
        decode_ms: how long decoding took.
        preprocess_ms: how long preprocessing took, with the detector.
        warnings: warnings about the image.
        state: of its file before it was read, if its features are to be cached.
        detections: the things in it; None if nobody looked for them.
        crop: the crop around its subject; None if there is none.
    """

    path: Path
    input: NDArray[np.uint8]
    decode_ms: float
    preprocess_ms: float
    warnings: tuple[str, ...] = ()
    state: FileState | None = None
    detections: tuple[Detection, ...] | None = None
    crop: PreprocessedCrop | None = None


Prepared: TypeAlias = PreprocessedImage | ImageFeatures | Failure
"""An image ready for the engine, or one whose features are known, or why it cannot be read."""


def prepare(
    path: Path, plans: Sequence[Preprocessing], detector: Detector | None = None
) -> list[PreprocessedImage] | Failure:
    """Decode an image once, look for things in it, and preprocess it in several ways; thread-safe."""
    try:
        started = time.perf_counter()
        image = read_image(path, min_side=_min_side(plans, detector))
        decode_ms, prepared = (time.perf_counter() - started) * 1000, []
        started = time.perf_counter()
        found = detector.detect(image.pixels) if detector else None
        subject = subject_of(found) if found and detector and detector.options.crop else None
        for plan in plans:
            values = preprocess_image(image.image, plan)
            crop = _crop(path, image.image, subject, plan) if subject else None
            preprocess_ms, started = (time.perf_counter() - started) * 1000, time.perf_counter()
            times = decode_ms, preprocess_ms
            prepared.append(PreprocessedImage(path, values, *times, image.warnings, detections=found, crop=crop))
    except (ImageError, ProviderError) as error:
        return Failure.of(path, error)
    return prepared


def prepare_picture(picture: Picture, plan: Preprocessing) -> PreprocessedImage:
    """Preprocess pixels without a file, in which nobody looks for things."""
    started = time.perf_counter()
    values = preprocess(picture.pixels(), plan)
    return PreprocessedImage(NO_FILE, values, 0.0, (time.perf_counter() - started) * 1000)


def _min_side(plans: Sequence[Preprocessing], detector: Detector | None) -> int:
    return max(plan.min_decode_side for plan in (*plans, *([detector.preprocessing] if detector else [])))


def _crop(path: Path, image: Image.Image, subject: Detection, plan: Preprocessing) -> PreprocessedCrop | None:
    """The crop around the subject of a decoded image; None if it would be almost the whole image."""
    width, height = image.size
    box = crop_around(subject.box, width, height, plan.crop)
    if box is None:
        return None
    shorter = min((box.right - box.left) * width, (box.bottom - box.top) * height)
    if shorter < plan.min_decode_side:
        image = read_image(path, min_side=math.ceil(min(height, width) * plan.min_decode_side / shorter)).image
    return PreprocessedCrop(box, subject, preprocess_image(_part(image, box), plan))


def _part(image: Image.Image, box: Box) -> Image.Image:
    """The part of an image inside a box, at least one pixel."""
    width, height = image.size
    top, left = min(int(box.top * height), height - 1), min(int(box.left * width), width - 1)
    bottom, right = max(top + 1, round(box.bottom * height)), max(left + 1, round(box.right * width))
    return image.crop((left, top, right, bottom))
