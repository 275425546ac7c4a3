"""Classifiers of the kinds that other programs write: each is imported and says what it said, or is refused at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.providers import Precision, Provider
from core.card import ResizeMode
from core.engine import golden
from core.engine.engine import open_engine
from core.models.heads import softmax
from core.models.import_preview import preview
from core.models.installed import load_backbone, load_head
from core.models.library import Library
from core.models.onnx_import import import_onnx, inspect_model
from core.models.onnx_import_values import ImportAnswers, Scaling
from core.models.values import InstalledModel
from core.prediction import Failure, Prediction
from tests import tiny
from tests.core.models.test_onnx_import import ANSWERS, SIDE, classifier

Change = Callable[[onnx.ModelProto], Any]
NAMES = helper.make_tensor_value_info


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "shipped", tmp_path / "own")


def written(folder: Path, model: onnx.ModelProto) -> Path:
    file = folder / "theirs.onnx"
    file.write_bytes(model.SerializeToString())
    return file


def changed(change: Change, *, end: str = "Softmax", side: int | str = SIDE) -> onnx.ModelProto:
    model = classifier(end=end, side=side)
    change(model)
    return model


def logits(model: InstalledModel) -> np.ndarray[Any, Any]:
    card = model.backbone.card
    engine = open_engine(load_backbone(model.backbone), card, Provider.CPU, Precision.EXACT)
    return load_head(model).logits(engine.run(golden.golden_inputs(SIDE)))


def theirs(model: onnx.ModelProto, output: str = "y") -> np.ndarray[Any, Any]:
    """What the file says in ONNX Runtime, one image at a time."""
    session = ort.InferenceSession(model.SerializeToString())
    kind = {"tensor(float16)": np.float16}.get(session.get_inputs()[0].type, np.float32)
    images = golden.golden_inputs(SIDE).transpose(0, 3, 1, 2).astype(kind)
    answers = [session.run([output], {session.get_inputs()[0].name: image[None]})[0] for image in images]
    return np.stack([np.asarray(answer, np.float32).reshape(-1) for answer in answers])


def instead_of_relu(operator: str, *stored: np.ndarray[Any, Any], opset: int = 17, **given: float) -> Change:
    """The activation replaced by another one, its further inputs stored."""

    def change(model: onnx.ModelProto) -> None:
        node = next(node for node in model.graph.node if node.op_type == "Relu")
        names = [f"stored{number}" for number in range(len(stored))]
        new = helper.make_node(operator, [node.input[0], *names], list(node.output))
        new.attribute.extend(helper.make_attribute(name, value) for name, value in given.items())
        node.CopyFrom(new)
        pairs = zip(stored, names, strict=True)
        model.graph.initializer.extend(numpy_helper.from_array(array, name) for array, name in pairs)
        model.opset_import[0].version = opset

    return change


def before_the_end(*nodes: onnx.NodeProto, **stored: np.ndarray[Any, Any]) -> Change:
    """Operators from `f` [n, 8] to `g` put in front of the last layer."""

    def change(model: onnx.ModelProto) -> None:
        kept = list(model.graph.node)
        place = next(place for place, node in enumerate(kept) if node.op_type == "Gemm")
        kept[place].input[0] = "g"
        kept[place:place] = nodes
        del model.graph.node[:]
        model.graph.node.extend(kept)
        model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in stored.items())

    return change


def view(model: onnx.ModelProto) -> None:
    """x.view(x.size(0), -1) as PyTorch's exporter writes it, instead of Flatten."""
    kept = [node for node in model.graph.node if node.op_type != "Flatten"]
    place = next(place for place, node in enumerate(kept) if node.op_type == "Gemm")
    kept[place:place] = [
        helper.make_node("Shape", ["p"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["count"]),
        helper.make_node("Unsqueeze", ["count", "axis"], ["counts"]),
        helper.make_node("Concat", ["counts", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["p", "target"], ["f"]),
    ]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    for name, value in {"zero": 0, "axis": [0], "rest": [-1]}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))


def tokens(*of_the_token: onnx.NodeProto, token: str = "repeated") -> Change:
    """A class token for each image beside its features, as a ViT has: [n, 2, 8], of which the mean goes on."""
    return before_the_end(
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["count"]),
        helper.make_node("Unsqueeze", ["count", "axis"], ["counts"]),
        *of_the_token,
        helper.make_node("Unsqueeze", ["f", "middle"], ["patch"]),
        helper.make_node("Concat", [token, "patch"], ["both"], axis=1),
        helper.make_node("ReduceMean", ["both"], ["g"], axes=[1], keepdims=0),
        first=np.array(0), axis=np.array([0]), middle=np.array([1]), minus=np.array([-1]), ones=np.array([1]),
        width=np.array([tiny.WIDTH]), three=np.array([3]), minus_one=np.array(-1),
        token=np.linspace(-1, 1, tiny.WIDTH, dtype=np.float32).reshape(1, 1, -1),
    )  # fmt: skip


