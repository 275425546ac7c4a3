"""Predictions from features: the classes that an image has by a multi-label model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.base.errors import ModelError
from core.base.label_sets import NO_CLASS
from core.base.providers import Precision, ProviderPreference
from core.card import read_card, write_card
from core.card_rules import UnknownRule
from core.detection import Box, Detection
from core.engine.feature_cache import CropFeatures, ImageFeatures
from core.models.classifier import open_classifier
from core.models.feature_bank import FILE, bank_bytes
from core.models.library import Library
from core.models.predictor import load_predictor
from core.prediction import Prediction, Timing
from tests import tiny

COLOURS = "red", "yellow", "grey"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = tiny.make_library(tmp_path)
    made.install(*tiny.multi_label_model())
    return made


def predicted(library: Library, folder: Path, *, name: str = "several", top_k: int = 3) -> dict[str, Prediction]:
    images = [tiny.write_solid(folder / f"{colour}.png", colour) for colour in COLOURS]
    classifier = open_classifier(library.find(name), ProviderPreference.CPU, Precision.EXACT)
    return {one.path.stem: one for one in classifier.classify(images, top_k=top_k) if isinstance(one, Prediction)}


def test_an_image_has_several_classes_or_none(library: Library, tmp_path: Path) -> None:
    found = predicted(library, tmp_path)
    assert {name: one.labels for name, one in found.items()} == {
        "red": ("red",),
        "yellow": ("red", "green"),
        "grey": (),
    }
    assert {name: one.answer for name, one in found.items()} == {
        "red": "red", "yellow": "red, green", "grey": "no class"
    }  # fmt: skip
    assert {name for name, one in found.items() if one.unknown} == {"grey"}
    assert not any(one.is_unsure or (one.evidence and one.evidence.set) for one in found.values())


def test_probabilities_are_those_of_each_class_by_itself(library: Library, tmp_path: Path) -> None:
    yellow = predicted(library, tmp_path)["yellow"]
    likely = {one.label: one.probability for one in yellow.scores}
    assert likely["red"] == pytest.approx(likely["green"], abs=1e-3)
    assert likely["red"] == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)
    assert sum(likely.values()) > 1.5


def test_a_temperature_divides_the_logits_of_each_class(library: Library, tmp_path: Path) -> None:
    library.install(*tiny.multi_label_model("cautious", temperature=4.0))
    red = predicted(library, tmp_path, name="cautious")["yellow"].best
    assert red.probability == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-3)


def test_each_class_has_its_own_threshold(library: Library, tmp_path: Path) -> None:
    library.install(*tiny.multi_label_model("strict", thresholds=(0.99, 0.5, 0.01)))
    found = predicted(library, tmp_path, name="strict")
    assert found["yellow"].labels == ("green", "blue")
    assert found["yellow"].best.label == "green", "red, which is as likely, it does not have"


def test_all_classes_of_an_image_have_scores(library: Library, tmp_path: Path) -> None:
    found = predicted(library, tmp_path, top_k=1)
    certain = {"red": 1, "yellow": 2, "grey": 1}
    assert {name: len(one.likely(1)) for name, one in found.items()} == certain
    assert all(len(one.scores) - certain[name] in (0, 1) for name, one in found.items()), "the least certain class"
    assert [score.threshold for score in found["yellow"].likely(1)] == [0.5, 0.25]


def test_the_class_nearest_to_its_threshold_says_how_certain_a_prediction_is(library: Library, tmp_path: Path) -> None:
    library.install(*tiny.multi_label_model("doubtful", thresholds=(0.5, 0.25, 0.02)))
    found = predicted(library, tmp_path, name="doubtful", top_k=1)["red"]
    assert [score.label for score in found.scores] == ["red", "blue"], "of green and blue, which are as likely, blue"
    blue = found.scores[1]
    assert found.certainty == blue.certainty == pytest.approx((0.02 - blue.probability) / 0.02)
    assert found.certainty < found.best.certainty == pytest.approx((found.best.probability - 0.5) / 0.5)
    plain = predicted(library, tmp_path, name="colours")["red"]
    assert plain.certainty == plain.best.probability


def test_classes_that_are_less_likely_than_others_have_scores_too(library: Library, tmp_path: Path) -> None:
    library.install(*tiny.multi_label_model("strict", thresholds=(0.999, 0.5, 0.01)))
    yellow = predicted(library, tmp_path, name="strict", top_k=1)["yellow"]
    assert yellow.labels == ("green", "blue")
    assert [score.label for score in yellow.scores] == ["red", "green", "blue"]
    assert (yellow.best.label, yellow.label) == ("green", "blue\ngreen")


def test_an_image_unlike_all_training_images_has_no_class(library: Library, tmp_path: Path) -> None:
    data = bank_bytes(tiny.feature_bank(((1, 0, 0), (1, 1, 0), (0, 0, 0))))
    rule = UnknownRule(FILE, tiny.sha256(data), bandwidth=0.02, bias=-5.0, similarity=50.0, confidence=0.1)
    card, files = tiny.multi_label_model("knowing", unknown=rule)
    library.install(card, {**files, FILE: data})
    yellow = predicted(library, tmp_path, name="knowing")["yellow"]
    assert (yellow.labels, yellow.unknown, yellow.answer) == ((), True, "no class")
    assert yellow.best.probability > 0.9
    assert (yellow.is_unlike, yellow.certainty) == (True, 0.0), "it is to be reviewed first"
    red = predicted(library, tmp_path, name="knowing")["red"]
    assert red.evidence is not None
    assert (red.labels, red.is_unlike) == (("red",), False)
    assert red.evidence.nearest[0].label == "red"
    assert {one.label for one in red.evidence.nearest} == {"red", "green\nred", NO_CLASS}


def test_training_features_that_do_not_fit_the_classes_are_refused(library: Library) -> None:
    for labels in ((0, 1, 2), ((1, 0), (0, 1), (0, 0)), ((2, 0, 0), (0, 1, 0), (0, 0, 0))):
        data = bank_bytes(tiny.feature_bank(labels))
        rule = UnknownRule(FILE, tiny.sha256(data), bandwidth=0.02, bias=-5.0, similarity=50.0, confidence=0.0)
        card, files = tiny.multi_label_model("odd", unknown=rule)
        with pytest.raises(ModelError, match="do not match its classes"):
            load_predictor(library.install(card, {**files, FILE: data}))


def test_an_image_with_a_crop_is_predicted_as_a_whole(library: Library) -> None:
    """A crop around one subject would lose the other classes."""
    box, subject = Box(0, 0, 0.5, 0.5), Detection("cat", 0.9, Box(0, 0, 0.4, 0.4))
    features = np.eye(tiny.WIDTH, dtype=np.float32)
    whole = ImageFeatures(Path("a.png"), features[0] + features[1], Timing(0, 0, 0))
    image = replace(whole, crop=CropFeatures(box, subject, features[2]), detections=(subject,))
    predictor = load_predictor(library.find("several"))
    (found,) = predictor.predict([image], 3)
    assert (found.labels, found.crop, found.detections) == (("red", "green"), None, (subject,))


def test_other_models_give_an_image_exactly_one_class(library: Library, tmp_path: Path) -> None:
    assert {one.labels for one in predicted(library, tmp_path, name="colours").values()} == {None}


def test_a_card_keeps_its_thresholds(library: Library) -> None:
    card = library.find("several").card
    assert (card.thresholds, card.is_multi_label) == ((0.5, 0.25, 0.9), True)
    assert read_card(write_card(card)) == card
