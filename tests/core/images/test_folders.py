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

from core.errors import ImageError
from core.images.folders import IMAGE_SUFFIXES, find_images, has_class_folders, natural, printable

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

    assert sorted(texts, key=natural) == sorted(texts, key=parts)


def test_only_images_are_chosen_and_case_does_not_matter(album: Path) -> None:
    _touch(album, "a.JPG", "b.Jpeg", "c.HEIC", "notes.txt", "film.mp4", "jpg", "raw.jpg.part")
    assert _names(album) == ["a.JPG", "b.Jpeg", "c.HEIC"]
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in IMAGE_SUFFIXES)


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
def test_links_are_followed_but_never_in_circles(album: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    _touch(elsewhere, "far.jpg")
    _touch(album, "a.jpg", "sub/b.jpg")
    (album / "link.jpg").symlink_to(album / "a.jpg")
    (album / "sub" / "up").symlink_to(album)
    (album / "sub" / "self").symlink_to(album / "sub")
    (album / "one").symlink_to(elsewhere)
    (album / "two").symlink_to(elsewhere)
    assert _names(album, recursive=True) == ["a.jpg", "link.jpg", "one/far.jpg", "sub/b.jpg"]


@posix_only
def test_what_is_no_file_is_left_to_decoding(album: Path) -> None:
    """A pipe, a link in circles, a link to nothing: each is told when it is read, none stops the walk."""
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


def test_a_folder_that_vanishes_is_told_and_the_walk_goes_on(album: Path) -> None:
    _touch(album, "1.jpg", "a/2.jpg", "b/3.jpg")
    told: list[tuple[Path, ImageError]] = []
    walk = find_images([album], recursive=True, on_error=lambda path, error: told.append((path, error)))
    assert next(walk) == album / "1.jpg"
    (album / "a" / "2.jpg").unlink()
    (album / "a").rmdir()
    assert list(walk) == [album / "b" / "3.jpg"]
    [(path, error)] = told
    assert path == album / "a"
    assert error.kind == "missing"
    assert "“a”" in error.what


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told_and_the_walk_goes_on(album: Path) -> None:
    _touch(album, "a/1.jpg", "b/2.jpg")
    (album / "a").chmod(0)
    told: list[tuple[Path, ImageError]] = []
    walk = find_images([album], recursive=True, on_error=lambda path, error: told.append((path, error)))
    assert list(walk) == [album / "b" / "2.jpg"]
    (album / "a").chmod(0o700)
    assert [(path, error.kind) for path, error in told] == [(album / "a", "no-access")]


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
    assert printable(path) == line
    assert printable(path).encode()
    assert len(printable(path).splitlines()) == 1


def test_a_folder_of_labelled_images_is_known_by_its_subfolders(tmp_path: Path) -> None:
    assert not has_class_folders(tmp_path)
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        assert not has_class_folders(tmp_path)
        (tmp_path / label / "notes.txt").write_text("no image")
    (tmp_path / "cat" / "1.jpg").write_bytes(b"x")
    assert not has_class_folders(tmp_path)
    (tmp_path / "dog" / "1.PNG").write_bytes(b"x")
    assert has_class_folders(tmp_path)
    assert not has_class_folders(tmp_path / "cat")
    assert not has_class_folders(tmp_path / "cat" / "1.jpg")
    assert not has_class_folders(tmp_path / "gone")
