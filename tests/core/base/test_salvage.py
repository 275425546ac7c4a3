"""Damaged files are set aside under their name with a date, and what can be read of them is recovered."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.base.recovery import rebuild
from core.base.salvage import files_set_aside, members, set_aside

TABLES = """
CREATE TABLE photos (number INTEGER PRIMARY KEY, name BLOB NOT NULL, share REAL, said TEXT);
CREATE TABLE folders (path BLOB PRIMARY KEY, label TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX by_said ON photos (said);
"""
PAGE = 4096
COUNT = 1200


def make(file: Path) -> sqlite3.Connection:
    opened = sqlite3.connect(file, isolation_level=None)
    opened.execute("PRAGMA journal_mode = WAL")
    opened.executescript(TABLES)
    return opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database of many pages, with values of every kind and length."""
    file = tmp_path / "store.sqlite"
    with closing(make(file)) as opened:
        opened.execute("BEGIN")
        rows = ((n, b"%d" % n, n / 7, "x" * (9000 if n == 50 else n % 40)) for n in range(1, COUNT + 1))
        opened.executemany("INSERT INTO photos VALUES (?, ?, ?, ?)", rows)
        opened.executemany("INSERT INTO folders VALUES (?, ?)", ((b"%05d" % n, "label") for n in range(500)))
        opened.execute("COMMIT")
    return file


def recovered(file: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(file)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        wrong = opened.execute("SELECT count(*) FROM photos WHERE name <> CAST(number AS BLOB)").fetchone()
        assert wrong == (0,)
        counts = [opened.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("photos", "folders")]
        return counts[0], counts[1]


def root_of(file: Path, table: str) -> int:
    with closing(sqlite3.connect(file)) as opened:
        (page,) = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        return int(page)


def overwrite(file: Path, at: int, data: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(data)


def test_a_file_set_aside_keeps_its_name_and_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    for content in (b"first", b"second"):
        file.write_bytes(content)
        assert set_aside(file).name.startswith("a.json.damaged-2")
    assert not file.exists()
    assert sorted(kept.read_bytes() for kept in files_set_aside(tmp_path, "a.json")) == [b"first", b"second"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: overwrite(file, 16, b"\xff\xff"),
        lambda file: overwrite(file, 0, bytes(PAGE)),
        lambda file: overwrite(file, 28, b"\xff" * 72),
    ],
    ids=["page size", "first page", "header"],
)
def test_every_row_survives_the_loss_of_the_first_page(file: Path, harm: Callable[[Path], None]) -> None:
    before = file.read_bytes()
    harm(file)
    harmed = file.read_bytes()
    aside, rows = rebuild(file, make)
    assert before != harmed == aside.read_bytes()
    assert recovered(file) == (COUNT, 500)
    assert rows == COUNT + 500


@pytest.mark.parametrize("table", ["photos", "folders"])
def test_rows_survive_the_loss_of_the_page_that_leads_to_them(file: Path, table: str) -> None:
    overwrite(file, (root_of(file, table) - 1) * PAGE, b"\xa5" * PAGE)
    rebuild(file, make)
    photos, folders = recovered(file)
    assert photos == COUNT
    assert folders == 500 if table == "photos" else folders >= 495  # the upper page itself held some rows


def test_a_torn_page_costs_no_more_than_its_own_rows(file: Path) -> None:
    data = file.read_bytes()
    leaf = next(at for at in range(PAGE * 6, len(data), PAGE) if data[at] == 13)
    overwrite(file, leaf, bytes(PAGE))
    rebuild(file, make)
    photos, folders = recovered(file)
    assert COUNT - 300 < photos + folders - 500 < COUNT


def test_a_file_that_is_cut_off_keeps_its_beginning(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2 + 100])
    rebuild(file, make)
    photos, folders = recovered(file)
    assert photos + folders > COUNT // 3


def test_what_stands_in_the_log_alone_survives(file: Path) -> None:
    opened = sqlite3.connect(file)
    opened.execute("UPDATE photos SET said = 'the last word' WHERE number = 7")
    opened.commit()
    log = file.with_name(file.name + "-wal").read_bytes()
    opened.close()
    file.with_name(file.name + "-wal").write_bytes(log)
    overwrite(file, 0, b"no header at all")
    aside, _ = rebuild(file, make)
    with closing(sqlite3.connect(file)) as opened:
        assert opened.execute("SELECT said FROM photos WHERE number = 7").fetchone() == ("the last word",)
    assert aside.with_name(aside.name + "-wal").read_bytes() == log


def test_nothing_is_left_beside_it(file: Path) -> None:
    file.write_bytes(b"no database at all" * 1000)
    aside, rows = rebuild(file, make)
    assert rows == 0
    assert recovered(file) == (0, 0)
    assert sorted(path.name for path in file.parent.iterdir()) == sorted([file.name, aside.name])


def test_members_of_cut_json_are_found() -> None:
    text = b'{"format": 1, "photos": {"a": {"label": "x {y}", "size": 3}, "b": {"label": "z", "si'
    assert list(members(text)) == [("format", 1), ("a", {"label": "x {y}", "size": 3}), ("label", "z")]
    assert list(members(b'{"a": "\xff", "b": [1, 2]}')) == [("b", [1, 2])]
    assert list(members(b"[" * 5000)) == []
