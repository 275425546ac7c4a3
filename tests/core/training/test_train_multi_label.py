"""Training with several classes per image, from the labels to the installed model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.base.errors import UsageError
from core.base.label_sets import label_of
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.datasets.label_source import LabelSource
from core.datasets.labels import Label, Source
from core.models.classifier import open_classifier
from core.models.installed import load_examples
from core.models.library import Library
from core.prediction import Prediction
from core.services.forgetting import forget
from core.training.new_class import add_class
from core.training.request import (
    ForgetRequest,
    HeadKind,
    Recipe,
    RetrainRequest,
    TrainRequest,
    request_from_json,
    request_to_json,
)
from core.training.results import train_and_compare
from core.training.retrain import retrain
from core.training.train import Trained, train
from tests import teaching


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sets")
    teaching.write_table(place / "labels.csv", teaching.write_label_sets(place / "photos", 100))
    return place


def request(place: Path, **changes: object) -> TrainRequest:
    made = TrainRequest(
        folder=place / "photos",
        name="colours-of",
        validation=0.2,
        test=0.3,
        seed=0,
        provider=ProviderPreference.CPU,
        precision=Precision.AUTO,
        labels=LabelSource.FILE,
        labels_file=place / "labels.csv",
    )
    return replace(made, **changes)


def run(asked: TrainRequest, library: Library) -> Trained:
    return train(asked, library, report=lambda _: None, token=CancelToken())


def test_the_model_says_which_classes_an_image_has(place: Path, library: Library, tmp_path: Path) -> None:
    trained = run(request(place), library)
    card = trained.model.card
    assert card.is_multi_label
    assert card.classes == ("blue", "green", "red")
    assert len(card.thresholds) == 3
    others = teaching.write_label_sets(tmp_path / "others", 40, seed=7)
    classifier = open_classifier(library.find("colours-of"), ProviderPreference.CPU, Precision.AUTO)
    outcomes = classifier.classify([tmp_path / "others" / name for name in others], top_k=1)
    found = {one.path.name: set(one.labels or ()) for one in outcomes if isinstance(one, Prediction)}
    right = sum(found[name] == set(classes) for name, classes in others.items())
    assert right >= 36


def test_the_card_has_the_evaluation_on_images_that_decided_nothing(place: Path, library: Library) -> None:
    trained = run(request(place), library)
    card, found = trained.model.card, trained.head.multi_label
    assert found is not None
    assert trained.head.evaluation is None
    assert trained.head.trained.out_of_fold is not None
    assert not set(found.paths) & set(trained.head.trained.out_of_fold.paths)
    assert card.evaluation["images"] == found.images == trained.data.counts()["test"]
    assert card.evaluation["accuracy"] == round(found.exact_match, 6)
    assert card.evaluation["mean_average_precision"] > 0.95
    assert card.evaluation["per_class"]["red"]["threshold"] == card.thresholds[2]
    assert card.training["labels"] == "file"
    assert card.training["images_per_class"]["red"] == int(trained.data.everything().labels[:, 2].sum())
    assert "--labels labels.csv" in card.training["command"]
    assert str(place) not in json.dumps([card.training, card.evaluation])


def test_photos_unlike_all_training_photos_are_unknown(place: Path, library: Library, tmp_path: Path) -> None:
    """By their features alone: some training photos have none of the colours, too."""
    rule = run(request(place), library).model.card.unknown
    assert rule is not None
    assert (rule.confidence, rule.similarity > 0) == (0.0, True)
    classifier = open_classifier(library.find("colours-of"), ProviderPreference.CPU, Precision.AUTO)
    found = next(iter(classifier.classify([place / "photos" / "0.png"], top_k=1)))
    assert isinstance(found, Prediction)
    assert found.evidence is not None
    labels = {one.sha256: label_of(one.classes) for one in load_examples(library.find("colours-of")) or ()}
    assert [one.label for one in found.evidence.nearest] == [labels[one.sha256] for one in found.evidence.nearest]
    assert all(one.thumbnail for one in found.evidence.nearest)


def test_the_same_images_give_the_same_model(place: Path, library: Library) -> None:
    first, second = run(request(place), library), run(request(place), library)
    assert first.model.card == second.model.card
    assert second.data.computed == 0


def test_the_examples_are_kept_with_their_classes(place: Path, library: Library) -> None:
    trained = run(request(place), library)
    kept = load_examples(trained.model)
    assert kept is not None
    assert {one.path.name: one.classes for one in kept} == {
        one.path.name: one.classes for one in trained.data.dataset.examples
    }
    assert {type(one.labels) for one in kept} == {tuple}


def test_a_result_says_how_good_it_is(place: Path, library: Library) -> None:
    found = train_and_compare(request(place), library, "colours", report=lambda _: None, token=CancelToken())
    assert found.multi_label is not None
    assert (found.evaluation, found.baseline, found.outlook) == (None, None, None)
    assert not any("no test photos" in note for note in found.notes)


def test_folders_with_copies_are_enough(library: Library, tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "photos", 12)
    shutil.copytree(folder / "red", folder / "warm")
    trained = run(request(tmp_path, labels=LabelSource.FOLDERS, labels_file=None), library)
    assert trained.model.card.classes == ("blue", "green", "red", "warm")
    assert trained.model.card.unknown is not None
    assert trained.model.card.unknown.confidence > 0, "every photo has a class"
    assert len(trained.data.dataset.examples) == 36
    labels = trained.data.everything().labels
    assert np.array_equal(labels[:, 2], labels[:, 3])


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": Recipe.FINE_TUNE},
        {"head": HeadKind.PROTOTYPE},
        {"keep_classes_of": "colours"},
        {"nested": True},
        {"hierarchy": Path("tree.txt")},
    ],
)
def test_what_needs_one_class_per_image_is_refused(place: Path, library: Library, changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="several classes per image can't"):
        run(request(place, **changes), library)


def test_a_request_survives_json(place: Path) -> None:
    for source in LabelSource:
        asked = request(place, labels=source, labels_file=place / "labels.csv" if source is LabelSource.FILE else None)
        assert request_from_json(json.loads(json.dumps(request_to_json(asked)))) == asked
        options = {"--multi-label", "--labels", "--keywords"} & set(asked.command_line.split())
        assert len(options) == (source is not LabelSource.FOLDER)


def test_corrections_with_several_classes_make_the_next_version(place: Path, library: Library, tmp_path: Path) -> None:
    run(request(place), library)
    others = teaching.write_label_sets(tmp_path / "others", 12, seed=3)
    wanted = {tmp_path / "others" / name: classes for name, classes in others.items()}
    first = next(iter(wanted))
    wanted[first] = (*wanted[first], "new")
    corrections = tuple(
        Label(path, label_of(classes), Source.GALLERY, "colours-of", predicted=label_of(()))
        for path, classes in wanted.items()
    )
    asked = RetrainRequest("colours-of", 1, corrections, ProviderPreference.CPU)
    done = retrain(asked, library, report=lambda _: None, token=CancelToken())
    card = library.find("colours-of").card
    assert (done.version, len(done.corrections), card.is_multi_label) == (2, 12, True)
    assert card.classes == ("blue", "green", "new", "red")
    assert sum(one.is_correct for one in done.corrections) >= 10
    assert card.evaluation["mean_average_precision"] > 0.9
    assert card.training["labels"] == "file"
    kept = load_examples(library.find("colours-of"))
    assert kept is not None
    assert {one.path: set(one.classes) for one in kept if one.path in wanted} == {
        path: set(classes) for path, classes in wanted.items()
    }


def test_photos_can_be_forgotten(place: Path, library: Library) -> None:
    trained = run(request(place), library)
    gone = trained.data.train.examples[0].path
    done = forget(
        ForgetRequest("colours-of", (gone,), ProviderPreference.CPU),
        library,
        report=lambda _: None,
        token=CancelToken(),
    )
    kept = load_examples(library.find("colours-of"))
    assert (done.images, done.is_new) == (1, True)
    assert kept is not None
    assert len(kept) == 99


def test_a_class_is_not_taught_by_images_of_it_alone(place: Path, library: Library) -> None:
    run(request(place), library)
    with pytest.raises(UsageError, match="gives images several classes"):
        add_class("colours-of", "boat", [place / "photos"], library, ProviderPreference.CPU, report=lambda _: None,
                  token=CancelToken())  # fmt: skip