TOKEN_OF_TORCHSCRIPT = (
    helper.make_node("Concat", ["counts", "minus", "minus"], ["wanted"], axis=0),
    helper.make_node(
        "ConstantOfShape", ["three"], ["filled"], value=numpy_helper.from_array(np.array([1], np.int64))
    ),
    helper.make_node("Mul", ["filled", "minus_one"], ["kept"]),
    helper.make_node("Equal", ["wanted", "kept"], ["is_kept"]),
    helper.make_node("Where", ["is_kept", "filled", "wanted"], ["lengths"]),
    helper.make_node("Expand", ["token", "lengths"], ["repeated"]),
)  # fmt: skip
"""token.expand(x.shape[0], -1, -1) as `torch.onnx.export` writes it."""
TOKEN_OF_DYNAMO = (
    helper.make_node("Concat", ["counts", "ones", "width"], ["lengths"], axis=0),
    helper.make_node("Expand", ["token", "lengths"], ["repeated"]),
)
TOKEN_OF_A_NUMBER = (
    helper.make_node("Concat", ["counts", "ones", "width"], ["lengths"], axis=0),
    helper.make_node(
        "ConstantOfShape", ["lengths"], ["repeated"], value=numpy_helper.from_array(np.array([0.5], np.float32))
    ),
)  # fmt: skip


def old_dropout(model: onnx.ModelProto) -> None:
    before_the_end(helper.make_node("Dropout", ["f"], ["g", "mask"]))(model)


def opset_8(model: onnx.ModelProto) -> None:
    model.opset_import[0].version, model.ir_version = 8, 3
    for tensor in model.graph.initializer:
        model.graph.input.append(NAMES(tensor.name, tensor.data_type, tensor.dims))


def caffe2(model: onnx.ModelProto) -> None:
    """Before IR version 4 an exporter could state only the one image that it had traced with."""
    opset_8(model)
    one_image(model)


def one_image(model: onnx.ModelProto) -> None:
    for info in (*model.graph.input[:1], *model.graph.output):
        info.type.tensor_type.shape.dim[0].dim_value = 1
    node = next(node for node in model.graph.node if node.op_type == "Flatten")
    node.CopyFrom(helper.make_node("Reshape", ["p", "target"], ["f"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, tiny.WIDTH], np.int64), "target"))
    if model.ir_version < 4:
        model.graph.input.append(NAMES("target", TensorProto.INT64, [2]))


def last_layer_as_a_convolution(model: onnx.ModelProto) -> None:
    """[n, c, 1, 1], as SqueezeNet and DenseNet of Caffe2 give it."""
    kept = [node for node in model.graph.node if node.op_type in ("Conv", "Relu", "GlobalAveragePool")]
    kept += [
        helper.make_node("Conv", ["p", "w4", "b"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["y"], axis=1),
    ]
    stored = next(tensor for tensor in model.graph.initializer if tensor.name == "w")
    weights = numpy_helper.to_array(stored)[:, :, None, None]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(weights), "w4"))
    model.graph.output[0].CopyFrom(NAMES("y", TensorProto.FLOAT, ["n", 3, 1, 1]))


def half(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    for info in (*model.graph.input, *model.graph.output):
        info.type.tensor_type.elem_type = TensorProto.FLOAT16


def half_inside(model: onnx.ModelProto) -> None:
    """As converters to float16 leave it that keep the ends in float32."""
    half(model)
    for info in (*model.graph.input, *model.graph.output):
        info.type.tensor_type.elem_type = TensorProto.FLOAT
    model.graph.node.insert(0, helper.make_node("Cast", ["x"], ["x_half"], to=TensorProto.FLOAT16))
    model.graph.node[1].input[0] = "x_half"
    model.graph.node[-1].output[0] = "y_half"
    model.graph.node.append(helper.make_node("Cast", ["y_half"], ["y"], to=TensorProto.FLOAT))


def weights_computed(model: onnx.ModelProto) -> None:
    """As the light models of the onnx package: a shape, and what fills it."""
    kept = next(tensor for tensor in model.graph.initializer if tensor.name == "k")
    shape = numpy_helper.from_array(np.array(kept.dims, np.int64), "k_shape")
    kept.CopyFrom(shape)
    value = numpy_helper.from_array(np.array([0.02], np.float32))
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["k_shape"], ["k"], value=value))


