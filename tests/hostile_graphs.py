"""Graphs that no backbone of ours is: the tiny backbone, changed in one hostile or foreign way each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

from tests import tiny

Change = Callable[[ModelProto], None]


NOT_TEXT = "not text"


def serialised(change: Change) -> bytes:
    """The tiny backbone's file after a change; `NOT_TEXT` becomes bytes that are not UTF-8."""
    model = tiny.backbone_proto()
    change(model)
    data: bytes = model.SerializeToString()
    return data.replace(NOT_TEXT.encode(), b"\xff" * len(NOT_TEXT))


def attribute(model: ModelProto, node: int, **values: object) -> None:
    model.graph.node[node].attribute.extend(helper.make_attribute(name, value) for name, value in values.items())


def external(tensor: TensorProto, path: str = "/etc/passwd") -> TensorProto:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=path)
    return tensor


def sparse() -> onnx.SparseTensorProto:
    values = numpy_helper.from_array(np.ones(1, np.float32), "values")
    return helper.make_sparse_tensor(values, numpy_helper.from_array(np.zeros(1, np.int64), "places"), [4])


def inner_graph() -> GraphProto:
    weights = numpy_helper.from_array(np.ones(1, np.float32), "inner")
    return helper.make_graph([], "inner", [], [helper.make_tensor_value_info("inner", 1, [1])], [weights])


def constant(value: TensorProto) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["constant"], value=value)


def external_initializer(model: ModelProto) -> None:
    external(model.graph.initializer[0])


def external_list_only(model: ModelProto) -> None:
    model.graph.initializer[0].external_data.add(key="location", value="../../weights")


def external_constant(model: ModelProto) -> None:
    model.graph.node.insert(0, constant(external(numpy_helper.from_array(np.ones(3, np.float32), "far"))))


def external_list_of_tensors(model: ModelProto) -> None:
    attribute(model, 3, many=[external(numpy_helper.from_array(np.ones(3, np.float32), "far"))])


def external_in_subgraph(model: ModelProto) -> None:
    inner = inner_graph()
    external(inner.initializer[0])
    attribute(model, 3, body=inner)


def custom_domain(model: ModelProto) -> None:
    model.graph.node[3].domain = "com.microsoft"


def custom_opset(model: ModelProto) -> None:
    model.opset_import.add(domain="evil", version=1)


def local_function(model: ModelProto) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    opset = helper.make_opsetid("", 17)
    model.functions.append(helper.make_function("", "Relu", ["x"], ["y"], [node], [opset]))


def training_code(model: ModelProto) -> None:
    model.training_info.add()


def subgraph_in_if(model: ModelProto) -> None:
    branches = {"then_branch": inner_graph(), "else_branch": inner_graph()}
    model.graph.node.append(helper.make_node("If", ["condition"], ["chosen"], **branches))


