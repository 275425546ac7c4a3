"""Which images folders give, in which order, and what happens to what cannot be read."""

from __future__ import annotations

import os
import re
import sys
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import ImageError
from core.base.text import display_path, natural_sort_key
from core.images.listing import IMAGE_SUFFIXES, find_images

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names, links or permissions")


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    return folder


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def _found(*paths: Path, recursive: bool = False) -> list[Path]:
    """Every image, where nothing may fail."""

    def fail(path: Path, error: ImageError) -> None:
        pytest.fail(f"{path}: {error}")

    return list(find_images(paths, recursive=recursive, on_error=fail))


def _names(folder: Path, *, recursive: bool = False) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in _found(folder, recursive=recursive)]


def test_numbers_in_names_count_as_numbers(album: Path) -> None:
    _touch(album, "img10.jpg", "img2.jpg", "IMG1.jpg", "img02.jpg", "b.png", "7.png", "٣.png")
    assert _names(album) == ["٣.png", "7.png", "b.png", "IMG1.jpg", "img02.jpg", "img2.jpg", "img10.jpg"]


names = st.text(st.characters(exclude_characters="\0/") | st.sampled_from("0012aA\udce9٣"), max_size=12)


@given(st.lists(names, max_size=8))
def test_natural_order_is_that_of_texts_and_numbers_in_turn(texts: list[str]) -> None:
    def parts(name: str) -> tuple[list[str | int], str]:
        split = re.split(r"(\d+)", name.casefold())
        return [int(part) if index % 2 else part for index, part in enumerate(split)], name

    assert sorted(texts, key=natural_sort_key) == sorted(texts, key=parts)


def test_only_images_are_chosen_and_case_does_not_matter(album: Path) -> None:
    _touch(
        album, "a.JPG", "b.Jpeg", "c.HEIC", "notes.txt", "film.mp4", "jpg", "raw.jpg.part", "a.jpg_original", "b.jpg~"
    )
    assert _names(album) == ["a.JPG", "b.Jpeg", "c.HEIC"]
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in IMAGE_SUFFIXES)


@posix_only
def test_spaces_and_dots_behind_the_suffix_do_not_matter(album: Path) -> None:
    _touch(album, "a.jpg ", "b.jpg.", "c.PNG. .", "d .jpg", "jpg ", "...", "e.jpgx")
    assert _names(album) == ["a.jpg ", "b.jpg.", "c.PNG. .", "d .jpg"]


def test_one_level_or_the_whole_tree(album: Path) -> None:
    _touch(album, "z.jpg", "b/2.jpg", "b/10.jpg", "a/deep/er/1.jpg", "a/0.jpg")
    assert _names(album) == ["z.jpg"]
    assert _names(album, recursive=True) == ["z.jpg", "a/0.jpg", "a/deep/er/1.jpg", "b/2.jpg", "b/10.jpg"]


def test_hidden_files_and_folders_are_passed_over_unless_named(album: Path) -> None:
    _touch(album, "a.jpg", ".b.jpg", "._a.jpg", ".thumbnails/c.jpg")
    assert _names(album, recursive=True) == ["a.jpg"]
    assert _found(album / ".b.jpg", album / ".thumbnails") == [album / ".b.jpg", album / ".thumbnails" / "c.jpg"]


def test_a_folder_called_like_an_image_is_a_folder(album: Path) -> None:
    _touch(album, "x.jpg/inside.jpg", "y.jpg")
    assert _names(album) == ["y.jpg"]
    assert _names(album, recursive=True) == ["y.jpg", "x.jpg/inside.jpg"]
    assert _found(album / "x.jpg") == [album / "x.jpg" / "inside.jpg"]


def test_named_paths_are_given_whatever_they_are(album: Path) -> None:
    _touch(album, "notes.txt")
    named = [album / "notes.txt", album / "missing.jpg", album / "zero\0byte.jpg"]
    assert _found(*named) == named


