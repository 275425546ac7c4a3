"""Weights of other programs' models in a file beside them: taken from there and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from core.base.errors import ModelError
from core.models.heads import softmax
from core.models.library import Library
from core.models.onnx_import import import_onnx, inspect_model
from tests.core.models.test_onnx_import import ANSWERS, classifier
from tests.core.models.test_onnx_import_kinds import logits, theirs, written


def external(model: onnx.ModelProto, location: str, data: bytes | None = None, length: int | None = None) -> bytes:
    """Weights as PyTorch keeps them in a file beside; the content of that file."""
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "k")
    held = b"\0" * 64 + tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    stated = {"location": location, "offset": "64", "length": str(len(held) - 64 if length is None else length)}
    for key, value in stated.items():
        tensor.external_data.add(key=key, value=value)
    return held if data is None else data


def test_weights_in_a_file_beside_are_taken_in(tmp_path: Path) -> None:
    model = classifier()
    (tmp_path / "theirs.onnx.data").write_bytes(external(model, "theirs.onnx.data"))
    file = written(tmp_path, model)
    assert len(inspect_model(file)) == 1
    imported = import_onnx(file, ANSWERS, Library(tmp_path / "shipped", tmp_path / "own")).model
    (tmp_path / "theirs.onnx.data").unlink()
    np.testing.assert_allclose(softmax(logits(imported)), theirs(classifier()), atol=2e-3)
    with pytest.raises(ModelError, match="is missing"):
        inspect_model(file)


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../secret", "folder/weights", "..", ".", "", "a\\b", "C:weights", "a\0b"]
)
def test_weights_are_taken_from_nowhere_else(location: str, tmp_path: Path) -> None:
    model = classifier()
    external(model, location)
    with pytest.raises(ModelError, match="a file in another folder"):
        inspect_model(written(tmp_path, model))


@pytest.mark.parametrize(("length", "why"), [(None, "is incomplete"), (3, "is invalid"), (-1, "is invalid")])
def test_weights_that_are_not_all_there_are_refused(length: int | None, why: str, tmp_path: Path) -> None:
    model = classifier()
    (tmp_path / "w").write_bytes(external(model, "w", length=length)[:-1])
    with pytest.raises(ModelError, match=why):
        inspect_model(written(tmp_path, model))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes as Unix has them")
def test_links_and_pipes_are_no_weights(tmp_path: Path) -> None:
    model = classifier()
    (tmp_path / "elsewhere").write_bytes(external(model, "w"))
    (tmp_path / "w").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="not a regular file"):
        inspect_model(written(tmp_path, model))
    (tmp_path / "w").unlink()
    os.mkfifo(tmp_path / "w")
    with pytest.raises(ModelError, match="not a regular file"):
        inspect_model(written(tmp_path, model))


def test_many_arrays_of_one_large_file_are_counted_before_they_are_read(tmp_path: Path) -> None:
    model = classifier()
    external(model, "w", length=4 * 10**8)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "k")
    tensor.dims[:] = [10**8]
    for number in range(3):
        model.graph.initializer.add().CopyFrom(tensor)
        model.graph.initializer[-1].name = f"k{number}"
    with pytest.raises(ModelError, match="larger than"):
        inspect_model(written(tmp_path, model))
