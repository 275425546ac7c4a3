"""Which photos are nearly the same by their features."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.engine.near_duplicates import DUPLICATE_COSINE, NEAR_DUPLICATE_COSINE, choose_cosine, near_duplicates

_WIDTH = 200


def _photos(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Features of photos that have nothing in common."""
    return np.random.default_rng(seed).normal(size=(count, _WIDTH)).astype(np.float32)


def _near(features: NDArray[np.float32], cosine: float, seed: int = 1) -> NDArray[np.float32]:
    """Features at that cosine to others, in any direction and of any length."""
    aside = _photos(len(features), seed)
    aside -= features * (np.sum(aside * features, axis=1) / np.sum(features**2, axis=1))[:, None]
    aside *= (np.linalg.norm(features, axis=1) / np.linalg.norm(aside, axis=1))[:, None]
    return np.asarray(7 * (cosine * features + np.sqrt(1 - cosine**2) * aside), np.float32)


def _groups(features: NDArray[np.float32], labels: NDArray[np.int64] | None = None) -> list[int]:
    labels = np.zeros(len(features), np.int64) if labels is None else labels
    return near_duplicates(features, labels, NEAR_DUPLICATE_COSINE, token=CancelToken()).tolist()


def test_copies_stay_together_and_different_photos_apart() -> None:
    photos = _photos(12)
    assert _groups(photos) == list(range(12))
    assert _groups(np.concatenate([photos, _near(photos, 0.85)])) == [*range(12), *range(12)]
    assert _groups(np.concatenate([photos, _near(photos, 0.7)])) == list(range(24))
    between = _near(photos, 0.85)
    chain = np.concatenate([photos, between, _near(between, 0.85, 2)])
    assert _groups(chain) == [*range(12)] * 3, "what is alike by way of others is, too"


def test_only_photos_of_one_class_are_compared() -> None:
    photos = _photos(3)
    labels = np.array([0, 0, 0, 1, 1, 0])
    assert _groups(np.concatenate([photos, photos]), labels) == [0, 1, 2, 3, 4, 2]


def test_a_class_that_looks_alike_as_a_whole_is_not_put_together() -> None:
    same = np.repeat(_photos(1), 40, axis=0)
    radiographs = _near(same, 0.95)
    radiographs[5] = radiographs[30]
    apart = list(range(40))
    apart[30] = 5
    assert _groups(radiographs) == apart, "a copy is one among them, too"
    assert _groups(same) == list(range(40))


def test_a_class_that_looks_alike_needs_a_higher_cosine_or_has_none() -> None:
    same = np.repeat(_photos(1), 40, axis=0)
    token = CancelToken()
    assert choose_cosine(_photos(40), DUPLICATE_COSINE, token=token) == DUPLICATE_COSINE[0]
    assert choose_cosine(_near(same, 0.96), DUPLICATE_COSINE, token=token) == DUPLICATE_COSINE[1]
    assert choose_cosine(same, DUPLICATE_COSINE, token=token) is None


def test_many_copies_of_few_photos_stay_together() -> None:
    """As augmentation makes them: half of a class may be copies of one photo."""
    assert len(set(_groups(np.repeat(_photos(2), 25, axis=0)))) == 2
    assert len(set(_groups(np.repeat(_photos(1), 10, axis=0)))) == 1


def test_photos_without_features_and_one_alone() -> None:
    assert _groups(np.zeros((3, _WIDTH), np.float32)) == [0, 1, 2]
    assert _groups(_photos(1)) == [0]


def test_it_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        near_duplicates(_photos(2), np.zeros(2, np.int64), DUPLICATE_COSINE, token=token)


def test_few_photos_that_look_alike_leave_a_group_for_each_part() -> None:
    labels = np.zeros(10, np.int64)
    alike = np.repeat(_photos(1), 10, axis=0)
    pairs = np.repeat(_photos(5), 2, axis=0)
    found = [
        near_duplicates(one, labels, NEAR_DUPLICATE_COSINE, min_groups=3, token=CancelToken()) for one in (alike, pairs)
    ]
    assert [len(set(groups.tolist())) for groups in found] == [10, 5]