def test_each_path_comes_once(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(album, "a.jpg", "b.jpg", "sub/c.jpg")
    monkeypatch.chdir(album)
    everything = [album / "b.jpg", album / "a.jpg", album / "sub" / "c.jpg"]
    twice = [album / "b.jpg", album, album / "b.jpg", Path("b.jpg"), album / "sub", album, Path()]
    assert _found(*twice, recursive=True) == everything


def test_a_named_file_keeps_its_place_behind_its_folder(album: Path) -> None:
    _touch(album, "a.jpg", "b.jpg")
    assert _found(album, album / "a.jpg") == [album / "b.jpg", album / "a.jpg"]


@posix_only
def test_links_to_folders_are_not_followed_and_links_to_files_are_images(album: Path, tmp_path: Path) -> None:
    _touch(tmp_path / "elsewhere", "far.jpg")
    _touch(album, "a.jpg", "sub/b.jpg")
    (album / "link.jpg").symlink_to(album / "a.jpg")
    targets = {
        "sub/up": album,
        "sub/self": album / "sub",
        "out": tmp_path / "elsewhere",
        "x.jpg": tmp_path / "elsewhere",
    }
    for name, target in {**targets, "above": tmp_path}.items():
        (album / name).symlink_to(target)
    assert _names(album, recursive=True) == ["a.jpg", "link.jpg", "sub/b.jpg"]
    assert _names(album / "out") == ["far.jpg"]


@posix_only
def test_one_folder_under_several_names_is_read_once(album: Path, tmp_path: Path) -> None:
    _touch(album, "a.jpg", "sub/b.jpg")
    (tmp_path / "link").symlink_to(album)
    assert len(_found(album, tmp_path / "link", album / "sub", recursive=True)) == 2
    assert len(_found(album / "sub", album, tmp_path / "link" / "sub", recursive=True)) == 2
    assert _found(tmp_path / "link" / "a.jpg", album / "a.jpg", album) == [tmp_path / "link" / "a.jpg"]


@posix_only
def test_each_name_of_a_file_with_several_is_an_image(album: Path) -> None:
    _touch(album, "a.jpg")
    (album / "b.jpg").hardlink_to(album / "a.jpg")
    assert _found(album / "b.jpg", album / "a.jpg", album) == [album / "b.jpg", album / "a.jpg"]


def test_folders_are_distinguished_where_the_file_system_has_no_inodes(
    album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _touch(album, "a.jpg", "sub/b.jpg")
    plain = Path.stat

    def without_inode(path: Path, **options: bool) -> os.stat_result:
        status = plain(path, **options)
        return os.stat_result((status.st_mode, 0, *status[2:]))

    monkeypatch.setattr(Path, "stat", without_inode)
    assert _names(album, recursive=True) == ["a.jpg", "sub/b.jpg"]


SYSTEM_FOLDERS = (
    *("@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "$RECYCLE.BIN", "$Recycle.Bin", "RECYCLER"),
    *("System Volume Information", "lost+found", "__MACOSX", ".dtrash", ".Trash-1000", "Photos Library.photoslibrary"),
    *("iPhoto.photolibrary", "A.APLIBRARY", "Cat Previews.lrdata", "Cat.lrcat-data", "appdata_oc1a2b"),
)


@pytest.mark.parametrize("name", SYSTEM_FOLDERS)
def test_folders_of_systems_are_passed_over_unless_named(album: Path, name: str) -> None:
    _touch(album, "a.jpg", f"{name}/deeper/b.jpg", f"{name}/c.jpg", f"sub/{name}/d.jpg")
    assert _names(album, recursive=True) == ["a.jpg"]
    assert _names(album / name, recursive=True) == ["c.jpg", "deeper/b.jpg"]


@pytest.mark.parametrize(
    "name", ["recycle", "recycler", "photoslibrary", "eaDir", "lost", "trash", "lrdata", "#recycled"]
)
def test_folders_called_almost_like_those_of_systems_are_read(album: Path, name: str) -> None:
    _touch(album, f"{name}/b.jpg")
    assert _names(album, recursive=True) == [f"{name}/b.jpg"]


@posix_only
def test_what_is_no_file_is_left_to_decoding(album: Path) -> None:
    """A pipe, a link in circles, a link to nothing: each is expected when it is read, none stops the walk."""
    os.mkfifo(album / "pipe.jpg")
    (album / "circle.jpg").symlink_to(album / "circle.jpg")
    (album / "gone.jpg").symlink_to(album / "nothing")
    _touch(album, "good.jpg")
    assert _names(album, recursive=True) == ["circle.jpg", "gone.jpg", "good.jpg", "pipe.jpg"]


@posix_only
def test_names_of_any_bytes_are_found(album: Path) -> None:
    names = [b"caf\xe9.jpg", b"new\nline.jpg", b"\"quotes'.jpg", b"\xff\xfe.JPG"]
    for name in names:
        (album / os.fsdecode(name)).touch()
    assert sorted(os.fsencode(path.name) for path in _found(album)) == sorted(names)


def test_a_folder_that_vanishes_is_reported_and_the_walk_goes_on(album: Path) -> None:
    _touch(album, "1.jpg", "a/2.jpg", "b/3.jpg")
    expected: list[tuple[Path, ImageError]] = []
    walk = find_images([album], recursive=True, on_error=lambda path, error: expected.append((path, error)))
    assert next(walk) == album / "1.jpg"
    (album / "a" / "2.jpg").unlink()
    (album / "a").rmdir()
    assert list(walk) == [album / "b" / "3.jpg"]
    [(path, error)] = expected
    assert path == album / "a"
    assert error.kind == "missing"
    assert "“a”" in error.what


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_reported_and_the_walk_goes_on(album: Path) -> None:
    _touch(album, "a/1.jpg", "b/2.jpg")
    (album / "a").chmod(0)
    expected: list[tuple[Path, ImageError]] = []
    walk = find_images([album], recursive=True, on_error=lambda path, error: expected.append((path, error)))
    assert list(walk) == [album / "b" / "2.jpg"]
    (album / "a").chmod(0o700)
    assert [(path, error.kind) for path, error in expected] == [(album / "a", "no-access")]


@posix_only
def test_a_tree_deeper_than_python_recurses(tmp_path: Path) -> None:
    depth, folder = 600, tmp_path / "deep"
    for _ in range(depth):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "x.jpg").touch()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        assert _found(tmp_path / "deep", recursive=True) == [folder / "x.jpg"]
    finally:
        sys.setrecursionlimit(limit)


def test_the_walk_holds_one_folder_at_a_time(album: Path) -> None:
    for folder in range(40):
        _touch(album, *(f"{folder}/{name}.jpg" for name in range(100)))

    def peak(find: Callable[[], Iterable[Path]]) -> int:
        tracemalloc.start()
        try:
            assert sum(1 for _ in find()) == 4000
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    streamed = peak(lambda: find_images([album], recursive=True, on_error=lambda path, error: None))
    assert streamed < peak(lambda: _found(album, recursive=True)) / 4


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("photos/Größe 大きさ 👩‍🎨 é.jpg", "photos/Größe 大きさ 👩‍🎨 é.jpg"),
        ("10.12.45\u202fPM\u00a0\u3000.png", "10.12.45\u202fPM\u00a0\u3000.png"),
        ("a\nb\rc\td\0e\x1b[2J", "a\\nb\\rc\\td\\x00e\\x1b[2J"),
        ("caf\udce9.jpg", "caf\\xe9.jpg"),
        ("\ud800", "\\ud800"),
        ("left\u202egpj\u2028\u2029", "left\\u202egpj\\u2028\\u2029"),
        ("'single' \"double\" \\ %s {x}", "'single' \"double\" \\ %s {x}"),
    ],
)
def test_printable_is_one_safe_line(path: str, line: str) -> None:
    assert display_path(path) == line
    assert display_path(path).encode()
    assert len(display_path(path).splitlines()) == 1
