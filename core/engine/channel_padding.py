"""Padding of channels, so that depthwise convolutions in 8 bits run in ONNX Runtime's fast kernel on x86 processors.

That kernel (`convsym.cpp` in ONNX Runtime's MLAS) rounds results while they are in registers, but takes only multiples
of 16 channels. Others, such as the 728 of Xception's middle flow, are computed by a slower one, which writes sums of 32
bits that another pass rounds. With kernels that are zero in 8 more channels, all features stay the same bit by bit.

With AVX2 (Zen 3) these convolutions take 0.75 of the processor time, but they are only a sixteenth of Xception, and the
matrix products beside them take 1.01: together that is hardly less. With VNNI, which was not measured, the products
take a third, and the fast kernel has instructions of its own, which the slower one does not use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, numpy_helper

from core.engine.shapes import attributes_of

_MULTIPLE: Final = 16
_KEEPING: Final = ("Add", "Clip", "DequantizeLinear", "MaxPool", "QuantizeLinear", "Relu")
"""Operators that keep channels apart. What they make of padding does not matter: the next kernel has zeros for it."""
_PREFIX: Final = "fovea.padded/"


def pad_channels(model: onnx.ModelProto) -> bool:
    """Pad channels in a graph of at least opset 13 where it helps; returns whether it did."""
    graph, padding = model.graph, _Padding(model.graph)
    if not padding.extra:
        return False
    nodes = [one for node in graph.node for one in padding.padded(node)]
    outputs = {info.name for info in graph.output}
    read = outputs.union(*(node.input for node in nodes))
    nodes = [node for node in nodes if not read.isdisjoint(node.output)]
    read = outputs.union(*(node.input for node in nodes))
    arrays = [tensor for tensor in (*graph.initializer, *padding.added) if tensor.name in read]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(arrays)
    return True


class _Padding:
    """By how much the channels of each group of arrays are padded; the arrays of a group have the same channels.

    Attributes:
        extra: by the array that stands for a group.
        added: padded kernels and biases.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.added: list[TensorProto] = []
        self._arrays = {tensor.name: tensor for tensor in graph.initializer}
        self._stored = {node.output[0]: node for node in graph.node if self._is_stored(node)}
        self._above: dict[str, str] = {}
        self.extra = self._find(graph, [info.name for info in (*graph.input, *graph.output)])

    def _find(self, graph: onnx.GraphProto, fixed: list[str]) -> dict[str, int]:
        """Find the groups to pad, which have a depthwise convolution in 8 bits and none of the `fixed` arrays."""
        slow, counts = [], list[tuple[str, int]]()
        for node in graph.node:
            arrays = [name for name in (*node.input, *node.output) if self._is_computed(name)]
            kernel, groups = self._kernel(node).dims, attributes_of(node).get("group", 1)
            if kernel:
                counts += [(node.input[0], kernel[1] * groups), (node.output[0], kernel[0])]
            if self._is_depthwise(node) or self._keeps_channels(node):
                self._tie(arrays)
            elif not kernel or groups > 1:
                fixed += arrays
            if self._is_depthwise(node) and node.input[1] in self._stored:
                slow.append(node.output[0])
        channels: dict[str, set[int]] = {}
        for name, count in counts:
            channels.setdefault(self._group(name), set()).add(count)
        wanted = {self._group(name) for name in slow} - {self._group(name) for name in fixed}
        known = {name: max(channels[name]) for name in wanted if len(channels[name]) == 1}  # more are broadcast
        return {name: -count % _MULTIPLE for name, count in known.items() if count % _MULTIPLE}

    def _is_stored(self, node: NodeProto) -> bool:
        """Whether a kernel or a bias in whole numbers becomes real here, with a step for all or for each channel."""
        if node.op_type != "DequantizeLinear" or not self._arrays.keys() >= set(node.input):
            return False
        return not self._arrays[node.input[1]].dims or attributes_of(node).get("axis", 1) == 0

    def _is_computed(self, name: str) -> bool:
        return bool(name) and name not in self._arrays and name not in self._stored

    def _kernel(self, node: NodeProto) -> TensorProto:
        """The kernel of a convolution, perhaps in whole numbers; empty if it is not stored, or for another operator."""
        name = node.input[1] if node.op_type == "Conv" else ""
        source = self._stored[name].input[0] if name in self._stored else name
        kernel: TensorProto = self._arrays.get(source, TensorProto())
        return kernel

    def _is_depthwise(self, node: NodeProto) -> bool:
        kernel, groups = self._kernel(node), attributes_of(node).get("group", 1)
        return groups > 1 and list(kernel.dims[:2]) == [groups, 1]

    def _keeps_channels(self, node: NodeProto) -> bool:
        """Whether it has inputs and an output with the same channels, and nothing stored for each of them."""
        stored = [name for name in node.input if name and not self._is_computed(name)]
        return node.op_type in _KEEPING and not any(name in self._stored or self._arrays[name].dims for name in stored)

    def _tie(self, arrays: list[str]) -> None:
        for name in arrays:
            own, first = self._group(name), self._group(arrays[0])
            if own != first:
                self._above[own] = first

    def _group(self, name: str) -> str:
        while name in self._above:
            name = self._above[name]
        return name

    def padded(self, node: NodeProto) -> Iterator[NodeProto]:
        """The operators to use instead of this one, which may be itself."""
        ends = (node.input[0], node.output[0]) if self._kernel(node).dims else ("", "")
        before, after = (self.extra.get(self._group(name), 0) for name in ends)
        if not (before or after):
            yield node
            return
        changed = NodeProto()
        changed.CopyFrom(node)
        for attribute in changed.attribute:
            if attribute.name == "group" and attribute.i > 1:
                attribute.i, before = attribute.i + after, 0
        for place, extra in enumerate([(after, before), (after,)][: len(node.input) - 1], 1):
            changed.input[place] = f"{_PREFIX}{node.output[0]}/{place}"
            yield from self._enlarge(node.input[place], changed.input[place], extra)
        yield changed

    def _enlarge(self, name: str, new: str, extra: tuple[int, ...]) -> Iterator[NodeProto]:
        """Add a kernel or bias with more channels, by the numbers to add along its first axes."""
        if name in self._arrays:
            self._pad(name, new, extra, "constant")
            return
        real = NodeProto()
        real.CopyFrom(self._stored[name])
        real.output[0] = new
        for place, part in enumerate(self._stored[name].input):
            if self._arrays[part].dims:
                real.input[place] = f"{new}/{place}"
                self._pad(part, real.input[place], extra[: 1 if place else None], "edge" if place else "constant")
        yield real

    def _pad(self, name: str, new: str, extra: tuple[int, ...], mode: Literal["constant", "edge"]) -> None:
        """Add a copy of an array with more elements along its first axes: zeros, or the last one again."""
        values = numpy_helper.to_array(self._arrays[name])
        added = np.pad(values, [(0, count) for count in (*extra, *(0,) * values.ndim)][: values.ndim], mode)
        self.added.append(numpy_helper.from_array(added, new))
