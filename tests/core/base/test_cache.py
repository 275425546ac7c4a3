"""What every cache stands on; `tests.core.engine.test_feature_store` proves the rest of it with the store of
features."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from core.base.cache import Cache


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    columns = "name TEXT PRIMARY KEY, used REAL NOT NULL, value BLOB NOT NULL"
    return Cache(tmp_path / "cache" / "things.sqlite", "things", columns, limit_bytes=10**6, what="things of mine")


def _put(cache: Cache, *names: str) -> None:
    cache.put([(name, time.time(), name.encode()) for name in names])


def test_rows_are_found_by_one_column_and_whatever_else_is_asked(cache: Cache) -> None:
    with cache:
        _put(cache, *map(str, range(1200)))
        found = cache.find("name, value", "value > ? AND name", (b"5",), [*map(str, range(2000)), "other"])
    assert dict(found) == {str(number): b"%d" % number for number in range(1200) if b"%d" % number > b"5"}


def test_nothing_to_keep_or_to_find_touches_no_disk(cache: Cache, tmp_path: Path) -> None:
    with cache:
        cache.put([])
        assert cache.find("name", "name", (), []) == []
    assert not list(tmp_path.iterdir())


def test_threads_share_it(cache: Cache) -> None:
    def work(start: int) -> None:
        for number in range(start, start + 100):
            _put(cache, str(number))
            assert cache.find("name", "name", (), [str(number)]) == [(str(number),)]

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 400, 100)]
    with cache:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(cache.find("name", "name", (), [*map(str, range(400))])) == 400


def test_the_user_is_warned_about_what_is_lost(cache: Cache, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "cache" / "things.sqlite"
    file.parent.mkdir()
    file.write_bytes(b"no database" * 500)
    with cache:
        _put(cache, "a")
    assert "(things of mine) was damaged and is rebuilt" in caplog.text
    caplog.clear()
    other = Cache(file / "below", "things", "used REAL", limit_bytes=1, what="things of mine")
    with other:
        other.put([(0.0,)])
        other.put([(0.0,)])
    assert [record.getMessage().split(" “")[0] for record in caplog.records] == ["Couldn't use the cache"]
