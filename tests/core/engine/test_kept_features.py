"""Photos that were classified before are not read again when the window is opened again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.base import file_state, paths
from core.base.file_state import FileState
from core.base.providers import Precision, ProviderPreference
from core.engine.kept_features import KeptFeatures, erase_kept_features
from core.models.classifier import Classifier, open_classifier
from core.models.library import Library
from core.prediction import Outcome, Prediction
from tests import tiny


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return tiny.make_library(tmp_path_factory.mktemp("library"))


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Photos whose age does not matter, as they are new in a test."""
    monkeypatch.setattr(file_state, "_STABLE_NS", -(10**12))
    return [tiny.write_solid(tmp_path / f"{colour}.png", colour) for colour in tiny.CLASSES]


def started(library: Library, precision: Precision = Precision.EXACT) -> Classifier:
    """The model, opened as by a window that starts."""
    opened = open_classifier(library.find("colours"), ProviderPreference.CPU, precision)
    return replace(opened, feature_cache=KeptFeatures(opened.engine))


def classified(classifier: Classifier, photos: list[Path]) -> list[Outcome]:
    found = list(classifier.classify(photos, top_k=3))
    assert classifier.feature_cache is not None
    classifier.feature_cache.write()
    return found


def refuse_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.models.classifier.prepare", lambda path, *_: pytest.fail(f"{path} was read"))


def test_nothing_is_read_again_and_predictions_stay_the_same(
    library: Library, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = classified(started(library), photos)
    refuse_to_read(monkeypatch)
    assert classified(started(library), photos) == first
    assert all(isinstance(one, Prediction) and one.provider == "cpu" for one in first)


def test_a_changed_photo_is_read_again(library: Library, photos: list[Path]) -> None:
    classified(started(library), photos)
    tiny.write_solid(photos[0], "blue")
    (found,) = classified(started(library), photos[:1])
    assert isinstance(found, Prediction)
    assert found.best.label == "blue"


def test_features_of_another_engine_are_not_used(library: Library, photos: list[Path]) -> None:
    classified(started(library), photos)
    other = started(library, Precision.AUTO)
    assert not any(_kept(other, path) for path in photos)


def test_a_photo_that_has_just_changed_is_not_kept(
    library: Library, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_state, "_STABLE_NS", 10**12)
    classified(started(library), photos)
    assert not _kept(started(library), photos[0])


def test_damaged_rows_are_ignored(library: Library, photos: list[Path]) -> None:
    classified(started(library), photos)
    with closing(sqlite3.connect(paths.cache_folder() / "recent.sqlite")) as opened, opened:
        opened.execute("UPDATE recent SET about = replace(about, 'cpu', 'gpu')")
    assert not any(_kept(started(library), path) for path in photos)


def test_they_can_be_erased(library: Library, photos: list[Path]) -> None:
    classified(started(library), photos)
    assert _kept(started(library), photos[0])
    erase_kept_features()
    assert not _kept(started(library), photos[0])


def _kept(classifier: Classifier, photo: Path) -> bool:
    state = FileState.of(photo)
    assert state is not None
    assert classifier.feature_cache is not None
    return classifier.feature_cache.get(photo, state) is not None
