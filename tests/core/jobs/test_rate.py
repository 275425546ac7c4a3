"""Progress of a job, even before the first result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from core.base.progress import CancelToken
from core.base.providers import ProviderPreference
from core.card import Preprocessing
from core.images.listing import visible_entries
from core.jobs import pipeline, walk
from core.jobs.job import Job, open_lazy_classifier
from core.jobs.rate import RateEstimator
from core.jobs.values import JobProgress, JobRequest
from core.models.library import open_library
from core.models.prepare import PreprocessedImage
from core.prediction import Failure
from tests import tiny
from tests.patience import PATIENCE_S

COUNT = 600
T = TypeVar("T")


@pytest.fixture
def request_of(tmp_path: Path) -> JobRequest:
    """A job with many images."""
    open_library().install(*tiny.packaged_model("colours"))
    tiny.write_solid(tmp_path / "photos" / "0.png", "red")
    for number in range(1, COUNT):
        (tmp_path / "photos" / f"{number}.png").hardlink_to(tmp_path / "photos" / "0.png")
    return JobRequest(tmp_path / "photos", recursive=True, model="colours", provider=ProviderPreference.CPU)


class RunningJob:
    """A run in its own thread, and its progress reports."""

    def __init__(self, request: JobRequest) -> None:
        self.all: list[JobProgress] = []
        self._request = request
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        answering = open_lazy_classifier(self._request)
        with Job(self._request, answering, token=CancelToken(), report=self.all.append) as job:
            for _ in job.results():
                pass

    def wait(self, until: Callable[[JobProgress], bool]) -> JobProgress:
        """Wait for a progress report, and return it."""
        end = time.monotonic() + PATIENCE_S
        while not self.all or not until(self.all[-1]):
            assert time.monotonic() < end
            time.sleep(0.01)
        return self.all[-1]

    def end(self) -> JobProgress:
        """Wait for the end, and return the last report."""
        self._thread.join()
        return self.all[-1]


def test_found_images_are_reported_while_the_first_ones_are_read(
    request_of: JobRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, prepare = threading.Event(), pipeline.prepare

    def held(path: Path, plans: list[Preprocessing], *more: None) -> list[PreprocessedImage] | Failure:
        released.wait(PATIENCE_S)
        return prepare(path, plans, *more)

    monkeypatch.setattr(pipeline, "prepare", held)
    running = RunningJob(request_of)
    waiting = running.wait(lambda progress: progress.walked)
    released.set()
    last = running.end()
    assert (waiting.found, waiting.finished) == (COUNT, 0)
    assert (last.found, last.finished, last.remaining_s) == (COUNT, COUNT, 0)
    founds = [each.found for each in running.all]
    assert founds == sorted(founds)


def test_found_images_are_reported_while_a_folder_is_read(
    request_of: JobRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(
        walk, "visible_entries", lambda folder, *pass_over: slowly(visible_entries(folder, *pass_over), 7, released)
    )
    running = RunningJob(request_of)
    waiting = running.wait(lambda progress: progress.found > 0)
    released.set()
    last = running.end()
    assert (waiting.found, waiting.walked, waiting.finished) == (7, False, 0)
    assert (last.found, last.finished) == (COUNT, COUNT)


def slowly(entries: Iterator[T], count: int, released: threading.Event) -> Iterator[T]:
    """Yield the first few immediately, and the rest once they are released."""
    for place, entry in enumerate(entries):
        if place == count:
            released.wait(PATIENCE_S)
        yield entry


def test_late_reports_from_before_the_end_of_the_walk_are_dropped() -> None:
    reports: list[JobProgress] = []
    moment = iter(range(100))
    rate = RateEstimator(reports.append, now=lambda: float(next(moment)))
    rate.update(5, None)
    rate.update(9, 9)
    rate.update(8, None)
    assert [(each.found, each.walked) for each in reports] == [(5, False), (9, True)]


def test_the_end_of_the_walk_is_always_reported() -> None:
    reports: list[JobProgress] = []
    rate = RateEstimator(reports.append, now=lambda: 1.0)
    rate.update(5, None)
    rate.update(6, None)
    rate.update(9, 9)
    assert [(each.found, each.walked) for each in reports] == [(5, False), (9, True)]
