"""The detector: what it finds, and files that it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from core.base import paths
from core.base.errors import ModelError, ProviderError
from core.detection import NO_DETECTION, Box, DetectionOptions
from core.models.detector import CARD, Detector, open_detector
from tests.tiny_detector import detector_bytes, draw_things, write_detector

COUNT = DetectionOptions(count=True)


def opened(folder: Path) -> Detector:
    detector = open_detector(COUNT, folder)
    assert detector is not None
    return detector


def test_it_finds_things_and_where_they_are(tmp_path: Path) -> None:
    found = opened(write_detector(tmp_path)).detect(draw_things(("red", 1, 2), ("lime", 3, 0), ("red", 0, 0)))
    expected = {
        ("apple", Box(0.25, 0.5, 0.5, 0.75)),
        ("apple", Box(0, 0, 0.25, 0.25)),
        ("cup", Box(0.75, 0, 1, 0.25)),
    }
    assert {(one.label, one.box) for one in found} == expected
    assert all(0.9 < one.score <= 1 for one in found)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (2000, 3, 3)])
def test_it_takes_images_of_any_size(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    assert opened(write_detector(tmp_path)).detect(np.full(shape, (0, 0, 255), np.uint8)) == ()


def test_it_is_opened_only_when_needed(tmp_path: Path) -> None:
    assert open_detector(NO_DETECTION, tmp_path / "missing") is None


def test_a_missing_one_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        open_detector(COUNT, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "damaged or was changed"),
        ({"size": 64}, "does not match its card"),
        ({"classes": ("apple", "cup", "pear")}, "does not match its card"),
        ({"classes": ()}, "'classes'|“classes”"),
        ({"file": "../detector.onnx"}, "not allowed"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        open_detector(COUNT, write_detector(tmp_path, **changes))


@pytest.mark.parametrize(
    "card", [b"", b"[]", b"{", b'{"format": 2, "kind": "detector"}', b'{"format": 1}', b"[" * 9999]
)
def test_a_damaged_card_is_refused(tmp_path: Path, card: bytes) -> None:
    write_detector(tmp_path)
    (tmp_path / CARD).write_bytes(card)
    with pytest.raises(ModelError):
        open_detector(COUNT, tmp_path)


def test_a_file_with_other_outputs_is_refused(tmp_path: Path) -> None:
    model = onnx.ModelProto.FromString(detector_bytes())
    del model.graph.output[1:]
    with pytest.raises(ModelError, match="does not match its card"):
        open_detector(COUNT, write_detector(tmp_path, model.SerializeToString()))


@pytest.mark.parametrize("data", [b"", b"not a network", detector_bytes()[:300]])
def test_a_damaged_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ModelError):
        open_detector(COUNT, write_detector(tmp_path, data))


def test_a_failing_run_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = opened(write_detector(tmp_path))
    monkeypatch.setattr("core.models.detector.preprocess", lambda *_: np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ProviderError, match="The detector failed"):
        detector.detect(draw_things())


def test_the_built_in_one_is_where_it_is_looked_for() -> None:
    if not (paths.builtin_detector() / CARD).is_file():
        pytest.skip("the shipped models are not here")
    detector = open_detector(COUNT)
    assert detector is not None
    assert len(detector.card.classes) == 80
    assert "Apache-2.0" in detector.card.origin.licence
