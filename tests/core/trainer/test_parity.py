"""The parity samples that the trainer writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.card import Preprocessing
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from core.trainer.parity import write_parity_samples
from core.training.protocol import IMAGES, PARITY, PARITY_IMAGES
from tests import tiny
from tests.teaching import write_labelled

PLAN = Preprocessing(tiny.SIZE)


def listed(paths: Sequence[Path]) -> list[tuple[str, str, int]]:
    return [(str(path), "0" * 64, 0) for path in paths]


def job(place: Path, train: Sequence[Path], validation: Sequence[Path]) -> Path:
    (place / IMAGES).write_text(json.dumps({"train": listed(train), "validation": listed(validation)}))
    return place


def colours(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits that identify the image."""
    assert images.dtype == np.uint8
    assert 1 <= len(images) <= 8
    return images.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)


def written(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    write_parity_samples(folder, colours, PLAN)
    with np.load(folder / PARITY, allow_pickle=False) as arrays:
        images, logits = arrays["images"], arrays["logits"]
    assert len(images) >= PARITY_IMAGES
    assert images.shape[1:] == (tiny.SIZE, tiny.SIZE, 3)
    assert (images.dtype, logits.dtype) == (np.uint8, np.float32)
    assert np.array_equal(logits, images.mean(axis=(1, 2), dtype=np.float64).astype(np.float32))
    return images, logits


def as_the_engine_reads(paths: Sequence[Path]) -> dict[bytes, Path]:
    return {preprocess(decode(path), PLAN).tobytes(): path for path in paths}


def test_it_uses_real_images_of_both_subsets_and_all_classes(tmp_path: Path) -> None:
    paths = sorted(write_labelled(tmp_path, 20).rglob("*.png"))
    train, validation = paths[::2], paths[1::2]
    known = as_the_engine_reads(paths)
    images, _ = written(job(tmp_path, train, validation))
    found = [known[image.tobytes()] for image in images]
    assert len(found) == len(set(found)) == PARITY_IMAGES
    assert sum(path in train for path in found) == PARITY_IMAGES // 2
    counts = [sum(path.parent.name == label for path in found) for label in tiny.CLASSES]
    assert min(counts) >= 5


def test_a_small_subset_is_filled_up_by_the_other(tmp_path: Path) -> None:
    paths = sorted(write_labelled(tmp_path, 15).rglob("*.png"))
    known = as_the_engine_reads(paths)
    images, _ = written(job(tmp_path, paths[3:], paths[:3]))
    assert set(paths[:3]) <= {known[image.tobytes()] for image in images}


@pytest.mark.parametrize("count", [1, 3, 31])
def test_few_images_are_mirrored_and_shifted(tmp_path: Path, count: int) -> None:
    paths = sorted(write_labelled(tmp_path, 11).rglob("*.png"))[:count]
    images, _ = written(job(tmp_path, paths, []))
    assert len(images) == PARITY_IMAGES
    firsts = {image.tobytes() for image in images[:count]}
    assert firsts == set(as_the_engine_reads(paths))
    mirrored = {image[:, ::-1].tobytes() for image in images[:count]}
    assert {image.tobytes() for image in images[count : 2 * count]} <= mirrored


def test_missing_images_are_skipped(tmp_path: Path) -> None:
    paths = sorted(write_labelled(tmp_path, 14).rglob("*.png"))
    for path in paths[::7]:
        path.unlink()
    paths[1].write_bytes(b"no image any more")
    left = [path for path in paths[2:] if path.exists()]
    known = as_the_engine_reads(left)
    images, _ = written(job(tmp_path, paths, []))
    assert {known[image.tobytes()] for image in images} <= set(left)


def test_without_any_image_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="None of the training images"):
        write_parity_samples(job(tmp_path, [tmp_path / "gone.jpg"], []), colours, PLAN)


def test_the_same_job_uses_the_same_images(tmp_path: Path) -> None:
    paths = sorted(write_labelled(tmp_path, 20).rglob("*.png"))
    folder = job(tmp_path, paths[:40], paths[40:])
    written(folder)
    first = (folder / PARITY).read_bytes()
    written(folder)
    assert (folder / PARITY).read_bytes() == first
