"""The built-in detector, against what the original graph found in the sample photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.base import paths
from core.detection import PLURALS, Detection, DetectionOptions
from core.images.decoding import decode
from core.models.detector import Detector, open_detector
from core.models.detector_card import CARD
from core.models.suppression import overlap

SAMPLES = Path(__file__).resolve().parents[2] / "gui" / "samples"
MIN_SCORE = 0.25
MAX_BYTES = 18_000_000


@pytest.fixture(scope="module")
def detector() -> Detector:
    if not (paths.builtin_detector() / CARD).is_file():
        pytest.skip("the shipped models are not here")
    found = open_detector(DetectionOptions(count=True))
    assert found is not None
    return found


def reference() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads((paths.builtin_detector() / "reference.json").read_text())
    return found


def test_it_finds_what_the_original_finds(detector: Detector) -> None:
    assert sorted(reference()) == ["cat.jpg", "coffee.jpg", "rocket.jpg"]
    for name, expected in reference().items():
        found = detector.detect(decode(SAMPLES / name), MIN_SCORE)
        for one in expected:
            same = max((other for other in found if other.label == one["label"]), key=lambda other: other.score)
            assert same.score == pytest.approx(one["score"], abs=0.05)
            assert _overlap(same, one["box"]) > 0.95
        sure = [one.label for one in found if one.score >= 0.5]
        assert sure == [one["label"] for one in expected if one["score"] >= 0.5]


def test_it_finds_the_cat_and_the_cup(detector: Detector) -> None:
    assert detector.detect(decode(SAMPLES / "cat.jpg"))[0].label == "cat"
    assert detector.detect(decode(SAMPLES / "coffee.jpg"))[0].label == "cup"
    assert detector.detect(decode(SAMPLES / "rocket.jpg")) == ()


def test_it_is_small_and_its_card_says_where_it_comes_from(detector: Detector) -> None:
    assert (paths.builtin_detector() / detector.card.file).stat().st_size < MAX_BYTES
    assert detector.card.classes == tuple(PLURALS)
    assert "ssd_mobilenet_v2_coco_2018_03_29" in detector.card.origin.source
    assert detector.card.evaluation["found"] == detector.card.evaluation["original"]


def _overlap(found: Detection, box: list[float]) -> float:
    own = found.box
    corners = np.array([own.left, own.top, own.right, own.bottom], np.float32)
    return float(overlap(corners, np.array([box], np.float32))[0])
