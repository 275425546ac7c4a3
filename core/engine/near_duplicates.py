"""Near-duplicate photos by their features: mirrored, rotated, cropped, recoloured or resized copies.

Measured on 196 photos of 8 classes with Xception's features: copies cropped to 85 %, mirrored, recoloured or saved as
JPEG have a cosine of 0.8 or more to their original in 99 of 100 cases, and copies that are mirrored, rotated by up to
15 degrees, recoloured and cropped at once in 90. Of 19,110 pairs of different photos, 21 have, all of the same class;
these photos form groups of at most 4. If a whole class looks alike, such as radiographs, the threshold is raised until
no group is too large, so that every subset can have a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken
from core.images.perceptual_hash import connected_components

NEAR_DUPLICATE_COSINE: Final = (0.8, 0.85, 0.9, 0.95)
"""Thresholds for keeping photos on one side of a split: the first for which no group is too large."""
DUPLICATE_COSINE: Final = (0.9, 0.95)
"""Thresholds for reporting photos as copies: exceeded by 3 of 19,110 pairs of different photos."""

_MIN_IMAGES: Final = 10
_MAX_PAIRS: Final = 50
"""Limits of the largest group, which is half of the class: a photo has about this many copies."""
_MAX_COMPARED: Final = 10_000
"""Maximum size of a class in which all pairs are compared, which takes seconds; larger classes are not grouped."""
_BLOCK: Final = 1024


def near_duplicates(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    cosines: Sequence[float],
    *,
    min_groups: int = 1,
    token: CancelToken,
) -> NDArray[np.int64]:
    """Group near duplicates within each class: for each photo, the lowest index in its connected component.

    Args:
        features: of the photos, [n, d].
        labels: their classes, [n].
        cosines: `ALIKE` or `SAME`.
        min_groups: minimum number of groups in a class of at most ten photos; similar photos would otherwise leave
            none for evaluation.
        token: checked continuously.

    Raises:
        Cancelled: the token was cancelled.
    """
    found = np.arange(len(features))
    for label in np.unique(labels):
        (own,) = np.nonzero(labels == label)
        found[own] = own[_group(normalize(features[own]), cosines, token, min_groups)[1]]
    return found


def choose_cosine(features: NDArray[np.float32], cosines: Sequence[float], *, token: CancelToken) -> float | None:
    """The first threshold that separates the photos of a class, features [n, d]; None if none does.

    Raises:
        Cancelled: the token was cancelled.
    """
    return _group(normalize(features), cosines, token)[0]


def normalize(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalize features [n, d] to length 1; zero rows stay 0."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def _group(
    directions: NDArray[np.float32], cosines: Sequence[float], token: CancelToken, least_groups: int = 1
) -> tuple[float | None, NDArray[np.int64]]:
    """The first threshold for which no group is too large, and the groups; None and single photos if there is none."""
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
    """The pairs of photos with at least this cosine; None if there are more than `maximum`."""
    found: list[tuple[int, int]] = []
    for start in range(0, len(directions), _BLOCK):
        token.check()
        cosines = directions[start : start + _BLOCK] @ directions[start:].T
        rows, others = np.nonzero(np.triu(cosines >= cosine, 1))
        if len(found) + len(rows) > maximum:
            return None
        found += zip((rows + start).tolist(), (others + start).tolist(), strict=True)
    return found
