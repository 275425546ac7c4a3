"""Watching a folder with a real model, real files and file system events."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.base.errors import Cancelled, UsageError
from core.base.progress import CancelToken
from core.jobs.job import Job, open_lazy_classifier
from core.jobs.journal import job_folder, job_id
from core.jobs.queries import ResultStore
from core.jobs.values import JobRequest, Row, State, View
from core.jobs.watch import STATE_FILE, Watch, WatchPhase, WatchState
from core.models import library
from tests import tiny
from tests.patience import PATIENCE_S


class Watched:
    """A watch in its own thread, and its results."""

    def __init__(self, request: JobRequest, fail_on: str = "") -> None:
        self.rows: list[Row] = []
        self.states: list[WatchState] = []
        self.error: BaseException | None = None
        self.token = CancelToken()
        self._fail_on = fail_on
        self._watch = Watch(
            request,
            open_lazy_classifier(request),
            self._deliver,
            token=self.token,
            state=self.states.append,
            stable_s=0.3,
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._watch.run()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def _deliver(self, _: ResultStore, rows: Sequence[Row]) -> None:
        if any(row.path.name == self._fail_on for row in rows):
            raise RuntimeError("killed")
        self.rows += rows

    def said(self) -> dict[str, str | None]:
        return {row.path.name: row.label for row in self.rows}

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, (self.said(), self.states, self.error)
            assert self.error is None, self.error
            time.sleep(0.02)

    def stop(self) -> None:
        self.token.cancel()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@pytest.fixture
def request_of(tmp_path: Path) -> JobRequest:
    library.open_library().install(*tiny.packaged_model("colours"))
    folder = tmp_path / "arriving"
    folder.mkdir()
    return JobRequest(folder, recursive=True, model="colours", top_k=3)


@pytest.fixture
def watched(request_of: JobRequest) -> Iterator[Watched]:
    made = Watched(request_of)
    yield made
    made.stop()


def waiting(watched: Watched) -> Callable[[], bool]:
    return lambda: bool(watched.states) and watched.states[-1].phase is WatchPhase.WAITING


def test_new_files_are_delivered_once(watched: Watched, request_of: JobRequest) -> None:
    watched.until(waiting(watched)) if watched.states else time.sleep(0.5)
    tiny.write_solid(request_of.folder / "a.png", "red")
    tiny.write_solid(request_of.folder / "below" / "b.jpg", "blue")
    watched.until(lambda: len(watched.rows) == 2)
    assert watched.said() == {"a.png": "red", "b.jpg": "blue"}
    tiny.write_solid(request_of.folder.parent / "a.png", "green", size=(50, 40)).replace(request_of.folder / "a.png")
    watched.until(lambda: watched.said()["a.png"] == "green")
    assert len(watched.rows) == 3
    with ResultStore(job_id(request_of)) as answers:
        assert answers.summary().counts.done == 2


def test_a_file_is_read_only_when_complete(watched: Watched, request_of: JobRequest, tmp_path: Path) -> None:
    whole = tiny.write_solid(tmp_path / "elsewhere.png", "red", size=(400, 400)).read_bytes()
    with (request_of.folder / "slow.png").open("wb", buffering=0) as file:
        for start in range(0, len(whole), len(whole) // 8):
            file.write(whole[start : start + len(whole) // 8])
            time.sleep(0.15)
    (request_of.folder / "half.png.part").write_bytes(whole[:50])
    watched.until(lambda: bool(watched.rows))
    time.sleep(1)
    assert [(row.path.name, row.state) for row in watched.rows] == [("slow.png", State.DONE)]


def test_classified_photos_stay_while_new_ones_may_be_incomplete(request_of: JobRequest) -> None:
    tiny.write_solid(request_of.folder / "a.png", "red")
    tiny.write_solid(request_of.folder / "below" / "b.jpg", "blue")
    classifier, token = open_lazy_classifier(request_of), CancelToken()
    with Job(request_of, classifier, token=CancelToken()) as job:
        list(job.results())
    tiny.write_solid(request_of.folder / "new.png", "green")
    with pytest.raises(Cancelled):  # after the first scan
        Watch(request_of, classifier, lambda *_: None, token=token, looked=token.cancel, stable_s=60).run()
    with ResultStore(job_id(request_of)) as answers:
        counts = answers.summary().counts
        assert (counts.done, counts.gone) == (2, 0)


def test_an_unreadable_file_is_a_row_and_does_not_affect_others(watched: Watched, request_of: JobRequest) -> None:
    (request_of.folder / "bad.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    tiny.write_solid(request_of.folder / "good.png", "green")
    watched.until(lambda: len(watched.rows) == 2)
    states = {row.path.name: row.state for row in watched.rows}
    assert states == {"bad.jpg": State.FAILED, "good.png": State.DONE}
    watched.until(lambda: (watched.states[-1].delivered, watched.states[-1].failed) == (2, 1))


def test_files_from_between_watches_are_delivered_once(request_of: JobRequest) -> None:
    tiny.write_solid(request_of.folder / "before.png", "red")
    with Job(request_of, open_lazy_classifier(request_of), token=CancelToken()) as job:
        list(job.results())
    first = Watched(request_of)
    tiny.write_solid(request_of.folder / "a.png", "red")
    first.until(lambda: bool(first.rows))
    first.stop()
    assert isinstance(first.error, Cancelled)
    tiny.write_solid(request_of.folder / "meanwhile.png", "blue")
    again = Watched(request_of)
    again.until(lambda: bool(again.rows))
    again.stop()
    assert (list(first.said()), list(again.said())) == (["a.png"], ["meanwhile.png"])


def test_an_interrupted_delivery_is_repeated(request_of: JobRequest) -> None:
    first = Watched(request_of, fail_on="a.png")
    tiny.write_solid(request_of.folder / "a.png", "red")
    end = time.monotonic() + PATIENCE_S
    while first.error is None and time.monotonic() < end:
        time.sleep(0.02)
    assert isinstance(first.error, RuntimeError)
    again = Watched(request_of)
    again.until(lambda: again.said() == {"a.png": "red"})
    again.stop()


def test_a_watch_survives_a_folder_that_disappears_and_returns(watched: Watched, request_of: JobRequest) -> None:
    tiny.write_solid(request_of.folder / "a.png", "red")
    watched.until(lambda: bool(watched.rows))
    away = request_of.folder.with_name("away")
    request_of.folder.rename(away)
    watched.until(lambda: watched.states[-1].phase is WatchPhase.FOLDER_MISSING)
    assert "no folder" in watched.states[-1].message
    tiny.write_solid(away / "b.png", "blue")
    away.rename(request_of.folder)
    watched.until(lambda: len(watched.rows) == 2)
    assert watched.said() == {"a.png": "red", "b.png": "blue"}
    tiny.write_solid(request_of.folder / "c.png", "green")
    watched.until(lambda: len(watched.rows) == 3)


def test_a_missing_folder_is_refused(request_of: JobRequest) -> None:
    shutil.rmtree(request_of.folder)
    with pytest.raises(UsageError, match="no folder"):
        Watched(request_of)


def test_a_job_run_by_another_program_is_reported_or_waited_for(request_of: JobRequest) -> None:
    with Job(request_of, open_lazy_classifier(request_of), token=CancelToken()):
        refused = Watched(request_of)
        end = time.monotonic() + PATIENCE_S
        while refused.error is None and time.monotonic() < end:
            time.sleep(0.02)
        assert isinstance(refused.error, UsageError)


def test_a_watch_uses_the_job_of_the_folder(watched: Watched, request_of: JobRequest) -> None:
    tiny.write_solid(request_of.folder / "a.png", "red")
    watched.until(lambda: bool(watched.rows))
    assert (job_folder(job_id(request_of)) / STATE_FILE).exists()
    with ResultStore(job_id(replace(request_of))) as answers:
        assert [row.path.name for row in answers.each(View())] == ["a.png"]
