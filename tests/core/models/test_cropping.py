"""Photos classified by a crop around their subject: both answers are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.base import paths
from core.base.providers import Precision, ProviderPreference
from core.detection import DetectionOptions
from core.engine.feature_cache import LruFeatureCache
from core.models.classifier import Classifier, open_classifier
from core.models.library import Library
from core.prediction import Prediction
from tests import tiny
from tests.tiny_detector import write_detector, write_things

BOTH = DetectionOptions(crop=True, count=True)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return tiny.make_library(tmp_path / "library")


@pytest.fixture(autouse=True)
def _detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_detector(tmp_path / "detector")
    monkeypatch.setattr(paths, "builtin_detector", lambda: folder)


def opened(library: Library, detection: DetectionOptions) -> Classifier:
    return open_classifier(library.find("colours"), ProviderPreference.CPU, Precision.EXACT, detection)


def classified(classifier: Classifier, *files: Path) -> list[Prediction]:
    found = list(classifier.classify(files, top_k=3))
    return [one for one in found if isinstance(one, Prediction)]


def test_a_small_subject_is_named_and_what_the_whole_image_was_is_kept(library: Library, tmp_path: Path) -> None:
    small = write_things(tmp_path / "small.png", ("red", 1, 1))
    none = write_things(tmp_path / "none.png")
    first, second, third = classified(opened(library, BOTH), small, none, small)
    assert first.best.label == "red"
    assert first.crop is not None
    assert first.crop.best.label == "blue"
    assert first.crop.subject.label == "apple"
    assert (second.best.label, second.crop, second.counts) == ("blue", None, "")
    assert third.crop == first.crop


def test_counts_name_each_thing(library: Library, tmp_path: Path) -> None:
    file = write_things(tmp_path / "a.png", ("red", 0, 0), ("red", 2, 2), ("lime", 3, 3))
    (found,) = classified(opened(library, DetectionOptions(count=True)), file)
    assert found.counts == "2 apples, 1 cup"
    assert (found.best.label, found.crop) == ("blue", None)


def test_without_being_asked_for_nothing_is_looked_for(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "builtin_detector", lambda: tmp_path / "missing")
    (found,) = classified(opened(library, DetectionOptions()), write_things(tmp_path / "a.png", ("red", 0, 0)))
    assert (found.detections, found.crop, found.counts) == (None, None, None)


def test_what_is_cached_gives_the_same_answer_again(library: Library, tmp_path: Path) -> None:
    kept = replace(opened(library, BOTH), feature_cache=LruFeatureCache())
    file = write_things(tmp_path / "a.png", ("red", 1, 1))
    (first,), (again,) = classified(kept, file), classified(kept, file)
    assert (again.scores, again.crop, again.detections) == (first.scores, first.crop, first.detections)
