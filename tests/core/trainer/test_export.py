"""A small Keras backbone through tf2onnx, and back through ONNX Runtime."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.providers import Precision, Provider
from core.card import BackboneCard, Origin, read_card
from core.engine import graph
from core.engine.complexity import compute_stats
from core.engine.engine import open_engine
from core.trainer.base_model import split_frozen_base
from core.trainer.export import OPSET, backbone_bytes, exported_backbone_card
from core.trainer.float16_storage import Float16Policy
from core.trainer.framework import keras
from core.trainer.layers import FrozenStatistics
from core.trainer.onnx_to_keras import rebuild_keras
from models.parity import parity

_SIZE, _WIDTH = 24, 40


def _backbone() -> keras.Model:
    """A small network with every operation of ours."""
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
    path.write_bytes(backbone_bytes(backbone))
    return path


def _images(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(count).integers(0, 256, (count, _SIZE, _SIZE, 3), dtype=np.uint8)


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_its_outputs_match_keras(backbone: keras.Model, exported: Path, batch: int) -> None:
    found = parity(backbone, exported, _images(7), batch)
    assert found.images == 7
    assert found.least_cosine >= 0.99999
    assert 0 < found.greatest_difference < 0.01  # float16 kernels are not exact


def test_another_network_does_not_match(backbone: keras.Model, exported: Path) -> None:
    other = keras.models.clone_model(backbone)
    assert parity(other, exported, _images(4), 4).least_cosine < 0.99


def test_its_inputs_and_outputs(exported: Path) -> None:
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    ports = {port.name: (port.type, port.shape) for port in (*session.get_inputs(), *session.get_outputs())}
    assert ports == {
        "image": ("tensor(uint8)", ["n", _SIZE, _SIZE, 3]),
        "features": ("tensor(float)", ["n", _WIDTH]),
        "feature_map": ("tensor(float)", ["n", 6, 6, _WIDTH]),
    }


def test_it_passes_the_checks_of_the_engine(exported: Path) -> None:
    model = graph.parse(exported.read_bytes())
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", OPSET)]
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}


def test_equal_weights_give_equal_bytes(backbone: keras.Model, exported: Path) -> None:
    rebuilt = _backbone()
    assert backbone_bytes(rebuilt) == exported.read_bytes()


def test_the_file_contains_nothing_about_this_machine(exported: Path) -> None:
    data = exported.read_bytes()
    model = onnx.ModelProto.FromString(data)
    assert (model.producer_name, model.doc_string, list(model.metadata_props)) == ("tf2onnx", "", [])
    for place in (Path.cwd(), Path.home(), Path(__file__)):
        assert str(place).encode() not in data


@dataclass(frozen=True, slots=True, eq=False)
class _FineTuned:
    """The built-in Xception with a modified exit flow, as if trained.

    Attributes:
        shipped: the file it comes from.
        model: the trained network.
        file: what it was exported to.
        card: the card of that.
    """

    shipped: bytes
    model: keras.Model
    file: Path
    card: BackboneCard


@pytest.fixture(scope="module")
def fine_tuned(shipped_models: Path, tmp_path_factory: pytest.TempPathFactory) -> _FineTuned:
    """Change every weight of blocks 13 and 14 a little."""
    folder = shipped_models / "xception-imagenet"
    card = read_card((folder / "card.json").read_bytes())
    assert isinstance(card, BackboneCard)
    shipped = (folder / card.file).read_bytes()
    model = rebuild_keras(shipped, card, (folder / "normalisation.npz").read_bytes())
    random = np.random.default_rng(13)
    for layer in model.layers:
        if layer.name.startswith(("block13", "block14")):
            for weight in layer.trainable_weights:
                weight.assign(weight * random.uniform(0.9, 1.1, weight.shape))
    file = tmp_path_factory.mktemp("fine_tuned") / "backbone.onnx"
    file.write_bytes(backbone_bytes(model, Float16Policy.LOSSLESS))
    own = exported_backbone_card(
        model,
        file.read_bytes(),
        name="fine_tuned",
        origin=Origin("moved by the tests", "Apache-2.0"),
        architecture=card.architecture,
        preprocessing=card.preprocessing,
    )
    return _FineTuned(shipped, model, file, own)


def test_a_partly_trained_network_matches_keras(fine_tuned: _FineTuned) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 299, 299, 3), dtype=np.uint8)
    found = parity(fine_tuned.model, fine_tuned.file, images, 3)
    assert found.greatest_difference < 1e-4
    assert parity(fine_tuned.model, fine_tuned.shipped, images, 3).greatest_difference > 1e-2


def test_untrained_kernels_are_stored_unchanged(fine_tuned: _FineTuned) -> None:
    """All but the first, which is too small for float16 and has the noise of being unfolded and folded."""
    before, after = _kernels(fine_tuned.shipped), _kernels(fine_tuned.file.read_bytes())
    ends = len(before) - 9  # block 13: four and its shortcut; block 14: four
    np.testing.assert_allclose(after[0], before[0], rtol=1e-6)
    for old, new in zip(before[1:ends], after[1:ends], strict=True):
        assert new.dtype == old.dtype
        np.testing.assert_array_equal(new, old)
    assert {new.dtype.name for new in after[ends:]} == {"float32"}


def test_its_frozen_base_is_that_of_the_built_in_backbone(fine_tuned: _FineTuned) -> None:
    assert abs(len(split_frozen_base(fine_tuned.file.read_bytes())) - len(split_frozen_base(fine_tuned.shipped))) < 100


def test_its_card_is_correct(fine_tuned: _FineTuned) -> None:
    data = fine_tuned.file.read_bytes()
    graph.check_backbone(data, fine_tuned.card)
    assert open_engine(data, fine_tuned.card, Provider.CPU, Precision.EXACT).agreement > 0.999999
    assert fine_tuned.card.weights == 20_861_480
    assert fine_tuned.card.multiply_adds == 8_355_355_496
    assert fine_tuned.card.sha256 == hashlib.sha256(data).hexdigest()


def test_it_can_be_trained_further(fine_tuned: _FineTuned) -> None:
    again = rebuild_keras(fine_tuned.file.read_bytes(), fine_tuned.card, None)
    images = np.random.default_rng(1).integers(0, 256, (1, 299, 299, 3), dtype=np.uint8)
    assert parity(again, fine_tuned.file, images, 1).greatest_difference < 1e-4


def _kernels(data: bytes) -> list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """The stored kernels of all convolutions, in the graph's order."""
    content = graph.parse(data).graph
    stored = {tensor.name: tensor for tensor in content.initializer}
    halves = {node.output[0]: node.input[0] for node in content.node if node.op_type == "Cast"}
    names = [node.input[1] for node in content.node if node.op_type == "Conv"]
    return [numpy_helper.to_array(stored[halves.get(name, name)]) for name in names]


def test_the_file_lacks_the_numbers_that_folding_saves(backbone: keras.Model, exported: Path) -> None:
    """Keras counts four numbers per channel of a BatchNormalization; folded into a convolution, one is left."""
    norms = [layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)]
    channels = sum(layer.moving_mean.shape[0] for layer in norms)
    stored = compute_stats(onnx.load(exported)).weights
    assert channels
    assert stored + 3 * channels == backbone.count_params()
