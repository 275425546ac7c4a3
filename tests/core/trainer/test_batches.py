"""Batches: their order, bounded prefetching, changed images, and cancellation."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import Cancelled, ProviderError, TrainerError
from core.base.progress import CancelToken
from core.card import Preprocessing
from core.engine.limits import MAX_BATCH
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from core.trainer.batches import DataLoader, TrainImage, augmented_view, in_batches, plain_view, read_images, shuffled
from core.training.protocol import IMAGES
from tests import tiny
from tests.teaching import write_labelled

_PLAN = Preprocessing(tiny.SIZE)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[TrainImage]:
    """Twelve photos of three classes."""
    folder = write_labelled(tmp_path_factory.mktemp("photos"), 4)
    paths = [(path, label) for label, name in enumerate(tiny.CLASSES) for path in sorted((folder / name).iterdir())]
    return [TrainImage(path, tiny.sha256(path.read_bytes()), label) for path, label in paths]


def _as_they_are(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return images


def _pipeline() -> DataLoader:
    return DataLoader(_PLAN, _as_they_are, CancelToken())


def _labels(pipeline: DataLoader, groups: Sequence[Sequence[TrainImage]]) -> list[list[int]]:
    with pipeline.batches(groups, plain_view(_PLAN)) as batches:
        return [batch.labels.tolist() for batch in batches]


def test_a_batch_of_each_group_in_order(photos: list[TrainImage]) -> None:
    groups = in_batches(photos, 5)
    with _pipeline().batches(groups, plain_view(_PLAN)) as batches:
        found = list(batches)
    assert [batch.labels.tolist() for batch in found] == [[0, 0, 0, 0, 1], [1, 1, 1, 2, 2], [2, 2]]
    for batch, group in zip(found, groups, strict=True):
        wanted = np.stack([preprocess(decode(photo.path), _PLAN) for photo in group])
        np.testing.assert_array_equal(batch.inputs, wanted)


def test_every_epoch_has_every_image_in_a_different_order(photos: list[TrainImage]) -> None:
    first, again, second, other = (shuffled(photos, 5, *given) for given in ((0, 1), (0, 1), (0, 2), (1, 1)))
    assert first == again
    assert [len(group) for group in first] == [5, 5, 2]
    assert first != second != other != first
    everything = sorted(str(photo.path) for photo in photos)
    for groups in (first, second, other):
        assert sorted(str(photo.path) for group in groups for photo in group) == everything


def test_the_augmentation_of_an_epoch_is_deterministic(photos: list[TrainImage]) -> None:
    def shown(epoch: int) -> NDArray[np.uint8]:
        with _pipeline().batches([photos], augmented_view(_PLAN, 0, epoch)) as batches:
            (batch,) = batches
        return np.asarray(batch.inputs)

    np.testing.assert_array_equal(shown(1), shown(1))
    assert not np.array_equal(shown(1), shown(2))


def test_changed_images_are_left_out(photos: list[TrainImage], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(photos[0].path.read_bytes()[:200])
    gone = TrainImage(tmp_path / "gone.png", photos[0].sha256, 0)
    changed = TrainImage(photos[1].path, photos[2].sha256, 1)
    damaged = TrainImage(broken, tiny.sha256(broken.read_bytes()), 2)
    pipeline = _pipeline()
    groups = [[gone, photos[0], changed, photos[5]], [damaged], [photos[11]]]
    with pipeline.batches(groups, plain_view(_PLAN)) as batches:
        mixed, empty, last = batches
    assert mixed.labels.tolist() == [0, 1]
    assert mixed.inputs is not None
    assert len(mixed.inputs) == 2
    assert empty.inputs is None
    assert last.labels.tolist() == [2]
    assert pipeline.skipped == {gone.path, changed.path, damaged.path}


def test_the_frozen_base_gets_small_batches_in_one_thread(photos: list[TrainImage]) -> None:
    calls: list[tuple[int, str]] = []

    def frozen_base(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        calls.append((len(images), threading.current_thread().name))
        return images.mean(axis=(1, 2)).astype(np.float32)

    with DataLoader(_PLAN, frozen_base, CancelToken()).batches([photos], plain_view(_PLAN)) as batches:
        (batch,) = batches
    assert [size for size, _ in calls] == [MAX_BATCH, 12 - MAX_BATCH]
    assert len({name for _, name in calls}) == 1
    assert batch.inputs is not None
    assert batch.inputs.argmax(axis=1).tolist() == batch.labels.tolist()  # tinted as their class


def test_prefetching_is_bounded(photos: list[TrainImage]) -> None:
    seen: list[Path] = []

    def view(photo: TrainImage, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        seen.append(photo.path)
        return preprocess(pixels, _PLAN)

    with _pipeline().batches(in_batches(photos, 1), view) as batches:
        next(batches)
    assert 1 <= len(seen) <= 4
    assert len(photos) == 12


def test_cancelled_it_stops_and_leaves_no_thread(photos: list[TrainImage]) -> None:
    before, pipeline = threading.active_count(), _pipeline()
    with pipeline.batches(in_batches(photos * 20, 4), plain_view(_PLAN)) as batches:
        next(batches)
        pipeline.token.cancel()
        with pytest.raises(Cancelled):
            next(batches)
    assert threading.active_count() == before


def test_leaving_early_leaves_no_thread(photos: list[TrainImage]) -> None:
    before = threading.active_count()
    with _pipeline().batches(in_batches(photos * 20, 4), plain_view(_PLAN)) as batches:
        next(batches)
    assert threading.active_count() == before


def test_errors_of_the_frozen_base_are_raised(photos: list[TrainImage]) -> None:
    def frozen_base(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        raise ProviderError("It failed.", hint="Take another.")

    before = threading.active_count()
    with (
        DataLoader(_PLAN, frozen_base, CancelToken()).batches(in_batches(photos, 4), plain_view(_PLAN)) as batches,
        pytest.raises(ProviderError, match="It failed"),
    ):
        next(batches)
    assert threading.active_count() == before


def test_the_list_of_images_is_read_from_the_jobs_folder(photos: list[TrainImage], tmp_path: Path) -> None:
    listed = [[str(photo.path), photo.sha256, photo.label] for photo in photos]
    (tmp_path / IMAGES).write_text(json.dumps({"train": listed[:9], "validation": listed[9:]}))
    assert read_images(tmp_path) == (photos[:9], photos[9:])


@pytest.mark.parametrize("content", [None, "", "[]", '{"train": []}', '{"train": [["a"]], "validation": []}'])
def test_a_damaged_list_is_rejected(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / IMAGES).write_text(content)
    with pytest.raises(TrainerError, match=r"list of images in .* is missing or damaged"):
        read_images(tmp_path)
