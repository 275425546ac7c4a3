"""Labels are found by content, survive damage and concurrent writers, and are undone exactly."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import core
from core.base import paths
from core.base.errors import LaterVersionError, StorageError
from core.datasets import label_store
from core.datasets.label_file import find_labels, note_written, open_labels
from core.datasets.labels import Label, Scope, Source
from tests.labels import correction, give, given

FOX = correction(Path("/photos/fox.jpg"), "fox", "animals", "dog", 0.62)
HEN = correction(Path("/photos/hen.jpg"), "hen", "animals", "cock")
ANIMALS = Scope("animals", "", ("dog", "fox", "hen"))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write(tmp_path / "photo.jpg", b"a photo")


def write(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


def labels_of(*files: Path) -> list[str | None]:
    """What the view of the model *animals* shows for files."""
    found = find_labels(files)
    chosen = [ANIMALS.choose(found.get(file, ())) for file in files]
    return [one.label if one else None for one in chosen]


def in_wizard(photo: Path, label: str, folder: str = "set") -> Label:
    return Label(photo, label, Source.WIZARD, folder=folder)


# ---- labels of a model


def test_labels_survive_in_order() -> None:
    assert given("animals") == {}
    give(FOX, HEN)
    again = replace(FOX, label="red fox")
    give(again)
    assert list(given("animals").items()) == [(HEN.path, HEN), (again.path, again)]
    with open_labels() as store:
        store.change({HEN.path: None, Path("never there"): None}, Scope("animals"))
    assert given("animals") == {again.path: again}
    assert given("birds") == {}


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_an_undecodable_name_survives() -> None:
    odd = replace(FOX, path=Path(os.fsdecode(b"/photos/caf\xe9 \n.jpg")))
    give(odd)
    assert given("animals") == {odd.path: odd}


def test_trained_labels_are_pending_for_another_version() -> None:
    give(FOX, HEN)
    meant_otherwise = replace(HEN, label="chicken")
    give(meant_otherwise)
    with open_labels() as store:
        store.mark_trained([FOX, HEN], "f1")
    hen, fox = sorted(given("animals").values(), key=lambda one: one.label)
    assert (fox.trained_in, hen) == (("f1",), meant_otherwise)
    assert not fox.is_pending(["f0", "f1"])
    assert fox.is_pending(["f0"])
    assert hen.is_pending(["f0", "f1"])


def test_what_was_said_elsewhere_meanwhile_is_learned(photo: Path) -> None:
    mine = correction(photo, "fox", "animals", "dog")
    later = replace(in_wizard(photo, "hen"), created_at=mine.created_at + timedelta(seconds=1))
    give(mine, later)
    with open_labels() as store:
        assert store.of_model("animals") == {photo: mine}, "the classes are not known"
        assert store.of_model("birds", ["hen"]) == {}
        (label,) = store.of_model("animals", ["hen"]).values()
        assert (label.label, label.predicted, label.source) == ("hen", "dog", Source.WIZARD)
        store.mark_trained([label], "f1")
        (label,) = store.of_model("animals", ["hen"]).values()
    assert (label.label, label.trained_in) == ("hen", ("f1",))


# ---- photos


def test_copies_share_a_label(photo: Path, tmp_path: Path) -> None:
    give(correction(photo, "fox", "animals"))
    copy = Path(shutil.copy(photo, tmp_path / "copy.jpg"))
    other = write(tmp_path / "other.jpg", b"another")  # of the same size
    assert labels_of(copy, other, photo) == ["fox", None, "fox"]
    give(correction(copy, "hen", "animals"))
    assert labels_of(copy, photo) == ["hen", "hen"]
    assert [one.label for one in given("animals").values()] == ["hen"]


def test_a_copy_that_was_labelled_before_either_was_hashed(photo: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(photo, tmp_path / "copy.jpg"))
    give(correction(copy, "fox", "animals"), correction(photo, "hen", "animals"))
    assert len(given("animals")) == 2
    with open_labels() as store:
        store.resolve(10)
    assert labels_of(copy, photo) == ["hen", "hen"]
    assert len(given("animals")) == 1


def test_a_moved_photo_keeps_its_label(photo: Path, tmp_path: Path) -> None:
    give(correction(photo, "fox", "animals"))
    with open_labels() as store:
        store.resolve(10)
    assert labels_of(photo.rename(tmp_path / "moved.jpg")) == ["fox"]


@pytest.mark.parametrize("is_hashed", [True, False])
def test_a_changed_photo_has_no_label(photo: Path, is_hashed: bool) -> None:
    give(correction(photo, "fox", "animals"))
    if is_hashed:
        with open_labels() as store:
            store.resolve(10)
    write(photo, b"changed")  # the size is the same
    os.utime(photo, ns=(1, 1))
    assert labels_of(photo) == [None]


def test_a_photo_that_was_only_touched_keeps_its_label(photo: Path) -> None:
    give(correction(photo, "fox", "animals"))
    with open_labels() as store:
        store.resolve(10)
    os.utime(photo, ns=(1, 1))
    assert labels_of(photo) == ["fox"]


@pytest.mark.parametrize("is_hashed", [True, False])
def test_labels_follow_what_fovea_writes(photo: Path, tmp_path: Path, is_hashed: bool) -> None:
    give(correction(photo, "fox", "animals"))
    copy = Path(shutil.copy(photo, tmp_path / "copy.jpg"))
    if is_hashed:
        with open_labels() as store:
            store.resolve(10)
    write(photo, b"a photo with keywords")
    note_written([photo, write(tmp_path / "other.jpg", b"other")])
    assert labels_of(photo) == ["fox"]
    if is_hashed:
        assert labels_of(copy) == ["fox"]
    assert [one.label for one in given("animals").values()] == ["fox"]


def test_a_missing_photo_is_hashed_once_it_is_back(tmp_path: Path) -> None:
    give(correction(tmp_path / "photo.jpg", "fox", "animals"))
    write(tmp_path / "photo.jpg", b"a photo")
    write(tmp_path / "copy.jpg", b"a photo")
    with open_labels() as store:
        store.resolve(10)
    assert labels_of(tmp_path / "copy.jpg") == ["fox"]


def test_only_photos_of_the_size_of_a_labelled_one_are_read(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(correction(photo, "fox", "animals"))
    read: list[Path] = []
    hashing = label_store.file_sha256
    monkeypatch.setattr(label_store, "file_sha256", lambda file: read.append(file) or hashing(file))
    others = [write(tmp_path / f"{number}.jpg", bytes(number)) for number in range(20)]
    assert labels_of(photo, *others) == ["fox", *[None] * 20]
    assert set(read) == {photo, tmp_path / "7.jpg"}
    assert labels_of(photo, *others)[0] == "fox"
    assert len(read) == 2, "each only once"


# ---- undo and removal


def test_undo_restores_all_labels_of_a_photo(photo: Path) -> None:
    give(in_wizard(photo, "fox"), correction(photo, "hen", "animals"), correction(photo, "bad", "quality"))
    before = find_labels([photo])
    with open_labels() as store:
        undo = store.change({photo: None}, ANIMALS)
    assert [one.label for one in find_labels([photo])[photo]] == ["bad"], "a label of other classes stays"
    with open_labels() as store:
        store.restore(undo)
    assert set(find_labels([photo])[photo]) == set(before[photo])
    with open_labels() as store:
        undo = store.change({photo: correction(photo, "dog", "animals")}, ANIMALS)
        assert labels_of(photo) == ["dog"]
        store.restore(undo)
    assert set(find_labels([photo])[photo]) == set(before[photo])


def test_removed_labels_are_deleted(photo: Path) -> None:
    give(correction(photo, "a secret", "animals"))
    with open_labels() as store:
        store.change({photo: None}, ANIMALS)
    assert b"a secret" not in paths.labels_file().read_bytes()


# ---- the file


def test_nothing_is_written_before_the_first_label(photo: Path) -> None:
    assert find_labels([photo]) == {}
    note_written([photo])
    assert not paths.labels_file().exists()


def test_concurrent_writers_lose_nothing() -> None:
    code = """
