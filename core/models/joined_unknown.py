"""The rule for unknown images in an exported graph: nodes from features and probabilities to one more output.

`unknown_score` [n, 1] is that of `core.models.evidence.unknown_scores`: 0 to 1, above 0.5 for unknown images. The
operators and their attributes are the same in all versions of ONNX that a backbone may have.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.card_rules import UnknownRule
from core.engine import graph
from core.models.evidence import LEAST_ODDS
from core.models.feature_bank import FeatureBank

UNKNOWN_SCORE: Final = "unknown_score"
LABELS_KEY: Final = "fovea.training_labels"
"""The class of each training image in the bank, in `metadata_props`, as a JSON list of indexes."""
PREFIX: Final = "fovea.unknown/"
_STEPS: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("Sub", "features centre", "centred", {}),
    ("Mul", "centred centred", "squares", {}),
    ("MatMul", "squares ones", "sums", {}),
    ("Sqrt", "sums", "roots", {}),
    ("Max", "roots tiny", "lengths", {}),
    ("Div", "centred lengths", "directions", {}),
    ("Cast", "codes", "levels", {"to": TensorProto.FLOAT}),
    ("Mul", "levels scales", "rows", {}),
    ("Transpose", "rows", "columns", {"perm": [1, 0]}),
    ("MatMul", "directions columns", "cosines", {}),
    ("Sub", "cosines one", "differences", {}),
    ("Div", "differences bandwidth", "exponents", {}),
    ("Exp", "exponents", "kernels", {}),
    ("MatMul", "kernels counted", "density", {}),
    ("Max", "density tiny", "positive", {}),
    ("Log", "positive", "log_density", {}),
    ("Mul", "log_density similarity_weight", "near", {}),
    ("Reshape", "probabilities plane", "planes", {}),
    ("GlobalMaxPool", "planes", "largest", {}),
    ("Flatten", "largest", "confidence", {}),
    ("Add", "confidence least_odds", "for", {}),
    ("Sub", "one confidence", "doubt", {}),
    ("Add", "doubt least_odds", "against", {}),
    ("Div", "for against", "odds", {}),
    ("Log", "odds", "log_odds", {}),
    ("Mul", "log_odds confidence_weight", "sure", {}),
    ("Add", "near sure", "known", {}),
    ("Sub", "bias known", "unknown", {}),
    ("Sigmoid", "unknown", "unknown_score", {}),
)
"""Operator, inputs, output and attributes; the names of inner values get the prefix."""
_PORTS: Final = (graph.FEATURES, "probabilities", UNKNOWN_SCORE)
_HINT: Final = mark("Use the original file, or export the model again.")


def nodes() -> list[NodeProto]:
    """The nodes that compute the score."""
    return [
        helper.make_node(operator, [*map(_named, inputs.split())], [_named(output)], f"{PREFIX}{at}", **attributes)
        for at, (operator, inputs, output, attributes) in enumerate(_STEPS)
    ]


def _named(value: str) -> str:
    return value if value in _PORTS else PREFIX + value


def arrays(bank: FeatureBank, rule: UnknownRule) -> list[TensorProto]:
    """The arrays that the nodes read."""
    count, width = bank.codes.shape
    found: dict[str, NDArray[Any] | float] = {
        "centre": bank.centre,
        "codes": bank.codes,
        "scales": bank.scales[:, None],
        "ones": np.ones((width, 1), np.float32),
        "counted": np.full((count, 1), 1, np.float32),
        "tiny": float(np.finfo(np.float32).tiny),
        "one": 1.0,
        "bandwidth": rule.bandwidth,
        "similarity_weight": rule.similarity * rule.bandwidth,
        "confidence_weight": rule.confidence,
        "bias": rule.bias,
        "least_odds": LEAST_ODDS,
        "plane": np.array([0, 1, -1], np.int64),
    }
    return [
        numpy_helper.from_array(
            np.array(array, np.float32) if isinstance(array, float) else np.ascontiguousarray(array), PREFIX + name
        )
        for name, array in found.items()
    ]


def labels_entry(bank: FeatureBank) -> dict[str, str]:
    """The entry of `metadata_props` with the classes of the training images."""
    return {LABELS_KEY: json.dumps(bank.labels.tolist())}


def extract_bank(model: onnx.ModelProto, rule: UnknownRule | None) -> FeatureBank | None:
    """Read the bank from a graph and remove the rule; anything that differs from the output of `join` is refused.

    Raises:
        ModelError: the graph does not match the rule.
    """
    own_nodes = [node for node in model.graph.node if node.name.startswith(PREFIX)]
    own_arrays = [tensor for tensor in model.graph.initializer if tensor.name.startswith(PREFIX)]
    bank = None if rule is None else _read_bank(model, own_arrays)
    expected = (nodes(), arrays(bank, rule)) if rule and bank else ([], [])
    if (own_nodes, own_arrays) != expected:
        raise ModelError(tr("The rule for unknown images in the file does not match its card."), hint=tr(_HINT))
    for node in own_nodes:
        model.graph.node.remove(node)
    for tensor in own_arrays:
        model.graph.initializer.remove(tensor)
    return bank


def _read_bank(model: onnx.ModelProto, own: Sequence[TensorProto]) -> FeatureBank:
    found = {tensor.name.removeprefix(PREFIX): tensor for tensor in own}
    texts = [entry.value for entry in model.metadata_props if entry.key == LABELS_KEY]
    try:
        (labels,) = map(json.loads, texts)
        centre, codes = (
            np.frombuffer(found[name].raw_data, kind).reshape(found[name].dims)
            for name, kind in (("centre", "<f4"), ("codes", "i1"))
        )
        return FeatureBank(centre.astype(np.float32), codes.astype(np.int8), np.array(labels, np.int32))
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
        what = tr("The training features in the file are damaged.")
        raise ModelError(what, hint=tr(_HINT)) from error
