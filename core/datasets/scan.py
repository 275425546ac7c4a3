"""Scanning labelled images: readability, content hash, perceptual hash and quality flags."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from PIL import Image

from core.base.errors import ImageError, ImageErrorKind
from core.base.file_state import FileState
from core.base.hashing import file_sha256
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter, StageKind
from core.base.text import display_path
from core.datasets.labelled_image import LabelledImage
from core.datasets.problems import Problem, ProblemKind, unreadable
from core.datasets.scan_cache import ImageInfo, ReadError, ScanCache, ScanResult
from core.images.decoding import Pixels, read_image
from core.images.perceptual_hash import phash

MIN_SIDE: Final = 374
"""The smallest shorter side, in pixels, at which images are decoded: what the backbone that heads are trained on needs,
so that each image is decoded only once."""

_SIDE: Final = 256
"""Images are downscaled for inspection to a longer side of at least this and less than twice this, in pixels."""
_TINY: Final = 32
_ELONGATED: Final = 5
_GREY: Final = 2
"""The largest difference between the channels (0..255) of a grey pixel."""
_THREADS: Final = min(4, os.cpu_count() or 1)
_PREFETCH: Final = 4 * _THREADS
"""The most images in progress at once, so that memory is bounded and cancelling is prompt."""
_BATCH_SIZE: Final = 500
"""How many images are read from or written to the cache at once."""

OnDecoded: TypeAlias = Callable[[str, Pixels], None]
"""Called with the sha256 and the pixels of each decoded image, in any of several threads."""


class _Scan(NamedTuple):
    """A new scan result, and the file's state if the result can be cached."""

    result: ScanResult
    state: FileState | None


def scan_images(
    images: Sequence[LabelledImage],
    cache: ScanCache,
    report: ProgressCallback,
    token: CancelToken,
    *,
    on_decoded: OnDecoded | None = None,
) -> Iterator[LabelledImage | Problem]:
    """Yield the scan result of each image in order, cached or new, or the problem that it could not be read.

    Args:
        images: the images to scan.
        cache: earlier results; new results are added.
        report: called after each image.
        token: checked before each image.
        on_decoded: called with the pixels of each decoded image, no smaller than `MIN_SIDE`.

    Raises:
        Cancelled: the token was cancelled; results so far are cached.
    """
    clock = ProgressReporter(tr("looking at the images"), len(images), report, kind=StageKind.IMAGES)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="scan") as pool:
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
    """The scan result of each image; those missing from the cache are scanned ahead of time."""
    known, new = _cached_results(images, cache), list[tuple[Path, FileState, ScanResult]]()
    queue: deque[ScanResult | Future[_Scan]] = deque()
    try:
        for image in images:
            queue.extend(cached or begin(ahead) for ahead, cached in islice(known, _PREFETCH - len(queue)))
            first = queue.popleft()
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


def _scanned_image(image: LabelledImage, result: ScanResult) -> LabelledImage | Problem:
    if isinstance(result, ReadError):
        return unreadable(image.path, result.message, result.hint)
    return replace(image, sha256=result.sha256, phash=result.phash, quality_flags=result.quality_flags)


def _scan(path: Path, on_decoded: OnDecoded | None) -> _Scan:
    began, before = time.time_ns(), FileState.of(path)
    try:
        image, sha256 = read_image(path, min_side=MIN_SIDE), file_sha256(path)
    except ImageError as error:
        # Other errors may not happen again: permissions, a disk, memory, a decoder that is not installed.
        is_lasting = error.kind == ImageErrorKind.DAMAGED
        return _Scan(ReadError(error.what, error.hint), _unchanged(path, before, began) if is_lasting else None)
    except OSError as error:  # it existed a moment ago
        name, reason = display_path(path.name), error.strerror or tr("unknown error")
        what = tr("“{name}” changed while it was being read: {reason}.", name=name, reason=reason)
        return _Scan(ReadError(what, tr("Don't change the folder during training.")), None)
    state = _unchanged(path, before, began)
    if image.warnings:
        return _Scan(ReadError(" ".join(image.warnings), tr("It was left out of the training.")), state)
    pixels = image.pixels
    if on_decoded is not None and state is not None:
        on_decoded(sha256, pixels)
    return _Scan(ImageInfo(sha256, *_inspect(pixels)), state)


def _unchanged(path: Path, before: FileState | None, began_ns: int) -> FileState | None:
    """The state of a file that did not change while it was scanned; None if that is not certain."""
    after = FileState.of(path)
    return after if after is not None and after == before and after.is_stable(began_ns) else None


def _inspect(pixels: Pixels) -> tuple[int, tuple[ProblemKind, ...]]:
    """The perceptual hash of an image, and its quality flags."""
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
