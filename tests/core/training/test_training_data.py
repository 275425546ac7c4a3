"""Copies of a photo stay on one side of the split, and copies across the folder's subsets are reported."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.datasets.dataset import Dataset
from core.datasets.labelled_image import LabelledImage
from core.datasets.problems import ProblemKind
from core.datasets.split import split
from core.engine.features import FeatureTable
from core.training.request import TrainRequest
from core.training.training_data import LabelledFeatures, _leaks, _split_by_features

_ROOT = Path("pets")
_PHOTOS = 40


def _examples(count: int, part: str = "") -> list[LabelledImage]:
    labels = ("cat", "dog")
    sums = (sha256(f"{part}{at}".encode()).hexdigest() for at in range(count))
    return [
        LabelledImage(_ROOT / part / labels[at % 2] / f"{at}.jpg", labels[at % 2], None, one, int(one[:16], 16))
        for at, one in enumerate(sums)
    ]


def _photos(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 100)).astype(np.float32)


def _changed(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features of mirrored or cropped copies."""
    return np.asarray(features + 0.3 * _photos(len(features), 1), np.float32)


def _request(**changes: float) -> TrainRequest:
    shares = {"validation": 0.15, "test": 0.15, **changes}
    return TrainRequest(
        _ROOT, "mine", shares["validation"], shares["test"], 0, ProviderPreference.CPU, Precision.AUTO
    )  # fmt: skip


def _sides(request: TrainRequest, missing: int = 0) -> list[set[str]]:
    """For each photo, the subsets of it and its copy; the features of the first few are missing."""
    dataset = Dataset(_ROOT, ("cat", "dog"), tuple(_examples(2 * _PHOTOS)), ())
    features = np.concatenate([_photos(_PHOTOS), _changed(_photos(_PHOTOS))])
    table = FeatureTable(features[missing:], np.arange(missing, 2 * _PHOTOS), (), 0)
    by_looks = split(dataset, validation=request.validation, test=request.test, seed=request.seed)
    parts = _split_by_features(dataset, request, by_looks, table, CancelToken())
    where = {int(at): name for name in ("train", "validation", "test") for at in getattr(parts, name)}
    assert len(where) == 2 * _PHOTOS
    return [{where[at], where[at + _PHOTOS]} for at in range(_PHOTOS)]


def test_copies_by_features_stay_together() -> None:
    sides = _sides(_request())
    assert {len(each) for each in sides} == {1}
    assert {side for each in sides for side in each} == {"train", "validation", "test"}


def test_photos_without_features_are_split_by_perceptual_hash() -> None:
    assert {len(each) for each in _sides(_request(), missing=6)[6:]} == {1}


def test_counts_are_met_even_if_copies_must_be_separated() -> None:
    sides = _sides(_request(validation=2, test=2))
    assert max(map(len, sides)) == 2, "two of each cannot be taken otherwise"


@pytest.mark.parametrize("copied", [0, 3])
def test_copies_across_subsets_are_reported(copied: int) -> None:
    features = _photos(20)
    own = _photos(8, 2)
    own[:copied] = _changed(features[:copied])
    train = LabelledFeatures(tuple(_examples(20, "train")), features, np.arange(20) % 2)
    test = LabelledFeatures(tuple(_examples(8, "test")), own, np.arange(8) % 2)
    nothing = train.select([])
    problems = _leaks(_ROOT, train, (nothing, test), CancelToken())
    assert len(problems) == bool(copied)
    for problem in problems:
        assert problem.kind is ProblemKind.LEAK
        assert problem.paths == tuple(one.path for one in test.examples[:copied])
        assert problem.message.startswith("3 of 8 validation and test images look like")
        assert "“test/cat/0.jpg”, “test/dog/1.jpg”, “test/cat/2.jpg”" in problem.message
