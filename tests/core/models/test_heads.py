"""Heads: arithmetic that can be checked by hand, and files that come from strangers."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import warnings
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.models.heads import DenseHead, Head, LinearHead, head_arrays, head_bytes, read_head, softmax, top_scores
from core.prediction import Score
from tests import tiny


class Trap:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.path, "sprung")


def archive(compression: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(array: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def claiming(shape: str, descr: str = "'<f4'") -> bytes:
    """The start of an .npy file that promises an array of this shape and holds none of it."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


WEIGHTS = np.eye(8, 3, dtype=np.float16)
BIAS = np.zeros(3, np.float32)


def zeros(*widths: int) -> list[LinearHead]:
    """Layers from each width to the next."""
    return [
        LinearHead(np.zeros((read, given), np.float32), np.zeros(given, np.float32)) for read, given in pairwise(widths)
    ]


def dense_head(*widths: int) -> DenseHead:
    numbers = np.random.default_rng(2)
    return DenseHead(
        tuple(
            LinearHead(
                numbers.normal(size=layer.weights.shape).astype(np.float32),
                numbers.normal(size=layer.bias.shape).astype(np.float32),
            )
            for layer in zeros(*widths)
        )
    )


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def refused(data: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        read_head(data)
    assert caught.value.hint


def test_logits_are_the_linear_map() -> None:
    head = LinearHead(np.array([[1, 0], [0, 2], [3, 0]], np.float32), np.array([0.5, -1], np.float32))
    logits = head.logits(np.array([[1, 1, 1], [0, 0, 2]], np.float32))
    np.testing.assert_array_equal(logits, [[4.5, 1], [6.5, -1]])
    assert logits.dtype == np.float32
    assert (head.feature_width, head.class_count) == (3, 2)


def test_a_head_survives_its_file_but_for_float16() -> None:
    numbers = np.random.default_rng(1)
    head = LinearHead(numbers.normal(size=(64, 5)).astype(np.float32), numbers.normal(size=5).astype(np.float32))
    again = read_head(head_bytes(head))
    np.testing.assert_array_equal(again.weights, head.weights.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(again.bias, head.bias)
    assert again.weights.dtype == again.bias.dtype == np.float32


def test_a_linear_heads_file_is_as_it_ever_was() -> None:
    head = LinearHead(np.arange(6, dtype=np.float32).reshape(3, 2), np.array([0.1, 0.2], np.float32))
    stored = members(head_bytes(head))
    assert stored == {"weights.npy": npy(head.weights.astype("<f2")), "bias.npy": npy(head.bias)}
    assert list(stored) == ["weights.npy", "bias.npy"]


def test_logits_of_a_dense_head_by_hand() -> None:
    first = LinearHead(np.array([[1, -1], [2, 1]], np.float32), np.array([-1, 0.5], np.float32))
    last = LinearHead(np.array([[1, 0, 2], [-3, 1, 0]], np.float32), np.array([0, 10, -20], np.float32))
    head = DenseHead((first, last))
    logits = head.logits(np.array([[1, 1], [4, 0], [-1, 0]], np.float32))
    # hidden before the cut at 0: (2, 0.5), (3, -3.5), (-2, 1.5); the last layer's own answers stay negative
    np.testing.assert_array_equal(logits, [[0.5, 10.5, -16], [3, 10, -14], [-4.5, 11.5, -20]])
    assert logits.dtype == np.float32
    assert (head.feature_width, head.class_count) == (2, 3)


def test_computing_logits_leaves_the_features_alone() -> None:
    features = np.full((2, 8), -1, np.float32)
    dense_head(8, 4, 3).logits(features)
    np.testing.assert_array_equal(features, -1)


@pytest.mark.parametrize("widths", [(8, 3, 2), (8, 5, 4, 3), (2,) * 9])
def test_a_dense_head_survives_its_file(widths: tuple[int, ...]) -> None:
    head = dense_head(*widths)
    exact, rounded = read_head(head_bytes(head, exact=True)), read_head(head_bytes(head))
    assert isinstance(exact, DenseHead)
    assert isinstance(rounded, DenseHead)
    for ours, same, near in zip(head.layers, exact.layers, rounded.layers, strict=True):
        np.testing.assert_array_equal(same.weights, ours.weights)
        np.testing.assert_array_equal(near.weights, ours.weights.astype(np.float16))
        np.testing.assert_array_equal([same.bias, near.bias], [ours.bias] * 2)
        assert near.weights.dtype == near.bias.dtype == np.float32


def test_a_dense_heads_file_names_its_layers_in_their_order() -> None:
    stored = members(head_bytes(tiny.dense_head()))
    assert list(stored) == [f"{kind}_{layer}.npy" for layer in range(3) for kind in ("weights", "bias")]
    assert stored["weights_1.npy"] == npy(np.eye(6, dtype="<f2"))


@pytest.mark.parametrize("head", [tiny.head(), tiny.dense_head()])
def test_the_same_head_gives_the_same_bytes(head: Head) -> None:
    assert head_bytes(head) == head_bytes(head)


@pytest.mark.parametrize(
    ("weights", "bias"),
    [((8, 3), (4,)), ((8, 3), (3, 1)), ((8,), (8,)), ((8, 3, 1), (1,)), ((8, 3), ()), ((0, 3), (3,)), ((8, 0), (0,))],
)
def test_arrays_that_do_not_fit_are_refused(weights: tuple[int, ...], bias: tuple[int, ...]) -> None:
    arrays = np.zeros(weights, np.float32), np.zeros(bias, np.float32)
    with pytest.raises(ModelError, match="do not match"):
        LinearHead(*arrays)
    refused(archive(weights=npy(arrays[0]), bias=npy(arrays[1])))


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_dense_head_of_too_few_or_too_many_layers_is_refused(count: int) -> None:
    with pytest.raises(ModelError, match=f"has {count} layers; 2 to 8 are allowed"):
        DenseHead(tuple(zeros(*[3] * (count + 1))))


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelError, match="has 5 outputs, the next 4 inputs"):
        DenseHead((*zeros(8, 5), *zeros(4, 3)))


def test_a_dense_head_that_fills_the_memory_is_refused() -> None:
    width = 2**21
    head = LinearHead(np.broadcast_to(np.float32(0), (8, width)), np.broadcast_to(np.float32(0), width))
    with pytest.raises(ModelError, match="142,606,368 bytes; up to 134,217,728 are allowed"):
        DenseHead((head, LinearHead(np.broadcast_to(np.float32(0), (width, 8)), np.zeros(8, np.float32))))


DENSE_ARRAYS = {name: npy(array) for name, array in head_arrays(tiny.dense_head()).items()}


@pytest.mark.parametrize(
    "changes",
    [
        {"weights_0": None},
        {"weights_1": None},
        {"bias_1": None},
        {"bias_2": None},
        {"weights_2": None, "bias_2": None, "weights_1": None, "bias_1": None},
        {"weights_2": None, "weights_3": npy(np.zeros((6, 3), np.float32))},
        {"weights": npy(WEIGHTS), "bias": npy(BIAS)},
        {"weights_8": npy(WEIGHTS), "bias_8": npy(BIAS)},
        {"temperature": npy(BIAS)},
        {"../weights_3": npy(WEIGHTS)},
        {"weights_1": npy(np.eye(5, dtype=np.float32)), "bias_1": npy(np.zeros(5, np.float32))},
        {"weights_1": npy(np.zeros((6, 0), np.float32)), "bias_1": npy(np.zeros(0, np.float32))},
        {"weights_1": npy(np.eye(6, dtype=np.float32)[None])},
        {"weights_1": npy(np.eye(6, dtype=np.float64))},
        {"weights_1": npy(np.full((6, 6), np.nan, np.float32))},
        {"bias_2": npy(np.full(3, np.inf, np.float32))},
        {"weights_1": claiming("(6, 4611686018427387904)")},
        {"bias_0": b"no array at all"},
    ],
)
def test_a_dense_heads_file_that_was_tampered_with_is_refused(changes: dict[str, bytes | None]) -> None:
    changed = {name: data for name, data in (DENSE_ARRAYS | changes).items() if data is not None}
    refused(archive(**changed))


def test_a_head_of_more_layers_than_any_has_is_refused() -> None:
    layers = {"weights": npy(np.eye(3, dtype=np.float32)), "bias": npy(BIAS)}
    for count, kind in ((8, DenseHead), (9, None), (5000, None)):
        data = archive(**{f"{name}_{layer}": array for layer in range(count) for name, array in layers.items()})
        if kind:
            assert isinstance(read_head(data), kind)
        else:
            refused(data)


def test_arrays_beside_those_of_a_linear_head_are_refused() -> None:
    refused(archive(weights=npy(WEIGHTS), bias=npy(BIAS), more=npy(BIAS)))


def test_an_array_that_is_there_twice_is_refused() -> None:
    buffer = io.BytesIO(archive(weights=npy(WEIGHTS), bias=npy(BIAS)))
    with zipfile.ZipFile(buffer, "a") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of names that stand there twice
        file.writestr("bias.npy", npy(BIAS + 1))
    refused(buffer.getvalue())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(bad: float) -> None:
    weights = WEIGHTS.copy()
    weights[2, 1] = bad
    refused(archive(weights=npy(weights), bias=npy(BIAS)))
    refused(archive(weights=npy(WEIGHTS), bias=npy(np.full(3, bad, np.float32))))


@pytest.mark.parametrize("kind", ["<f8", ">f4", "<i4", "|b1", "<c8", "<U4", "|S4", "<M8[s]", "|V4", [("a", "<f4")]])
def test_other_kinds_of_numbers_are_refused(kind: object) -> None:
    refused(archive(weights=npy(np.zeros((8, 3), kind)), bias=npy(BIAS)))  # type: ignore[call-overload]


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    trap = npy(np.array([[Trap(mark)]], dtype=object))
    for data in (archive(weights=trap, bias=npy(BIAS)), archive(weights=npy(WEIGHTS), bias=trap), trap):
        refused(data)
    refused(pickle.dumps(Trap(mark)))
    refused(archive(weights=pickle.dumps(Trap(mark)), bias=npy(BIAS)))
    assert not mark.exists()


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = archive(weights=claiming("(1024, 65792)") + bytes(257 * 1024 * 1024), bias=npy(BIAS))
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    refused(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(archive(weights=npy(np.zeros((1024, 1024), np.float32)), bias=npy(BIAS)))
    true_size = (1024 * 1024 * 4 + 128).to_bytes(4, "little")
    assert data.count(true_size) == 2
    refused(bytes(data.replace(true_size, (500).to_bytes(4, "little"))))


@pytest.mark.parametrize(
    "shape",
    [
        "(1099511627776, 3)",
        "(4611686018427387904, 4611686018427387904)",
        "(-1, 3)",
        "(8, 3), (8, 3)",
        "8",
        "None",
        "(8.5,)",
    ],
)
def test_an_array_that_promises_more_than_it_holds_is_refused(shape: str) -> None:
    refused(archive(weights=claiming(shape), bias=npy(BIAS)))


@pytest.mark.parametrize("descr", ["'|O'", "'<f4', 'x': 1", "'nonsense'", "[('a', '<f4')]", "(" * 3000 + ")" * 3000])
def test_a_header_that_is_none_is_refused(descr: str) -> None:
    refused(archive(weights=claiming("(8, 3)", descr) + bytes(96), bias=npy(BIAS)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"PK\x05\x06" + bytes(18),
        npy(WEIGHTS),
        archive(),
        archive(weights=npy(WEIGHTS)),
        archive(bias=npy(BIAS)),
        archive(weights=b"", bias=b""),
        archive(weights=b"no array at all", bias=npy(BIAS)),
        npy(WEIGHTS) + archive(weights=npy(WEIGHTS), bias=npy(BIAS)),
        archive(weights=npy(WEIGHTS)[:-1], bias=npy(BIAS)),
    ],
)
def test_what_is_no_head_is_refused(data: bytes) -> None:
    refused(data)


def test_an_encrypted_archive_is_refused() -> None:
    data = bytearray(archive(weights=npy(WEIGHTS), bias=npy(BIAS)))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    refused(bytes(data))


GOOD = archive(weights=npy(WEIGHTS), bias=npy(BIAS))
STORED = archive(zipfile.ZIP_STORED, weights=npy(WEIGHTS), bias=npy(BIAS))
DENSE = archive(zipfile.ZIP_STORED, **DENSE_ARRAYS)


@given(st.sampled_from([GOOD, STORED, DENSE]), st.integers(0, len(DENSE) * 8))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_a_flipped_bit_is_refused_or_gives_a_head(good: bytes, place: int) -> None:
    data = bytearray(good)
    data[place // 8 % len(data)] ^= 1 << place % 8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of names that stand there twice
        try:
            head = read_head(bytes(data))
        except ModelError:
            return
    assert all(np.isfinite(array).all() for array in head_arrays(head).values())


@given(st.integers(0, len(GOOD) - 1))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_file_cut_off_anywhere_is_refused(length: int) -> None:
    refused(GOOD[:length])


def test_probabilities_sum_to_one_and_keep_the_order() -> None:
    logits = np.array([[1, 2, 3], [-1000, 0, 1000], [5, 5, 5]], np.float32)
    probabilities = softmax(logits)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(probabilities[0], [0.0900306, 0.2447285, 0.6652409], rtol=1e-5)
    np.testing.assert_array_equal(probabilities[1], [0, 0, 1])
    np.testing.assert_allclose(probabilities[2], 1 / 3)


def test_temperature_makes_answers_less_sure_and_never_others() -> None:
    logits = np.array([[1, 3, 2]], np.float32)
    cold, plain, warm = (softmax(logits, temperature)[0] for temperature in (0.01, 1.0, 100.0))
    assert cold[1] == pytest.approx(1)
    assert plain[1] > warm[1] > 1 / 3
    assert warm.argmax() == 1
    np.testing.assert_allclose(softmax(logits, 2.0), softmax(logits / 2))


def test_the_best_classes_come_first_and_ties_keep_their_order() -> None:
    probabilities = np.array([0.1, 0.4, 0.1, 0.4], np.float32)
    scores = top_scores(probabilities, ("a", "b", "c", "d"), 3)
    assert [score.label for score in scores] == ["b", "d", "a"]
    assert scores[0] == Score("b", float(np.float32(0.4)))
    assert isinstance(scores[0].probability, float)


def test_more_classes_than_there_are_is_all_of_them() -> None:
    assert len(top_scores(np.array([0.5, 0.5], np.float32), ("a", "b"), 20)) == 2
