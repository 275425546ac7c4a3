"""Looking at labelled images once: which can be read, what their content is, and what is odd about them."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from core.dataset.labelled import Labelled, Part
from core.dataset.problems import Problem, ProblemKind, unreadable
from core.errors import ImageError
from core.images.decoding import Pixels, decode_within
from core.images.folders import printable
from core.images.looks import look
from core.progress import CancelToken, Report, StageClock

_SIDE: Final = 256
"""Images are looked at no larger than this, in pixels."""

_TINY: Final = 32
_ELONGATED: Final = 5
_THREADS: Final = min(4, os.cpu_count() or 1)
_AHEAD: Final = 4 * _THREADS
"""How many images are under way at once: memory does not grow with the folder, and calling off is prompt."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of one image that can be read.

    Attributes:
        path: the file.
        label: its class.
        part: what it is for, where the folder says that.
        sha256: of its content, in hexadecimal.
        look: 64 bits, nearly the same for images that look nearly the same (`core.images.looks`).
        oddities: what is unusual about it: TINY, ELONGATED, BLANK, GREY.
    """

    path: Path
    label: str
    part: Part | None
    sha256: str
    look: int
    oddities: tuple[ProblemKind, ...]


def see_all(images: Sequence[Labelled], report: Report, token: CancelToken) -> Iterator[Sight | Problem]:
    """For each image, in their order, what was seen, or why it could not be read.

    Raises:
        Cancelled: the token was cancelled; it is looked at once for each image.
    """
    clock = StageClock("Looking at the images", len(images), report)
    source, waiting = iter(images), deque[Future[Sight | Problem]]()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="look") as pool:
        try:
            for _ in images:
                token.check()
                waiting.extend(pool.submit(_see, image) for image in islice(source, _AHEAD - len(waiting)))
                yield waiting.popleft().result()
                clock.advance()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _see(image: Labelled) -> Sight | Problem:
    try:
        pixels = decode_within(image.path, _SIDE)
        sha256 = _sha256(image.path)
    except ImageError as error:
        return unreadable(image.path, error)
    except OSError as error:  # it was there a moment ago
        what = f"“{printable(image.path.name)}” changed while it was read: {error.strerror or 'no reason given'}."
        return Problem(ProblemKind.UNREADABLE, (image.path,), what, "Leave the folder alone during training.")
    return Sight(image.path, image.label, image.part, sha256, look(pixels), _oddities(pixels))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _oddities(pixels: Pixels) -> tuple[ProblemKind, ...]:
    """What is unusual about an image that was reduced to `_SIDE` if it was larger."""
    short, long = sorted(pixels.shape[:2])
    found = {
        ProblemKind.TINY: short < _TINY and long < _SIDE,
        ProblemKind.ELONGATED: long > _ELONGATED * short,
        ProblemKind.BLANK: bool((pixels == pixels[0, 0]).all()),
        ProblemKind.GREY: bool((np.ptp(pixels, axis=2) <= 2).all()),
    }
    return tuple(kind for kind, is_so in found.items() if is_so)
