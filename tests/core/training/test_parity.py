"""The parity check: outputs that match Keras pass, others are rejected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import ModelError, TrainerError
from core.models import joined
from core.training.parity import MAX_DIFFERENCE, check_parity
from tests import tiny

COUNT = 35


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (COUNT, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> bytes:
    return joined.join(tiny.backbone_bytes(), tiny.backbone_card(), tiny.head(), tiny.model_card())


@pytest.fixture
def logits(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return tiny.head().logits(tiny.features(tiny.backbone_bytes(), images))


def write(place: Path, images: NDArray[np.uint8], logits: NDArray[np.float32]) -> Path:
    np.savez(place / "gate.npz", images=images, logits=logits)
    return place / "gate.npz"


def test_equal_outputs_pass(
    tmp_path: Path, model: bytes, images: NDArray[np.uint8], logits: NDArray[np.float32]
) -> None:
    parity = check_parity(model, write(tmp_path, images, logits))
    assert parity.images == COUNT
    assert parity.greatest_difference < 1e-4


def test_one_different_logit_is_rejected(
    tmp_path: Path, model: bytes, images: NDArray[np.uint8], logits: NDArray[np.float32]
) -> None:
    logits[COUNT - 1, 1] += 2 * MAX_DIFFERENCE
    with pytest.raises(ModelError, match="logits differ"):
        check_parity(model, write(tmp_path, images, logits))


def test_outputs_that_are_not_numbers_are_rejected(
    tmp_path: Path, model: bytes, images: NDArray[np.uint8], logits: NDArray[np.float32]
) -> None:
    logits[0, 0] = np.nan
    with pytest.raises(ModelError, match="logits differ"):
        check_parity(model, write(tmp_path, images, logits))


def test_another_predicted_class_is_rejected(
    tmp_path: Path, model: bytes, images: NDArray[np.uint8], logits: NDArray[np.float32]
) -> None:
    image = np.zeros((1, tiny.SIZE, tiny.SIZE, 3), np.uint8)  # black: all three logits are the same
    even = tiny.head().logits(tiny.features(tiny.backbone_bytes(), image))
    even[0, 2] += MAX_DIFFERENCE / 2
    with pytest.raises(ModelError, match="predicts another class"):
        check_parity(model, write(tmp_path, np.concatenate([images, image]), np.concatenate([logits, even])))


def test_another_number_of_classes_is_rejected(
    tmp_path: Path, model: bytes, images: NDArray[np.uint8], logits: NDArray[np.float32]
) -> None:
    with pytest.raises(ModelError, match="output shape"):
        check_parity(model, write(tmp_path, images, logits[:, :2]))


def test_too_few_images_are_rejected(
    tmp_path: Path, model: bytes, images: NDArray[np.uint8], logits: NDArray[np.float32]
) -> None:
    with pytest.raises(TrainerError, match="only 31 images"):
        check_parity(model, write(tmp_path, images[:31], logits[:31]))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 nothing"])
def test_a_missing_or_damaged_file_is_reported(tmp_path: Path, model: bytes, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "gate.npz").write_bytes(content)
    with pytest.raises(TrainerError, match="no data to check"):
        check_parity(model, tmp_path / "gate.npz")
