"""Changing folders and drawing previews."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core import api
from core.base.errors import FoveaError, ImageError
from core.base.progress import CancelToken
from core.datasets.custom_datasets import AddPhotos, RenameClass
from core.datasets.labels import LEFT_OUT, OverriddenImage
from core.images.augmentation import augment, make_rng
from core.images.decoding import decode
from core.images.preprocessing import PADDING, preprocess
from core.models.library import open_library
from core.training.backbones import backbone_of
from core.training.request import FitChoice
from tests import tiny
from tests.core.api.conftest import request
from tests.core.api.test_folders import read


def test_label_overrides_are_kept_and_undone(folder: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(folder, tmp_path / "copy"))
    photo = place / "red" / "0.png"
    changed = api.change_labels(place, {photo: "blue"})
    found = read(place)
    assert found.overridden == (OverriddenImage(photo, "red", "blue"),)
    assert {one.name: one.images for one in found.classes} == {"blue": 21, "green": 20, "red": 19}
    assert "amended" not in {one.kind for one in found.problems}
    assert changed.undo is not None
    api.undo_edit(place, changed.undo)
    assert read(place).overridden == ()


def test_a_custom_dataset_is_built_read_changed_and_renamed(folder: Path) -> None:
    photos = {label: tuple(sorted((folder / label).iterdir())) for label in ("red", "blue")}
    made = api.create_dataset("Colours", photos).folder
    assert made.name == "Colours"
    api.edit_dataset(made, AddPhotos("green", photos["blue"][:1]))
    found = read(made)
    assert found.is_custom
    assert [(one.name, one.images) for one in found.classes] == [("blue", 20), ("green", 1), ("red", 20)]
    moved = api.change_labels(made, {found.classes[1].samples[0]: "red"})
    assert len(list((made / "red").iterdir())) == 21
    assert moved.undo is not None
    api.undo_edit(made, moved.undo)
    assert len(list((made / "red").iterdir())) == 20
    renamed = api.rename_dataset(made, "Tints").folder
    (listed,) = api.list_datasets()
    assert (listed.folder, listed.classes, listed.photos) == (renamed, 3, 41)


@pytest.mark.parametrize("is_custom", [False, True])
def test_a_label_is_confirmed(folder: Path, *, is_custom: bool) -> None:
    place = folder
    if is_custom:
        place = api.create_dataset("Mine", {label: (folder / label,) for label in ("red", "blue")}).folder
    photo = next((place / "red").iterdir())
    confirmed = api.change_labels(place, {photo: "red"})
    found = read(place)
    assert (found.confirmed, found.overridden) == ({photo}, ())
    assert confirmed.undo is not None
    api.undo_edit(place, confirmed.undo)
    assert read(place).confirmed == frozenset()
    assert photo.exists()


def test_a_custom_dataset_of_one_class_is_shown_with_an_error(folder: Path) -> None:
    found = read(api.create_dataset("One", {"red": (folder / "red",)}).folder)
    assert [(one.name, one.images) for one in found.classes] == [("red", 20)]
    assert found.error is not None


def test_a_failed_change_raises(folder: Path) -> None:
    made = api.create_dataset("Set", {}).folder
    with pytest.raises(FoveaError):
        api.edit_dataset(made, RenameClass("gone", "other"))
    with pytest.raises(FoveaError, match="Couldn't read"):
        api.change_labels(folder, {folder / "gone.png": LEFT_OUT})


def test_the_preview_shows_what_training_uses(folder: Path) -> None:
    photos = (folder / "red" / "0.png", folder / "blue" / "1.png")
    drawn = api.preview_training(request(folder, seed=7), photos, token=CancelToken())
    plan = backbone_of(open_library()).card.preprocessing
    pixels = decode(photos[0], min_side=plan.min_decode_side)
    sha256 = tiny.sha256(photos[0].read_bytes())
    for epoch, picture in enumerate(drawn.augmented, 1):
        expected = augment(pixels, plan, make_rng(7, epoch, sha256))
        shown = np.frombuffer(picture.rgb, np.uint8).reshape(picture.height, picture.width, 3)
        assert (shown == expected).all()
    assert len(drawn.augmented) == 9
    assert [one.path for one in drawn.seen] == list(photos)
    assert drawn.seen[0].cropped.rgb == preprocess(pixels, plan).tobytes()
    assert drawn.seen[0].crop == (0, 0, 1, 1)
    assert any("horizontal flip" in line for line in drawn.augmentations)


def test_a_preview_of_unreadable_photos_fails(folder: Path) -> None:
    with pytest.raises(ImageError):
        api.preview_training(request(folder), (folder / "gone.png",), token=CancelToken())


def test_the_preview_shows_the_requested_fit(tmp_path: Path, folder: Path) -> None:
    photo = tiny.write_banner(tmp_path / "banner.png", "red", "blue")
    padded = api.preview_training(request(folder, fit=FitChoice.PAD), (photo,), token=CancelToken())
    (seen,) = padded.seen
    assert seen.crop == pytest.approx((0, -10 * 40 / 11 / 40, 1, 22 * 40 / 11 / 40))
    rows = np.frombuffer(seen.cropped.rgb, np.uint8).reshape(tiny.SIZE, tiny.SIZE, 3)
    assert (rows[[0, -1]] == PADDING).all()
    augmented = np.frombuffer(padded.augmented[0].rgb, np.uint8).reshape(tiny.SIZE, tiny.SIZE, 3)
    assert np.ptp(augmented[0], axis=0).max() == 0, "training pixels are padded as well"
