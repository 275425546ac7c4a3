"""Folders changed, previews drawn and files exported over a real pipe."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from core.dataset.amendments import Amended, Amendment
from core.dataset.built import AddPhotos, RenameClass
from core.images.augmentation import augmented, generator
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from core.learning.material import backbone_of
from core.library.library import open_library
from core.services.folder_messages import (
    Changed,
    Decide,
    EditSet,
    FolderRead,
    ListSets,
    NewSet,
    Preview,
    Previewed,
    ReadFolder,
    RenameSet,
    SetsListed,
    Undo,
)
from tests import tiny
from tests.core.services.conftest import Window, request


def test_what_is_decided_about_photos_is_kept_and_undone(window: Window, folder: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(folder, tmp_path / "copy"))
    photo = place / "red" / "0.png"
    window.send(Decide(1, place, {photo: Amendment("blue")}))
    changed = window.wait(Changed)
    assert changed.error is None
    window.send(ReadFolder(2, place))
    found = window.wait(FolderRead, ticket=2)
    assert found.amended == (Amended(photo, "red", "blue"),)
    assert {one.name: one.images for one in found.classes} == {"blue": 21, "green": 20, "red": 19}
    assert "amended" not in {one.kind for one in found.problems}
    assert changed.undo is not None
    window.send(Undo(3, place, changed.undo), ReadFolder(4, place))
    assert window.wait(Changed, ticket=3).error is None
    window.send(ReadFolder(5, place))
    assert window.wait(FolderRead, ticket=5).amended == ()


def test_a_set_is_built_read_changed_and_renamed(window: Window, folder: Path) -> None:
    photos = {label: tuple(sorted((folder / label).iterdir())) for label in ("red", "blue")}
    window.send(NewSet(1, "Colours", photos))
    made = window.wait(Changed)
    assert made.folder.name == "Colours"
    window.send(EditSet(2, made.folder, AddPhotos("green", photos["blue"][:1])))
    assert window.wait(Changed, ticket=2).error is None
    window.send(ReadFolder(3, made.folder))
    found = window.wait(FolderRead, ticket=3)
    assert found.is_built
    assert [(one.name, one.images) for one in found.classes] == [("blue", 20), ("green", 1), ("red", 20)]
    window.send(Decide(4, made.folder, {found.classes[1].samples[0]: Amendment("red")}))
    moved = window.wait(Changed, ticket=4)
    assert len(list((made.folder / "red").iterdir())) == 21
    assert moved.undo is not None
    window.send(Undo(5, made.folder, moved.undo))
    window.wait(Changed, ticket=5)
    assert len(list((made.folder / "red").iterdir())) == 20
    window.send(RenameSet(6, made.folder, "Tints"))
    renamed = window.wait(Changed, ticket=6)
    window.send(ListSets(7))
    (listed,) = window.wait(SetsListed, ticket=7).sets
    assert (listed.folder, listed.classes, listed.photos) == (renamed.folder, 3, 41)


def test_a_set_of_one_class_shows_it_and_says_what_is_missing(window: Window, folder: Path) -> None:
    window.send(NewSet(1, "One", {"red": (folder / "red",)}))
    made = window.wait(Changed)
    window.send(ReadFolder(2, made.folder))
    found = window.wait(FolderRead, ticket=2)
    assert [(one.name, one.images) for one in found.classes] == [("red", 20)]
    assert found.error is not None


def test_a_change_that_fails_says_why(window: Window, folder: Path) -> None:
    window.send(NewSet(1, "Set", {}))
    made = window.wait(Changed)
    window.send(EditSet(2, made.folder, RenameClass("gone", "other")))
    assert window.wait(Changed, ticket=2).error is not None
    window.send(Decide(4, folder, {folder / "gone.png": Amendment(None)}))
    assert "cannot be read" in str(window.wait(Changed, ticket=4).error)


def test_the_preview_is_what_training_does(window: Window, folder: Path) -> None:
    photos = (folder / "red" / "0.png", folder / "blue" / "1.png")
    window.send(Preview(1, request(folder, seed=7), photos))
    drawn = window.wait(Previewed)
    plan = backbone_of(open_library()).card.preprocessing
    pixels = decode(photos[0], at_least=plan.decode_at_least)
    sha256 = tiny.sha256(photos[0].read_bytes())
    for epoch, picture in enumerate(drawn.augmented, 1):
        expected = augmented(pixels, plan, generator(7, epoch, sha256))
        shown = np.frombuffer(picture.rgb, np.uint8).reshape(picture.height, picture.width, 3)
        assert (shown == expected).all()
    assert len(drawn.augmented) == 9
    assert [one.path for one in drawn.seen] == list(photos)
    assert drawn.seen[0].read.rgb == preprocess(pixels, plan).tobytes()
    assert drawn.seen[0].part == (0, 0, 1, 1)
    assert any("mirrored" in line for line in drawn.told)


def test_a_preview_of_nothing_that_can_be_read_says_why(window: Window, folder: Path) -> None:
    window.send(Preview(1, request(folder), (folder / "gone.png",)))
    assert window.wait(Previewed).error is not None
