"""The client of the trainer process, against real processes that behave well and badly."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core.base.errors import (
    Cancelled,
    DatasetError,
    FoveaError,
    ModelError,
    ProviderError,
    StorageError,
    TrainerError,
    UsageError,
)
from core.base.progress import CancelToken, Progress
from core.training import trainer_process, trainer_program
from core.training.protocol import Epoch
from tests.patience import PATIENCE_S

SPEAKER = """
import os, signal, sys, threading, time
from core.training.protocol import *
from core.base.progress import Progress
def say(event):
    print(write_event(event), flush=True)
"""
"""The beginning of all programs run here."""

ENDLESS = """
def speak():
    while True:
        say(Progress("learning", 1, 2, None))
        time.sleep(0.01)
"""
POLITE = f"{ENDLESS}\nthreading.Thread(target=speak, daemon=True).start()\nsys.stdin.read()"
STUBBORN = f"{ENDLESS}\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nspeak()"


class Listener:
    """Collects what a process reports; may cancel it at the first event."""

    def __init__(self, *, cancels: bool = False) -> None:
        self.heard: list[Progress | Epoch] = []
        self.threads: set[threading.Thread] = set()
        self.token, self._cancels = CancelToken(), cancels

    def __call__(self, event: Progress | Epoch) -> None:
        self.heard.append(event)
        self.threads.add(threading.current_thread())
        if self._cancels:
            self.token.cancel()

    def converse(self, script: str) -> Mapping[str, Any]:
        command = [sys.executable, "-c", SPEAKER + script]
        return trainer_process.run_worker(command, report=self, on_epoch=self, token=self.token)


posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_events_arrive_in_order_with_the_facts_last() -> None:
    listener = Listener()
    facts = listener.converse(
        """
say(Progress("starting", 0, 1, None))
say(Epoch(0, 1, None, None, 0.5, 0.25, 0.1))
say(Progress("learning", 1, 1, 0.0))
say(Epoch(1, 1, 0.5, 0.5, 0.5, 0.75, 0.1))
say(TrainerDone({"name": "été", "best_epoch": 1}))
"""
    )
    assert facts == {"name": "été", "best_epoch": 1}
    stages = [event.stage if isinstance(event, Progress) else event.number for event in listener.heard]
    assert stages == ["starting", 0, "learning", 1]


def test_any_thread_can_run_the_trainer() -> None:
    listener, answers = Listener(), []
    thread = threading.Thread(
        target=lambda: answers.append(listener.converse('say(Progress("a", 0, 1, None)); say(TrainerDone({"b": 1}))'))
    )
    thread.start()
    thread.join(timeout=PATIENCE_S)
    assert answers == [{"b": 1}]
    assert listener.threads == {thread}


def test_events_arrive_during_the_work() -> None:
    listener = Listener(cancels=True)
    with pytest.raises(Cancelled):
        listener.converse('say(Progress("learning", 0, 1, None))\nsys.stdin.read()')
    assert len(listener.heard) == 1


@pytest.mark.parametrize("family", [ModelError, ProviderError, UsageError, StorageError, DatasetError, TrainerError])
def test_a_failure_is_raised_as_its_kind(family: type[FoveaError]) -> None:
    with pytest.raises(family, match="It broke") as caught:
        Listener().converse(f'say(TrainerFailed("{family.kind}", "It broke.", "Mend it."))\nsys.exit(2)')
    assert (type(caught.value), caught.value.hint) == (family, "Mend it.")


def test_a_failure_of_an_unknown_kind_is_a_trainer_error() -> None:
    with pytest.raises(TrainerError, match="Odd"):
        Listener().converse('say(TrainerFailed("odd", "Odd.", "-"))')


@posix
def test_nonsense_ends_the_process(tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match="invalid message: “WARNING: deprecated"):
        Listener().converse(
            f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
            "print('WARNING: deprecated', flush=True)\nsys.stdin.read()"
        )
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_an_endless_line_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_process, "_MAX_EVENT_BYTES", 1000)
    monkeypatch.setattr(trainer_process, "_TERMINATE_AFTER_S", (0.2, 0.2))
    with pytest.raises(TrainerError, match="invalid message"):
        Listener().converse("while True: sys.stdout.write('x' * 1000)")


def test_a_traceback_is_reported_by_its_last_line_and_a_hint(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TrainerError) as caught:
        Listener().converse('say(Progress("learning", 1, 2, None))\nraise ValueError("nothing fits")')
    assert caught.value.what.endswith("(exit code 1): ValueError: nothing fits")
    assert "Resume the training" in caught.value.hint
    assert "Traceback" in caplog.text


@posix
def test_a_kill_is_reported_with_its_signal() -> None:
    with pytest.raises(TrainerError, match="signal 9"):
        Listener().converse("os.kill(os.getpid(), signal.SIGKILL)")


def test_a_process_that_exits_without_a_result_is_an_error() -> None:
    with pytest.raises(TrainerError, match="exit code 0"):
        Listener().converse('say(Progress("learning", 1, 2, None))')


def test_much_on_standard_error_neither_blocks_nor_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TrainerError, match="the very last"):
        Listener().converse(
            "for number in range(100_000): print('noise', number, file=sys.stderr)\n"
            "print('x' * 1_000_000, file=sys.stderr)\nsys.exit('the very last')"
        )
    assert len(caplog.text) < 150_000


def test_a_program_that_cannot_be_started_is_reported() -> None:
    with pytest.raises(TrainerError, match="Couldn't start the trainer"):
        trainer_process.run_worker(
            ["/no/such/program"], report=lambda _: None, on_epoch=lambda _: None, token=CancelToken()
        )


def test_it_is_cancelled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_process, "_TERMINATE_AFTER_S", (PATIENCE_S, PATIENCE_S))
    listener, begun = Listener(cancels=True), time.monotonic()
    with pytest.raises(Cancelled):
        listener.converse(POLITE)
    assert time.monotonic() - begun < PATIENCE_S, "the patience with one that does not listen"
    assert listener.heard


def test_cancelled_before_the_start_nothing_is_started(tmp_path: Path) -> None:
    listener = Listener()
    listener.token.cancel()
    with pytest.raises(Cancelled):
        listener.converse(f"open({str(tmp_path / 'started')!r}, 'w')")
    assert not (tmp_path / "started").exists()


@posix
def test_a_process_that_ignores_cancellation_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_process, "_TERMINATE_AFTER_S", (0.2, 0.2))
    note = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    with pytest.raises(Cancelled):
        Listener(cancels=True).converse(note + STUBBORN)
    assert not is_running(int((tmp_path / "pid").read_text()))


@posix
def test_an_error_in_a_callback_ends_the_process(tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    note = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    with pytest.raises(ZeroDivisionError):
        trainer_process.run_worker(
            [sys.executable, "-c", SPEAKER + note + POLITE], report=fail, on_epoch=fail, token=CancelToken()
        )
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_without_tensorflow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_program, "_REQUIRED_PACKAGES", ("no_such_package", "numpy"))
    with pytest.raises(TrainerError, match="not installed: no_such_package") as caught:
        trainer_process.run_trainer(["train", "x"], report=lambda _: None, on_epoch=lambda _: None, token=CancelToken())
    assert "--extra train" in caught.value.hint


def test_a_module_called_core_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("core", "numpy", "logging"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('foreign')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trainer_program, "_REQUIRED_PACKAGES", ())
    with pytest.raises(TrainerError, match="is missing or damaged"):
        trainer_process.run_trainer(
            ["train", "none"], report=lambda _: None, on_epoch=lambda _: None, token=CancelToken()
        )
