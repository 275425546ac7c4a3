"""What a user of Fovea 0.1.0 has on disk still opens; `tests/data/make_home.py` made it, at the commit it names."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core import api
from core.api import model_files
from core.base import paths, settings
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.datasets import custom_datasets
from core.datasets.label_file import find_labels
from core.datasets.labels import Source, folder_key, lineage
from core.jobs.job_list import list_jobs
from core.jobs.queries import ResultStore
from core.jobs.shared_labels import share_labels
from core.jobs.values import JobState, JobSummary, Verdict, View
from core.models.classifier import open_classifier
from core.models.installed import load_examples, load_training_hashes
from core.models.library import open_library
from core.outputs.sorting.records import sortings
from core.outputs.sorting.values import SortingState
from core.prediction import Prediction
from tests import tiny
from tests.labels import correction, give, given

HOME = Path(__file__).parent / "data" / "home-0.1.0.zip"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the paths in it are of a POSIX system")


@pytest.fixture(autouse=True)
def old(home: Path, tmp_path: Path) -> Path:
    """The old home as this test's own; the model that was exported lies beside it."""
    with zipfile.ZipFile(HOME) as archive:
        archive.extractall(tmp_path / "old")
    (tmp_path / "old" / "home").rename(home)
    return tmp_path / "old"


def test_settings_are_read() -> None:
    value = settings.load(paths.settings_file())
    assert (value.model, value.top_k) == ("mine", 3)


def test_models_and_their_versions_work_and_know_what_they_were_trained_on(tmp_path: Path) -> None:
    library = open_library()
    assert [version.number for version in library.versions("mine")] == [1, 2]
    model = library.find("mine")
    assert model.version == 2
    hashes = load_training_hashes(model)
    assert hashes is not None
    assert len(hashes) > 20
    examples = load_examples(model)
    assert examples is not None
    assert len(examples) > 20
    red = tiny.write_solid(tmp_path / "red.png", "red")
    classifier = open_classifier(model, ProviderPreference.CPU, Precision.EXACT)
    (outcome,) = classifier.classify([red], top_k=3)
    assert isinstance(outcome, Prediction)
    assert outcome.best.label == "red"
    assert api.roll_back("mine").version == 1


def test_a_job_has_its_rows_and_reviews() -> None:
    (job,) = list_jobs()
    assert isinstance(job, JobSummary)
    assert (job.state, job.folder, job.model) == (JobState.FINISHED, Path("/photos/photos"), "mine")
    with ResultStore(job.id) as results:
        rows = list(results.each(View()))
        assert [row.path.name for row in rows] == ["blue.png", "green.png", "red.png"]
        assert [row.outcome.best.label for row in rows if isinstance(row.outcome, Prediction)] == [
            "blue",
            "green",
            "red",
        ]
        reviews = [(row.review.verdict, row.review.label) if row.review else None for row in rows]
        assert reviews == [(Verdict.ACCEPTED, "blue"), (Verdict.CORRECTED, "purple"), None]
        assert results.summary().counts.reviewed == 2


def test_a_correction_is_pending() -> None:
    (correction,) = given("mine").values()
    assert (correction.path, correction.predicted, correction.label) == (Path("/photos/grey.png"), "red", "blue")
    assert correction.is_pending(lineage(open_library().find("mine").card.training))


def test_labels_that_were_overridden_and_datasets_that_were_built_are_there() -> None:
    (dataset,) = custom_datasets.list_datasets()
    photo = dataset / "red" / "0.png"  # a copy of the one whose label was overridden
    (label,) = find_labels([photo])[photo]
    assert (label.label, label.source, label.folder) == ("blue", Source.WIZARD, folder_key(Path("/photos/labelled")))
    assert dataset.name == "Colours"
    assert [(one.label, len(one.photos)) for one in custom_datasets.list_classes(dataset)] == [("red", 1)]


def test_labels_are_taken_over_and_their_old_files_stay() -> None:
    old = [*paths.corrections().iterdir(), *paths.label_overrides().iterdir()]
    before = [file.read_bytes() for file in old]
    give(correction(Path("/photos/grey.png"), "green"))
    (label,) = given("mine").values()
    assert label.label == "green"
    assert [file.read_bytes() for file in old] == before


def test_reviews_stay_when_labels_are_shared() -> None:
    (job,) = list_jobs()
    assert isinstance(job, JobSummary)
    give(correction(Path("/photos/photos/red.png"), "green"))
    share_labels(job.id, CancelToken())
    with ResultStore(job.id) as results:
        reviews = [row.review and row.review.label for row in results.each(View())]
    assert reviews == ["blue", "purple", None], "the photo is not there, so nothing is known of its content"


def test_a_sorting_is_listed_as_done() -> None:
    (sorting,) = sortings()
    assert (sorting.state, sorting.request.destination) == (SortingState.SORTED, Path("/photos/sorted"))


def test_an_exported_model_is_imported(old: Path) -> None:
    imported = model_files.import_model(old / "mine.onnx")
    assert not imported.is_new, "it is the version that is in the library"
    assert np.isfinite(open_library().find(imported.name).card.temperature)
