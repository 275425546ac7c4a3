"""Walking a folder of any size and state."""

from __future__ import annotations

import os
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from core.base.errors import StorageError, UsageError
from core.images.listing import find_images
from core.jobs.journal import FoundFile
from core.jobs.values import JobRequest
from core.jobs.walk import NAMES, Walk
from tests import tiny

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names, links or permissions")


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    for name in (
        "b10.jpg",
        "b2.JPG",
        "notes.txt",
        ".hidden.jpg",
        "sub/1.png",
        "sub/deep/2.png",
        ".git/3.png",
        "a/4.png",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12345")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def below(found: FoundFile) -> str:
    return str(Path(os.fsdecode(found.folder)) / os.fsdecode(found.name))


def test_images_are_in_the_usual_order_with_size_and_time(album: Path, place: Path) -> None:
    found = list(Walk(JobRequest(album, recursive=True), place))
    expected = list(find_images([album], recursive=True, on_error=lambda *_: None))
    assert [album / below(image) for image in found] == expected
    assert [below(image) for image in found] == ["b2.JPG", "b10.jpg", "a/4.png", "sub/1.png", "sub/deep/2.png"]
    status = (album / "b2.JPG").stat()
    assert (found[0].size, found[0].mtime_ns) == (5, status.st_mtime_ns)
    assert not list(place.iterdir())


def test_subfolders_only_when_asked(album: Path, place: Path) -> None:
    assert [below(image) for image in Walk(JobRequest(album, recursive=False), place)] == ["b2.JPG", "b10.jpg"]


def test_folders_that_are_excluded_are_not_even_read(album: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, plain = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: (read.append(Path(folder)), plain(folder))[1])
    request = JobRequest(album, recursive=True, include=("*.png",), exclude=("deep", "a/*"))
    assert [below(image) for image in Walk(request, place)] == ["sub/1.png"]
    assert album / "sub" / "deep" not in read


def test_an_included_folder_includes_its_contents(album: Path, place: Path) -> None:
    request = JobRequest(album, recursive=True, include=("sub",))
    assert [below(image) for image in Walk(request, place)] == ["sub/1.png", "sub/deep/2.png"]


@pytest.mark.parametrize(
    ("below", "changes", "is_empty"),
    [
        ("", {}, False),
        ("sub", {"recursive": False}, False),
        ("sub/deep", {"include": ("*.jpg",)}, True),
        ("", {"exclude": ("*",)}, True),
        (".git/none", {}, True),
    ],
)
def test_a_folder_without_matching_photos_is_empty(
    album: Path, place: Path, below: str, changes: dict[str, Any], is_empty: bool
) -> None:
    (album / ".git" / "none").mkdir()
    request = JobRequest(album / below, **{"recursive": True, **changes})
    assert Walk(request, place / "not made").is_empty() is is_empty


@posix_only
@posix_only
def test_nothing_outside_the_folder_is_found(album: Path, place: Path, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "p.jpg").write_bytes(b"1")
    (album / "up").symlink_to(tmp_path)
    (album / "sub" / "out.jpg").symlink_to(tmp_path / "private")
    assert len(list(Walk(JobRequest(album, recursive=True), place))) == 5


@posix_only
def test_skipped_files_are_counted(album: Path, place: Path, tmp_path: Path) -> None:
    picture = tiny.write_solid(tmp_path / "picture.png", "red")
    for name in ("noext", "a.jpg_large", "sub/b.jpg!d", "excluded/c", "film.mp4", ".hidden"):
        (album / name).parent.mkdir(exist_ok=True)
        (album / name).write_bytes(picture.read_bytes())
    (album / "Makefile").write_bytes(b"all:")
    os.mkfifo(album / "pipe")
    (album / "up").symlink_to(tmp_path)
    for recursive, counts in ((True, (1, 3)), (False, (0, 2))):
        walk = Walk(JobRequest(album, recursive=recursive, exclude=("excluded",)), place)
        list(walk)
        assert (walk.links, walk.misnamed) == counts


def test_system_folders_are_skipped(album: Path, place: Path) -> None:
    for name in ("@eaDir", "$Recycle.Bin", "sub/Photos Library.photoslibrary"):
        (album / name).mkdir()
        (album / name / "1.jpg").write_bytes(b"1")
    assert len(list(Walk(JobRequest(album, recursive=True), place))) == 5


@posix_only
def test_circular_links_and_names_of_any_bytes(album: Path, place: Path) -> None:
    (album / "sub" / "round").symlink_to(album)
    (album / "dangling.jpg").symlink_to(album / "nowhere.jpg")
    (album / "itself.jpg").symlink_to(album / "itself.jpg")
    Path(os.fsdecode(os.fsencode(album) + b"/caf\xe9\xff.png")).write_bytes(b"1")
    found = list(Walk(JobRequest(album, recursive=True), place))
    assert len(found) == 8
    assert b"caf\xe9\xff.png" in [image.name for image in found]
    assert {image.name: image.size for image in found}[b"dangling.jpg"] == -1


@posix_only
def test_an_unreadable_folder_is_reported_and_the_walk_continues(
    album: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.scandir

    def scandir(folder: Path) -> object:
        if Path(folder).name == "sub":
            raise PermissionError(13, "Permission denied")
        return plain(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    walk = Walk(JobRequest(album, recursive=True), place)
    assert [below(image) for image in walk] == ["b2.JPG", "b10.jpg", "a/4.png"]
    (trouble,) = walk.unreadable_folders
    assert trouble.path == album / "sub"
    assert "Permission denied" in trouble.message


def test_a_path_that_is_not_a_folder_is_refused(album: Path, place: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        Walk(JobRequest(album / "nowhere", recursive=True), place)
    with pytest.raises(UsageError, match="is not a folder"):
        Walk(JobRequest(album / "b10.jpg", recursive=True), place)


@posix_only
@pytest.mark.parametrize("name", ["m" * 300, "zero\0byte", "loop"])
def test_an_invalid_path_is_refused(album: Path, place: Path, name: str) -> None:
    (album / "loop").symlink_to(album / "loop")
    with pytest.raises(UsageError, match="Invalid folder path"):
        Walk(JobRequest(album / name, recursive=True), place)


def test_an_unwritable_names_database_is_an_error(album: Path, place: Path) -> None:
    walk = Walk(JobRequest(album, recursive=True), place / "nowhere")
    with pytest.raises(StorageError):
        list(walk)


def test_files_left_by_a_killed_walk_are_replaced(album: Path, place: Path) -> None:
    (place / NAMES).write_bytes(b"half a file")
    assert len(list(Walk(JobRequest(album, recursive=True), place))) == 5


def test_memory_does_not_grow_with_the_folder(tmp_path: Path, place: Path) -> None:
    def peak(count: int) -> int:
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"a long name for an image {number}.jpg").touch()
        tracemalloc.start()
        assert sum(1 for _ in Walk(JobRequest(folder, recursive=True), place)) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(4000) < peak(200) + 100_000
