"""What the network reads of photos, drawn by the very code that reads and augments them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.base.errors import ImageError
from core.base.progress import CancelToken
from core.card import Preprocessing
from core.images.augmentation import DESCRIPTION, augmented, generator
from core.images.decoding import decode
from core.images.drawing import Picture
from core.images.preprocessing import kept_box, preprocess
from core.models.library import Library
from core.services.folder_values import Previewed
from core.services.training_values import SeenPhoto
from core.training.training_data import backbone_of

_SAMPLES: Final = 9
_SMALL: Final = 320
"""The longer side of a photo that is shown whole, in pixels."""


def preview(photos: Sequence[Path], seed: int, library: Library, *, token: CancelToken) -> Previewed:
    """Draw what the network reads, and how the first photo is changed in the first nine epochs of that seed.

    Photos that cannot be read are left out.

    Raises:
        ImageError: none of them can be read.
        ModelError: the backbone is missing or damaged.
        Cancelled: the token was cancelled.
    """
    plan = backbone_of(library).card.preprocessing
    seen: list[tuple[Path, NDArray[np.uint8]]] = []
    trouble: ImageError | None = None
    for path in photos:
        token.check()
        try:
            seen.append((path, decode(path, at_least=plan.decode_at_least)))
        except ImageError as error:
            trouble = error
    if not seen and trouble is not None:
        raise trouble
    samples = _samples(*seen[0], plan, seed, token) if seen else ()
    return Previewed(tuple(_seen(*one, plan) for one in seen), samples, DESCRIPTION)


def _samples(
    path: Path, pixels: NDArray[np.uint8], plan: Preprocessing, seed: int, token: CancelToken
) -> tuple[Picture, ...]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    drawn = []
    for epoch in range(1, _SAMPLES + 1):
        token.check()
        drawn.append(Picture.of(augmented(pixels, plan, generator(seed, epoch, sha256))))
    return tuple(drawn)


def _seen(path: Path, pixels: NDArray[np.uint8], plan: Preprocessing) -> SeenPhoto:
    height, width, _ = pixels.shape
    left, upper, right, lower = kept_box((width, height), plan)
    part = (left / width, upper / height, right / width, lower / height)
    return SeenPhoto(path, _small(pixels), part, Picture.of(preprocess(pixels, plan)))


def _small(pixels: NDArray[np.uint8]) -> Picture:
    image = Image.fromarray(pixels)
    image.thumbnail((_SMALL, _SMALL))
    return Picture.of(np.asarray(image))
