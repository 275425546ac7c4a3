"""Retraining with corrections: classes of the next version, its evaluation, and undoing it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.base import paths
from core.base.errors import Cancelled, DatasetError, ModelError
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.base.providers import Precision, ProviderPreference
from core.card import SharedBackbone
from core.datasets.labelled_image import LabelledImage
from core.datasets.labels import Label, lineage
from core.models.bundled_features import FEATURES
from core.models.classifier import open_classifier
from core.models.installed import load_examples, load_training_hashes
from core.models.library import Library
from core.models.library_folders import CARD
from core.models.training_examples import EXAMPLES
from core.models.values import InstalledModel
from core.prediction import Prediction
from core.training.request import RetrainRequest, TrainRequest
from core.training.retrain import retrain
from core.training.train import train
from core.training.values import RetrainingResult
from tests import teaching, tiny
from tests.labels import correction, give, given


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "pictures", 12)


@pytest.fixture
def model(library: Library, folder: Path) -> InstalledModel:
    return teach(library, folder)


@pytest.fixture
def greys(tmp_path: Path) -> list[Path]:
    """Photos that belong to no class."""
    return [tiny.write_solid(tmp_path / "new" / f"{side}.png", "grey", size=(side, side)) for side in (40, 44, 48)]


def teach(library: Library, folder: Path, **changes: object) -> InstalledModel:
    asked = TrainRequest(folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO)
    return train(replace(asked, **changes), library, report=ignore, token=CancelToken()).model


def ignore(_: Progress) -> None:
    return None


def correct(photos: Sequence[Path], label: str, model: str = "mine") -> list[Label]:
    made = [correction(photo, label, model) for photo in photos]
    give(*made)
    return made


def learn(
    library: Library,
    made: Sequence[Label],
    version: int = 1,
    report: ProgressCallback = ignore,
    name: str = "mine",
) -> RetrainingResult:
    asked = RetrainRequest(name, version, tuple(made), ProviderPreference.CPU)
    return retrain(asked, library, report=report, token=CancelToken())


def installed(library: Library, made: RetrainingResult) -> InstalledModel:
    return library.find(f"{made.name}@{made.version}")


def names(library: Library, photos: Sequence[Path]) -> list[str]:
    classifier = open_classifier(library.find("mine"), ProviderPreference.CPU, Precision.AUTO)
    return [one.best.label for one in classifier.classify(photos, top_k=1) if isinstance(one, Prediction)]


def training_examples(model: InstalledModel) -> tuple[LabelledImage, ...]:
    found = load_examples(model)
    assert found is not None
    return found


def part(model: InstalledModel, name: str) -> dict[str, str]:
    return {one.sha256: one.label for one in training_examples(model) if one.subset == name}


def test_a_version_saves_its_training_data(model: InstalledModel, folder: Path) -> None:
    found = training_examples(model)
    assert {one.path for one in found} == set(folder.glob("*/*"))
    assert all(one.path.is_absolute() and one.path.parent.name == one.label for one in found)
    assert {one.sha256 for one in found} == {tiny.sha256(path.read_bytes()) for path in folder.glob("*/*")}
    assert len(part(model, "test")) == model.card.training["images"]["test"]
    assert model.has_training_data


def test_corrected_photos_are_trained_on_without_the_folder(
    library: Library, model: InstalledModel, folder: Path, greys: list[Path]
) -> None:
    shutil.rmtree(folder)
    made = correct(greys, "blue")
    assert names(library, greys) != ["blue"] * 3
    done = learn(library, made)
    assert (done.name, done.version, done.from_version) == ("mine", 2, 1)
    assert library.find("mine").version == 2
    assert names(library, greys) == ["blue"] * 3
    assert [(one.correction, one.now) for one in done.corrections] == [(one, "blue") for one in made]
    assert all(one.before != "blue" and 0 < one.confidence_now <= 1 for one in done.corrections)
    assert done.computed == 3
    assert done.skipped == ()
    assert part(installed(library, done), "test") == part(model, "test")
    assert part(installed(library, done), "validation") == part(model, "validation")
    assert len(part(installed(library, done), "train")) == len(part(model, "train")) + 3
    memory = load_training_hashes(installed(library, done))
    assert memory is not None
    assert len(memory) == 39


def test_the_card_records_the_corrections(library: Library, model: InstalledModel, greys: list[Path]) -> None:
    first = learn(library, correct(greys[:2], "blue"))
    card = installed(library, first).card
    assert card.classes == model.card.classes
    assert card.backbone == model.card.backbone == SharedBackbone("xception-imagenet", model.backbone.card.sha256)
    recorded = card.training["corrections"]
    assert (recorded["learnt"], recorded["altogether"], recorded["from_version"]) == (2, 2, 1)
    assert card.training["recipe"].startswith("quick:")
    assert card.training["fitted_to"] == 38
    assert card.evaluation["images"] == model.card.evaluation["images"]
    assert card.evaluation["began_with"]["accuracy"] == model.card.evaluation["accuracy"]
    assert str(greys[0].parent) not in str(card)
    second = installed(library, learn(library, correct(greys[2:], "blue"), version=2)).card.training["corrections"]
    assert (second["learnt"], second["altogether"]) == (1, 3)
    assert second["lineage"] == [*recorded["lineage"], second["lineage"][-1]]


def test_corrections_are_pending_again_when_the_version_is_undone(
    library: Library, model: InstalledModel, greys: list[Path]
) -> None:
    done = learn(library, correct(greys, "blue"))
    found = given("mine").values()
    assert not any(one.is_pending(lineage(installed(library, done).card.training)) for one in found)
    library.activate("mine", 1)
    before = library.find("mine").card.training
    assert all(one.is_pending(lineage(before)) for one in found)
    again = learn(library, list(found))
    assert again.version == 3
    assert not any(one.is_pending(lineage(installed(library, again).card.training)) for one in given("mine").values())


def test_the_previous_version_is_evaluated_with_a_head_not_trained_on_the_test_images(
    library: Library, folder: Path, greys: list[Path]
) -> None:
    for number in range(5):  # lies, so that it errs
        (folder / "red" / f"{number}.png").rename(folder / "blue" / f"red{number}.png")
    model = teach(library, folder)
    done = learn(library, correct(greys, "green"))
    assert done.tests is not None
    assert done.tests.result.a.fraction == pytest.approx(model.card.evaluation["accuracy"], abs=1e-6)
    assert done.tests.result.a.images == done.tests.result.b.images == model.card.evaluation["images"]
    assert done.tests.training_overlap == 0


def test_a_new_label_is_a_new_class(library: Library, model: InstalledModel, greys: list[Path]) -> None:
    done = learn(library, correct(greys[:1], "fog"))
    assert installed(library, done).card.classes == ("blue", "fog", "green", "red")
    assert names(library, greys[:1]) == ["fog"]
    assert any("“fog”" in note for note in done.notes)
    assert done.tests is not None
    assert done.tests.result.a.images == model.card.evaluation["images"]


def test_a_corrected_test_photo_stays_a_test_photo(library: Library, model: InstalledModel) -> None:
    held_out = next(one for one in training_examples(model) if one.subset == "test" and one.label == "red")
    done = learn(library, correct([held_out.path], "green"))
    assert part(installed(library, done), "test")[held_out.sha256] == "green"
    assert any("1 photo you labelled" in note for note in done.notes)
    before, now = (one.card.evaluation["per_class"] for one in (model, installed(library, done)))
    assert now["green"]["support"] == before["green"]["support"] + 1
    assert not any(one.is_pending(lineage(installed(library, done).card.training)) for one in given("mine").values())


def test_a_test_photo_that_is_the_only_one_of_a_new_class_is_trained_on(
    library: Library, model: InstalledModel
) -> None:
    held_out = next(one for one in training_examples(model) if one.subset == "test")
    done = learn(library, correct([held_out.path], "fog"))
    assert part(installed(library, done), "train")[held_out.sha256] == "fog"
    assert "fog" in installed(library, done).card.classes


def test_a_training_photo_gets_the_corrected_label(library: Library, model: InstalledModel) -> None:
    trained_on = next(one for one in training_examples(model) if one.subset == "train" and one.label == "red")
    done = learn(library, correct([trained_on.path], "green"))
    assert part(installed(library, done), "train")[trained_on.sha256] == "green"
    assert len(training_examples(installed(library, done))) == len(training_examples(model))


def test_a_class_without_photos_is_removed(library: Library, tmp_path: Path) -> None:
    model = teach(library, teaching.write_labelled(tmp_path / "few", 3))
    made = correct([one.path for one in training_examples(model) if one.label == "red"], "green")
    done = learn(library, made)
    assert installed(library, done).card.classes == ("blue", "green")
    assert any("“red”" in note for note in done.notes)


def test_missing_features_are_computed_or_the_photo_is_left_out(
    library: Library, model: InstalledModel, folder: Path, greys: list[Path]
) -> None:
    shutil.rmtree(paths.cache_folder())
    (gone, changed, *_) = [one.path for one in training_examples(model) if one.subset == "train" and one.label == "red"]
    gone.unlink()
    tiny.write_solid(changed, "red")
    done = learn(library, correct(greys, "blue"))
    assert done.computed == 36 - 2 + 3
    assert {failure.path for failure in done.skipped} == {gone, changed}
    assert any("2 earlier training photos" in note for note in done.notes)
    assert len(training_examples(installed(library, done))) == 37


def test_one_bad_correction_does_not_affect_others(
    library: Library, model: InstalledModel, greys: list[Path], tmp_path: Path
) -> None:
    bad, copy, duplicate = tmp_path / "bad.png", tmp_path / "copy.png", tmp_path / "twin.png"
    bad.write_bytes(b"no image")
    shutil.copy(greys[1], copy)
    shutil.copy(greys[2], duplicate)
    made = correct([*greys, bad, tmp_path / "gone.png", copy], "blue") + correct([duplicate], "green")
    done = learn(library, made)
    known = lineage(installed(library, done).card.training)
    waiting = {one.path for one in given("mine").values() if one.is_pending(known)}
    assert waiting == {bad, tmp_path / "gone.png", greys[2]}
    assert {one.correction.path for one in done.corrections} == {greys[0], greys[1], copy, duplicate}
    examples = training_examples(installed(library, done))
    assert len(examples) == 39
    sha256 = hashlib.sha256(duplicate.read_bytes()).hexdigest()
    assert [one.label for one in examples if one.sha256 == sha256] == ["green"], "of copies, the latest label counts"
    recorded = " ".join(problem.message for problem in done.skipped)
    for word in ("bad.png", "gone.png"):
        assert word in recorded


def test_no_usable_corrections_change_nothing(library: Library, model: InstalledModel, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no corrections to train on"):
        learn(library, correct([tmp_path / "gone.png"], "blue"))
    assert library.find("mine").version == 1


def test_ambiguous_confirmations_of_earlier_versions_are_not_trained_on(
    library: Library, model: InstalledModel, greys: list[Path]
) -> None:
    card = model.folder / CARD
    card.write_text(json.dumps(json.loads(card.read_text()) | {"unknown_below": 0.6}))
    doubtful = correct(greys[:1], "red")
    with pytest.raises(DatasetError) as refused:
        learn(library, doubtful)
    assert "1 photo was left out" in refused.value.hint
    done = learn(library, [*doubtful, *correct(greys[1:], "blue")])
    assert {one.correction.path for one in done.corrections} == set(greys[1:])
    assert any("1 photo was left out" in note for note in done.notes)


def test_parts_that_the_folder_named_are_never_learnt_from(library: Library, tmp_path: Path, greys: list[Path]) -> None:
    for name, count in (("train", 10), ("validation", 4), ("test", 5)):
        teaching.write_labelled(tmp_path / "parts" / name, count, seed=count)
    model = teach(library, tmp_path / "parts")
    held_out = next(one for one in training_examples(model) if one.subset == "test")
    done = learn(library, correct([*greys, held_out.path], "blue"))
    memory = load_training_hashes(installed(library, done))
    assert memory is not None
    assert len(memory) == 33
    assert not memory.contains(held_out.sha256)
    assert done.tests is not None
    assert done.tests.training_overlap == 0


@pytest.mark.parametrize("damage", ["missing", "cut", "other", "garbage", "folder"])
def test_a_model_without_training_data_cannot_be_retrained(
    library: Library, model: InstalledModel, greys: list[Path], damage: str
) -> None:
    file = model.folder / EXAMPLES
    lines = file.read_bytes().splitlines(keepends=True)
    file.unlink()
    match damage:
        case "cut":
            file.write_bytes(b"".join(lines[:-1]))
        case "other":
            file.write_bytes(b"".join(lines).replace(b'"red"', b'"green"'))
        case "garbage":
            file.write_bytes(b"\xff{[")
        case "folder":
            file.mkdir()
    assert load_examples(model) is None
    assert names(library, greys[:1])
    with pytest.raises(ModelError, match="training data was not saved"):
        learn(library, correct(greys, "blue"))


def test_a_model_with_its_own_backbone_keeps_it(library: Library, model: InstalledModel, greys: list[Path]) -> None:
    training = {**model.card.training, "recipe": "fine-tune: all of it"}
    del training["C"]
    card, files = tiny.packaged_model("tuned", training=training)
    tuned = library.install(card, files, examples=training_examples(model))
    done = learn(library, correct(greys, "blue", model="tuned"), name="tuned")
    assert installed(library, done).card.backbone == tuned.card.backbone
    assert done.version == 2
    assert done.computed == 3, "the tiny networks are the same"
    assert any("recipe fine-tune" in note for note in done.notes)
    assert done.tests is not None
    assert done.tests.training_overlap == len(part(model, "test"))
    classifier = open_classifier(library.find("tuned"), ProviderPreference.CPU, Precision.AUTO)
    named = [one.best.label for one in classifier.classify(greys, top_k=1) if isinstance(one, Prediction)]
    assert named == ["blue"] * 3


def test_it_can_be_cancelled(library: Library, model: InstalledModel, greys: list[Path]) -> None:
    stages: list[str] = []
    learn(library, correct(greys[:1], "blue"), report=lambda progress: stages.append(progress.stage))
    for stage in dict.fromkeys(stages):
        token = CancelToken()

        def report(progress: Progress, stage: str = stage, token: CancelToken = token) -> None:
            if progress.stage == stage:
                token.cancel()

        with pytest.raises(Cancelled):
            retrain(
                RetrainRequest("mine", 1, tuple(correct(greys, "blue")), ProviderPreference.CPU),
                library,
                report=report,
                token=token,
            )
    assert library.numbers("mine") == (1, 2)
    assert {"looking at the images", "computing features", "fitting the head"} <= set(stages)


def test_a_built_in_model_is_retrained_with_its_bundled_features(
    library: Library, model: InstalledModel, folder: Path, greys: list[Path]
) -> None:
    from core.engine.feature_store import FeatureStore
    from core.models.bundled_features import features_bytes
    from core.training.training_data import extractor_of

    kind = extractor_of(model.backbone, ProviderPreference.CPU, Precision.AUTO).kind
    with FeatureStore() as store:
        rows = store.get(kind, [one.sha256 for one in training_examples(model)])
    shipped = library.builtin / "mine"
    shutil.move(library.user / "mine" / "1", shipped)
    (shipped / FEATURES).write_bytes(features_bytes(kind, rows))
    shutil.rmtree(library.user)
    shutil.rmtree(folder)
    shutil.rmtree(paths.cache_folder())
    done = learn(library, correct(greys, "blue"), version=0)
    assert (done.version, done.computed, done.skipped) == (1, 3, ())
    assert names(library, greys) == ["blue"] * 3
    again = learn(library, correct(greys[:1], "green"), version=1)
    assert (again.version, again.skipped) == (2, ())
    assert library.roll_back("mine").version == 1
    assert library.roll_back("mine").is_builtin
    (shipped / FEATURES).write_bytes(b"damaged")
    shutil.rmtree(paths.cache_folder())
    with pytest.raises(DatasetError, match="Fewer than two classes"):
        learn(library, correct(greys, "blue"), version=0)
