"""Classifiers of other programs that cannot be used are refused before any question is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from core.base.errors import ModelError
from core.models.onnx_import import inspect_model
from tests.core.models.test_onnx_import_kinds import (
    Change,
    before_the_end,
    changed,
    one_image,
    tokens,
    two_answers,
    written,
)


def one_logit(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        if tensor.name in ("w", "b"):
            array = numpy_helper.to_array(tensor)[:1]
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), tensor.name))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 1


def batch(number: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = number

    return change


def drawing_dropout(model: onnx.ModelProto) -> None:
    before_the_end(helper.make_node("Dropout", ["f", "", "on"], ["g"]), on=np.array(True))(model)


def side(pixels: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        for axis in model.graph.input[0].type.tensor_type.shape.dim[2:]:
            axis.dim_value = pixels

    return change


def version(name: str, number: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        if name == "ir":
            model.ir_version = number
        else:
            model.opset_import[0].version = number

    return change


def a_domain_in_use(model: onnx.ModelProto) -> None:
    model.graph.node[1].domain = "com.microsoft"


def a_shape_of_2_31(model: onnx.ModelProto) -> None:
    """What is folded away would still be run, to compare with."""
    before_the_end(
        helper.make_node("ConstantOfShape", ["long"], ["huge"]),
        helper.make_node("Shape", ["huge"], ["length"]),
        helper.make_node("Reshape", ["f", "target"], ["g"]),
        helper.make_node("Mul", ["length", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "wanted"], ["target"]),
        long=np.array([2**31]), zero=np.array([0]), wanted=np.array([-1, 8]),
    )(model)  # fmt: skip
    nodes = list(model.graph.node)
    place = next(place for place, node in enumerate(nodes) if node.op_type == "Reshape")
    nodes.insert(place + 2, nodes.pop(place))
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def many_tokens(model: onnx.ModelProto) -> None:
    """As many tokens as there are images, for each of them."""
    tokens(
        helper.make_node("Concat", ["ones", "counts", "width"], ["lengths"], axis=0),
        helper.make_node("Expand", ["token", "lengths"], ["many"]),
        helper.make_node("ReduceMean", ["many"], ["repeated"], axes=[1]),
    )(model)


def wide(model: onnx.ModelProto) -> None:
    """800 channels of 250 by 250 from a few kilobytes: 0.2 GB for an image, 1.6 GB for a batch."""
    for axis in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        axis.dim_value = 250
    model.graph.node.insert(0, helper.make_node("Conv", ["x", "many"], ["large"]))
    model.graph.node.insert(1, helper.make_node("Conv", ["large", "few"], ["small"]))
    model.graph.node[2].input[0] = "small"
    for name, shape in {"many": (800, 3, 1, 1), "few": (3, 800, 1, 1)}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.zeros(shape, np.float32), name))


REFUSED: dict[str, tuple[onnx.ModelProto, str]] = {
    "one image only": (changed(one_image), "fixed to one image"),
    "as many tokens as images": (changed(many_tokens), "fixed to one image"),
    "four images": (changed(batch(4)), "fixed to 4"),
    "no images": (changed(batch(0)), "fixed to 0"),
    "one logit": (changed(one_logit, end="Identity"), "binary classifier"),
    "two answers": (changed(two_answers), "several outputs: y .*, other"),
    "a Dropout that draws": (changed(drawing_dropout), "unsupported operator “Dropout”"),
    "an IR version of the future": (changed(version("ir", 99)), "IR version 99.* supports up to"),
    "an opset of the future": (changed(version("opset", 99)), "opset 99.* supports up to"),
    "an opset of 2017": (changed(version("opset", 6)), "opset 6.* needs 7 or newer"),
    "a custom operator": (changed(a_domain_in_use), "unsupported operator “com.microsoft.Relu”"),
    "a shape of 2^31": (changed(a_shape_of_2_31), "GB of memory"),
    "eight pixels": (changed(side(8)), "is 8 pixels; 16 to 2048"),
    "many pixels": (changed(side(4096)), "is 4096 pixels"),
    "a wide layer": (changed(wide), "GB of memory for 8 images"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_before_any_question(kind: str, tmp_path: Path) -> None:
    model, why = REFUSED[kind]
    with pytest.raises(ModelError, match=why) as caught:
        inspect_model(written(tmp_path, model))
    assert len(caught.value.hint) > 20
