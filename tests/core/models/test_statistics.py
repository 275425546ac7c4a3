"""Statistics of models in the library, and of files from anywhere."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.base.progress import CancelToken
from core.base.providers import ComputePrecision
from core.models import joined, statistics
from core.models.installed import load_backbone, load_head
from core.models.library import Library
from core.models.statistics import Counted, entry_statistics, file_statistics, measure_entry
from core.models.values import InstalledModel
from tests import composites, tiny
from tests.hostile_graphs import FOREIGN, HOSTILE, Change, serialised

_CONVOLUTION = tiny.WIDTH * 27
_HEAD = tiny.WIDTH * 3 + 3


def _save(folder: Path, data: bytes) -> Path:
    file = folder / "given.onnx"
    file.write_bytes(data)
    return file


def test_a_model_is_counted_with_its_head(tmp_path: Path) -> None:
    library = tiny.make_library(tmp_path)
    model = library.find("colours")
    found = entry_statistics(Counted(model))
    assert (found.title, found.precision) == ("Colours", ComputePrecision.FLOAT32)
    assert found.network.weights == found.published_weights == _CONVOLUTION + _HEAD
    assert found.network.multiply_adds == _CONVOLUTION * 16**2 + tiny.WIDTH * 3
    assert found.file_bytes == model.size_bytes
    parts = {one.kind: one.part for one in found.network.layers}
    assert parts["Conv"] == "Tiny"
    assert (parts["Gemm"], parts["Softmax"]) == ("Head", "Head")
    assert found.network.depth == 2


def test_a_variant_is_counted_if_there_is_one(tmp_path: Path) -> None:
    library = tiny.make_library(tmp_path)
    tiny.write_variant(tmp_path / "shipped")
    backbone = statistics.find(tiny.BACKBONE, library)
    found = entry_statistics(Counted(backbone, ComputePrecision.INT8))
    assert found.precision is ComputePrecision.INT8
    assert found.precisions == (ComputePrecision.FLOAT32, ComputePrecision.INT8)
    assert found.file_bytes == len(tiny.int8_backbone()[0])
    with pytest.raises(ModelError, match="no variant in bfloat16"):
        entry_statistics(Counted(backbone, ComputePrecision.BFLOAT16))


def test_both_parts_of_a_joined_backbone_are_counted_and_measured(tmp_path: Path) -> None:
    composites.write(tmp_path / "shipped")
    counted = Counted(statistics.find(composites.NAME, Library(tmp_path / "shipped", tmp_path / "own")))
    found = entry_statistics(counted)
    convolutions = [(one.part, one.weights, one.depth) for one in found.network.layers if one.kind == "Conv"]
    assert sorted(convolutions) == [("Tiny (1)", _CONVOLUTION, 1), ("Tiny (2)", _CONVOLUTION, 1)]
    resizing = [one for one in found.network.layers if one.kind == "MatMul"]
    assert {(one.part, one.weights, one.depth) for one in resizing} == {("Tiny (2)", 0, 0)}
    assert found.network.weights == 2 * _CONVOLUTION
    timings = measure_entry(counted, report=lambda _: None, token=CancelToken())
    assert len(timings.milliseconds) == len(found.network.layers)


def test_a_file_from_fovea_is_counted_like_the_model(tmp_path: Path) -> None:
    model = tiny.make_library(tmp_path).find("colours")
    assert isinstance(model, InstalledModel)
    backbone = model.backbone
    file = _save(tmp_path, joined.join(load_backbone(backbone), backbone.card, load_head(model), model.card))
    found = file_statistics(file)
    assert found.network.weights == _CONVOLUTION + _HEAD
    assert (found.title, found.file_bytes) == ("given.onnx", file.stat().st_size)
    assert found.network.notes == ()


def test_weights_in_other_files_are_counted_without_being_read(tmp_path: Path) -> None:
    """A network whose weights have two gigabytes, none of which is there."""
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[8192, 65536], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value="weights.bin")
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", axis])
        for name, axis in (("x", 8192), ("y", 65536))
    ]
    graph = helper.make_graph([node], "large", ends[:1], ends[1:], [weights])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
    found = file_statistics(_save(tmp_path, model.SerializeToString()))
    assert found.network.weights == found.network.multiply_adds == 8192 * 65536
    assert found.network.notes == (
        "Weights of 2,147,483,648 bytes are in other files. They are counted, but not in the file size.",
    )


def test_a_loop_is_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    model = tiny.backbone_proto()
    inner = helper.make_graph([], "inner", [], [])
    model.graph.node.append(helper.make_node("If", ["features"], ["z"], then_branch=inner, else_branch=inner))
    found = file_statistics(_save(tmp_path, model.SerializeToString()))
    assert found.network.weights == _CONVOLUTION
    assert found.network.multiply_adds == _CONVOLUTION * 16**2
    assert "1 operator “If”" in found.network.notes[0]


def test_damaged_arrays_are_named(tmp_path: Path) -> None:
    model = tiny.backbone_proto()
    model.graph.initializer.append(numpy_helper.from_array(np.array(["text"], object), "words"))
    model.graph.initializer[0].raw_data = b"\0" * 4
    found = file_statistics(_save(tmp_path, model.SerializeToString()))
    assert found.network.weights == 0
    assert found.network.notes[0].startswith("Not counted: 2 arrays")
    assert "weights, words" in found.network.notes[0]


@pytest.mark.parametrize("change", [*HOSTILE, *FOREIGN], ids=lambda change: change.__name__)
def test_any_file_is_counted_or_refused(tmp_path: Path, change: Change) -> None:
    file = _save(tmp_path, serialised(change))
    with contextlib.suppress(ModelError):
        assert file_statistics(file).network.weights < 10**9


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "large.onnx"
    with file.open("wb") as opened:
        opened.truncate(2 * 1024**3)
    with pytest.raises(ModelError, match="too large"):
        file_statistics(file)


def test_a_file_of_nonsense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        file_statistics(_save(tmp_path, b"nonsense" * 9))
