"""Thumbnails of training photos are small, without metadata, and taken over by the next version."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.datasets.labelled_image import LabelledImage
from core.models.installed import load_training_images
from core.models.library import Library
from core.models.thumbnails import thumbnail_file
from core.training.thumbnails import SIDE, make_thumbnails
from tests import tiny


def _photo(folder: Path, colour: str) -> LabelledImage:
    path = tiny.write_solid(folder / f"{colour}.png", colour, size=(400, 300))
    return LabelledImage(path, colour, None, tiny.sha256(colour.encode()))


def _made(images: list[LabelledImage], earlier: Path | None = None) -> dict[str, bytes]:
    return make_thumbnails(images, earlier, report=lambda _: None, token=CancelToken())


def test_a_thumbnail_is_small_and_has_no_metadata(tmp_path: Path) -> None:
    photo = _photo(tmp_path, "red")
    (data,) = _made([photo]).values()
    with Image.open(io.BytesIO(data)) as small:
        assert (small.format, small.size, len(small.getexif())) == ("JPEG", (SIDE, SIDE * 3 // 4), 0)
    assert len(data) < 4000


def test_photos_that_are_gone_have_none_unless_the_version_before_has(tmp_path: Path) -> None:
    gone = LabelledImage(tmp_path / "gone.png", "red", None, "ab" * 32)
    assert _made([gone, _photo(tmp_path, "red")]).keys() == {tiny.sha256(b"red")}
    file = thumbnail_file(tmp_path / "1", gone.sha256)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"kept")
    assert _made([gone], tmp_path / "1") == {gone.sha256: b"kept"}


def test_making_them_can_be_cancelled(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        make_thumbnails([_photo(tmp_path, "red")], None, report=lambda _: None, token=token)


def test_an_open_model_knows_the_thumbnails_it_keeps(tmp_path: Path) -> None:
    library = tiny.make_library(tmp_path)
    sha256 = tiny.sha256(b"red")
    model = library.install(*tiny.knowing_model(), thumbnails={sha256: b"small"})
    found = load_training_images(model)
    assert found is not None
    assert found.thumbnails == {sha256: thumbnail_file(model.folder, sha256)}
    assert thumbnail_file(model.folder, sha256).read_bytes() == b"small"
    assert isinstance(Library(library.builtin, library.user).find("knowing"), type(model))
