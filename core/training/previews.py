"""Previews of the network's input, drawn by the same code that decodes and augments photos for training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.base.errors import ImageError
from core.base.hashing import file_sha256
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.card import Preprocessing, ResizeMode
from core.images.augmentation import DESCRIPTION, augment, make_rng
from core.images.decoding import decode
from core.images.drawing import Picture
from core.images.preprocessing import crop_box, preprocess
from core.models.library import Library
from core.training.backbones import BACKBONE, backbone_of
from core.training.values import Previewed, PreviewedPhoto

_SAMPLES: Final = 9
_SMALL: Final = 320
"""The longer side of a photo that is shown whole, in pixels."""


def preview(
    photos: Sequence[Path],
    seed: int,
    library: Library,
    backbone: str = "",
    fit: ResizeMode | None = None,
    *,
    token: CancelToken,
) -> Previewed:
    """Draw what a backbone reads, and how the first photo is augmented in the first nine epochs with this seed.

    Photos that cannot be read are left out. Without a name, it is the backbone that is fine-tuned; without a fit,
    photos are made square as the backbone was trained.

    Raises:
        ImageError: none of them can be read.
        ModelError: the backbone is missing or damaged.
        Cancelled: the token was cancelled.
    """
    plan = backbone_of(library, backbone or BACKBONE).with_fit(fit).card.preprocessing
    originals: list[tuple[Path, NDArray[np.uint8]]] = []
    failure: ImageError | None = None
    for path in photos:
        token.check()
        try:
            originals.append((path, decode(path, min_side=plan.min_decode_side)))
        except ImageError as error:
            failure = error
    if not originals and failure is not None:
        raise failure
    samples = _samples(*originals[0], plan, seed, token) if originals else ()
    return Previewed(tuple(_previewed_photo(*one, plan) for one in originals), samples, tuple(map(tr, DESCRIPTION)))


def _samples(
    path: Path, pixels: NDArray[np.uint8], plan: Preprocessing, seed: int, token: CancelToken
) -> tuple[Picture, ...]:
    samples, sha256 = [], file_sha256(path)
    for epoch in range(1, _SAMPLES + 1):
        token.check()
        samples.append(Picture.of(augment(pixels, plan, make_rng(seed, epoch, sha256))))
    return tuple(samples)


def _previewed_photo(path: Path, pixels: NDArray[np.uint8], plan: Preprocessing) -> PreviewedPhoto:
    height, width, _ = pixels.shape
    left, upper, right, lower = crop_box((width, height), plan)
    part = (left / width, upper / height, right / width, lower / height)
    return PreviewedPhoto(path, _thumbnail(pixels), part, Picture.of(preprocess(pixels, plan)))


def _thumbnail(pixels: NDArray[np.uint8]) -> Picture:
    image = Image.fromarray(pixels)
    image.thumbnail((_SMALL, _SMALL))
    return Picture.of(np.asarray(image))
