"""Classification of many images by scripts, with its totals and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.api.classification import classify, empty_folders
from core.api.classification_values import ClassifyRequest, ClassifyStart, ClassifyTotals
from core.base import paths
from core.base.errors import StorageError, UsageError
from core.base.progress import CancelToken
from core.base.providers import Provider
from core.jobs.values import JobProgress
from core.models.library import open_library
from core.prediction import Outcome, Prediction
from tests import tiny


class Reports:
    """What a classification reports."""

    def __init__(self) -> None:
        self.starts: list[ClassifyStart] = []
        self.events: list[Outcome | JobProgress] = []
        self.warnings: list[str] = []

    @contextmanager
    def open(self, start: ClassifyStart) -> Iterator[Callable[[Outcome | JobProgress], None]]:
        self.starts.append(start)
        yield self.events.append

    def classify(self, request: ClassifyRequest) -> ClassifyTotals:
        return classify(request, self.open, warn=lambda text, _: self.warnings.append(text), token=CancelToken())

    @property
    def labels(self) -> list[str]:
        return [event.best.label for event in self.events if isinstance(event, Prediction)]


@pytest.fixture
def reports() -> Reports:
    open_library().install(*tiny.packaged_model("colours"))
    return Reports()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for colour in tiny.CLASSES:
        tiny.write_solid(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def test_a_folder_is_a_job_that_is_not_computed_twice(reports: Reports, folder: Path) -> None:
    request = ClassifyRequest((folder,), "colours", top=2)
    totals = reports.classify(request)
    assert (totals.images, totals.already_done, totals.has_failures, totals.model) == (3, 0, False, "colours")
    assert totals.provider is not None
    assert reports.labels == ["blue", "green", "red"]
    (start,) = reports.starts
    assert (start.is_job, start.top_k, start.paths) == (True, 2, (folder,))
    assert any(isinstance(event, JobProgress) for event in reports.events)
    again = reports.classify(request)
    assert (again.images, again.already_done, again.provider) == (3, 3, None)


def test_files_are_classified_in_the_order_given(reports: Reports, folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"")
    files = folder / "red.png", folder / "broken.png", folder / "blue.png"
    totals = reports.classify(ClassifyRequest(files, "colours"))
    assert (totals.images, totals.failed, totals.provider in Provider) == (3, 1, True)
    assert totals.has_failures
    assert not reports.starts[0].is_job
    assert reports.labels == ["red", "blue"]


def test_folders_without_images_are_warned_of_unless_all_are(reports: Reports, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    empty = ClassifyRequest((tmp_path / "none",), "colours")
    assert reports.classify(ClassifyRequest((tmp_path / "none", folder), "colours")).images == 3
    assert "No images found in" in reports.warnings[0]
    assert list(empty_folders(empty)) == [tmp_path / "none"]
    with pytest.raises(UsageError, match="No images found"):
        reports.classify(empty)


def test_sorting_needs_a_journal(reports: Reports, folder: Path) -> None:
    paths.jobs().parent.mkdir(parents=True, exist_ok=True)
    paths.jobs().write_bytes(b"in the way")
    assert reports.classify(ClassifyRequest((folder,), "colours")).images == 3
    with pytest.raises(StorageError, match="which sorting needs"):
        reports.classify(ClassifyRequest((folder,), "colours", for_sorting=True))
    assert all("No journal is kept" in text for text in reports.warnings)
