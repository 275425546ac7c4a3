"""Golden inputs are the same bytes everywhere, and agreement is measured so that nonsense never agrees."""

from __future__ import annotations

import base64
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.card import GOLDEN_COUNT
from core.engine import golden

SUMS = {
    16: "458eca1618beb92ec4d7b900666091eeddb44bf09098c342de1f5b303327df32",
    32: "e69ce0bc7ac83b8db5e55b99cb5f76adf5ade5702b514837cc565978acadfa83",
    224: "4b40238c518b31510023ecd2e4a28401109b724fc658a3bb1d252d72323cad2e",
    299: "f6362fc449409489cacd52a70afce0ea7f8dc27b7785bf5a07554c00c84a643c",
}
"""Cards carry the answers to exactly these bytes: if one changes, every card made before is worthless."""


@pytest.mark.parametrize("size", SUMS)
def test_the_inputs_never_change(size: int) -> None:
    inputs = golden.golden_inputs(size)
    assert inputs.shape == (GOLDEN_COUNT, size, size, 3)
    assert inputs.dtype == np.uint8
    assert hashlib.sha256(inputs.tobytes()).hexdigest() == SUMS[size]


@pytest.mark.parametrize("size", [16, 33, 299, 512])
def test_the_inputs_are_pictures_and_not_flat(size: int) -> None:
    first, second = golden.golden_inputs(size)
    assert (first != second).any()
    for picture in (first, second):
        assert (picture.reshape(-1, 3).std(axis=0) > 10).all()


@given(
    st.lists(st.floats(-60000, 60000, width=16), min_size=2, max_size=64).filter(lambda numbers: len(numbers) % 2 == 0)
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_what_is_packed_is_unpacked(numbers: list[float]) -> None:
    features = np.array(numbers, np.float32).reshape(GOLDEN_COUNT, -1)
    again = golden.decode_features(golden.encode_features(features), features.shape[1])
    assert again.dtype == np.float32
    np.testing.assert_array_equal(again, features)


@pytest.mark.parametrize("text", ["", "AAAA", "?", "é", base64.b64encode(bytes(30)).decode()])
def test_what_is_no_packing_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        golden.decode_features(text, 8)


def test_equal_features_agree_wholly_and_opposite_ones_not_at_all() -> None:
    features = np.array([[1, 2, 3], [0, 5, 0]], np.float32)
    assert golden.cosine(features, features) == pytest.approx(1)
    assert golden.cosine(features, -features) == pytest.approx(-1)


def test_agreement_is_that_of_the_worst_row() -> None:
    a = np.array([[1, 0], [1, 0]], np.float32)
    b = np.array([[1, 0], [1, 1]], np.float32)
    assert golden.cosine(a, b) == pytest.approx(0.5**0.5)


def test_huge_features_do_not_overflow() -> None:
    huge = np.full((2, 4), 1e38, np.float32)
    assert golden.cosine(huge, huge) == pytest.approx(1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_agrees(bad: float) -> None:
    features = np.ones((2, 4), np.float32)
    spoilt = features.copy()
    spoilt[1, 2] = bad
    assert golden.cosine(features, spoilt) == golden.cosine(spoilt, features) == golden.cosine(spoilt, spoilt) == -1


def test_other_shapes_never_agree() -> None:
    assert golden.cosine(np.ones((2, 4), np.float32), np.ones((2, 5), np.float32)) == -1
    assert golden.cosine(np.ones((2, 4), np.float32), np.ones((1, 4), np.float32)) == -1


def test_zero_never_agrees() -> None:
    nothing = np.zeros((2, 4), np.float32)
    assert golden.cosine(nothing, nothing) == 0


@pytest.mark.parametrize("size", [1e6, 1e-6, 1e30, 1e-30])
def test_features_of_any_size_are_packed_and_agree_with_themselves(size: float) -> None:
    features = (np.random.default_rng(0).normal(0, 1, (GOLDEN_COUNT, 32)) * size).astype(np.float32)
    again = golden.decode_features(golden.encode_features(features), 32)
    assert golden.cosine(again, features) > 0.99999
    assert golden.cosine(again[::-1].copy(), features) < 0.9
