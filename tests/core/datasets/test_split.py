"""Splits are disjoint, complete, stratified, deterministic, and stable when images are added."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import DatasetError
from core.base.progress import CancelToken
from core.datasets.dataset import Dataset, read_dataset
from core.datasets.labelled_image import LabelledImage
from core.datasets.split import Split, split
from core.datasets.subsets import Subset

_ROOT = Path("pets")


def _example(
    number: int, label: int, part: Subset | None = None, phash: int | None = None, name: str = ""
) -> LabelledImage:
    """An example with its own content and perceptual hash."""
    digest = sha256(str(number).encode()).hexdigest()
    own_look = int(digest[:16], 16) if phash is None else phash
    return LabelledImage(_ROOT / str(label) / (name or f"{digest[:6]}.png"), str(label), part, digest, own_look)


def _dataset(examples: Sequence[LabelledImage]) -> Dataset:
    classes = tuple(str(label) for label in range(1 + max(int(example.label) for example in examples)))
    return Dataset(_ROOT, classes, tuple(examples), ())


def _classes(*counts: int) -> Dataset:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    return _dataset([_example(number, label) for number, label in enumerate(labels)])


def _sides(dataset: Dataset, parts: Split) -> dict[str, Subset]:
    """The subset of each content."""
    indexes = {Subset.TRAIN: parts.train, Subset.VALIDATION: parts.validation, Subset.TEST: parts.test}
    return {dataset.examples[index].sha256: part for part, own in indexes.items() for index in own}


def _per_class(dataset: Dataset, indexes: Sequence[int]) -> dict[int, int]:
    """The number of examples by the index of their class."""
    return dict(sorted(Counter(dataset.labels()[list(indexes)].tolist()).items()))


@st.composite
def _datasets(draw: st.DrawFn) -> Dataset:
    """Classes of 2 to 12 groups, each of 1 to 4 near-duplicates."""
    examples: list[LabelledImage] = []
    for label in range(draw(st.integers(2, 4))):
        for _ in range(draw(st.integers(2, 12))):
            phash = _example(draw(st.integers(0, 2**32)), label).phash
            for member in range(draw(st.integers(1, 4))):
                examples.append(
                    _example(len(examples) + draw(st.integers(0, 9)) * 1000, label, phash=phash ^ (1 << member))
                )
    return _dataset(examples)


@given(_datasets(), st.floats(0, 0.49), st.floats(0, 0.49), st.integers(0, 5))
@settings(max_examples=150, deadline=None)
def test_every_example_is_in_one_subset_and_groups_stay_together(
    dataset: Dataset, validation: float, test: float, seed: int
) -> None:
    parts = split(dataset, validation=validation, test=test, seed=seed)
    together = [*parts.train.tolist(), *parts.validation.tolist(), *parts.test.tolist()]
    assert sorted(together) == list(range(len(dataset.examples)))
    for own in (parts.train, parts.validation, parts.test):
        assert own.dtype == np.int64
        assert own.tolist() == sorted(own.tolist())
    side = {
        index: part
        for part, own in zip(Subset, (parts.train, parts.validation, parts.test), strict=True)
        for index in own
    }
    for a, first in enumerate(dataset.examples):
        for b, second in enumerate(dataset.examples[:a]):
            if first.label == second.label and (first.phash ^ second.phash).bit_count() <= 6:
                assert side[a] == side[b]


@given(
    st.lists(st.integers(2, 40), min_size=2, max_size=6),
    st.floats(0.01, 0.45),
    st.floats(0.01, 0.45),
    st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_every_class_is_in_every_possible_subset(counts: list[int], validation: float, test: float, seed: int) -> None:
    dataset = _classes(*counts)
    parts = split(dataset, validation=validation, test=test, seed=seed)
    assert len(_per_class(dataset, parts.train)) == len(counts)
    assert len(_per_class(dataset, parts.test)) == len(counts)
    assert set(_per_class(dataset, parts.validation)) == {label for label, count in enumerate(counts) if count >= 3}


@given(st.permutations(range(30)), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_order_and_names_of_files_do_not_matter(order: list[int], seed: int) -> None:
    dataset = _classes(12, 18)
    shuffled = [
        replace(dataset.examples[index], path=Path(f"elsewhere/{place}x.png")) for place, index in enumerate(order)
    ]
    assert _sides(_dataset(shuffled), split(_dataset(shuffled), seed=seed)) == _sides(
        dataset, split(dataset, seed=seed)
    )


@given(st.integers(40, 80), st.integers(1, 200), st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_a_file_stays_in_its_subset_when_others_are_added(before: int, added: int, seed: int) -> None:
    """If no subset of a class is empty by chance, nothing moves at all."""
    small = _dataset([_example(number, number % 2) for number in range(2 * before)])
    large = _dataset([*small.examples, *(_example(10_000 + number, number % 3) for number in range(added))])
    was, now = _sides(small, split(small, seed=seed)), _sides(large, split(large, seed=seed))
    assert {content: now[content] for content in was} == was


def test_only_fill_in_groups_move_when_images_are_added() -> None:
    moved = []
    for seed in range(200):
        small = _classes(3, 3)
        large = _dataset([*small.examples, *(_example(100 + number, number % 2) for number in range(60))])
        was, now = _sides(small, split(small, seed=seed)), _sides(large, split(large, seed=seed))
        moved.append(sum(now[content] is not side for content, side in was.items()))
    assert max(moved) <= 4  # of six: one of each class stays in the part where it belongs
    assert np.mean(moved) < 4


def test_another_image_of_a_group_rarely_moves_it() -> None:
    moved = 0
    for number in range(300):
        dataset = _classes(60, 60)
        first = dataset.examples[number % 60]
        joined = _dataset([*dataset.examples, _example(5000 + number, 0, phash=first.phash ^ 1)])
        was, now = _sides(dataset, split(dataset)), _sides(joined, split(joined))
        others = {content for content in was if content != first.sha256}
        assert {content: now[content] for content in others} == {content: was[content] for content in others}
        moved += now[first.sha256] is not was[first.sha256]
    assert moved < 300 * 0.35  # the new image names the group half the time, and then the sides differ half the time


def test_the_validation_fraction_does_not_change_the_test_set() -> None:
    dataset = _classes(50, 70)
    tests = [split(dataset, validation=share).test.tolist() for share in (0.0, 0.1, 0.5)]
    assert tests[0] == tests[1] == tests[2]


def test_subset_sizes_are_close_to_the_fractions() -> None:
    dataset = _classes(100, 300, 1000)
    for seed in range(20):
        parts = split(dataset, validation=0.2, test=0.1, seed=seed)
        for own, share in ((parts.validation, 0.2), (parts.test, 0.1), (parts.train, 0.7)):
            for label, count in enumerate((100, 300, 1000)):
                chance = (count * share * (1 - share)) ** 0.5
                assert abs(_per_class(dataset, own)[label] - count * share) < 4 * chance


def test_another_seed_is_another_split() -> None:
    dataset = _classes(50, 50)
    assert split(dataset, seed=0).test.tolist() != split(dataset, seed=1).test.tolist()


_IN_ANOTHER_PROCESS = """
from tests.core.datasets.test_split import _classes
from core.datasets.split import split
parts = split(_classes(40, 30, 20), seed=3)
print(parts.train.tolist(), parts.validation.tolist(), parts.test.tolist())
"""


def test_every_process_gives_the_same_split() -> None:
    root = Path(__file__).resolve().parents[3]
    parts = split(_classes(40, 30, 20), seed=3)
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", _IN_ANOTHER_PROCESS]
        done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == f"{parts.train.tolist()} {parts.validation.tolist()} {parts.test.tolist()}"


def test_the_split_is_the_same_as_in_earlier_versions() -> None:
    """A change here would move the test images of existing models into training."""
    parts = split(_classes(8, 8), seed=0)
    assert (parts.validation.tolist(), parts.test.tolist()) == ([3, 13, 15], [2, 12])


def test_a_burst_stays_together() -> None:
    """Each picture of the burst is a little further from the first, and all are in one subset for any seed."""
    hashes = [0x0123456789ABCDEF]
    for step in range(5):
        hashes.append(hashes[-1] ^ (0b11_1111_1111 << (10 * step)))
    burst = [_example(number, 0, phash=phash, name=f"IMG_{2 * number:04}.jpg") for number, phash in enumerate(hashes)]
    others = [_example(100 + number, number % 2) for number in range(60)]
    apart = [replace(example, path=example.path.with_name(f"{number}0.jpg")) for number, example in enumerate(burst)]
    sides = [
        {_sides(d, split(d, seed=seed))[e.sha256] for e in burst}
        for seed in range(20)
        for d in [_dataset([*burst, *others])]
    ]
    assert all(len(side) == 1 for side in sides)
    loose = [
        {_sides(d, split(d, seed=seed))[e.sha256] for e in burst}
        for seed in range(20)
        for d in [_dataset([*apart, *others])]
    ]
    assert max(len(side) for side in loose) > 1


def test_groups_of_the_caller_stay_together_within_a_class() -> None:
    dataset = _classes(40, 40)
    alike = np.arange(80)
    alike[[3, 17, 29]] = alike[[31, 50]] = 3
    for seed in range(20):
        sides, plain = (_sides(dataset, split(dataset, seed=seed, near_duplicates=known)) for known in (alike, None))
        sums = [example.sha256 for example in dataset.examples]
        assert len({sides[sums[index]] for index in (3, 17, 29, 31)}) == 1
        others = set(sums) - {sums[index] for index in (3, 17, 29, 31)}
        assert {one: sides[one] for one in others} == {one: plain[one] for one in others}, "no other moves"


def test_consecutive_numbers_alone_are_not_a_burst() -> None:
    dataset = _dataset([_example(number, number // 60, name=f"cat.{number}.jpg") for number in range(120)])
    plain = _dataset([_example(number, number // 60) for number in range(120)])
    assert _sides(dataset, split(dataset)) == _sides(plain, split(plain))


def test_a_class_with_one_group_is_used_for_training() -> None:
    dataset = _dataset([*_classes(20).examples, *(_example(100 + n, 1, phash=1 << n) for n in range(5))])
    parts = split(dataset, validation=0.4, test=0.4)
    assert _per_class(dataset, parts.train)[1] == 5


def test_counts_are_met_exactly_and_by_class() -> None:
    dataset = _classes(130, 130)
    parts = split(dataset, train=40, validation=20, test=100)
    assert [_per_class(dataset, own) for own in (parts.train, parts.validation, parts.test)] == [
        {0: 20, 1: 20},
        {0: 10, 1: 10},
        {0: 50, 1: 50},
    ]
    rest = split(dataset, validation=20, test=0.25)
    assert (len(rest.train), len(rest.validation), len(rest.test)) == (175, 20, 65)
    assert split(dataset, validation=0, test=0, train=30).train.size == 30


@given(st.lists(st.integers(4, 60), min_size=2, max_size=5), st.data())
@settings(max_examples=100, deadline=None)
def test_counts_are_met_for_any_classes(counts: list[int], data: st.DataObject) -> None:
    least, total = len(counts), sum(counts)
    test = data.draw(st.integers(least, total - 2 * least))
    validation = data.draw(st.integers(least, total - test - least))
    dataset = _classes(*counts)
    parts = split(dataset, validation=validation, test=test)
    assert (len(parts.validation), len(parts.test)) == (validation, test)
    assert len(parts.train) == total - validation - test
    for own in (parts.train, parts.validation, parts.test):
        assert len(_per_class(dataset, own)) == least


def test_counts_are_met_as_closely_as_groups_allow() -> None:
    pairs = [
        _example(number, number % 2, phash=_example(number // 4 * 2 + number % 2, 0).phash) for number in range(80)
    ]
    parts = split(_dataset(pairs), validation=11, test=11)
    assert (len(parts.validation), len(parts.test), len(parts.train)) == (10, 10, 60)


def test_subsets_of_the_folder_are_kept() -> None:
    given_parts = [
        _example(n, n % 2, part)
        for n, part in enumerate([Subset.TRAIN] * 20 + [Subset.VALIDATION] * 6 + [Subset.TEST] * 4)
    ]
    parts = split(_dataset(given_parts), validation=0.5, test=0.3)
    assert parts.train.tolist() == list(range(20))
    assert parts.validation.tolist() == list(range(20, 26))
    assert parts.test.tolist() == list(range(26, 30))


def test_a_missing_subset_is_drawn_from_training() -> None:
    given_parts = [_example(n, n % 2, part) for n, part in enumerate([Subset.TRAIN] * 60 + [Subset.TEST] * 4)]
    parts = split(_dataset(given_parts), validation=10, test=10)
    assert parts.test.tolist() == [60, 61, 62, 63]
    assert (len(parts.validation), len(parts.train)) == (10, 50)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"validation": 0.5, "test": 0.5}, "Invalid fractions: 0.5 for validation, 0.5 for testing"),
        ({"validation": -0.1}, "Invalid fractions"),
        ({"test": float("nan")}, "Invalid fractions"),
        ({"test": 1.0, "validation": 0.0}, "Invalid fractions"),
        ({"test": -1}, "Couldn't split 40 images into -1 for testing"),
        ({"test": 30, "validation": 11}, "Couldn't split 40 images into 30 for testing, 11 for validation"),
        ({"test": 5, "validation": 5, "train": 31}, "Couldn't split 40 images into"),
        ({"test": 1}, "Too few test images for one of each of the 2 classes"),
        ({"test": 20, "validation": 20}, "more than the other sets can spare"),
    ],
)
def test_impossible_requests_are_rejected(asked: dict[str, float], message: str) -> None:
    with pytest.raises(DatasetError, match=message) as caught:
        split(_classes(20, 20), **asked)  # type: ignore[arg-type]
    assert caught.value.hint


def test_the_photos(photos: Path) -> None:
    dataset = read_dataset(photos, report=lambda progress: None, token=CancelToken())
    parts = split(dataset)
    sizes = [len(own) for own in (parts.train, parts.validation, parts.test)]
    assert sum(sizes) == 196
    for own in (parts.train, parts.validation, parts.test):
        assert len(_per_class(dataset, own)) == 8
    gate = {index for index, example in enumerate(dataset.examples) if "brandenburgGate" in example.path.name}
    assert sum(bool(gate & set(own.tolist())) for own in (parts.train, parts.validation, parts.test)) == 1
