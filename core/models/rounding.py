"""The variant in 8 bits of a backbone whose own file says how its tensors are rounded.

Its kernels are stored in 8 bits already (`core.models.weight_storage`), and the file's metadata has the step and the
zero point of each activation that may be rounded. So the variant needs no file: it is made in memory, in QDQ format,
which ONNX Runtime computes in integers. Biases stay as they are: ONNX Runtime rounds them when it opens the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

from core.engine import graph
from core.models.joined import serialise
from core.models.weight_storage import Int8Kernel, int8_kernels

STEPS_KEY: Final = "fovea.int8_steps"
"""In `metadata_props`: by tensor name, [step, zero point]; value = step * (integer - zero point), integers uint8."""


def write_steps(model: onnx.ModelProto, steps: Mapping[str, tuple[float, int]]) -> None:
    """Store how tensors may be rounded in the metadata of a network, see `STEPS_KEY`."""
    model.metadata_props.add(key=STEPS_KEY, value=json.dumps(steps))


@graph.only_model_errors()
def round_to_int8(data: bytes) -> bytes:
    """The variant in 8 bits of a backbone's file; the same file always gives the same bytes.

    Raises:
        ModelError: the file is unsafe or damaged, or does not say how its tensors are rounded.
    """
    model = graph.parse(data)
    content = model.graph
    kernels = [*int8_kernels(content)]
    (steps,) = (json.loads(entry.value) for entry in model.metadata_props if entry.key == STEPS_KEY)
    for name, (step, zero) in steps.items():
        step_name, zero_name = _parameters(name)
        content.initializer.append(numpy_helper.from_array(np.array(step, np.float32), step_name))
        content.initializer.append(numpy_helper.from_array(np.array(zero, np.uint8), zero_name))
    for kernel in kernels:
        del kernel.steps.dims[1:]  # [out], as DequantizeLinear takes them
    replaced = {node.output[0]: kernel for kernel in kernels for node in kernel.nodes}
    nodes = [new for node in content.node for new in _rounded(node, replaced, steps)]
    del content.node[:], model.metadata_props[:]
    content.node.extend(nodes)
    return serialise(model)


def _rounded(
    node: onnx.NodeProto, kernels: Mapping[str, Int8Kernel], steps: Mapping[str, object]
) -> Iterator[onnx.NodeProto]:
    """The nodes for a node: a DequantizeLinear instead of Cast and Mul, or the node and what rounds its output."""
    name = node.output[0]
    if name in kernels:
        kernel = kernels[name]
        if name == kernel.name:
            stored = [kernel.integers.name, kernel.steps.name]
            yield helper.make_node("DequantizeLinear", stored, [name], name=f"{name}/dequantize", axis=0)
        return
    rounded = name in steps
    exact, integers = f"{name}/exact", f"{name}/integers"
    node.output[0] = exact if rounded else name
    yield node
    if rounded:
        parameters = _parameters(name)
        yield helper.make_node("QuantizeLinear", [exact, *parameters], [integers], name=f"{name}/quantize")
        yield helper.make_node("DequantizeLinear", [integers, *parameters], [name], name=f"{name}/dequantize")


def _parameters(name: str) -> list[str]:
    """The names of the arrays with the step and the zero point of a tensor."""
    return [f"{name}/step", f"{name}/zero"]
