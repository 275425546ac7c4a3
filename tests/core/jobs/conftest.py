"""A job whose journal is filled by the test, without a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.jobs.journal import FoundFile, ImageResult, Journal, ModelRef
from core.jobs.values import JobRequest
from core.prediction import Failure, Outcome, Prediction, Score, Timing

ANSWERER = ModelRef("key of colours", "colours", 1, 5)


def prediction(label: str, confidence: float, *, unknown: bool | None = None) -> Prediction:
    """A prediction of a model with three classes; the journal ignores its path."""
    rest = [other for other in ("red", "green", "blue") if other != label]
    scores = (Score(label, confidence), *(Score(other, (1 - confidence) / 2) for other in rest))
    return Prediction(Path("x"), scores, unknown, "colours", "cpu", Timing(1.0, 2.0, 3.0))


def failure(kind: str = "damaged") -> Failure:
    """A failure."""
    return Failure(Path("x"), kind, "It cannot be decoded.", "Take another copy.")


Fill = Callable[..., str]


@pytest.fixture
def request_of(tmp_path: Path) -> JobRequest:
    """A job on an existing folder."""
    folder = tmp_path / "photos"
    folder.mkdir(exist_ok=True)
    return JobRequest(folder, recursive=True, model="colours")


@pytest.fixture
def fill(request_of: JobRequest) -> Fill:
    """Run the job with an outcome for each relative path, or None to leave it waiting; return its id."""

    def run(images: dict[str, Outcome | None], *, finish: bool = True) -> str:
        with Journal(request_of, ANSWERER) as journal:
            journal.add_found([found(path, mtime_ns=1000 - place) for place, path in enumerate(images)])
            journal.end_walk([])
            numbers = {
                image.path.relative_to(request_of.folder): image.number for image in journal.next_images(0, 1000)
            }
            given = [ImageResult(numbers[Path(path)], outcome) for path, outcome in images.items() if outcome]
            journal.record(given)
            if finish:
                journal.finish()
        return journal.id

    return run


def found(path: str, *, size: int = 1, mtime_ns: int = 1) -> FoundFile:
    """An image as found by the walk."""
    folder, _, name = path.rpartition("/")
    return FoundFile(folder.encode(), name.encode(), size, mtime_ns)
