"""Whether the features of an exported backbone are those of the Keras network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.engine import golden, graph
from core.trainer.framework import keras


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


def parity(model: keras.Model, backbone: Path | bytes, images: NDArray[np.uint8], batch: int) -> Parity:
    """Compare Keras with ONNX Runtime's CPU provider on uint8 images [n, size, size, 3] in batches."""
    session = onnxruntime.InferenceSession(backbone, providers=["CPUExecutionProvider"])
    parts = [images[start : start + batch] for start in range(0, len(images), batch)]
    theirs = np.concatenate([np.asarray(model(part, training=False)[graph.FEATURES]) for part in parts])
    ours = np.concatenate([session.run([graph.FEATURES], {graph.INPUT: part})[0] for part in parts])
    return Parity(len(images), float(np.abs(theirs - ours).max()), golden.cosine(theirs, ours))
