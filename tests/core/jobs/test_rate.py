"""How far a job is, told also while no image is answered yet."""

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
from core.models.classifier import PreprocessedImage
from core.models.library import open_library
from core.prediction import Failure
from tests import tiny

COUNT = 600
PATIENCE_S = 60
T = TypeVar("T")


@pytest.fixture
def request_of(tmp_path: Path) -> JobRequest:
    """A job over many images."""
    open_library().install(*tiny.packaged_model("colours"))
    tiny.write_solid(tmp_path / "photos" / "0.png", "red")
    for number in range(1, COUNT):
        (tmp_path / "photos" / f"{number}.png").hardlink_to(tmp_path / "photos" / "0.png")
    return JobRequest(tmp_path / "photos", recursive=True, model="colours", provider=ProviderPreference.CPU)


class Told:
    """A run in a thread of its own, and what it told so far."""

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
        """The first progress told last that is so."""
        end = time.monotonic() + PATIENCE_S
        while not self.all or not until(self.all[-1]):
            assert time.monotonic() < end
            time.sleep(0.01)
        return self.all[-1]

    def end(self) -> JobProgress:
        """The last one, once the run has ended."""
        self._thread.join()
        return self.all[-1]


def test_what_was_found_is_told_while_the_first_images_are_read(
    request_of: JobRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, prepare = threading.Event(), pipeline.prepare

    def held(path: Path, plan: Preprocessing) -> PreprocessedImage | Failure:
        released.wait(PATIENCE_S)
        return prepare(path, plan)

    monkeypatch.setattr(pipeline, "prepare", held)
    told = Told(request_of)
    waiting = told.wait(lambda progress: progress.walked)
    released.set()
    last = told.end()
    assert (waiting.found, waiting.finished) == (COUNT, 0)
    assert (last.found, last.finished, last.remaining_s) == (COUNT, COUNT, 0)
    founds = [each.found for each in told.all]
    assert founds == sorted(founds)


def test_what_was_found_is_told_while_a_folder_is_read(request_of: JobRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(
        walk, "visible_entries", lambda folder, *pass_over: slowly(visible_entries(folder, *pass_over), 7, released)
    )
    told = Told(request_of)
    waiting = told.wait(lambda progress: progress.found > 0)
    released.set()
    last = told.end()
    assert (waiting.found, waiting.walked, waiting.finished) == (7, False, 0)
    assert (last.found, last.finished) == (COUNT, COUNT)


def slowly(entries: Iterator[T], count: int, released: threading.Event) -> Iterator[T]:
    """The first few at once, and the rest once they are released."""
    for place, entry in enumerate(entries):
        if place == count:
            released.wait(PATIENCE_S)
        yield entry


def test_whoever_looked_before_all_were_found_is_not_heard_afterwards() -> None:
    told: list[JobProgress] = []
    moment = iter(range(100))
    pace = RateEstimator(told.append, now=lambda: float(next(moment)))
    pace.update(5, None)
    pace.update(9, 9)
    pace.update(8, None)
    assert [(each.found, each.walked) for each in told] == [(5, False), (9, True)]


def test_the_end_of_the_walk_is_told_however_soon_it_comes() -> None:
    told: list[JobProgress] = []
    pace = RateEstimator(told.append, now=lambda: 1.0)
    pace.update(5, None)
    pace.update(6, None)
    pace.update(9, 9)
    assert [(each.found, each.walked) for each in told] == [(5, False), (9, True)]
