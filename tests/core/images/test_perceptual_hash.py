"""Nearly the same images have nearly the same look, others have not, and the near ones are found among many."""

from __future__ import annotations

import time
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from core.images.decoding import decode_thumbnail
from core.images.perceptual_hash import (
    HAMMING_THRESHOLD,
    connected_components,
    group_near_duplicates,
    hamming_distance,
    phash,
)
from tests.samples import encoded, photo_like


def _as_pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB"))


def _hashes(*values: int) -> NDArray[np.uint64]:
    return np.array(values, np.uint64)


@pytest.mark.parametrize("size", [(256, 171), (90, 60), (512, 341)])
def test_a_look_survives_another_size_and_compression(size: tuple[int, int]) -> None:
    original = photo_like(384, 256)
    small = Image.fromarray(original).resize(size, Image.Resampling.BICUBIC)
    again = Image.open(BytesIO(encoded(small, "JPEG", quality=50)))
    assert hamming_distance(phash(original), phash(_as_pixels(again))) <= HAMMING_THRESHOLD


def test_a_hash_distinguishes_mirrored_and_rotated_images() -> None:
    original = photo_like(256, 256)
    assert hamming_distance(phash(original), phash(original[:, ::-1])) > 2 * HAMMING_THRESHOLD
    assert hamming_distance(phash(original), phash(np.rot90(original))) > 2 * HAMMING_THRESHOLD


def test_images_of_one_colour_are_hashed_by_their_colour() -> None:
    shades = [phash(np.full((40, 60, 3), colour, np.uint8)) for colour in ((255, 0, 0), (254, 0, 0), (0, 0, 0))]
    assert min(hamming_distance(a, b) for a, b in combinations(shades, 2)) > 2 * HAMMING_THRESHOLD
    assert shades[0] == phash(np.full((9, 7, 3), (255, 0, 0), np.uint8))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (300, 1, 3), (2, 2, 3)])
def test_any_shape_has_a_look_of_64_bits(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert 0 <= phash(pixels) < 2**64


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.sets(st.integers(0, 63), max_size=8)), max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_groups_are_what_comparing_every_pair_gives(random: list[int], changed: list[tuple[int, set[int]]]) -> None:
    values = list(random)
    values += [random[index] ^ sum(1 << bit for bit in bits) for index, bits in changed if index < len(random)]
    near = [
        (a, b)
        for a, b in combinations(range(len(values)), 2)
        if hamming_distance(values[a], values[b]) <= HAMMING_THRESHOLD
    ]
    assert group_near_duplicates(_hashes(*values)).tolist() == connected_components(len(values), near).tolist()


def test_a_group_is_named_by_its_first_member_and_goes_by_way_of_others() -> None:
    chain = _hashes(0, 2**64 - 1, 0b111111, 0b111111_111111)
    assert group_near_duplicates(chain).tolist() == [0, 1, 0, 0]
    assert group_near_duplicates(chain, threshold=5).tolist() == [0, 1, 2, 3]


def test_joined_goes_by_way_of_others() -> None:
    assert connected_components(6, [(5, 4), (2, 1), (4, 2)]).tolist() == [0, 1, 1, 3, 1, 1]


def test_many_looks_are_compared_in_seconds() -> None:
    looks = np.random.default_rng(0).integers(0, 2**64, 30_000, np.uint64)
    looks[1::3] = looks[::3] ^ np.uint64(1 << 40)
    started = time.process_time()
    groups = group_near_duplicates(looks)
    assert time.process_time() - started < 20  # comparing every pair in Python would take ten minutes
    assert (groups[1::3] == groups[::3]).all()
    assert len(np.unique(groups)) == 20_000


def test_of_the_photos_only_copies_look_alike(photos: Path) -> None:
    paths = sorted(photos.glob("*/*"))[::4]
    seen = [phash(decode_thumbnail(path, 256)) for path in paths]
    near = [
        (paths[a].stem, paths[b].stem)
        for a, b in combinations(range(len(paths)), 2)
        if hamming_distance(seen[a], seen[b]) <= HAMMING_THRESHOLD
    ]
    assert all(a.removeprefix("x_") == b.removeprefix("x_") for a, b in near)
