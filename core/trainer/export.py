"""Export of a Keras backbone to the ONNX file that the engine reads."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import onnx
import onnxruntime

from core.card import BackboneCard, Origin, Preprocessing
from core.engine import golden, graph
from core.engine.complexity import compute_stats
from core.trainer.float16_storage import Float16Policy, optimize
from core.trainer.framework import keras, silenced, tf, tf2onnx
from core.trainer.kernels import order_in_file
from core.trainer.onnx_to_keras import stored_kernels
from core.training.protocol import BACKBONE

OPSET: Final = 17
_STATISTICS_NOT_COUNTED: Final = frozenset(f"EfficientNet-Lite{number}" for number in range(5))
"""Architectures whose authors do not count BatchNormalization statistics as weights, unlike Keras."""


def backbone_bytes(model: keras.Model, float16: Float16Policy = Float16Policy.EVERYTHING) -> bytes:
    """Convert a backbone to an ONNX file: uint8 `image` [n, size, size, 3] in, `features` and `feature_map` out.

    Pixel scaling and normalization are inside the graph. The same weights give the same bytes.

    Args:
        model: from float pixels of 0..255 [n, size, size, 3] to a dict of `features` and `feature_map`.
        float16: which kernels are stored as float16; with `LOSSLESS`, a network from `rebuild_keras` keeps the kernels
            of its file where it was not trained, and float32 ones where it was.
    """
    signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name=graph.INPUT)

    def backbone(image: Any) -> dict[str, Any]:
        outputs = model(tf.cast(image, tf.float32), training=False)
        return {name: outputs[name] for name in (graph.FEATURES, graph.FEATURE_MAP)}

    optimized = optimize(to_onnx(backbone, signature), float16)
    onnx.checker.check_model(optimized, full_check=True)
    return optimized.SerializeToString(deterministic=True)


def to_onnx(function: Callable[[Any], dict[str, Any]], signature: Any) -> onnx.ModelProto:
    """Convert a function of one tensor, which is described by `signature`, to an ONNX graph."""
    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    traced = tf.function(function, input_signature=(signature,))
    with silenced():
        return tf2onnx.convert.from_function(traced, input_signature=(signature,), opset=OPSET)[0]


def exported_backbone_card(
    model: keras.Model,
    data: bytes,
    *,
    name: str,
    origin: Origin,
    architecture: str,
    preprocessing: Preprocessing,
    design: Mapping[str, Any] = MappingProxyType({}),
    untrained: bool = False,
) -> BackboneCard:
    """Make the card of the file `data` that `backbone_bytes` made from `model`.

    Its golden features are computed by ONNX Runtime's CPU provider.
    """
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (features,) = session.run([graph.FEATURES], {graph.INPUT: golden.golden_inputs(preprocessing.size)})
    return BackboneCard(
        name=name,
        architecture=architecture,
        file=BACKBONE,
        sha256=hashlib.sha256(data).hexdigest(),
        preprocessing=preprocessing,
        feature_width=features.shape[1],
        feature_map_layout="nhwc",
        weights=_published_count(model, architecture),
        multiply_adds=compute_stats(graph.parse(data)).multiply_adds,
        origin=origin,
        golden_features=golden.encode_features(features),
        kernel_order=order_in_file(model, stored_kernels(data)),
        design=dict(design),
        untrained=untrained,
    )


def _published_count(model: keras.Model, architecture: str) -> int:
    """The number of weights of `model`, counted as in the architecture's publication."""
    normalisations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    statistics = sum(layer.moving_mean.shape[0] + layer.moving_variance.shape[0] for layer in normalisations)
    return model.count_params() - (statistics if architecture in _STATISTICS_NOT_COUNTED else 0)
