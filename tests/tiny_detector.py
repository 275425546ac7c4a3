"""A detector that a test can check by hand: a grid of 4 x 4 cells, red cells are apples and green ones cups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from core.card import Origin
from core.models.detector import CARD
from core.models.detector_card import DetectorCard, write_detector_card
from tests.tiny import sha256

SIZE, CELLS = 32, 4
CLASSES = ("apple", "cup")


def detector_bytes() -> bytes:
    """The ONNX file: the score of a cell is its mean redness or greenness, 0..1."""
    side, count = SIZE // CELLS, CELLS * CELLS
    colours = np.array([[1, -1, -1], [-1, 1, -1]], np.float32) / (255 * side * side)
    kernel = np.broadcast_to(colours[:, :, None, None], (2, 3, side, side)).copy()
    cells = [(x, y, x + 1, y + 1) for y in range(CELLS) for x in range(CELLS)]
    arrays = {
        "kernel": kernel,
        "cells": np.array(cells, np.float32) / CELLS,
        "rows": np.array([-1, 2, count]),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "axis": np.array([2]),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["real"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "kernel"], ["cell_scores"], strides=[side, side]),
        helper.make_node("Reshape", ["cell_scores", "rows"], ["by_class"]),
        helper.make_node("Transpose", ["by_class"], ["by_cell"], perm=[0, 2, 1]),
        helper.make_node("Clip", ["by_cell", "zero", "one"], ["scores"]),
        helper.make_node("ReduceSum", ["scores", "axis"], ["sums"], keepdims=1),
        helper.make_node("Mul", ["sums", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "cells"], ["boxes"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIZE, SIZE, 3])
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", count, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", count, 2]),
    ]
    stored = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "detector", [image], outputs, stored)
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def write_detector(folder: Path, data: bytes | None = None, **changes: object) -> Path:
    """Write the detector into a folder, with changed fields of its card."""
    data = detector_bytes() if data is None else data
    fields: dict[str, object] = {
        "name": "tiny", "title": "Tiny", "architecture": "Grid", "file": "detector.onnx", "sha256": sha256(data),
        "size": SIZE, "classes": CLASSES, "weights": 384, "multiply_adds": 6144,
        "origin": Origin("Made by a test.", "Apache-2.0"),
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "detector.onnx").write_bytes(data)
    card = DetectorCard(**(fields | changes))  # type: ignore[arg-type]
    (folder / CARD).write_bytes(write_detector_card(card))
    return folder


def draw_things(*things: tuple[str, int, int], side: int = 320, background: str = "blue") -> NDArray[np.uint8]:
    """An image uint8 [side, side, 3] with cells filled by a colour: (colour, column, row)."""
    image = Image.new("RGB", (side, side), background)
    cell = side // CELLS
    for colour, column, row in things:
        image.paste(colour, (column * cell, row * cell, (column + 1) * cell, (row + 1) * cell))
    return np.asarray(image)


def write_things(path: Path, *things: tuple[str, int, int], side: int = 320, background: str = "blue") -> Path:
    """Write such an image to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_things(*things, side=side, background=background)).save(path)
    return path
