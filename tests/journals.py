"""Journals filled without any model, as large as a test wants them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from core.jobs.journal import FoundFile, ImageResult, Journal, ModelRef
from core.jobs.values import JobRequest
from core.prediction import Failure, Outcome, Prediction, Score, Timing

LABELS = ("red", "green", "blue")
FOLDERS = 50

_AT_ONCE = 5000


def write_journal(folder: Path, rows: int, *, model: str = "colours", version: int = 1) -> str:
    """A finished job over `folder`, whose images need not be there; the job's id."""
    request = JobRequest(folder, recursive=True, model=model)
    drawn = random.Random(7)
    with Journal(request, ModelRef("drawn", model, version, 3)) as journal:
        for first in range(0, rows, _AT_ONCE):
            journal.add_found([_found(row, rows) for row in range(first, min(rows, first + _AT_ONCE))])
        journal.end_walk([])
        place = 0
        while images := journal.next_images(place, _AT_ONCE):
            place = images[-1].position
            journal.record([_answer(image.number, image.path, drawn) for image in images])
        journal.finish()
    return journal.id


def _found(row: int, rows: int) -> FoundFile:
    folder = f"day {row * FOLDERS // rows:02}".encode()
    return FoundFile(folder, f"{row:06}.jpg".encode(), 1000 + row, 10**18 + row * 10**9)


def _answer(number: int, path: Path, drawn: random.Random) -> ImageResult:
    return ImageResult(number, _outcome(number, path, drawn), drawn.getrandbits(64))


def _outcome(number: int, path: Path, drawn: random.Random) -> Outcome:
    if number % 100 == 0:
        return Failure(path, "damaged", "It cannot be decoded.", "Take another copy.")
    sure = drawn.random()
    names = drawn.sample(LABELS, 3)
    scores = tuple(Score(name, share) for name, share in zip(names, _shares(sure), strict=True))
    return Prediction(path, scores, sure < 0.2, "colours", "cpu", Timing(5.0, 1.0, 10.0))


def _shares(sure: float) -> Iterator[float]:
    """Three shares, the largest first."""
    most = (1 + 2 * sure) / 3
    yield from (most, (1 - most) * 0.7, (1 - most) * 0.3)
