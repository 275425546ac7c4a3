"""The base split off the built-in Xception gives the intermediate output of the whole network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from core.base.errors import ModelError
from core.engine import golden, graph
from core.trainer.base_model import FROZEN_BASE, split_frozen_base, split_variant
from tests import tiny

_BLOCK_12 = "add_113_out0"
"""The name of block 12's output in the built-in file."""


@pytest.fixture(scope="module")
def backbone(shipped_models: Path) -> bytes:
    """The built-in Xception."""
    return (shipped_models / "xception-imagenet" / "backbone.onnx").read_bytes()


@pytest.fixture(scope="module")
def frozen_base(backbone: bytes) -> bytes:
    """Its frozen base."""
    return split_frozen_base(backbone)


def _output(data: bytes, name: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([name], {graph.INPUT: images})[0])


@pytest.mark.parametrize("count", [1, 3])
def test_its_output_equals_the_intermediate_tensor(backbone: bytes, frozen_base: bytes, count: int) -> None:
    whole = onnx.ModelProto.FromString(backbone)
    whole.graph.output.append(onnx.ValueInfoProto(name=_BLOCK_12))
    images = np.random.default_rng(count).integers(0, 256, (count, 299, 299, 3), dtype=np.uint8)
    found = _output(frozen_base, FROZEN_BASE, images)
    assert found.shape == (count, 19, 19, 728)
    wanted = _output(whole.SerializeToString(), _BLOCK_12, images)
    np.testing.assert_allclose(found, wanted.transpose(0, 2, 3, 1), atol=1e-5)
    assert np.abs(found).max() > 1


def test_its_inputs_and_outputs(frozen_base: bytes) -> None:
    model = graph.parse(frozen_base)
    onnx.checker.check_model(model, full_check=True)
    assert graph.inputs(model) == (graph.TensorSpec("image", onnx.TensorProto.UINT8, (None, 299, 299, 3)),)
    assert graph.outputs(model) == (graph.TensorSpec("trunk", onnx.TensorProto.FLOAT, (None, 19, 19, 728)),)


def test_it_has_exactly_the_needed_weights(backbone: bytes, frozen_base: bytes) -> None:
    stored = {tensor.name: tensor for tensor in graph.parse(backbone).graph.initializer}
    content = graph.parse(frozen_base).graph
    assert all(tensor == stored[tensor.name] for tensor in content.initializer)
    assert {tensor.name for tensor in content.initializer} < {name for node in content.node for name in node.input}
    assert len(frozen_base) < 0.7 * len(backbone)


def test_it_is_found_with_any_tensor_names(backbone: bytes, frozen_base: bytes) -> None:
    renamed = split_frozen_base(_changed(backbone, _rename_block_12))
    assert renamed.replace(b"a_very_other", b"add_113_out0") == frozen_base


def test_the_same_file_gives_the_same_bytes(backbone: bytes, frozen_base: bytes) -> None:
    assert split_frozen_base(backbone) == frozen_base


@pytest.fixture(scope="module")
def int8(shipped_models: Path) -> bytes:
    """Its variant in 8 bits."""
    return (shipped_models / "xception-imagenet" / "int8.onnx").read_bytes()


def test_the_parts_of_the_variant_in_8_bits_compute_its_features(
    backbone: bytes, frozen_base: bytes, int8: bytes
) -> None:
    base, rest = split_variant(backbone, int8)
    images = golden.golden_inputs(299)
    maps = _output(base, FROZEN_BASE, images)
    session = onnxruntime.InferenceSession(rest, providers=["CPUExecutionProvider"])
    (features,) = session.run([graph.FEATURES], {FROZEN_BASE: maps})
    np.testing.assert_allclose(features, _output(int8, graph.FEATURES, images), atol=1e-4)
    exact = _output(frozen_base, FROZEN_BASE, images)
    assert maps.shape == exact.shape
    assert golden.cosine(maps.reshape(2, -1), exact.reshape(2, -1)) < 0.9999


def test_a_variant_of_another_network_is_rejected(backbone: bytes, shipped_models: Path) -> None:
    other = (shipped_models / "efficientnet-lite0-imagenet" / "int8.onnx").read_bytes()
    with pytest.raises(ModelError, match="does not belong"):
        split_variant(backbone, other)


def _rename_block_12(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = ["a_very_other" if name == _BLOCK_12 else name for name in names]


def _open_size(model: onnx.ModelProto) -> None:
    for axis in (1, 2):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = "side"
    for info in model.graph.output[:]:
        for axis in (1, 2)[: len(info.type.tensor_type.shape.dim) - 2]:
            info.type.tensor_type.shape.dim[axis].dim_param = "map"


def _no_shortcut(model: onnx.ModelProto) -> None:
    """Block 13 adds its main path to itself."""
    add = [node for node in model.graph.node if node.op_type == "Add"][-1]
    add.input[1] = add.input[0]


def _other_activation(model: onnx.ModelProto) -> None:
    [node for node in model.graph.node if node.op_type == "Relu"][-2].op_type = "Sigmoid"


def _other_width(model: onnx.ModelProto) -> None:
    """The last convolution makes 8 features."""
    last = [node for node in model.graph.node if node.op_type == "Conv"][-1]
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.zeros((8, 1536, 1, 1), np.float32), "narrow"),
            numpy_helper.from_array(np.zeros(8, np.float32), "narrow_bias"),
        ]
    )
    last.input[1:] = ["narrow", "narrow_bias"]
    for info in model.graph.output:
        info.type.tensor_type.shape.dim[-1].dim_value = 8


def _broken_operator(model: onnx.ModelProto) -> None:
    del [node for node in model.graph.node if node.op_type == "Conv"][-1].input[1:]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_open_size, "shape of “image” inside the model is unknown"),
        (_no_shortcut, "lacks the shortcut"),
        (_other_activation, "differs from Xception"),
        (_other_width, "differs from Xception"),
        (_broken_operator, "lacks inputs"),
    ],
)
def test_other_graphs_than_xception_are_rejected(
    backbone: bytes, change: Callable[[onnx.ModelProto], None], reason: str
) -> None:
    with pytest.raises(ModelError, match=reason):
        split_frozen_base(_changed(backbone, change))


def test_other_networks_and_invalid_files_are_rejected(shipped_models: Path) -> None:
    lite = (shipped_models / "general" / "backbone.onnx").read_bytes()
    for data in (lite, tiny.backbone_bytes(), b"", b"no ONNX"):
        with pytest.raises(ModelError):
            split_frozen_base(data)


def _changed(data: bytes, change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.ModelProto.FromString(data)
    change(model)
    return model.SerializeToString()
