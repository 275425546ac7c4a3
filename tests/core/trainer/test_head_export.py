"""A dense head through tf2onnx, and graphs that are not dense heads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import ModelError
from core.models.heads import DenseHead, LinearHead, head_bytes, read_head
from core.trainer.framework import keras
from core.trainer.head_export import exported_head, head_from_onnx

WIDTH, HIDDEN, CLASSES = 12, 6, 3


def drawn(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


ARRAYS = {"w0": drawn(WIDTH, HIDDEN), "b0": drawn(HIDDEN), "w1": drawn(HIDDEN, CLASSES), "b1": drawn(CLASSES)}


def keras_head(*widths: int, biased: bool = True) -> keras.Model:
    layers = [keras.layers.Dense(width, activation="relu") for width in widths[1:-1]]
    model = keras.Sequential([keras.Input((widths[0],)), *layers, keras.layers.Dense(widths[-1])])
    model.set_weights([drawn(*w.shape) if biased or len(w.shape) == 2 else np.zeros(w.shape) for w in model.weights])
    return model


@pytest.mark.parametrize("widths", [(WIDTH, CLASSES), (WIDTH, HIDDEN, CLASSES), (WIDTH, 8, HIDDEN, 2)])
@pytest.mark.parametrize("biased", [True, False])
def test_the_exported_head_has_the_same_weights_and_outputs(widths: tuple[int, ...], biased: bool) -> None:
    model = keras_head(*widths, biased=biased)
    head = read_head(head_bytes(exported_head(model), exact=True))
    layers = head.layers if isinstance(head, DenseHead) else (head,)
    stored = [array for layer in layers for array in (layer.weights, layer.bias)]
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(stored, model.get_weights(), strict=True))
    features = drawn(9, WIDTH)
    for batch in (features, features[:1]):
        assert np.allclose(head.logits(batch), model(batch), atol=1e-5)


def graph(nodes: Sequence[onnx.NodeProto], end: str = "logits") -> onnx.ModelProto:
    made = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["n", WIDTH])],
        [helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, ["n", CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in ARRAYS.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])


def node(kind: str, *names: str, **options: float) -> onnx.NodeProto:
    *inputs, output = names
    return helper.make_node(kind, inputs, [output], **options)


def test_gemm_is_a_layer() -> None:
    ARRAYS["w0t"] = ARRAYS["w0"].T.copy()
    nodes = [
        node("Gemm", "features", "w0t", "b0", "a", transB=1, alpha=1.0),
        node("Relu", "a", "b"),
        node("Gemm", "b", "w1", "logits"),
    ]
    head = head_from_onnx(graph(nodes))
    assert isinstance(head, DenseHead)
    assert np.array_equal(head.layers[0].weights, ARRAYS["w0"])
    assert np.array_equal(head.layers[0].bias, ARRAYS["b0"])
    assert not head.layers[1].bias.any()


FIRST = [node("MatMul", "features", "w0", "a"), node("Add", "a", "b0", "b"), node("Relu", "b", "c")]
FOREIGN = {
    "another operator": [*FIRST[:2], node("Sigmoid", "b", "c"), node("MatMul", "c", "w1", "logits")],
    "two layers without ReLU": [*FIRST[:2], node("MatMul", "b", "w1", "logits")],
    "ReLU at the end": [*FIRST, node("MatMul", "c", "w1", "d"), node("Relu", "d", "logits")],
    "ReLU at the beginning": [node("Relu", "features", "a"), node("MatMul", "a", "w0", "logits")],
    "ReLU alone": [node("Relu", "features", "logits")],
    "a bias twice": [*FIRST[:2], node("Add", "b", "b0", "logits")],
    "a bias of nothing": [node("Add", "features", "b0", "a"), node("MatMul", "a", "w0", "logits")],
    "a shortcut": [*FIRST, node("Add", "c", "a", "d"), node("MatMul", "d", "w1", "logits")],
    "a branch": [*FIRST, node("MatMul", "features", "w0", "logits")],
    "an end elsewhere": [*FIRST, node("MatMul", "c", "w1", "elsewhere")],
    "the weights on the left": [node("MatMul", "w0", "features", "logits")],
    "a scaled Gemm": [*FIRST, node("Gemm", "c", "w1", "b1", "logits", alpha=0.5)],
    "a turned Gemm": [*FIRST, node("Gemm", "c", "w1", "b1", "logits", transA=1)],
    "nothing": [],
}  # fmt: skip


@pytest.mark.parametrize("kind", FOREIGN)
def test_graphs_that_are_not_chains_of_dense_layers_are_rejected(kind: str) -> None:
    with pytest.raises(ModelError, match="is not a chain of dense layers"):
        head_from_onnx(graph(FOREIGN[kind]))


def test_layers_with_mismatched_shapes_are_rejected() -> None:
    with pytest.raises(ModelError, match="do not match"):
        head_from_onnx(graph([*FIRST, node("MatMul", "c", "w0", "logits")]))


def test_one_layer_is_a_linear_head() -> None:
    head = head_from_onnx(graph([node("MatMul", "features", "w0", "a"), node("Add", "a", "b0", "logits")]))
    assert isinstance(head, LinearHead)
