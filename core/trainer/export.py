"""Export of a Keras backbone to the ONNX file that the engine reads, and their agreement."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from core.base.storage import write_atomically
from core.card import BackboneCard, Origin, Preprocessing
from core.engine import golden, graph
from core.engine.complexity import compute_stats
from core.trainer.float16_storage import Float16Policy, optimize
from core.trainer.framework import keras, silenced, tf, tf2onnx
from core.training.protocol import BACKBONE

OPSET: Final = 17
_STATISTICS_NOT_COUNTED: Final = frozenset({"EfficientNet-Lite0"})
"""Architectures whose authors do not count BatchNormalization statistics as weights, unlike Keras."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The agreement between the features of ONNX Runtime and of Keras.

    Attributes:
        images: the number of images compared.
        greatest_difference: the largest absolute difference of any feature.
        least_cosine: the lowest cosine similarity of any image's feature vectors.
    """

    images: int
    greatest_difference: float
    least_cosine: float


def export_backbone(model: keras.Model, path: Path, float16: Float16Policy = Float16Policy.EVERYTHING) -> None:
    """Write a backbone as ONNX, see `backbone_bytes`.

    Raises:
        StorageError: the file cannot be written.
    """
    write_atomically(path, backbone_bytes(model, float16))


def backbone_bytes(model: keras.Model, float16: Float16Policy = Float16Policy.EVERYTHING) -> bytes:
    """Convert a backbone to an ONNX file: uint8 `image` [n, size, size, 3] in, `features` and `feature_map` out.

    Pixel scaling and normalization are inside the graph. The same weights give the same bytes.

    Args:
        model: from float pixels of 0..255 [n, size, size, 3] to a dict of `features` and `feature_map`.
        float16: which kernels are stored as float16; with `LOSSLESS`, a network from `rebuild_keras` keeps the kernels
            of its file where it was not trained, and float32 ones where it was.
    """
    signature = (tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name=graph.INPUT),)

    def backbone(image: object) -> dict[str, object]:
        outputs = model(tf.cast(image, tf.float32), training=False)
        return {name: outputs[name] for name in (graph.FEATURES, graph.FEATURE_MAP)}

    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    with silenced():
        converted, _ = tf2onnx.convert.from_function(
            tf.function(backbone, input_signature=signature), input_signature=signature, opset=OPSET
        )
    optimized = optimize(converted, float16)
    onnx.checker.check_model(optimized, full_check=True)
    return optimized.SerializeToString(deterministic=True)


def exported_backbone_card(
    model: keras.Model, data: bytes, *, name: str, origin: Origin, architecture: str, preprocessing: Preprocessing
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
        multiply_adds=compute_stats(graph.parse(data)).macs,
        origin=origin,
        golden_features=golden.encode_features(features),
    )


def _published_count(model: keras.Model, architecture: str) -> int:
    """The number of weights of `model`, counted as in the architecture's publication."""
    normalisations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    statistics = sum(layer.moving_mean.shape[0] + layer.moving_variance.shape[0] for layer in normalisations)
    return model.count_params() - (statistics if architecture in _STATISTICS_NOT_COUNTED else 0)


def parity(model: keras.Model, backbone: Path | bytes, images: NDArray[np.uint8], batch: int) -> Parity:
    """Compare Keras with ONNX Runtime's CPU provider on uint8 images [n, size, size, 3] in batches."""
    session = onnxruntime.InferenceSession(backbone, providers=["CPUExecutionProvider"])
    parts = [images[start : start + batch] for start in range(0, len(images), batch)]
    theirs = np.concatenate([np.asarray(model(part, training=False)[graph.FEATURES]) for part in parts])
    ours = np.concatenate([session.run([graph.FEATURES], {graph.INPUT: part})[0] for part in parts])
    return Parity(len(images), float(np.abs(theirs - ours).max()), golden.cosine(theirs, ours))
