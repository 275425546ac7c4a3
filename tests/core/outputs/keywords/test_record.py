"""The record of written keywords survives damage, as `keywords --remove` depends on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base.errors import StorageError
from core.base.salvage import files_set_aside
from core.outputs.keywords.record import open_record

PHOTOS = tuple(Path(f"/photos/{number:04}.jpg") for number in range(500))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "keywords.sqlite3"
    with open_record(file) as record:
        record.add((photo.with_suffix(".xmp"), photo, True) for photo in PHOTOS)
    return file


@pytest.mark.parametrize("harm", [(16, b"\xff\xff"), (0, bytes(4096)), (100, b"\xff" * 8)], ids=str)
def test_a_damaged_record_is_set_aside_and_recovered(
    file: Path, harm: tuple[int, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    with file.open("r+b") as opened:
        opened.seek(harm[0])
        opened.write(harm[1])
    before = file.read_bytes()
    with open_record(file) as record:
        assert record.photos_in(Path("/photos")) == PHOTOS
        assert record.is_own(PHOTOS[0].with_suffix(".xmp"))
    (aside,) = files_set_aside(file.parent, file.name)
    assert aside.read_bytes() == before
    assert str(aside) in caplog.text


def test_a_record_that_cannot_be_opened_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "keywords.sqlite3").mkdir()
    with pytest.raises(StorageError, match="Couldn't use the record"), open_record(tmp_path / "keywords.sqlite3"):
        pass
    assert not files_set_aside(tmp_path, "keywords.sqlite3")
