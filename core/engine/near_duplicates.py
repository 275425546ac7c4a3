"""Photos that are nearly the same by their features: mirrored, turned, cropped, recoloured or resized copies.

Measured on 196 photos of 8 classes with Xception's features: copies cropped to 85 %, mirrored, recoloured or saved as
JPEG have a cosine of 0.8 or more to their original in 99 of 100 cases, and copies that are mirrored, turned by up to
15 degrees, recoloured and cropped all at once in 90. Of 19,110 pairs of different photos 21 have, all of one class;
taken together these photos form groups of 4 at most. Where a whole class looks alike, such as radiographs, a cosine
says less, and so a higher one is asked for until no group is too large, and each part can have a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken
from core.images.perceptual_hash import connected_components

NEAR_DUPLICATE_COSINE: Final = (0.8, 0.85, 0.9, 0.95)
"""Cosines from which photos stay together: the first by which no group is too large."""
DUPLICATE_COSINE: Final = (0.9, 0.95)
"""Likewise, from which photos are said to be copies: 3 of 19,110 pairs of different ones."""

_MIN_IMAGES: Final = 10
_MAX_PAIRS: Final = 50
"""Photos of a group: half of the class, no more than these and no fewer than those, for a photo has so many copies."""
_MAX_COMPARED: Final = 10_000
"""Photos of a class of which all pairs are compared, which takes seconds; larger classes are left as they are."""
_BLOCK: Final = 1024


def near_duplicates(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    cosines: Sequence[float],
    *,
    min_groups: int = 1,
    token: CancelToken,
) -> NDArray[np.int64]:
    """For each photo, the lowest index of those of its class that it is nearly the same as, directly or by others.

    Args:
        features: of the photos, [n, d].
        labels: their classes, [n].
        cosines: `ALIKE` or `SAME`.
        min_groups: how many groups a class of no more than ten photos keeps; photos taken alike would otherwise
            leave nothing to judge by.
        token: looked at all the time.

    Raises:
        Cancelled: the token was cancelled.
    """
    found = np.arange(len(features))
    for label in np.unique(labels):
        (own,) = np.nonzero(labels == label)
        found[own] = own[_group(normalize(features[own]), cosines, token, min_groups)[1]]
    return found


def choose_cosine(features: NDArray[np.float32], cosines: Sequence[float], *, token: CancelToken) -> float | None:
    """The first cosine that tells the photos of a class apart, features [n, d]; None where none does.

    Raises:
        Cancelled: the token was cancelled.
    """
    return _group(normalize(features), cosines, token)[0]


def normalize(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features [n, d] as directions: of length 1, or 0 where they are all 0."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def _group(
    directions: NDArray[np.float32], cosines: Sequence[float], token: CancelToken, least_groups: int = 1
) -> tuple[float | None, NDArray[np.int64]]:
    """The first cosine by which no group is too large, and the groups; none, and each photo alone, without one."""
    count = len(directions)
    maximum, minimum = (
        max(_MIN_IMAGES, min(count // 2, _MAX_PAIRS)),
        min(count, least_groups if count <= _MIN_IMAGES else 1),
    )
    for cosine in cosines if count <= _MAX_COMPARED else ():
        pairs = _pairs(directions, cosine, count * maximum // 2, token)
        groups = connected_components(count, pairs) if pairs is not None else np.zeros(count, np.int64)
        sizes = np.unique(groups, return_counts=True)[1]
        if sizes.max() <= maximum and len(sizes) >= minimum:
            return cosine, groups
    return None, np.arange(count)


def _pairs(
    directions: NDArray[np.float32], cosine: float, maximum: int, token: CancelToken
) -> list[tuple[int, int]] | None:
    """The pairs of photos with that cosine or more; None where they are more than `maximum`."""
    found: list[tuple[int, int]] = []
    for start in range(0, len(directions), _BLOCK):
        token.check()
        cosines = directions[start : start + _BLOCK] @ directions[start:].T
        rows, others = np.nonzero(np.triu(cosines >= cosine, 1))
        if len(found) + len(rows) > maximum:
            return None
        found += zip((rows + start).tolist(), (others + start).tolist(), strict=True)
    return found
