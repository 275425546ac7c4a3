"""Databases are opened in one way, and changed in transactions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.base.database import connect, transaction


def test_a_transaction_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with closing(connect(file)) as opened:
        opened.execute("CREATE TABLE things (name TEXT)")
        with pytest.raises(sqlite3.Error), transaction(opened):
            opened.executemany("INSERT INTO things VALUES (?)", [("lost",), (object(),)])
        with transaction(opened):
            opened.execute("INSERT INTO things VALUES ('kept')")
    with closing(connect(file, make=False)) as opened:
        assert opened.execute("SELECT name FROM things").fetchall() == [("kept",)]


def test_damaged_text_is_read_with_replacements(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "a.sqlite")) as opened:
        assert opened.execute("SELECT CAST(x'61ff' AS TEXT)").fetchone() == ("a\ufffd",)


def test_a_missing_database_is_made_only_if_asked(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "a.sqlite", make=False)
    assert not list(tmp_path.iterdir())


def test_a_database_that_cannot_be_prepared_is_closed(tmp_path: Path) -> None:
    opened: list[sqlite3.Connection] = []
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        connect(tmp_path / "a.sqlite", lambda database: opened.append(database) or database.execute("SELECT * FROM t"))
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")
