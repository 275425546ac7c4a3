"""Images are searched and cropped when they are prepared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.base.errors import ProviderError
from core.card import Preprocessing, ResizeMode
from core.detection import DetectionOptions
from core.images import decoding
from core.images.preprocessing import preprocess
from core.models import prepare as preparing
from core.models.detector import Detector, open_detector
from core.models.prepare import PreprocessedImage, prepare
from core.prediction import Failure
from tests import samples
from tests.tiny_detector import write_detector, write_things

PLAN = Preprocessing(32, ResizeMode.STRETCH)


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    """A detector that is also used for cropping."""
    found = open_detector(DetectionOptions(crop=True), write_detector(tmp_path / "detector"))
    assert found is not None
    return found


def prepared(path: Path, detector: Detector | None) -> PreprocessedImage:
    found = prepare(path, [PLAN], detector)
    assert not isinstance(found, Failure)
    return found[0]


def redness(pixels: NDArray[np.uint8]) -> float:
    """The fraction of pixels that are rather red than blue."""
    return float((pixels[..., 0] > pixels[..., 2]).mean())


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_input_is_made_as_from_pixels(tmp_path: Path, form: str, orientation: int) -> None:
    upright = np.random.default_rng(0).integers(0, 256, (120, 90, 3), np.uint8)
    (photo := tmp_path / "a").write_bytes(samples.turned(form, orientation, upright))
    pixels = decoding.decode(photo, min_side=PLAN.min_decode_side)
    assert (prepared(photo, None).input == preprocess(pixels, PLAN)).all()


def test_the_crop_shows_the_subject_and_a_margin(tmp_path: Path, detector: Detector) -> None:
    found = prepared(write_things(tmp_path / "a.png", ("red", 2, 1)), detector)
    assert [one.label for one in found.detections or ()] == ["apple"]
    assert found.crop is not None
    assert redness(found.crop.input) == pytest.approx(1 / 1.25**2, abs=0.05)
    assert redness(found.input) == pytest.approx(1 / 16, abs=0.02)


def test_without_a_subject_there_is_no_crop(tmp_path: Path, detector: Detector) -> None:
    found = prepared(write_things(tmp_path / "a.png"), detector)
    assert (found.detections, found.crop) == ((), None)


def test_nobody_looks_without_a_detector(tmp_path: Path) -> None:
    found = prepared(write_things(tmp_path / "a.png", ("red", 2, 1)), None)
    assert (found.detections, found.crop) == (None, None)


def test_counting_alone_crops_nothing(tmp_path: Path) -> None:
    counting = open_detector(DetectionOptions(count=True), write_detector(tmp_path / "detector"))
    found = prepared(write_things(tmp_path / "a.png", ("red", 2, 1)), counting)
    assert len(found.detections or ()) == 1
    assert found.crop is None


def test_a_small_subject_in_a_large_jpeg_is_read_sharply(
    tmp_path: Path, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At an eighth of its size, the crop would have 62 pixels, of which the input would be enlarged."""
    pixels = np.zeros((1600, 1600, 3), np.uint8)
    pixels[..., 2] = 255
    pixels[400:800, 400:800] = (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95, subsampling=0)
    sides: list[int] = []
    read = decoding.read_image
    monkeypatch.setattr(
        preparing, "read_image", lambda path, *, min_side: (sides.append(min_side), read(path, min_side=min_side))[1]
    )
    plan = Preprocessing(128, ResizeMode.STRETCH)
    assert not isinstance(found := prepare(tmp_path / "a.jpg", [plan], detector), Failure)
    assert found[0].crop is not None
    first, second = sides
    assert first == plan.min_decode_side
    assert second == pytest.approx(first * 4 / 1.25, rel=0.1)


def test_an_unreadable_image_fails_alone(tmp_path: Path, detector: Detector) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    assert isinstance(prepare(tmp_path / "a.png", [PLAN], detector), Failure)


def test_an_image_on_which_the_detector_fails_has_the_reason(
    tmp_path: Path, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ProviderError("The detector failed: out of memory", hint="Classify without it.")

    monkeypatch.setattr(Detector, "detect", fail)
    found = prepare(write_things(tmp_path / "a.png"), [PLAN], detector)
    assert isinstance(found, Failure)
    assert found.message == "The detector failed: out of memory"


@pytest.mark.parametrize("fit", ResizeMode)
def test_the_crop_is_made_square_as_the_image_is(tmp_path: Path, detector: Detector, fit: ResizeMode) -> None:
    photo, plan = write_things(tmp_path / "a.png", ("red", 2, 1)), Preprocessing(32, fit)
    with Image.open(photo) as image:
        flat = image.convert("RGB").resize((image.width, image.height // 5))
    flat.save(photo)
    found = prepare(photo, [plan], detector)
    assert not isinstance(found, Failure)
    assert found[0].crop is not None
    box, pixels = found[0].crop.box, np.asarray(flat)
    (top, bottom), (left, right) = (
        (int(low * side), round(high * side))
        for low, high, side in ((box.top, box.bottom, flat.height), (box.left, box.right, flat.width))
    )
    assert right - left != bottom - top
    assert (found[0].crop.input == preprocess(np.ascontiguousarray(pixels[top:bottom, left:right]), plan)).all()
