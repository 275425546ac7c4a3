"""The tiny backbone with a wide detour in it, so that some of its kernels are large enough to be stored in half."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.card import BackboneCard, write_card
from core.engine import golden
from core.models.heads import Head, head_bytes
from core.models.library import Library
from core.models.values import InstalledModel
from tests import tiny

CHANNELS = 128


def kernels(seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of the detour: [128, 8, 3, 3] and back [8, 128, 1, 1]."""
    draw = np.random.default_rng(seed)
    there = draw.normal(0, 0.05, (CHANNELS, tiny.WIDTH, 3, 3))
    return there.astype(np.float32), draw.normal(0, 0.02, (tiny.WIDTH, CHANNELS, 1, 1)).astype(np.float32)


def backbone_proto(*, half: bool, there: NDArray[np.float32] | None = None) -> onnx.ModelProto:
    """The backbone as a graph: float32 kernels, or float16 ones that are cast."""
    model = tiny.backbone_proto()
    graph = model.graph
    graph.node[3].output[0] = "activated"
    wide = {"there": kernels()[0] if there is None else there, "back": kernels()[1]}
    detour = [
        helper.make_node("Conv", ["activated", "there"], ["far"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["far"], ["positive"]),
        helper.make_node("Conv", ["positive", "back"], ["near"]),
        helper.make_node("Add", ["activated", "near"], ["feature_map"]),
    ]
    casts = [helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT) for name in wide if half]
    nodes = [*casts, *graph.node[:4], *detour, *graph.node[4:]]
    del graph.node[:]
    graph.node.extend(nodes)
    for name, kernel in wide.items():
        stored = (kernel.astype(np.float16), f"{name}_half") if half else (kernel, name)
        graph.initializer.append(numpy_helper.from_array(*stored))
    return model


def backbone_bytes(*, half: bool, there: NDArray[np.float32] | None = None) -> bytes:
    """The backbone's file."""
    data: bytes = backbone_proto(half=half, there=there).SerializeToString(deterministic=True)
    return data


def integer_kernels() -> list[tuple[NDArray[np.int8], NDArray[np.float32]]]:
    """Kernels in 8 bits for the three convolutions, in their order: integers [out, in, h, w], and steps [out]."""
    found = []
    for kernel in (tiny.kernels(), *kernels()):
        steps = (np.abs(kernel).max(axis=(1, 2, 3)) / 127).astype(np.float32)
        found.append((np.rint(kernel / steps.reshape(-1, 1, 1, 1)).astype(np.int8), steps))
    return found


def backbone_with_integers() -> onnx.ModelProto:
    """The backbone as a graph with the kernels in float32 that `integer_kernels` stores without loss."""
    model = backbone_proto(half=False)
    by_name = {tensor.name: tensor for tensor in model.graph.initializer}
    for name, (integers, steps) in zip(("weights", "there", "back"), integer_kernels(), strict=True):
        by_name[name].CopyFrom(numpy_helper.from_array(integers * steps.reshape(-1, 1, 1, 1), name))
    return model


def backbone_card(data: bytes) -> BackboneCard:
    """The card of a backbone's file, with the features it gives."""
    features = golden.encode_features(tiny.features(data, golden.golden_inputs(tiny.SIZE)))
    return tiny.backbone_card(data, name="wide", golden_features=features)


def install(library: Library, data: bytes, name: str = "colours", head: Head | None = None) -> InstalledModel:
    """Install a model with this backbone as its own."""
    head_data = head_bytes(tiny.head() if head is None else head, exact=True)
    card = tiny.model_card(name, backbone=backbone_card(data), head_data=head_data)
    return library.install(write_card(card), {tiny.MODEL_FILE: data, tiny.HEAD_FILE: head_data})
