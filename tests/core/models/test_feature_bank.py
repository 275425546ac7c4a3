"""The features of training images: small, exact enough, and refused when damaged."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

from core.base.errors import ModelError
from core.models.feature_bank import FeatureBank, bank_bytes, nearest, read_bank, representatives


def _features(count: int, width: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(2, 1, (count, width)).astype(np.float32)


def _bank(count: int, width: int = 40) -> FeatureBank:
    return FeatureBank.of(_features(count, width), np.arange(count) % 3, [f"{at:064x}" for at in range(count)])


def test_the_cosine_is_that_of_centred_features() -> None:
    features, others = _features(30), _features(5, seed=1)
    centred, queries = (some - features.mean(axis=0) for some in (features, others))
    exact = queries @ centred.T / np.linalg.norm(queries, axis=1)[:, None] / np.linalg.norm(centred, axis=1)
    np.testing.assert_allclose(_bank(30).cosines(others), exact, atol=3e-3)


def test_what_is_written_is_read_again() -> None:
    bank = _bank(7)
    found = read_bank(bank_bytes(bank))
    assert found.hashes == bank.hashes
    for name in ("centre", "codes", "labels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(bank, name))
    assert read_bank(bank_bytes(replace(bank, hashes=()))).hashes == ()


def test_the_nearest_come_first() -> None:
    cosines = np.array([[0.1, 0.9, 0.5, 0.7], [0.4, 0.3, 0.2, 0.1]], np.float32)
    np.testing.assert_array_equal(nearest(cosines, 3), [[1, 3, 2], [0, 1, 2]])
    np.testing.assert_array_equal(nearest(cosines, 9)[1], [0, 1, 2, 3])


def test_each_class_keeps_as_many_images_as_possible() -> None:
    labels = np.repeat([0, 1, 2], [100, 8, 50])
    kept = representatives(labels, 60)
    assert np.bincount(labels[kept]).tolist() == [26, 8, 26]
    assert (np.diff(kept) > 0).all()
    np.testing.assert_array_equal(kept, representatives(labels, 60))


def test_equal_features_are_no_division_by_zero() -> None:
    bank = FeatureBank.of(np.ones((3, 4), np.float32), np.zeros(3, np.int64), ["0" * 64] * 3)
    np.testing.assert_array_equal(bank.cosines(np.ones((1, 4), np.float32)), [[0, 0, 0]])


@pytest.mark.parametrize("kind", ["truncated", "pickled", "shape", "type", "empty"])
def test_a_damaged_file_is_refused(kind: str) -> None:
    data, buffer = bank_bytes(_bank(4)), io.BytesIO()
    arrays = dict(np.load(io.BytesIO(data)))
    changed = {
        "pickled": {"labels": np.array([None, {}, 1, 2])},
        "shape": {"centre": arrays["centre"][1:]},
        "type": {"codes": arrays["codes"].astype(np.float64)},
        "empty": {"codes": arrays["codes"][:0], "labels": arrays["labels"][:0], "sha256": arrays["sha256"][:0]},
    }
    np.savez(buffer, **{**arrays, **changed.get(kind, {})})
    with pytest.raises(ModelError):
        read_bank(data[:-50] if kind == "truncated" else buffer.getvalue())
