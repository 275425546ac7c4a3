"""Looking at labelled images: which can be read, what their content is, and what is odd about them."""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from PIL import Image

from core.base.errors import ImageError, ImageErrorKind
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.datasets.discovery import LabelledImage
from core.datasets.problems import Problem, ProblemKind, unreadable
from core.datasets.scan_cache import FileState, ImageInfo, ReadError, ScanCache, ScanResult
from core.datasets.subsets import Subset
from core.images.decoding import Pixels, read_image
from core.images.perceptual_hash import phash

MIN_SIDE: Final = 374
"""The shorter side, in pixels, below which no image is decoded to be looked at: as much as the backbone that heads are
trained on asks for, so that one decoding serves both."""

_SIDE: Final = 256
"""Images are reduced for looking, their longer side to less than twice this, in pixels, and no less than it."""
_TINY: Final = 32
_ELONGATED: Final = 5
_GREY: Final = 2
"""By how much the colours of a pixel may differ, of 255, that is called grey."""
_THREADS: Final = min(4, os.cpu_count() or 1)
_PREFETCH: Final = 4 * _THREADS
"""How many images are under way at once: memory does not grow with the folder, and calling off is prompt."""
_BATCH_SIZE: Final = 500
"""How many images are asked of the memo, or told to it, at once."""

OnDecoded: TypeAlias = Callable[[str, Pixels], None]
"""Takes the sha256 of an image that had to be decoded and its pixels, in any of several threads."""


@dataclass(frozen=True, slots=True)
class ScannedImage:
    """What was seen of one image that can be read.

    Attributes:
        path: the file.
        label: its class.
        subset: what it is for, where the folder says that.
        sha256: of its content, in hexadecimal.
        phash: 64 bits, nearly the same for images that look nearly the same (`core.images.perceptual_hash`).
        quality_flags: what is unusual about it: TINY, ELONGATED, BLANK, GREY.
    """

    path: Path
    label: str
    subset: Subset | None
    sha256: str
    phash: int
    quality_flags: tuple[ProblemKind, ...]


class _Scan(NamedTuple):
    """What was just seen, and the state of the file, if it tells whether that still holds."""

    result: ScanResult
    state: FileState | None


def scan_images(
    images: Sequence[LabelledImage],
    cache: ScanCache,
    report: ProgressCallback,
    token: CancelToken,
    *,
    on_decoded: OnDecoded | None = None,
) -> Iterator[ScannedImage | Problem]:
    """For each image, in their order, what was seen, now or before, or why it could not be read.

    Args:
        images: what to look at.
        cache: knows what was seen before, and is told what is seen now.
        report: told of each image.
        token: looked at once for each image.
        on_decoded: takes the pixels of images that had to be decoded, no smaller than `MIN_SIDE`.

    Raises:
        Cancelled: the token was cancelled; what was seen so far is kept.
    """
    clock = ProgressReporter("looking at the images", len(images), report)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="look") as pool:
        results = _scan_results(images, cache, lambda image: pool.submit(_scan, image.path, on_decoded))
        try:
            for image in images:
                token.check()
                yield _scanned_image(image, next(results))
                clock.advance()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            results.close()


def _scan_results(
    images: Sequence[LabelledImage], cache: ScanCache, begin: Callable[[LabelledImage], Future[_Scan]]
) -> Generator[ScanResult, None, None]:
    """What was seen of each image, those of which the memo knows nothing being looked at some ahead."""
    known, new = _cached_results(images, cache), list[tuple[Path, FileState, ScanResult]]()
    waiting: deque[ScanResult | Future[_Scan]] = deque()
    try:
        for image in images:
            waiting.extend(seen or begin(ahead) for ahead, seen in islice(known, _PREFETCH - len(waiting)))
            first = waiting.popleft()
            if isinstance(first, Future):
                first, state = first.result()
                new += [(image.path, state, first)] if state else []
            yield first
            if len(new) == _BATCH_SIZE:
                cache.put(new)
                new.clear()
    finally:
        cache.put(new)


def _cached_results(
    images: Sequence[LabelledImage], cache: ScanCache
) -> Iterator[tuple[LabelledImage, ScanResult | None]]:
    for start in range(0, len(images), _BATCH_SIZE):
        some = images[start : start + _BATCH_SIZE]
        yield from zip(some, cache.get([image.path for image in some]), strict=True)


def _scanned_image(image: LabelledImage, result: ScanResult) -> ScannedImage | Problem:
    if isinstance(result, ReadError):
        return unreadable(image.path, result.message, result.hint)
    return ScannedImage(image.path, image.label, image.subset, result.sha256, result.phash, result.quality_flags)


def _scan(path: Path, on_decoded: OnDecoded | None) -> _Scan:
    began, before = time.time_ns(), FileState.of(path)
    try:
        image, sha256 = read_image(path, min_side=MIN_SIDE), _sha256(path)
    except ImageError as error:
        # Anything else may be otherwise the next time: a right, a disk, memory, a decoder that is not installed.
        is_lasting = error.kind == ImageErrorKind.DAMAGED
        return _Scan(ReadError(error.what, error.hint), _unchanged(path, before, began) if is_lasting else None)
    except OSError as error:  # it was there a moment ago
        what = f"“{display_path(path.name)}” changed while it was read: {error.strerror or 'no reason given'}."
        return _Scan(ReadError(what, "Leave the folder alone during training."), None)
    state = _unchanged(path, before, began)
    if image.warnings:
        return _Scan(ReadError(" ".join(image.warnings), "It is left out of the training."), state)
    if on_decoded is not None and state is not None:
        on_decoded(sha256, image.pixels)
    return _Scan(ImageInfo(sha256, *_inspect(image.pixels)), state)


def _unchanged(path: Path, before: FileState | None, began_ns: int) -> FileState | None:
    """The state of a file that was not written while it was looked at, and could not be without a trace."""
    after = FileState.of(path)
    return after if after is not None and after == before and after.is_stable(began_ns) else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _inspect(pixels: Pixels) -> tuple[int, tuple[ProblemKind, ...]]:
    """The look of an image, and what is unusual about it."""
    short, long = sorted(pixels.shape[:2])
    if long >= 2 * _SIDE:
        pixels = np.asarray(Image.fromarray(pixels).reduce(long // _SIDE))
    found = {
        ProblemKind.TINY: short < _TINY and long < _SIDE,
        ProblemKind.ELONGATED: long > _ELONGATED * short,
        ProblemKind.BLANK: bool((pixels == pixels[0, 0]).all()),
        ProblemKind.GREY: _is_grey(pixels),
    }
    return phash(pixels), tuple(kind for kind, is_so in found.items() if is_so)


def _is_grey(pixels: Pixels) -> bool:
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]  # a reduction over so short an axis is slow
    highest = np.maximum(np.maximum(red, green), blue)
    return bool((highest - np.minimum(np.minimum(red, green), blue) <= _GREY).all())
