"""From a Keras backbone to the ONNX file the engine reads, and how far the two may be apart."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from core.engine import golden, graph
from core.storage import write_atomically
from core.training.compact import compact
from core.training.framework import keras, silenced, tf, tf2onnx

OPSET: Final = 17


@dataclass(frozen=True, slots=True)
class Parity:
    """How far ONNX Runtime's features are from Keras's.

    Attributes:
        images: how many were compared.
        greatest_difference: of any feature of any image.
        least_cosine: similarity of the two feature vectors of the image that agrees least.
    """

    images: int
    greatest_difference: float
    least_cosine: float


def export_backbone(model: keras.Model, path: Path) -> None:
    """Write a backbone as ONNX: uint8 `image` [n, size, size, 3] in, `features` and `feature_map` out.

    Scaling of pixels and normalisation are inside the graph; its weights are stored as float16. The same weights give
    the same bytes.

    Args:
        model: from float pixels of 0..255 [n, size, size, 3] to a dict of `features` and `feature_map`.
        path: the file to write or replace.

    Raises:
        StorageError: the file could not be written.
    """
    write_atomically(path, backbone_bytes(model))


def backbone_bytes(model: keras.Model) -> bytes:
    """The bytes of the file that `export_backbone` writes."""
    signature = (tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name=graph.INPUT),)

    def backbone(image: object) -> dict[str, object]:
        answer = model(tf.cast(image, tf.float32), training=False)
        return {name: answer[name] for name in (graph.FEATURES, graph.FEATURE_MAP)}

    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    with silenced():
        converted, _ = tf2onnx.convert.from_function(
            tf.function(backbone, input_signature=signature), input_signature=signature, opset=OPSET
        )
    small = compact(converted)
    onnx.checker.check_model(small, full_check=True)
    return small.SerializeToString(deterministic=True)


def parity(model: keras.Model, path: Path, images: NDArray[np.uint8], batch: int) -> Parity:
    """Compare Keras with ONNX Runtime's CPU provider on uint8 images [n, size, size, 3], `batch` at a time."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    parts = [images[start : start + batch] for start in range(0, len(images), batch)]
    theirs = np.concatenate([np.asarray(model(part, training=False)[graph.FEATURES]) for part in parts])
    ours = np.concatenate([session.run([graph.FEATURES], {graph.INPUT: part})[0] for part in parts])
    return Parity(len(images), float(np.abs(theirs - ours).max()), golden.cosine(theirs, ours))
