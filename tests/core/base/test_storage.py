"""A file written by us is wholly the old one or wholly the new one, whatever happens in between."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.base.errors import StorageError
from core.base.storage import check_writable, replace, storage_errors, write_atomically

OLD, NEW = b"old" * 1000, b"new" * 2000
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "file.json"
    write_atomically(path, OLD)
    return path


def failing(*_: object, **__: object) -> None:
    raise FULL


def only(file: Path) -> bool:
    """Whether nothing else lies beside the file."""
    return [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c"
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW
    assert only(path)


def test_an_old_file_is_replaced(file: Path) -> None:
    write_atomically(file, NEW)
    assert file.read_bytes() == NEW
    assert only(file)


def test_nothing_is_a_content_too(file: Path) -> None:
    write_atomically(file, b"")
    assert file.read_bytes() == b""


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, function, failing)
        with pytest.raises(StorageError) as caught:
            write_atomically(file, NEW)
    assert "No space left" in caught.value.what
    assert "file.json" in caught.value.what
    assert caught.value.hint == "Choose a file in a folder you can write to, on a disk with free space."
    assert file.read_bytes() == OLD
    assert only(file)


def test_what_cannot_be_written_is_known_before_the_work(file: Path) -> None:
    check_writable(file)
    assert only(file)
    for path in (file.parent, file / "below", file.parent / "new" / "file.json"):
        with pytest.raises(StorageError):
            check_writable(path)


def test_only_files_of_fovea_move_with_its_folder(home: Path, tmp_path: Path) -> None:
    for path, is_own in ((home / "jobs" / "file.json", True), (tmp_path / "exported.onnx", False)):
        with pytest.raises(StorageError) as caught, storage_errors(path):
            raise FULL
        assert ("FOVEA_HOME" in caught.value.hint) is is_own


def test_a_folder_that_cannot_be_made_durable_does_not_undo_the_write(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_sync = os.fsync
    calls: list[int] = []

    def second_fails(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.EINVAL, "this file system cannot sync folders")
        plain_sync(handle)

    monkeypatch.setattr(os, "fsync", second_fails)
    write_atomically(file, NEW)
    assert len(calls) == 2
    assert file.read_bytes() == NEW


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full on this system")
def test_a_disk_that_is_truly_full_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No space left"), storage_errors(tmp_path / "x"):
        Path("/dev/full").write_bytes(NEW)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_an_interruption_leaves_the_old_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    def interrupted(*_: object) -> None:
        raise kind

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(kind):
            write_atomically(file, NEW)
    assert file.read_bytes() == OLD
    assert only(file)


WRITE_FOREVER = """
import sys
from pathlib import Path
from core.base.storage import write_atomically
path = Path(sys.argv[1])
for turn in range(10**9):
    write_atomically(path, bytes([turn % 256]) * 100_000)
    if turn == 3:
        print("writing", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_kill_at_any_moment_leaves_a_whole_file(file: Path) -> None:
    for turn in range(4):
        command = [sys.executable, "-c", WRITE_FOREVER, str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"writing\n"
            time.sleep(turn * 0.007)
            process.send_signal(signal.SIGKILL)
        content = file.read_bytes()
        assert content == content[:1] * 100_000


def test_two_writers_at_once_leave_the_file_of_one(file: Path) -> None:
    def write(letter: bytes) -> None:
        for _ in range(20):
            write_atomically(file, letter * 50_000)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_bytes() in (b"a" * 50_000, b"b" * 50_000)
    assert only(file)


def a_file_above(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(OLD)
    return tmp_path / "file" / "below"


def a_folder_of_that_name(tmp_path: Path) -> Path:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    return tmp_path / "folder"


def a_name_too_long(tmp_path: Path) -> Path:
    return tmp_path / ("x" * 300)


def the_root_of_all(tmp_path: Path) -> Path:
    return Path(tmp_path.anchor)


@pytest.mark.parametrize("place", [a_file_above, a_folder_of_that_name, a_name_too_long, the_root_of_all])
def test_places_that_hold_no_file_are_reported(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    path = place(tmp_path)
    with pytest.raises(StorageError) as caught:
        write_atomically(path, NEW)
    assert caught.value.hint
    assert caught.value.kind == "storage"
    assert not list(tmp_path.rglob(".*"))


def test_the_longest_name_there_is_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders on Windows")
def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(StorageError, match="device"):
        write_atomically(pipe, NEW)
    assert pipe.is_fifo()


def link(path: Path, target: Path) -> None:
    try:
        path.symlink_to(target)
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "link"
    link(path, file)
    write_atomically(path, NEW)
    assert path.is_symlink()
    assert file.read_bytes() == NEW


def test_a_link_to_nothing_is_followed(tmp_path: Path) -> None:
    link(tmp_path / "link", tmp_path / "elsewhere" / "file")
    write_atomically(tmp_path / "link", NEW)
    assert (tmp_path / "elsewhere" / "file").read_bytes() == NEW


def test_links_in_a_circle_cost_nothing_but_themselves(tmp_path: Path) -> None:
    link(tmp_path / "a", tmp_path / "b")
    link(tmp_path / "b", tmp_path / "a")
    write_atomically(tmp_path / "a", NEW)
    assert (tmp_path / "a").read_bytes() == NEW


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
def test_a_new_file_has_the_permissions_any_new_file_gets(tmp_path: Path) -> None:
    write_atomically(tmp_path / "ours", NEW)
    (tmp_path / "usual").write_bytes(NEW)
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


class BusyError(PermissionError):
    """What Windows raises while another program has the file open."""

    winerror = 32


def test_a_file_that_is_busy_for_a_moment_is_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_replace = os.replace
    tries: list[Path] = []

    def busy_twice(source: Path, target: Path) -> None:
        tries.append(source)
        if len(tries) < 3:
            raise BusyError
        plain_replace(source, target)

    monkeypatch.setattr(os, "replace", busy_twice)
    write_atomically(file, NEW)
    assert len(tries) == 3
    assert file.read_bytes() == NEW


def test_a_permission_that_will_not_come_is_not_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Path] = []

    def denied(source: Path, _: Path) -> None:
        tries.append(source)
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "replace", denied)
    with pytest.raises(PermissionError):
        replace(file, file.with_name("other"))
    assert len(tries) == 1
    assert file.read_bytes() == OLD


def test_an_error_without_words_still_says_something() -> None:
    with pytest.raises(StorageError, match="TimeoutError"), storage_errors(Path("x")):
        raise TimeoutError
