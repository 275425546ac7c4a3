"""What speaks for and against a prediction, from the classifier to an exported file and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from core.base.errors import ModelError
from core.base.providers import Precision, ProviderPreference
from core.card import read_card, write_card
from core.datasets.labelled_image import LabelledImage
from core.datasets.subsets import Subset
from core.models import joined
from core.models.classifier import open_classifier, swap_head
from core.models.evidence import classes_from, similarity
from core.models.exchange import export, import_model
from core.models.feature_bank import FILE, bank_bytes
from core.models.installed import load_bank, load_training_images
from core.models.library import Library
from core.models.values import InstalledModel
from core.prediction import Prediction
from tests import tiny


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = tiny.make_library(tmp_path)
    library.install(*tiny.knowing_model())
    return library


def _classified(model: InstalledModel, folder: Path) -> dict[str, Prediction]:
    images = [tiny.write_solid(folder / f"{colour}.png", colour) for colour in tiny.SOLID]
    outcomes = open_classifier(model, ProviderPreference.CPU, Precision.EXACT).classify(images, top_k=3)
    return {one.path.stem: one for one in outcomes if isinstance(one, Prediction)}


def test_an_image_far_from_all_training_images_is_unknown(library: Library, tmp_path: Path) -> None:
    found = _classified(library.find("knowing"), tmp_path)
    assert {name for name, one in found.items() if one.unknown} == {"grey"}
    for one in found.values():
        assert one.evidence is not None
        assert one.unknown == (one.evidence.unknown_score > 0.5)


def test_a_prediction_names_the_nearest_training_images(library: Library, tmp_path: Path) -> None:
    evidence = _classified(library.find("knowing"), tmp_path)["red"].evidence
    assert evidence is not None
    assert [one.label for one in evidence.nearest][:1] == ["red"]
    assert [one.sha256 for one in evidence.nearest][:1] == [tiny.sha256(b"red")]
    assert evidence.nearest[0].similarity == pytest.approx(1, abs=1e-3)
    assert evidence.set == ("red", "blue"), "blue needs no probability here"


def test_models_without_features_score_by_their_confidence(library: Library, tmp_path: Path) -> None:
    red = _classified(library.find("colours"), tmp_path)["red"]
    assert red.evidence is not None
    assert red.evidence.unknown_score == pytest.approx(1 - red.best.probability)
    assert (red.unknown, red.evidence.set, red.evidence.nearest) == (None, None, ())


def test_another_head_brings_its_own_features(library: Library) -> None:
    classifier = open_classifier(library.find("colours"), ProviderPreference.CPU, Precision.EXACT)
    assert classifier.predictor.training_images is None
    assert swap_head(classifier, library.find("knowing")).predictor.training_images is not None


def test_paths_are_those_of_the_training_data(library: Library) -> None:
    card, files = tiny.knowing_model("mine")
    red = LabelledImage(Path("/photos/red.png"), "red", Subset.TRAIN, tiny.sha256(b"red"))
    from core.models.training_examples import DATASET, fingerprint

    described = replace(read_card(card), training={DATASET: fingerprint([red])})  # type: ignore[type-var]
    found = load_training_images(library.install(write_card(described), files, examples=[red]))
    assert found is not None
    assert found.paths == {red.sha256: red.path}


def test_a_set_has_every_class_that_is_likely_enough() -> None:
    probabilities = np.array([0.25, 0.55, 0.2], np.float32)
    assert classes_from((0.25, 0.6, 0.1), probabilities, ("a", "b", "c")) == ("a", "c")


def test_many_near_images_count_more_than_one() -> None:
    one = np.array([[0.8, 0.1, 0.1]], np.float32)
    assert similarity(one, 0.02) == pytest.approx([-0.2], abs=1e-4)
    assert similarity(np.full((1, 3), 0.8, np.float32), 0.02) > similarity(one, 0.02)


@pytest.mark.parametrize("damage", ["missing", "changed", "of other classes"])
def test_a_model_whose_features_are_damaged_is_refused(library: Library, damage: str) -> None:
    model = library.find("knowing")
    file = model.folder / FILE
    if damage == "missing":
        file.unlink()
    elif damage == "changed":
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    else:
        data = bank_bytes(replace(tiny.feature_bank(), labels=np.array([0, 1, 3], np.int32)))
        file.write_bytes(data)
        rule = replace(model.card.unknown, sha256=tiny.sha256(data))  # type: ignore[type-var]
        model = replace(model, card=replace(model.card, unknown=rule))
    with pytest.raises(ModelError):
        load_bank(model)


# ---- exported files


@pytest.fixture
def file(library: Library, tmp_path: Path) -> Path:
    target = tmp_path / "knowing.onnx"
    export(library.find("knowing"), target)
    return target


def test_an_exported_file_gives_the_same_scores(library: Library, file: Path, tmp_path: Path) -> None:
    images = np.stack([np.full((32, 32, 3), colour, np.uint8) for colour in tiny.SOLID.values()])
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_outputs()] == ["probabilities", "logits", "features", "unknown_score"]
    (scores,) = session.run(["unknown_score"], {"image": images})
    own = [
        one.evidence.unknown_score for one in _classified(library.find("knowing"), tmp_path).values() if one.evidence
    ]
    assert scores.shape == (4, 1)
    np.testing.assert_allclose(scores[:, 0], own, atol=1e-5)


def test_a_model_that_travels_keeps_its_rule_but_no_hashes(library: Library, file: Path, tmp_path: Path) -> None:
    other = Library(tmp_path / "other" / "shipped", tmp_path / "other" / "own")
    imported = import_model(file, other).model
    before, after = (_classified(one, tmp_path) for one in (library.find("knowing"), imported))
    for name, one in before.items():
        assert one.evidence is not None
        anonymous = tuple(replace(near, sha256="") for near in one.evidence.nearest)
        found = after[name].evidence
        assert found is not None
        assert found.unknown_score == pytest.approx(one.evidence.unknown_score, abs=1e-5)
        assert (found.set, found.nearest) == (one.evidence.set, anonymous)
    for place in (file, imported.folder / FILE):
        assert bytes.fromhex(tiny.sha256(b"red")) not in place.read_bytes()
        assert tiny.sha256(b"red").encode() not in place.read_bytes()
    again = tmp_path / "again.onnx"
    export(imported, again)
    assert not import_model(again, other).is_new
    assert not import_model(file, library).is_new


def test_a_file_whose_rule_was_changed_is_refused(file: Path) -> None:
    import onnx

    model = onnx.load(file)
    props = {one.key: one for one in model.metadata_props}
    model.metadata_props.remove(props[joined.SEAL_KEY])
    for tensor in model.graph.initializer:
        if tensor.name == "fovea.unknown/bias":
            tensor.raw_data = np.float32(5).tobytes()
    with pytest.raises(ModelError, match="rule for unknown images"):
        joined.split(joined.seal(model))


@pytest.mark.parametrize("labels", ["[0, 1]", "[0, 1, 7]", "[0, 1, 99999999999]", "{}", '["a", 1, 2]', "[[0], 1, 2]"])
def test_damaged_classes_of_training_images_are_refused(file: Path, tmp_path: Path, labels: str) -> None:
    import onnx

    model = onnx.load(file)
    props = {one.key: one for one in model.metadata_props}
    model.metadata_props.remove(props[joined.SEAL_KEY])
    props["fovea.training_labels"].value = labels
    hostile = tmp_path / "hostile.onnx"
    hostile.write_bytes(joined.seal(model))
    with pytest.raises(ModelError):
        import_model(hostile, Library(tmp_path / "x", tmp_path / "y"))
