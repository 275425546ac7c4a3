"""A composed backbone run part by part: each part in the fastest arithmetic of a provider that is right for it.

In OpenVINO's bfloat16, Xception's features have a cosine of 0.9995 to the card's, EfficientNet-Lite0's one of 0.988. As
one network, both would have to run in float32.

In 8 bits on the CPU, the parts run side by side: where two cores share the many short layers of a small network, they
mostly wait for each other, and in the layers of the large one there is time left for a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper

from core.card import BackboneCard
from core.engine import graph
from core.engine.shapes import infer_shapes

_Answer: TypeAlias = dict[str, NDArray[np.float32]]
_UNKNOWN: Final = None
"""The shape of an output that ONNX Runtime is to find."""


class PartSessions:
    """Answers as one session of the whole backbone would."""

    def __init__(
        self, parts: Sequence[ort.InferenceSession], card: BackboneCard, *, side_by_side: bool = False
    ) -> None:
        """Use these sessions.

        Args:
            parts: a session for each part.
            card: of the whole backbone.
            side_by_side: whether they run at the same time, each of them but the first in a thread of its own.
        """
        self._by_map = dict(zip(graph.feature_maps(card), parts, strict=True))
        self._pool = ThreadPoolExecutor(len(parts) - 1, thread_name_prefix="engine") if side_by_side else None

    def get_providers(self) -> list[str]:
        """The providers of the first part, as of a session."""
        providers: list[str] = next(iter(self._by_map.values())).get_providers()
        return providers

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        """The features of all parts side by side, and the map of each, as asked for; each part runs once at most."""

        def run_part(own: str) -> _Answer:
            names = [name for name in (graph.FEATURES, own) if name in outputs]
            return dict(zip(names, self._by_map[own].run(names, feeds), strict=True)) if names else {}

        answers = self._run_all(run_part)
        maps = {own: answer[own] for own, answer in zip(self._by_map, answers, strict=True) if own in answer}
        features = [answer[graph.FEATURES] for answer in answers if graph.FEATURES in answer]
        return [np.concatenate(features, axis=1) if name == graph.FEATURES else maps[name] for name in outputs]

    def _run_all(self, run_part: Callable[[str], _Answer]) -> list[_Answer]:
        first, *others = self._by_map
        if self._pool is None:
            return [run_part(own) for own in (first, *others)]
        coming = [self._pool.submit(run_part, own) for own in others]
        return [run_part(first), *(one.result() for one in coming)]


def split_parts(data: bytes, card: BackboneCard) -> list[tuple[bytes, int]]:
    """Split a composed backbone, checked by `graph.check_backbone`, into a network for each part.

    Returns:
        For each part, a file with the input of the whole, and the part's `features` and feature map as outputs; and how
        many features those are.
    """
    model = graph.parse(data)
    producers = {name: node for node in model.graph.node for name in node.output}
    features, shapes = producers[graph.FEATURES].input, infer_shapes(model)
    names = zip(features, graph.feature_maps(card), strict=True)
    return [(_part(model, own, feature_map), shapes[own][1]) for own, feature_map in names]


def _part(model: onnx.ModelProto, features: str, feature_map: str) -> bytes:
    needed, nodes = {features, feature_map}, []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    nodes = [*reversed(nodes), helper.make_node("Identity", [features], [graph.FEATURES])]
    names = graph.FEATURES, feature_map
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, _UNKNOWN) for name in names]
    arrays = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    content = helper.make_graph(nodes, "part", model.graph.input, outputs, arrays)
    part = helper.make_model(content, opset_imports=model.opset_import, ir_version=model.ir_version)
    split: bytes = part.SerializeToString()
    return split