import sys
from pathlib import Path
from core.datasets.label_file import open_labels
from core.datasets.labels import Label, Scope, Source
for number in range(15):
    path = Path(f"/photos/{sys.argv[1]}-{number}.jpg")
    with open_labels() as store:
        store.change({path: Label(path, "fox", Source.GALLERY, "animals")}, Scope("animals"))
"""
    root = Path(core.__file__).parents[1]
    with ThreadPoolExecutor(3) as pool:
        run = [
            pool.submit(subprocess.run, [sys.executable, "-c", code, str(one)], cwd=root, check=True)
            for one in range(3)
        ]
        for one in run:
            one.result()
    assert len(given("animals")) == 45


@pytest.mark.parametrize(("start", "kept"), [(0, 200), (4096, 150), (8192, 150)])
def test_intact_labels_survive_damage(start: int, kept: int, caplog: pytest.LogCaptureFixture) -> None:
    with open_labels() as store:
        ones = [replace(FOX, path=Path(f"/photos/{number}.jpg")) for number in range(200)]
        store.change({one.path: one for one in ones}, ANIMALS)
    data = bytearray(paths.labels_file().read_bytes())
    data[start : start + 100] = bytes(100)
    paths.labels_file().write_bytes(data)
    assert len(given("animals")) >= kept
    (aside,) = paths.labels_file().parent.glob("labels.sqlite3.damaged-*")
    assert aside.read_bytes() == data
    assert "was damaged" in caplog.text
    give(HEN)
    assert given("animals")[HEN.path] == HEN


def test_a_file_of_a_later_version_is_left_alone(photo: Path, caplog: pytest.LogCaptureFixture) -> None:
    give(correction(photo, "fox", "animals"))
    with closing(sqlite3.connect(paths.labels_file())) as opened:
        opened.execute("PRAGMA user_version = 2")
    before = paths.labels_file().read_bytes()
    assert find_labels([photo]) == {}
    assert "newer version" in caplog.text
    with pytest.raises(LaterVersionError):
        give(FOX)
    assert paths.labels_file().read_bytes() == before


def test_an_unusable_file_is_reported_and_left_alone() -> None:
    paths.labels_file().mkdir(parents=True)
    with pytest.raises(StorageError, match="Couldn't use the file of your labels"):
        given("animals")
    assert paths.labels_file().is_dir()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not apply")
def test_labels_are_read_where_nothing_can_be_written(photo: Path, tmp_path: Path) -> None:
    give(correction(photo, "fox", "animals"))
    copy = Path(shutil.copy(photo, tmp_path / "copy.jpg"))
    with open_labels() as store:
        store.resolve(10)
    home = paths.labels_file().parent
    paths.labels_file().chmod(0o400)
    home.chmod(0o500)
    try:
        assert labels_of(photo, copy) == ["fox", "fox"]
    finally:
        home.chmod(0o700)
