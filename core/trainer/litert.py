"""Conversion of a Keras model to LiteRT by TensorFlow's converter, and its outputs for images."""

from __future__ import annotations

import io
import json
import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.i18n import tr
from core.base.leftovers import temporary_folder
from core.base.progress import CancelToken, ProgressReporter
from core.base.storage import write_atomically
from core.card import ModelCard, read_card
from core.engine.graph import FEATURES, INPUT
from core.exporting.litert import CALIBRATION, FILE, IMAGES, JOB, MODEL_CARD, OUTPUTS_FILE
from core.models.files import read_file
from core.models.heads import Head, named_layers, read_head
from core.models.joined import LOGITS, PROBABILITIES
from core.models.weight_storage import Storage
from core.trainer.backbone import read_backbone
from core.trainer.framework import keras, silenced, tf, with_constants
from core.trainer.onnx_to_keras import rebuild_keras
from core.trainer.tflite_int8 import quantize
from core.trainer.tflite_metadata import OUTPUTS, with_metadata
from core.training.protocol import HEAD, TrainerEvent

_THREADS: Final = 2


def run(folder: Path, emit: Callable[[TrainerEvent], None], token: CancelToken) -> Mapping[str, Any]:
    """Convert the model in a folder, see `core.exporting.litert`; write `FILE` and `OUTPUTS_FILE`.

    Returns:
        `milliseconds`, the median time for a batch of one, and `made_by`.

    Raises:
        ModelError: the model is damaged, its network cannot be built here, or it cannot be converted.
        StorageError: a result cannot be written.
        Cancelled: the token was cancelled.
    """
    storage = Storage(json.loads(read_file(folder / JOB))["storage"])
    card, backbone = read_card(read_file(folder / MODEL_CARD)), read_backbone(folder)
    assert isinstance(card, ModelCard)
    clock = ProgressReporter(tr("converting to LiteRT"), 2, emit)
    # With the normalization left folded in, kernels keep the float16 values they are stored as.
    network = with_head(rebuild_keras(backbone.data, backbone.card, None), read_head(read_file(folder / HEAD)), card)
    clock.advance()
    token.check()
    data = convert(network, storage, np.load(folder / CALIBRATION, mmap_mode="r"))
    data = with_metadata(data, card, backbone.card.preprocessing)
    clock.advance()
    write_atomically(folder / FILE, data)
    images = np.load(folder / IMAGES, mmap_mode="r")
    clock = ProgressReporter(tr("checking the LiteRT file"), len(images), emit)
    outputs, milliseconds = run_model(data, _with_progress(images, clock, token))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **outputs)
    write_atomically(folder / OUTPUTS_FILE, buffer.getvalue())
    return {"milliseconds": milliseconds, "made_by": f"TensorFlow {tf.__version__}"}


def with_head(backbone: keras.Model, head: Head, card: ModelCard) -> keras.Model:
    """Combine backbone, head, calibration and softmax.

    Args:
        backbone: from pixels [n, size, size, 3] of 0..255 to a dict of `features`.
        head: the head.
        card: the model's card, with the temperature.

    Returns:
        A model from the same pixels to a dict of `probabilities`, `logits` and `features`.
    """
    features = x = backbone.output[FEATURES]
    layers = named_layers(head)
    for number, (_, layer) in enumerate(layers, 1):
        x = keras.layers.Dense(layer.class_count, activation=None if number == len(layers) else "relu")(x)
    scaled = keras.layers.Rescaling(1 / card.temperature)(x)
    outputs = {PROBABILITIES: keras.layers.Softmax()(scaled), LOGITS: x, FEATURES: features}
    network = keras.Model(backbone.input, outputs)
    dense = (layer for layer in network.layers if isinstance(layer, keras.layers.Dense))
    for layer, (_, given) in zip(dense, layers, strict=True):
        layer.set_weights([given.weights, given.bias])
    return network


def convert(network: keras.Model, storage: Storage, calibration: NDArray[np.uint8]) -> bytes:
    """Convert a network to a .tflite: uint8 `image` [n, size, size, 3] in, its outputs by name out.

    Args:
        network: from pixels of 0..255 to a dict of outputs.
        storage: the type of the stored weights.
        calibration: with INT8, images uint8 [n, size, size, 3] for the activation ranges.

    Raises:
        ModelError: TensorFlow cannot convert it.
    """
    logging.getLogger("absl").setLevel(logging.ERROR)
    with temporary_folder("saved") as folder, silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations among these packages cannot be fixed here
        module = tf.Module()
        module.serve = _constant_function(network)
        tf.saved_model.save(module, str(folder / "model"), signatures=module.serve.get_concrete_function())
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "model"))
        try:
            return _convert(converter, storage, calibration)
        except Exception as error:  # the boundary: the converter raises unrelated kinds
            what = tr("TensorFlow couldn't convert the model: {reason}", reason=str(error).strip()[:300])
            raise ModelError(what, hint=tr("Export it as .onnx.")) from error


def _constant_function(network: keras.Model) -> Any:
    """A network on pixels as a function without variables: to save and restore these would take most of the time."""
    signature = (tf.TensorSpec((None, *network.input_shape[1:]), tf.uint8, name=INPUT),)

    def serve(image: Any) -> Any:
        return network(tf.cast(image, tf.float32), training=False)

    traced = tf.function(serve, input_signature=signature, autograph=False).get_concrete_function()
    constant = with_constants(traced, lower_control_flow=False)

    def serve_constant(image: Any) -> Any:
        return tf.nest.pack_sequence_as(traced.structured_outputs, constant(image))

    return tf.function(serve_constant, input_signature=signature, autograph=False)


def _convert(converter: Any, storage: Storage, calibration: NDArray[np.uint8]) -> bytes:
    if storage is not Storage.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if storage is Storage.INT8:
        return quantize(converter, calibration)
    if storage is Storage.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def run_model(data: bytes, images: Iterator[NDArray[np.uint8]]) -> tuple[dict[str, NDArray[np.float32]], float]:
    """Run a .tflite on images uint8 [size, size, 3], one at a time; outputs by name, and the median milliseconds."""
    runner = open_runner(data)
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in OUTPUTS}
    times = []
    for image in images:
        started = time.perf_counter()
        outputs = runner(**{INPUT: image[None]})
        times.append((time.perf_counter() - started) * 1000)
        for name in OUTPUTS:
            found[name].append(outputs[name])
    return {name: np.concatenate(rows) for name, rows in found.items()}, statistics.median(times)


def open_runner(data: bytes) -> Any:
    """What runs a .tflite in LiteRT's interpreter: arrays by name as keywords in, arrays by name out."""
    with silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tf.lite.Interpreter(model_content=data, num_threads=_THREADS).get_signature_runner()


def _with_progress(
    images: NDArray[np.uint8], clock: ProgressReporter, token: CancelToken
) -> Iterator[NDArray[np.uint8]]:
    for image in images:
        token.check()
        yield image
        clock.advance()