def unused_domains(model: onnx.ModelProto) -> None:
    """tf2onnx states one in every file."""
    model.opset_import.add(domain="ai.onnx.ml", version=2)
    model.opset_import[0].domain = model.graph.node[0].domain = "ai.onnx"


def the_class_beside_the_answer(model: onnx.ModelProto) -> None:
    """What is not needed may be of any operator: it is cut off unseen."""
    model.graph.node.append(helper.make_node("ArgMax", ["y"], ["label"], axis=1))
    model.graph.node.append(helper.make_node("Secret", ["label"], ["text"], domain="com.example"))
    model.graph.output.insert(0, NAMES("label", TensorProto.INT64, ["n", 1]))
    model.graph.output.insert(0, NAMES("text", TensorProto.STRING, ["n"]))


def the_features_beside_the_answer(model: onnx.ModelProto) -> None:
    model.graph.output.insert(0, NAMES("f", TensorProto.FLOAT, ["n", tiny.WIDTH]))
    model.graph.output.insert(0, NAMES("features", TensorProto.FLOAT, ["n", tiny.WIDTH, 16, 16]))


def gain(size: float) -> Change:
    return before_the_end(helper.make_node("Mul", ["f", "gain"], ["g"]), gain=np.array(size, np.float32))


def gelu(model: onnx.ModelProto) -> None:
    before_the_end(
        helper.make_node("Div", ["f", "root"], ["d"]),
        helper.make_node("Erf", ["d"], ["e"]),
        helper.make_node("Add", ["e", "one"], ["a"]),
        helper.make_node("Mul", ["f", "a"], ["g"]),
        root=np.array(2**0.5, np.float32),
        one=np.array(1, np.float32),
    )(model)


TENTH = np.full((8, 1, 1), 0.1, np.float32)
EIGHT = np.ones(8, np.float32)
IMPORTED: dict[str, onnx.ModelProto] = {
    "LeakyRelu": changed(instead_of_relu("LeakyRelu", alpha=0.2)),
    "PRelu": changed(instead_of_relu("PRelu", TENTH)),
    "Elu": changed(instead_of_relu("Elu")),
    "HardSwish": changed(instead_of_relu("HardSwish")),
    "HardSigmoid": changed(instead_of_relu("HardSigmoid")),
    "Tanh": changed(instead_of_relu("Tanh")),
    "Softplus": changed(instead_of_relu("Softplus")),
    "Gelu": changed(instead_of_relu("Gelu", opset=20)),
    "Mish": changed(instead_of_relu("Mish", opset=20)),
    "LRN": changed(instead_of_relu("LRN", size=5)),
    "LayerNormalization": changed(
        before_the_end(helper.make_node("LayerNormalization", ["f", "scale"], ["g"]), scale=EIGHT)
    ),
    "Split and Sum": changed(
        before_the_end(
            helper.make_node("Split", ["f"], ["left", "right"], axis=1, num_outputs=2),
            helper.make_node("Sum", ["left", "right"], ["half"]),
            helper.make_node("Concat", ["half", "right"], ["g"], axis=1),
        )
    ),
    "Slice": changed(
        before_the_end(
            helper.make_node("Slice", ["f", "start", "end", "where"], ["few"]),
            helper.make_node("Concat", ["few", "few"], ["g"], axis=1),
            start=np.array([0]), end=np.array([4]), where=np.array([1]),
        )
    ),
    "GlobalMaxPool": changed(
        before_the_end(
            helper.make_node("GlobalMaxPool", ["features"], ["most"]),
            helper.make_node("Flatten", ["most"], ["flat"]),
            helper.make_node("Add", ["f", "flat"], ["g"]),
        )
    ),
    "Erf": changed(gelu),
    "Dropout": changed(before_the_end(helper.make_node("Dropout", ["f"], ["g"]))),
    "Dropout with a mask": changed(old_dropout),
    "Dropout switched off": changed(
        before_the_end(
            helper.make_node("Constant", [], ["off"], value=numpy_helper.from_array(np.array(False))),
            helper.make_node("Dropout", ["f", "", "off"], ["g"]),
        )
    ),
    "view": changed(view),
    "a class token of TorchScript": changed(tokens(*TOKEN_OF_TORCHSCRIPT)),
    "a class token of Dynamo": changed(tokens(*TOKEN_OF_DYNAMO)),
    "a class token of one number": changed(tokens(*TOKEN_OF_A_NUMBER)),
    "opset 8": changed(opset_8),
    "one image of Caffe2": changed(caffe2),
    "a convolution at the end": changed(last_layer_as_a_convolution),
    "float16": changed(half),
    "float16 inside": changed(half_inside),
    "weights computed": changed(weights_computed),
    "unused domains": changed(unused_domains),
    "the features beside": changed(the_features_beside_the_answer),
    "features of a million": changed(gain(1e6), end="Identity"),
    "features of a millionth": changed(gain(1e-6)),
    "LogSoftmax": classifier(end="LogSoftmax"),
}  # fmt: skip
IMPORTED["Split and Sum"].opset_import[0].version = 18


