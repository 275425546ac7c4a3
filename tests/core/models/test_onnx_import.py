"""Classifiers of other programs: taken apart, answered for, and proven to say what they said before; or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from core.base.errors import ModelError
from core.base.providers import Precision, ProviderPreference
from core.card import ResizeMode
from core.models.classifier import open_classifier
from core.models.library import Library
from core.models.onnx_import import import_onnx, inspect_model, scaling_arrays
from core.models.onnx_import_values import ChannelOrder, ImportAnswers, Scaling
from core.prediction import Prediction
from tests import tiny

SIDE = 32
ANSWERS = ImportAnswers("Colours of Others", tiny.CLASSES, SIDE, scaling=Scaling.RAW, fit=ResizeMode.STRETCH)


def classifier(
    *, last: str = "Gemm", end: str = "Softmax", layout: str = "nchw", side: int | str = SIDE, **metadata: str
) -> onnx.ModelProto:
    """The tiny network as another program exports it, with a linear layer of its kind and an end of its kind."""
    weights = np.eye(tiny.WIDTH, 3, dtype=np.float32) * 4
    bias = np.array([0.1, 0, -0.1], np.float32)
    nodes = [helper.make_node("Transpose", ["x"], ["planes"], perm=[0, 3, 1, 2])] if layout == "nhwc" else []
    nodes += [
        helper.make_node("Conv", ["planes" if nodes else "x", "k"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["features"]),  # a name that means something else here
        helper.make_node("GlobalAveragePool", ["features"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
    ]
    arrays = {"k": tiny.kernels(), "b": bias}
    if last == "Gemm":
        nodes.append(helper.make_node("Gemm", ["f", "w", "b"], ["logits"], transB=1))
        arrays["w"] = np.ascontiguousarray(weights.T)
    elif last == "MatMul":
        nodes += [helper.make_node("MatMul", ["f", "w"], ["m"]), helper.make_node("Add", ["b", "m"], ["logits"])]
        arrays["w"] = weights
    else:
        nodes += [helper.make_node("Gemm", ["f", "w", "b"], ["g"]), helper.make_node("Relu", ["g"], ["logits"])]
        arrays["w"] = weights
    nodes.append(helper.make_node(end, ["logits"], ["y"]))
    axes = ["n", 3, side, side] if layout == "nchw" else ["n", side, side, 3]
    graph = helper.make_graph(
        nodes,
        "theirs",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, axes)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    return model


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return tiny.make_library(tmp_path / "library")


@pytest.fixture
def written(tmp_path: Path) -> Callable[[onnx.ModelProto], Path]:
    def write(model: onnx.ModelProto) -> Path:
        file = tmp_path / "theirs.onnx"
        file.write_bytes(model.SerializeToString())
        return file

    return write


Write = Callable[[onnx.ModelProto], Path]


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("last", ["Gemm", "MatMul", "Relu"])
@pytest.mark.parametrize("end", ["Softmax", "Identity"])
def test_it_answers_as_it_did_in_the_other_program(
    library: Library, written: Write, tmp_path: Path, layout: str, last: str, end: str
) -> None:
    file = written(classifier(last=last, end=end, layout=layout))
    (asked,) = inspect_model(file)
    assert (asked.class_count, asked.size, asked.classes) == (3, SIDE, ())
    imported = import_onnx(file, ANSWERS, library)
    assert imported.is_new
    model = library.find("colours-of-others")
    assert model.card.title == "Colours of Others"
    photo = tmp_path / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(photo)
    (found,) = open_classifier(model, ProviderPreference.CPU, Precision.EXACT).classify([photo], top_k=3)
    assert isinstance(found, Prediction)
    given = pixels[None].astype(np.float32)
    given = given if layout == "nhwc" else given.transpose(0, 3, 1, 2)
    (theirs,) = ort.InferenceSession(file.read_bytes()).run(["y"], {"x": np.ascontiguousarray(given)})
    powers = np.exp(theirs[0] - theirs[0].max())
    wanted = theirs[0] if end == "Softmax" else powers / powers.sum()
    said = {score.label: score.probability for score in found.scores}
    assert [said[label] for label in tiny.CLASSES] == pytest.approx(wanted.tolist(), abs=2e-3)
    assert not import_onnx(file, ANSWERS, library).is_new


def in_8_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """The classifier with a kernel whose products add up to more than 16 bits hold, in 8 bits as its input."""
    whole = np.full((tiny.WIDTH, 3, 3, 3), 127, np.int8)
    whole[1::2, :, ::2] = -20
    arrays = {"k8": whole, "steps": np.geomspace(1e-5, 2e-5, tiny.WIDTH, dtype=np.float32), "one": np.float32(1)}
    arrays |= {"zero": np.uint8(0), "zeros": np.zeros(tiny.WIDTH, np.int8), "step": np.float32(0.05)}
    convolution, relu, *rest = model.graph.node
    convolution.input[:], relu.output[0], rest[0].input[0] = ["real", "k"], "positive", "features"
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "one", "zero"], ["stored"]),
        helper.make_node("DequantizeLinear", ["stored", "one", "zero"], ["real"]),
        helper.make_node("DequantizeLinear", ["k8", "steps", "zeros"], ["k"], axis=0),
        convolution,
        relu,
        helper.make_node("QuantizeLinear", ["positive", "step", "zero"], ["rounded"]),
        helper.make_node("DequantizeLinear", ["rounded", "step", "zero"], ["features"]),
        *rest,
    ]
    kept = [array for array in model.graph.initializer if array.name != "k"]
    kept += [numpy_helper.from_array(np.asarray(values), name) for name, values in arrays.items()]
    graph = helper.make_graph(nodes, "theirs", model.graph.input, model.graph.output, kept)
    return helper.make_model(graph, ir_version=8, opset_imports=model.opset_import)


@pytest.mark.parametrize("precision", Precision)
def test_kernels_in_8_bits_answer_as_in_real_numbers(library: Library, written: Write, precision: Precision) -> None:
    """On every processor; ONNX Runtime computes in real numbers if it may not optimize."""
    model = in_8_bits(classifier())
    import_onnx(written(model), ANSWERS, library)
    engine = open_classifier(library.find("colours-of-others"), ProviderPreference.CPU, precision).engine
    model.graph.output.append(helper.make_tensor_value_info("f", TensorProto.FLOAT, ["n", tiny.WIDTH]))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    real = ort.InferenceSession(model.SerializeToString(), options)
    image = np.full((1, SIDE, SIDE, 3), 250, np.uint8)
    (wanted,) = real.run(["f"], {"x": np.ascontiguousarray(image.transpose(0, 3, 1, 2), np.float32)})
    assert wanted.max() > 5
    np.testing.assert_allclose(engine.run(image), wanted, atol=0.03)


@pytest.mark.parametrize("order", list(ChannelOrder))
@pytest.mark.parametrize("scaling", list(Scaling))
def test_pixels_are_scaled_as_the_answer_says(scaling: Scaling, order: ChannelOrder) -> None:
    scale, shift = scaling_arrays(replace(ANSWERS, scaling=scaling, order=order))
    pixel = np.array([250.0, 100.0, 30.0])
    wanted = {
        Scaling.RAW: pixel,
        Scaling.UNIT: pixel / 255,
        Scaling.SIGNED: pixel / 127.5 - 1,
        Scaling.IMAGENET: (pixel / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
        Scaling.CAFFE: pixel - [123.68, 116.779, 103.939],
    }[scaling]
    ordered = wanted if order is ChannelOrder.RGB else wanted[::-1]
    assert (pixel @ scale + shift).tolist() == pytest.approx(ordered.tolist(), rel=1e-4)


def test_names_in_the_file_are_found(written: Write) -> None:
    for expected in (json.dumps(list(tiny.CLASSES)), "{0: 'red', 1: 'green', 2: 'blue'}"):
        (asked,) = inspect_model(written(classifier(names=expected)))
        assert asked.classes == tiny.CLASSES
    (asked,) = inspect_model(written(classifier(names="__import__('os')")))
    assert asked.classes == ()


def test_an_open_size_is_asked_for(written: Write, library: Library) -> None:
    file = written(classifier(side="s"))
    (asked,) = inspect_model(file)
    assert asked.size is None
    assert import_onnx(file, replace(ANSWERS, size=48), library).model.backbone.card.preprocessing.size == 48


def broken(change: Callable[[onnx.ModelProto], Any]) -> onnx.ModelProto:
    model = classifier()
    change(model)
    return model


def _clear(field: str) -> Callable[[onnx.ModelProto], Any]:
    def change(model: onnx.ModelProto) -> None:
        del getattr(model.graph, field)[:]

    return change


def _external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.external_data.add(key="location", value="/etc/passwd")
    tensor.data_location = TensorProto.EXTERNAL


def _operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Loop"


def _greyscale(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1


def _oblong(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 64


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (broken(_external), "another folder"),
        (broken(_operator), "“Loop”"),
        (broken(_greyscale), "three colours"),
        (broken(_oblong), "not square"),
        (broken(_clear("output")), "no outputs"),
        (broken(_clear("input")), "not an image"),
        (classifier(end="Sigmoid"), "Multi-label"),
    ],
    ids=["external", "operator", "greyscale", "oblong", "no output", "no input", "many labels"],
)
def test_what_cannot_be_used_is_refused_with_the_why(written: Write, model: onnx.ModelProto, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        inspect_model(written(model))


def test_answers_that_do_not_fit_are_refused(written: Write, library: Library) -> None:
    file = written(classifier())
    with pytest.raises(ModelError, match="3 classes, but 2 names"):
        import_onnx(file, replace(ANSWERS, classes=("a", "b")), library)
    with pytest.raises(ModelError, match="32 pixels, not 64"):
        import_onnx(file, replace(ANSWERS, size=64), library)
    assert library.numbers("colours-of-others") == ()


def test_names_that_stand_twice_get_numbers(written: Write, library: Library) -> None:
    """ImageNet has two cranes and two maillots."""
    model = import_onnx(written(classifier()), replace(ANSWERS, classes=("crane", "b", "crane")), library).model
    assert model.card.classes == ("crane", "b", "crane (2)")


def test_an_export_of_ours_leaves_nothing_open(library: Library, tmp_path: Path) -> None:
    from core.models.exchange import export

    export(library.find("colours"), tmp_path / "ours.onnx")
    assert inspect_model(tmp_path / "ours.onnx") == ()