def subgraph_in_loop(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Loop", ["", ""], [], body=inner_graph()))


def subgraph_in_an_allowed_operator(model: ModelProto) -> None:
    attribute(model, 3, body=inner_graph())


def list_of_subgraphs(model: ModelProto) -> None:
    attribute(model, 3, bodies=[inner_graph(), inner_graph()])


def sparse_initializer(model: ModelProto) -> None:
    model.graph.sparse_initializer.append(sparse())


def sparse_constant(model: ModelProto) -> None:
    model.graph.node.insert(0, helper.make_node("Constant", [], ["constant"], sparse_value=sparse()))


def unknown_operator(model: ModelProto) -> None:
    model.graph.node[3].op_type = "Shell" * 1000


def operator_outside_the_list(model: ModelProto) -> None:
    model.graph.node[3].op_type = "NonZero"


def no_operators(model: ModelProto) -> None:
    del model.graph.node[:]


def no_graph(model: ModelProto) -> None:
    model.ClearField("graph")


def far_too_many_operators(model: ModelProto) -> None:
    model.graph.node.extend(helper.make_node("Identity", ["image"], [f"copy{n}"]) for n in range(20_001))


def no_outputs(model: ModelProto) -> None:
    del model.graph.output[:]


def no_feature_map(model: ModelProto) -> None:
    del model.graph.output[1]


def no_inputs(model: ModelProto) -> None:
    del model.graph.input[:]


def input_of_another_name(model: ModelProto) -> None:
    model.graph.input[0].name = model.graph.node[0].input[0] = "picture"


def input_of_floats(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def input_of_another_size(model: ModelProto) -> None:
    for axis in model.graph.input[0].type.tensor_type.shape.dim[1:3]:
        axis.dim_value = 64


def input_of_open_size(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "h"


def input_without_shape(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.ClearField("shape")


def input_that_is_a_list(model: ModelProto) -> None:
    model.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.UINT8


def input_that_is_stored(model: ModelProto) -> None:
    image = np.zeros((2, tiny.SIZE, tiny.SIZE, 3), np.uint8)
    model.graph.initializer.append(numpy_helper.from_array(image, "image"))


def second_input(model: ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def fixed_batch(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def fixed_batch_of_features(model: ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 2


def features_of_doubles(model: ModelProto) -> None:
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def features_of_another_width(model: ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 9


def features_that_claim_the_right_width(model: ModelProto) -> None:
    """Seven features, called eight."""
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(tiny.kernels()[:7], "weights"))


def features_of_rank_three(model: ModelProto) -> None:
    model.graph.node[5].op_type = "Identity"


def feature_map_that_is_none(model: ModelProto) -> None:
    model.graph.node[3].output[0] = "activated"
    model.graph.node[4].input[0] = "activated"
    model.graph.node.append(helper.make_node("Identity", ["features"], ["feature_map"]))


def outputs_nobody_makes(model: ModelProto) -> None:
    model.graph.node[5].output[0] = "nothing"


def inputs_nobody_gives(model: ModelProto) -> None:
    model.graph.node[2].input[1] = "nothing"


def contradicting_shapes(model: ModelProto) -> None:
    model.graph.node[1].attribute[0].ints[:] = [0, 1, 2, 3]


def no_opset(model: ModelProto) -> None:
    del model.opset_import[:]


def an_opset_of_the_future(model: ModelProto) -> None:
    model.opset_import[0].version = 9999


def padding_that_fills_the_memory(model: ModelProto) -> None:
    pads = numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 0, 6000, 6000], np.int64), "pads")
    model.graph.initializer.append(pads)
    model.graph.node.insert(3, helper.make_node("Pad", ["convolved", "pads"], ["padded"]))
    model.graph.node[4].input[0] = "padded"


def a_shape_that_shows_only_later(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("ReduceMean", ["features"], ["mean"], keepdims=0))
    model.graph.node.append(helper.make_node("Cast", ["mean"], ["whole"], to=TensorProto.INT64))
    model.graph.node.append(helper.make_node("Unsqueeze", ["whole", "zero"], ["length"]))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.int64), "zero"))
    model.graph.node.append(helper.make_node("Reshape", ["features", "length"], ["surprise"]))


def a_name_that_is_not_text(model: ModelProto) -> None:
    """Protobuf lets a text be changed to bytes that are not UTF-8 only in the file itself: see `serialised`."""
    model.graph.node[3].name = NOT_TEXT


def no_inputs_of_an_operator(model: ModelProto) -> None:
    del model.graph.node[2].input[:]


def an_input_left_out(model: ModelProto) -> None:
    model.graph.node[2].input[1] = ""


def no_outputs_of_an_operator(model: ModelProto) -> None:
    del model.graph.node[3].output[:]


def _states(model: ModelProto, *dims: int, kind: int = TensorProto.FLOAT16) -> None:
    """An array that states dims beside its two bytes, and an operator that reads it."""
    model.graph.initializer.append(TensorProto(name="stated", data_type=kind, dims=dims, raw_data=b"\0\0"))
    model.graph.node.insert(0, helper.make_node("Cast", ["stated"], ["cast"], to=TensorProto.FLOAT))


def an_array_longer_than_its_bytes(model: ModelProto) -> None:
    """ONNX's shape inference would make a list of this length: 140 bytes for each."""
    _states(model, 2**31)


def an_array_shorter_than_its_bytes(model: ModelProto) -> None:
    _states(model)
    model.graph.initializer[-1].raw_data = b"\0" * 4


def an_array_of_negative_length(model: ModelProto) -> None:
    _states(model, -1, -1)


def an_array_of_many_axes(model: ModelProto) -> None:
    _states(model, *[1] * 1000)


def an_array_of_texts(model: ModelProto) -> None:
    _states(model, 1, kind=TensorProto.STRING)


def a_constant_longer_than_its_bytes(model: ModelProto) -> None:
    model.graph.node.insert(0, constant(TensorProto(data_type=TensorProto.FLOAT, dims=[2**31], raw_data=b"\0" * 4)))


def more_parts_than_any_network(model: ModelProto) -> None:
    model.graph.value_info.extend(onnx.ValueInfoProto(name=f"v{n}") for n in range(100_001))


def an_array_of_two_names_the_same(model: ModelProto) -> None:
    model.graph.node[3].output[0] = model.graph.node[2].output[0]


def a_list_that_doubles(model: ModelProto) -> None:
    """ONNX's data propagation would follow it: 2^40 numbers."""
    model.graph.initializer.append(numpy_helper.from_array(np.ones(64, np.int64), "list0"))
    for n in range(40):
        names = [f"list{n}", f"list{n}"]
        model.graph.node.append(helper.make_node("Concat", names, [f"list{n + 1}"], axis=0))


def ranks_without_end(model: ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.int64), "axis"))
    for n in range(2000):
        node = helper.make_node("Unsqueeze", ["features" if not n else f"r{n}", "axis"], [f"r{n + 1}"])
        model.graph.node.append(node)


