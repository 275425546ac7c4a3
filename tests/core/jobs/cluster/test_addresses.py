"""Images in stores: listed in the order of folders, fetched, and without showing credentials."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.base.errors import ImageError, ImageErrorKind, UsageError
from core.images.listing import find_images
from core.jobs.cluster.addresses import Address, RemoteStore, is_address
from tests import tiny

fsspec = pytest.importorskip("fsspec", reason="the extra `cluster` is not installed")
NAMES = (
    "10.png",
    "2.png",
    "notes.txt",
    ".hidden.png",
    "below/a.jpg",
    "below/deeper/b.png",
    ".secret/c.png",
    "@eaDir/d.png",
)


def refuse(folder: Path, error: ImageError) -> None:
    raise error


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        tiny.write_solid(tmp_path / "photos" / f"{name}.png", "red").rename(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def in_memory(folder: Path) -> Iterator[str]:
    files = fsspec.filesystem("memory")
    files.put(str(folder), "/photos", recursive=True)
    yield "memory://photos"
    files.rm("/photos", recursive=True)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("s3://bucket/photos", True),
        ("file:///photos", True),
        ("zip://::/photos.zip", True),
        ("/photos", False),
        ("C:\\photos", False),
        ("photos/a:b.jpg", False),
        ("relative", False),
    ],
)
def test_addresses_are_recognized(text: str, *, is_one: bool) -> None:
    assert is_address(text) is is_one


@pytest.mark.parametrize("recursive", [False, True])
def test_a_store_lists_the_same_as_a_folder(*, recursive: bool, folder: Path, in_memory: str) -> None:
    local = [str(path.relative_to(folder)) for path in find_images([folder], recursive=recursive, on_error=refuse)]
    store = RemoteStore(in_memory)
    stored = [path.removeprefix("/photos/") for path in store.images(recursive=recursive, on_error=refuse)]
    assert stored == [name.replace("\\", "/") for name in local]
    there = RemoteStore(folder.as_uri())
    assert [
        Path(path).relative_to(folder).as_posix() for path in there.images(recursive=recursive, on_error=refuse)
    ] == stored


def test_an_address_may_be_one_image(in_memory: str) -> None:
    assert list(RemoteStore(f"{in_memory}/2.png").images(recursive=False, on_error=refuse)) == ["/photos/2.png"]


def test_a_zip_is_a_store(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "photos.zip"
    with zipfile.ZipFile(file, "w") as made:
        made.write(folder / "2.png", "in/2.png")
    store = RemoteStore(f"zip://::{file.as_uri()}")
    (path,) = store.images(recursive=True, on_error=refuse)
    fetched = store.fetch(path, tmp_path / "fetched")
    assert fetched.name == "2.png"
    assert fetched.read_bytes() == (folder / "2.png").read_bytes()


def test_a_folder_that_cannot_be_listed_is_reported_and_the_walk_continues(in_memory: str) -> None:
    errors: list[str] = []
    store = RemoteStore(f"{in_memory}/nowhere")
    assert list(store.images(recursive=True, on_error=lambda _, error: errors.append(error.what))) == []
    assert errors == ["“nowhere” does not exist."]


def test_a_missing_or_too_large_image_is_a_failure(in_memory: str, tmp_path: Path) -> None:
    store = RemoteStore(in_memory)
    with pytest.raises(ImageError) as gone:
        store.fetch("/photos/gone.png", tmp_path)
    assert gone.value.kind == ImageErrorKind.MISSING

    class Huge:
        def size(self, path: str) -> int:
            return 2**31

    store._files = Huge()
    with pytest.raises(ImageError) as huge:
        store.fetch("/photos/2.png", tmp_path)
    assert huge.value.kind == ImageErrorKind.TOO_LARGE


@pytest.mark.parametrize("address", ["nosuchkind://user:secret@host/photos", "s3x::secret"])
def test_no_credentials_are_shown(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        RemoteStore(address)
    message = str(caught.value)
    assert "secret" not in message
    assert caught.value.__cause__ is None
    assert "fsspec" in message


def test_an_error_of_a_store_is_reported_without_its_text(in_memory: str, tmp_path: Path) -> None:
    class Angry:
        def size(self, path: str) -> int:
            raise PermissionError("https://host/photos?token=secret")

    store = RemoteStore(in_memory)
    store._files = Angry()
    with pytest.raises(ImageError) as caught:
        store.fetch("/photos/2.png", tmp_path)
    assert "secret" not in str(caught.value)
    assert "PermissionError" in caught.value.what


def test_an_address_stays_an_address() -> None:
    address = Address("s3://bucket/a b/photo.jpg")
    assert str(address) == "s3://bucket/a b/photo.jpg"
    assert address.name == "photo.jpg"
    again = pickle.loads(pickle.dumps(address))
    assert (str(again), again) == (str(address), address)
