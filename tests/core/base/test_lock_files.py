"""A lock file is held by one at a time; whatever else has its name is set aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base.errors import StorageError, UsageError
from core.base.lock_files import is_locked, locked


def taken() -> UsageError:
    return UsageError("taken", hint="Wait.")


def test_it_is_held_until_the_block_ends(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "lock"
    assert not is_locked(file)
    with locked(file, taken):
        assert is_locked(file)
        with pytest.raises(UsageError, match="taken"), locked(file, taken, patience_s=0.03):
            pytest.fail("two hold it")
    assert not is_locked(file)
    with locked(file, taken):
        pass


def test_what_it_contains_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_bytes(b"anything")
    with locked(file, taken):
        assert file.read_bytes() == b"anything"


def test_a_folder_in_its_place_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with locked(tmp_path / "lock", taken):
        assert (tmp_path / "lock").is_file()
    assert len(list(tmp_path.glob("lock.damaged-*"))) == 1


def test_where_it_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError), locked(tmp_path / "file" / "lock", taken):
        pytest.fail("it is not held")