HOSTILE: list[Change] = [
    external_initializer,
    external_list_only,
    external_constant,
    external_list_of_tensors,
    external_in_subgraph,
    custom_domain,
    local_function,
    training_code,
    subgraph_in_if,
    subgraph_in_loop,
    subgraph_in_an_allowed_operator,
    list_of_subgraphs,
    sparse_initializer,
    sparse_constant,
    unknown_operator,
    operator_outside_the_list,
    no_operators,
    no_graph,
    far_too_many_operators,
    a_name_that_is_not_text,
    no_inputs_of_an_operator,
    an_input_left_out,
    no_outputs_of_an_operator,
    an_array_longer_than_its_bytes,
    an_array_shorter_than_its_bytes,
    an_array_of_negative_length,
    an_array_of_many_axes,
    an_array_of_texts,
    a_constant_longer_than_its_bytes,
    more_parts_than_any_network,
    no_opset,
]
"""Refused by `graph.parse`, as what no model of ours needs."""

FOREIGN: list[Change] = [
    no_outputs,
    no_feature_map,
    no_inputs,
    input_of_another_name,
    input_of_floats,
    input_of_another_size,
    input_of_open_size,
    input_without_shape,
    input_that_is_a_list,
    input_that_is_stored,
    second_input,
    fixed_batch,
    fixed_batch_of_features,
    features_of_doubles,
    features_of_another_width,
    features_that_claim_the_right_width,
    features_of_rank_three,
    feature_map_that_is_none,
    outputs_nobody_makes,
    inputs_nobody_gives,
    padding_that_fills_the_memory,
    a_shape_that_shows_only_later,
    an_array_of_two_names_the_same,
    a_list_that_doubles,
    ranks_without_end,
]
"""Refused by `graph.check_backbone`, as not what its card says."""
