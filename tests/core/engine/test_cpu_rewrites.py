from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import onnx
import pytest
from numpy.typing import ArrayLike, NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from core.base.providers import Precision, Provider
from core.engine.cpu_rewrites import rewrite
from core.engine.sessions import open_session
from core.models.composite import resampling
from tests import tiny

SIZE, SMALL = 96, 72


def _file(nodes: list[NodeProto], arrays: Mapping[str, ArrayLike], opset: int = 17) -> bytes:
    ends = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", None, None, None]),
        helper.make_tensor_value_info("result", TensorProto.FLOAT, ["n", None, None, None]),
    ]
    initializers = [numpy_helper.from_array(np.asarray(values), name) for name, values in arrays.items()]
    graph = helper.make_graph(nodes, "test", ends[:1], ends[1:], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def _shortcut(strides: int = 2, *, bias: bool = True, reads: str = "real") -> bytes:
    """A 1x1 convolution in float32 of an array that is stored in 8 bits."""
    rng = np.random.default_rng(0)
    arrays: dict[str, ArrayLike] = {
        "scale": np.float32(0.02),
        "zero": np.uint8(128),
        "w": rng.normal(size=(6, 4, 1, 1)).astype(np.float32),
        "b": rng.normal(size=6).astype(np.float32),
    }
    return _file(
        [
            helper.make_node("QuantizeLinear", ["image", "scale", "zero"], ["stored"]),
            helper.make_node("DequantizeLinear", ["stored", "scale", "zero"], ["real"]),
            helper.make_node(
                "Conv", [reads, "w", *(["b"] if bias else [])], ["result"], strides=[strides] * 2, kernel_shape=[1, 1]
            ),
        ],
        arrays,
    )


def _resize(rows: NDArray[np.float32], opset: int = 17) -> bytes:
    """An image [n, h, w, c] whose rows and columns are multiplied by a matrix."""
    return _file(
        [
            helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("MatMul", ["rows", "planes"], ["flat"]),
            helper.make_node("MatMul", ["flat", "columns"], ["result"]),
        ],
        {"rows": rows, "columns": np.ascontiguousarray(rows.T)},
        opset,
    )


def _operators(data: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.ModelProto.FromString(data).graph.node)


def _run(data: bytes, image: NDArray[np.float32], precision: Precision = Precision.EXACT) -> NDArray[np.float32]:
    session = open_session(data, Provider.CPU, precision)
    return np.asarray(session.run(["result"], {"image": image})[0])


@pytest.mark.parametrize(("size", "bias", "reads"), [(8, True, "real"), (9, False, "real"), (9, True, "image")])
def test_strided_shortcut_between_8_bit_layers_becomes_a_matrix_product(size: int, bias: bool, reads: str) -> None:
    data = _shortcut(bias=bias, reads=reads)
    image = np.random.default_rng(1).normal(size=(3, 4, size, size)).astype(np.float32)
    rewritten = rewrite(data)
    assert _operators(rewritten)["Conv"] == 0
    assert np.abs(_run(rewritten, image) - _run(data, image)).max() < 1e-5


def test_pixels_are_selected_before_they_become_float32() -> None:
    nodes = onnx.ModelProto.FromString(rewrite(_shortcut())).graph.node
    order = [node.op_type for node in nodes if node.op_type in ("Slice", "DequantizeLinear")]
    assert order == ["DequantizeLinear", "Slice", "DequantizeLinear"]


def test_convolution_of_every_pixel_stays() -> None:
    data = _shortcut(strides=1)
    assert rewrite(data) is data


def test_network_in_float32_stays() -> None:
    data = tiny.backbone_bytes()
    assert rewrite(data) is data


def test_kernels_in_8_bits_get_zero_points() -> None:
    """ONNX Runtime needs them where it makes kernels unsigned, as here if products of 8 bits saturate."""
    rng = np.random.default_rng(3)
    arrays = {"w": rng.integers(-127, 128, (6, 4, 1, 1)).astype(np.int8), "steps": np.full(6, 0.01, np.float32)}
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "steps"], ["kernel"], axis=0),
        helper.make_node("Conv", ["image", "kernel"], ["result"]),
    ]
    data = _file(nodes, arrays)
    image = rng.normal(size=(2, 4, 8, 8)).astype(np.float32)
    rewritten = rewrite(data)
    assert [len(node.input) for node in onnx.ModelProto.FromString(rewritten).graph.node] == [3, 2]
    assert rewrite(rewritten) is rewritten
    assert np.abs(_run(rewritten, image, Precision.AUTO) - _run(data, image)).max() < 1e-5


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("has_zeros", [True, False])
def test_products_of_8_bits_do_not_saturate(precision: Precision, has_zeros: bool) -> None:
    """Where processors add two of them in 16 bits, ONNX Runtime has to be asked for it."""
    arrays = {
        "one": np.float32(1),
        "step": np.float32(16 * 255 * 127 / 200),
        "zero": np.uint8(0),
        "w": np.full((8, 16, 1, 1), 127, np.int8),
        "steps": np.ones(8, np.float32),
        "zeros": np.zeros(8, np.int8),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "one", "zero"], ["stored"]),
        helper.make_node("DequantizeLinear", ["stored", "one", "zero"], ["real"]),
        helper.make_node("DequantizeLinear", ["w", "steps", *(["zeros"] if has_zeros else [])], ["kernel"], axis=0),
        helper.make_node("Conv", ["real", "kernel"], ["sums"]),
        helper.make_node("QuantizeLinear", ["sums", "step", "zero"], ["rounded"]),
        helper.make_node("DequantizeLinear", ["rounded", "step", "zero"], ["result"]),
    ]
    found = _run(_file(nodes, arrays), np.full((1, 16, 4, 4), 255, np.float32), precision)
    np.testing.assert_allclose(found, 16 * 255 * 127, rtol=1e-6)


def test_resizing_multiplies_only_the_band_of_its_matrices() -> None:
    data = _resize(resampling(SIZE, SMALL))
    image = np.random.default_rng(2).uniform(0, 255, (2, SIZE, SIZE, 3)).astype(np.float32)
    rewritten = rewrite(data)
    assert _operators(rewritten)["MatMul"] > 2
    assert np.abs(_run(rewritten, image) - _run(data, image)).max() < 1e-3


@pytest.mark.parametrize("opset", [11, 17])
def test_dense_matrix_stays(opset: int) -> None:
    data = _resize(np.ones((SMALL, SIZE), np.float32), opset)
    assert rewrite(data) is data


def test_old_graph_stays() -> None:
    data = _resize(resampling(SIZE, SMALL), opset=11)
    assert rewrite(data) is data


def test_only_exact_precision_does_not_rewrite_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten: list[bytes] = []

    def note(data: bytes) -> bytes:
        rewritten.append(data)
        return data

    monkeypatch.setattr("core.engine.sessions.rewrite", note)
    for precision in Precision:
        open_session(tiny.backbone_bytes(), Provider.CPU, precision)
    assert rewritten == [tiny.backbone_bytes()]
