"""A small Keras backbone through tf2onnx, and back through ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

pytest.importorskip("core.training.framework", reason="the extra `train` is not installed")

from core.engine import graph
from core.training.export import OPSET, backbone_bytes, export_backbone, parity
from core.training.framework import keras
from core.training.layers import FrozenStatistics

_SIZE, _WIDTH = 24, 40


def _backbone() -> keras.Model:
    """Every operation our networks use, in small."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    image = keras.Input((_SIZE, _SIZE, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = layers.Conv2D(32, 3, strides=2, use_bias=False)(x)
    x = layers.ReLU(max_value=6.0)(FrozenStatistics()(x))
    x = layers.DepthwiseConv2D(3, padding="same", strides=2, use_bias=False)(x)
    x = layers.ReLU()(FrozenStatistics()(x))
    y = layers.SeparableConv2D(32, 3, padding="same", use_bias=False)(x)
    x = layers.Add()([layers.MaxPooling2D(3, strides=1, padding="same")(x), y])
    feature_map = layers.Conv2D(_WIDTH, 1, use_bias=False)(x)
    features = layers.GlobalAveragePooling2D()(feature_map)
    model = keras.Model(image, {"features": features, "feature_map": feature_map})
    random = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, array.shape) for array in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def backbone() -> keras.Model:
    """One backbone for all tests here."""
    return _backbone()


@pytest.fixture(scope="module")
def exported(backbone: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its file."""
    path = tmp_path_factory.mktemp("exported") / "backbone.onnx"
    export_backbone(backbone, path)
    return path


def _images(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(count).integers(0, 256, (count, _SIZE, _SIZE, 3), dtype=np.uint8)


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_it_answers_like_keras(backbone: keras.Model, exported: Path, batch: int) -> None:
    found = parity(backbone, exported, _images(7), batch)
    assert found.images == 7
    assert found.least_cosine >= 0.99999
    assert 0 < found.greatest_difference < 0.01  # float16 kernels are not exact


def test_another_network_does_not_pass_for_it(backbone: keras.Model, exported: Path) -> None:
    other = keras.models.clone_model(backbone)
    assert parity(other, exported, _images(4), 4).least_cosine < 0.99


def test_its_ports(exported: Path) -> None:
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    ports = {port.name: (port.type, port.shape) for port in (*session.get_inputs(), *session.get_outputs())}
    assert ports == {
        "image": ("tensor(uint8)", ["n", _SIZE, _SIZE, 3]),
        "features": ("tensor(float)", ["n", _WIDTH]),
        "feature_map": ("tensor(float)", ["n", 6, 6, _WIDTH]),
    }


def test_the_engine_s_guard_lets_it_pass(exported: Path) -> None:
    model = graph.parse(exported.read_bytes())
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", OPSET)]
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}


def test_equal_weights_give_equal_bytes(backbone: keras.Model, exported: Path) -> None:
    twin = _backbone()
    assert backbone_bytes(twin) == exported.read_bytes()


def test_the_file_says_nothing_about_this_machine(exported: Path) -> None:
    data = exported.read_bytes()
    model = onnx.ModelProto.FromString(data)
    assert (model.producer_name, model.doc_string, list(model.metadata_props)) == ("tf2onnx", "", [])
    for place in (Path.cwd(), Path.home(), Path(__file__)):
        assert str(place).encode() not in data