@pytest.mark.parametrize("kind", IMPORTED)
def test_it_is_imported_and_says_what_it_said(kind: str, library: Library, tmp_path: Path) -> None:
    model = IMPORTED[kind]
    file = written(tmp_path, model)
    (asked,) = inspect_model(file)
    assert (asked.class_count, asked.size) == (3, SIDE)
    imported = import_onnx(file, ANSWERS, library).model
    wanted = theirs(model)
    ours = logits(imported)
    if kind != "features of a million":
        ours, wanted = softmax(ours), np.exp(wanted) if kind == "LogSoftmax" else wanted
    np.testing.assert_allclose(ours, wanted, rtol=2e-3, atol=2e-3)


def test_what_stands_beside_the_answer_is_cut_off_unseen(library: Library, tmp_path: Path) -> None:
    file = written(tmp_path, changed(the_class_beside_the_answer))
    np.testing.assert_allclose(
        softmax(logits(import_onnx(file, ANSWERS, library).model)), theirs(classifier()), atol=2e-3
    )


def test_scaling_inside_the_network_is_noticed(tmp_path: Path) -> None:
    """As Keras's EfficientNet has it: then the pixels are wanted as they are."""

    def scaled(model: onnx.ModelProto) -> None:
        model.graph.node.insert(0, helper.make_node("Mul", ["x", "by"], ["unit"]))
        model.graph.node[1].input[0] = "unit"
        model.graph.initializer.append(numpy_helper.from_array(np.array(1 / 255, np.float32), "by"))

    found = [inspect_model(written(tmp_path, model)) for model in (classifier(), changed(scaled))]
    assert [asked.scales_inside for (asked,) in found] == [False, True]


def test_a_last_layer_that_is_a_convolution_becomes_the_head(library: Library, tmp_path: Path) -> None:
    """So that the model's features can be learned from."""
    file = written(tmp_path, IMPORTED["a convolution at the end"])
    model = import_onnx(file, ANSWERS, library).model
    assert model.backbone.card.feature_width == tiny.WIDTH


def test_an_open_side_waits_for_the_answer(library: Library, tmp_path: Path) -> None:
    file = written(tmp_path, changed(view, side="s"))
    assert import_onnx(file, replace(ANSWERS, size=48), library).is_new


def two_answers(model: onnx.ModelProto) -> None:
    """Two classifiers over the same features."""
    model.graph.node.append(helper.make_node("Gemm", ["f", "w2"], ["other"]))
    model.graph.initializer.append(numpy_helper.from_array(np.ones((8, 5), np.float32), "w2"))
    model.graph.output.append(NAMES("other", TensorProto.FLOAT, ["n", 5]))


def test_the_number_of_names_says_which_answer_is_meant(library: Library, tmp_path: Path) -> None:
    file = written(tmp_path, changed(two_answers))
    (tmp_path / "labels.txt").write_text("a, b, c, d, e")
    (asked,) = inspect_model(file)
    assert asked.classes == ("a", "b", "c", "d", "e")
    assert inspect_model(file, every_output=True) == (asked,)
    imported = import_onnx(file, ANSWERS, library).model
    np.testing.assert_allclose(softmax(logits(imported)), theirs(classifier()), atol=2e-3)


def test_answers_are_tried_on_a_photo_before_anything_is_added(library: Library, tmp_path: Path) -> None:
    file = written(tmp_path, classifier())
    photo = tiny.write_solid(tmp_path / "photo.png", "red")
    outcome = preview(file, ANSWERS, photo)
    assert isinstance(outcome, Prediction)
    assert outcome.best.label == "red"
    assert isinstance(preview(file, ANSWERS, tmp_path / "nowhere.png"), Failure)
    assert library.models() == ()


def test_the_share_that_is_seen_is_kept(library: Library, tmp_path: Path) -> None:
    answers = ImportAnswers("x", tiny.CLASSES, SIDE, scaling=Scaling.RAW, fit=ResizeMode.CENTRE_CROP, crop=0.5)
    model = import_onnx(written(tmp_path, classifier()), answers, library).model
    assert model.backbone.card.preprocessing.crop == 0.5
