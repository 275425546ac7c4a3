"""The store of features: what it keeps, for how long, and what it survives."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import core
from core.engine.feature_store import FeatureKind, FeatureStore, Rows
from tests.patience import PATIENCE_S

ROOT = Path(core.__file__).parents[1]
KIND = FeatureKind("b" * 64, "1 stretch 32 1.0", "auto", 16)
_WRITER = """
import sys
from pathlib import Path
import numpy as np
from core.engine.feature_store import FeatureKind, FeatureStore
kind, start = FeatureKind("b" * 64, "1 stretch 32 1.0", "auto", 16), int(sys.argv[2])
with FeatureStore(Path(sys.argv[1])) as store:
    for number in range(start, start + int(sys.argv[3])):
        store.put(kind, {str(number): np.full(16, number % 1000, np.float16)})
        print(number, flush=True)
"""


def rows(*names: str, seed: int = 0) -> Rows:
    draw = np.random.default_rng(seed)
    return {name: draw.normal(size=16).astype(np.float16) for name in names}


def _same(found: Rows, expected: Rows) -> bool:
    return found.keys() == expected.keys() and all(np.array_equal(found[name], expected[name]) for name in found)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "features.sqlite"


def test_what_was_put_is_found_by_a_later_program(file: Path) -> None:
    kept = rows("a", "b")
    with FeatureStore(file) as store:
        store.put(KIND, kept)
    with FeatureStore(file) as store:
        assert _same(store.get(KIND, ["a", "b", "c"]), kept)


def test_more_images_than_one_statement_takes(file: Path) -> None:
    kept = rows(*map(str, range(1203)))
    with FeatureStore(file) as store:
        store.put(KIND, kept)
        assert _same(store.get(KIND, list(kept)), kept)


@pytest.mark.parametrize("change", [{"backbone": "c" * 64}, {"preprocessing": 2}, {"precision": "exact"}])
def test_features_made_otherwise_are_others(file: Path, change: dict[str, object]) -> None:
    with FeatureStore(file) as store:
        store.put(KIND, rows("a"))
        assert not store.get(replace(KIND, **change), ["a"])


def test_what_is_put_again_is_replaced(file: Path) -> None:
    with FeatureStore(file) as store:
        store.put(KIND, rows("a", seed=1))
        store.put(KIND, rows("a", seed=2))
        assert _same(store.get(KIND, ["a"]), rows("a", seed=2))


def test_the_file_stays_within_its_limit_and_the_oldest_go_first(file: Path) -> None:
    wide = replace(KIND, width=2048)
    limit = 400_000

    def vector(number: int) -> NDArray[np.float16]:
        return np.full(2048, number, np.float16)

    with FeatureStore(file, limit_bytes=limit) as store:
        for number in range(300):
            store.put(wide, {str(number): vector(number)})
        found = store.get(wide, [str(number) for number in range(300)])
    assert file.stat().st_size <= limit + 50_000
    numbers = sorted(map(int, found))
    assert len(numbers) > 40
    assert numbers == list(range(numbers[0], 300))


def test_what_is_used_stays_longer(file: Path) -> None:
    wide = replace(KIND, width=2048)
    with FeatureStore(file, limit_bytes=400_000) as store:
        for number in range(40):
            store.put(wide, {str(number): np.full(2048, number, np.float16)})
    with sqlite3.connect(file) as opened:
        opened.execute("UPDATE features SET used = used - 2 * 24 * 3600")
    opened.close()
    with FeatureStore(file, limit_bytes=400_000) as store:
        assert store.get(wide, ["0"])
        for number in range(40, 90):
            store.put(wide, {str(number): np.full(2048, number, np.float16)})
        assert store.get(wide, ["0"])
        assert not store.get(wide, ["1"])


def test_a_vector_of_another_kind_is_not_believed(file: Path) -> None:
    with FeatureStore(file) as store:
        store.put(KIND, rows("a"))
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("UPDATE features SET vector = 7")
    with FeatureStore(file) as store:
        assert not store.get(KIND, ["a"])


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_file_is_set_aside_and_replaced(file: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with FeatureStore(file) as store:
        assert not store.get(KIND, ["a"])
        store.put(KIND, rows("a"))
        assert store.get(KIND, ["a"])
    (aside,) = file.parent.glob(f"{file.name}.damaged-*")
    assert aside.read_bytes() == content
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert aside.name in caplog.text
    file.write_bytes(b"again" * 1000)
    with FeatureStore(file) as store:
        assert not store.get(KIND, ["a"])
    assert [kept.read_bytes() for kept in file.parent.glob(f"{file.name}.damaged-*")] == [b"again" * 1000]


def test_a_file_damaged_in_its_middle_costs_only_features(file: Path) -> None:
    kept = rows(*map(str, range(2000)))
    with FeatureStore(file) as store:
        store.put(KIND, kept)
    data = bytearray(file.read_bytes())
    data[4096 * 3 : 4096 * 30] = os.urandom(4096 * 27)
    file.write_bytes(data)
    with FeatureStore(file) as store:
        found = store.get(KIND, list(kept))
        assert all(np.array_equal(found[name], kept[name]) for name in found)
        store.put(KIND, rows("new"))
        assert store.get(KIND, ["new"])


def test_a_flipped_bit_is_not_believed(file: Path) -> None:
    with FeatureStore(file) as store:
        store.put(KIND, rows("a"))
    with sqlite3.connect(file) as opened:
        opened.execute("UPDATE features SET vector = ?", (bytes(32),))
    opened.close()
    with FeatureStore(file) as store:
        assert not store.get(KIND, ["a"])


def test_a_database_of_another_program_is_set_aside(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as opened:
        opened.execute("CREATE TABLE features (other TEXT)")
    opened.close()
    with FeatureStore(file) as store:
        store.put(KIND, rows("a"))
        assert store.get(KIND, ["a"])


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with FeatureStore(tmp_path / "taken" / "features.sqlite") as store:
        store.put(KIND, rows("a"))
        store.put(KIND, rows("b"))
        assert not store.get(KIND, ["a"])
    (record,) = caplog.records
    assert "Couldn't use the cache" in record.getMessage()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX systems")
def test_a_full_disk_keeps_what_was_there(file: Path) -> None:
    import resource

    with FeatureStore(file) as store:
        store.put(KIND, rows("a"))
    limit = 60_000
    done = subprocess.run(
        [sys.executable, "-c", _WRITER, str(file), "0", "2000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 0
    assert done.stderr.count("Couldn't use the cache") == 1
    with FeatureStore(file) as store:
        assert _same(store.get(KIND, ["a"]), rows("a"))


def _write(file: Path, start: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, str(file), str(start), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_programs_write_at_once(file: Path) -> None:
    writers = [_write(file, start, 300) for start in (0, 1000)]
    for writer in writers:
        _, err = writer.communicate(timeout=PATIENCE_S)
        assert (writer.returncode, err) == (0, "")
    with FeatureStore(file) as store:
        names = [str(start + number) for start in (0, 1000) for number in range(300)]
        assert len(store.get(KIND, names)) == 600


def test_programs_that_begin_the_file_at_the_same_moment(file: Path) -> None:
    waiting = f"import time\nwhile time.time() < {time.time() + 1.5}: pass\n"
    script = _WRITER.replace("with FeatureStore", f"{waiting}with FeatureStore")
    command = [sys.executable, "-c", script, str(file)]
    writers = [
        subprocess.Popen([*command, str(number), "1"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for number in range(3)
    ]
    assert [writer.communicate(timeout=PATIENCE_S)[1] for writer in writers] == [b"", b"", b""]
    with FeatureStore(file) as store:
        assert len(store.get(KIND, ["0", "1", "2"])) == 3


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals of POSIX systems")
@pytest.mark.parametrize("pause_s", [0.0, 0.05, 0.2])
def test_a_kill_loses_nothing_that_was_put(file: Path, pause_s: float) -> None:
    writer = _write(file, 0, 1_000_000)
    assert writer.stdout
    assert writer.stdout.readline() == "0\n"
    time.sleep(pause_s)
    writer.kill()
    # `communicate` would lose what was read ahead with the line
    written = ["0", *writer.stdout.read().split("\n")[:-1]]
    writer.communicate(timeout=PATIENCE_S)
    with FeatureStore(file) as store:
        found = store.get(KIND, written)
    assert sorted(found) == sorted(written)
    assert all(np.array_equal(row, np.full(16, int(name) % 1000, np.float16)) for name, row in found.items())
    opened = sqlite3.connect(file)
    assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    opened.close()
