"""How versions lie on disk: references, what was active, and one program changing them at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base.errors import ModelError, StorageError
from core.models import versions
from core.models.versions import LOCK, history, locked, numbers, split_reference, write_history


def test_a_reference_is_a_name_with_or_without_a_number() -> None:
    assert split_reference("mine") == ("mine", None)
    assert split_reference("mine@12") == ("mine", 12)
    assert split_reference("general@0") == ("general", 0)


@pytest.mark.parametrize(
    "reference", ["mine@", "mine@x", "mine@-1", "mine@01", "mine@1@2", "mine@١", "m@" + "9" * 5000]
)
def test_what_follows_the_at_is_a_number(reference: str) -> None:
    with pytest.raises(ModelError, match="is not a version") as caught:
        split_reference(reference)
    assert "mine@2" in caught.value.hint


def test_only_folders_with_plain_numbers_are_versions(tmp_path: Path) -> None:
    for name in ("10", "2", "0", "01", "-3", "١", "x", ".new-1", "9" * 20):
        (tmp_path / name).mkdir()
    (tmp_path / "4").write_text("a file")
    assert numbers(tmp_path) == (2, 10)
    assert numbers(tmp_path / "missing") == ()


def test_what_was_active_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_history(tmp_path, [1, 3, 2])
    assert (tmp_path / "active").read_bytes() == b"1\n3\n2\n"
    assert history(tmp_path) == (1, 3, 2)


def test_a_file_of_one_line_as_older_programs_wrote_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "active").write_text("7")
    assert history(tmp_path) == (7,)


def test_of_a_long_history_the_beginning_is_forgotten(tmp_path: Path) -> None:
    write_history(tmp_path, range(1, 1001))
    assert history(tmp_path) == tuple(range(901, 1001))


def test_one_changes_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_TIMEOUT_S", 0.05)
    own = tmp_path / "own"
    with locked(own), pytest.raises(StorageError, match="Couldn't change the models"), locked(own):
        pass
    with locked(own):
        pass
    assert [path.name for path in own.iterdir()] == [LOCK]


def test_what_lies_in_the_lock_s_place_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()
    (tmp_path / LOCK / "note.txt").write_text("mine")
    with locked(tmp_path):
        assert (tmp_path / LOCK).is_file()
    (aside,) = tmp_path.glob(f"{LOCK}.damaged-*/note.txt")
    assert aside.read_text() == "mine"


def test_where_no_lock_can_be_had_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError), locked(tmp_path / "file"):
        pytest.fail("it must not come to this")
