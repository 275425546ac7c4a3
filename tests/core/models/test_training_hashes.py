"""What a model learnt from is known again; a file that was tampered with says nothing rather than something wrong."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models.training_hashes import TRAINING_HASHES, TrainingHashes, read_hashes, serialize_hashes
from tests import tiny

IMAGES = [tiny.sha256(bytes([number])) for number in range(50)]


def write(folder: Path, data: bytes) -> Path:
    (folder / TRAINING_HASHES).write_bytes(data)
    return folder


def test_the_images_are_known_and_no_others(tmp_path: Path) -> None:
    learnt = read_hashes(write(tmp_path, serialize_hashes(IMAGES[:30])))
    assert learnt is not None
    assert len(learnt) == 30
    assert [learnt.contains(image) for image in IMAGES] == [True] * 30 + [False] * 20


def test_order_and_copies_make_no_difference() -> None:
    assert serialize_hashes([*reversed(IMAGES), *IMAGES]) == serialize_hashes(IMAGES)


def test_the_sums_themselves_are_not_in_the_file() -> None:
    data = serialize_hashes(IMAGES)
    assert len(data) < 24 + 8 * len(IMAGES)
    assert not any(bytes.fromhex(image) in data for image in IMAGES)


@pytest.mark.parametrize("images", [[], ["00" * 32], ["ff" * 32], ["00" * 32, "ff" * 32]])
def test_none_few_and_the_outermost_are_known(tmp_path: Path, images: list[str]) -> None:
    learnt = read_hashes(write(tmp_path, serialize_hashes(images)))
    assert learnt is not None
    assert all(learnt.contains(image) for image in images)
    assert not learnt.contains(IMAGES[0])


def packed(*prefixes: int, magic: bytes = b"FVLEARNT", version: int = 1, count: int | None = None) -> bytes:
    body = struct.pack(f"<{len(prefixes)}Q", *prefixes)
    return struct.pack("<8sIII", magic, version, len(prefixes) if count is None else count, zlib.crc32(body)) + body


def test_the_format_is_this_one(tmp_path: Path) -> None:
    learnt = read_hashes(write(tmp_path, packed(1, 2)))
    assert learnt is not None
    assert learnt.contains("0000000000000002" + "ab" * 24)


HOSTILE = {
    "empty": b"",
    "half a header": packed(1)[:10],
    "another magic": packed(1, magic=b"FVLEARN?"),
    "a later version": packed(1, version=2),
    "a wrong count": packed(1, 2, count=3),
    "a huge count": packed(1, count=2**32 - 1),
    "cut off": packed(1, 2)[:-3],
    "too long": packed(1, 2) + b"\0",
    "a changed bit": packed(1, 2)[:-1] + b"\1",
    "not sorted": packed(2, 1),
    "twice the same": packed(1, 1),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_damaged_file_says_nothing(tmp_path: Path, kind: str) -> None:
    assert read_hashes(write(tmp_path, HOSTILE[kind])) is None


def too_large(file: Path) -> None:
    file.write_bytes(packed(1))
    os.truncate(file, 80_000_100)  # takes no room on the disk


@pytest.mark.parametrize(
    "make",
    [
        lambda file: None,
        Path.mkdir,
        too_large,
        pytest.param(
            lambda file: os.mkfifo(file), marks=pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
        ),
    ],
    ids=["missing", "a folder", "too large", "a pipe"],
)
def test_what_is_no_such_file_says_nothing(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / TRAINING_HASHES)
    assert read_hashes(tmp_path) is None


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(0, 2**64 - 1)), st.integers(0, 2**64 - 1))
def test_exactly_the_training_images_are_known(prefixes: set[int], other: int) -> None:
    images = {prefix: f"{prefix:016x}" + "0" * 48 for prefix in (*prefixes, other)}
    learnt = TrainingHashes(np.array(sorted(prefixes), np.uint64))
    assert all(learnt.contains(images[prefix]) for prefix in prefixes)
    assert learnt.contains(images[other]) == (other in prefixes)
    assert serialize_hashes(images[prefix] for prefix in prefixes) == packed(*sorted(prefixes))
