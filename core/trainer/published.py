"""Published networks from `keras.applications` as backbones, with their weights from ImageNet."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from core.base.errors import FoveaError, ModelError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressReporter
from core.base.storage import write_atomically
from core.base.text import display_path
from core.card import BackboneCard, Origin, Preprocessing, ResizeMode, write_card
from core.engine import golden, graph
from core.trainer.export import backbone_bytes, exported_backbone_card
from core.trainer.framework import keras
from core.training import protocol
from core.training.fetch import read_request
from core.training.networks import BackboneRequest
from core.training.protocol import TrainerEvent

_MIN_COSINE: Final = 0.999
"""The lowest acceptable cosine similarity between the features of the exported file and of Keras's network."""
_MAX_BYTES: Final = 1024**3
_BUILDERS: Final[Mapping[str, Callable[..., keras.Model]]] = {
    "xception": keras.applications.Xception,
    "inception-v3": keras.applications.InceptionV3,
    "inception-resnet-v2": keras.applications.InceptionResNetV2,
    "resnet50": keras.applications.ResNet50,
    "vgg16": keras.applications.VGG16,
    "mobilenet-v1": keras.applications.MobileNet,
    "mobilenet-v2": keras.applications.MobileNetV2,
}
_CAFFE: Final = frozenset({"resnet50", "vgg16"})
"""Networks trained on BGR pixels minus their mean; the others on RGB pixels scaled to -1..1."""
_MEAN_RGB: Final = (123.68, 116.779, 103.939)


def run(folder: Path, emit: Callable[[TrainerEvent], None], token: CancelToken) -> Mapping[str, Any]:
    """Convert the network that the job in `folder` names; write `BACKBONE` and `BACKBONE_CARD`.

    Raises:
        ModelError: the weights could not be downloaded, or belong to another network.
        TrainerError: the job is damaged.
        UsageError: there is no such network.
        StorageError: a result cannot be written.
        Cancelled: the token was cancelled.
    """
    request = read_request(folder)
    clock = ProgressReporter(tr("loading the weights"), 2, emit)
    network = build(request, request.weights or "imagenet")
    clock.advance()
    token.check()
    data = backbone_bytes(network)
    card = exported_backbone_card(
        network,
        data,
        name=request.name,
        architecture=request.described.title,
        preprocessing=Preprocessing(request.side, ResizeMode.STRETCH),
        origin=_origin(request),
    )
    _check_parity(network, card)
    clock.advance()
    write_atomically(folder / protocol.BACKBONE, data)
    write_atomically(folder / protocol.BACKBONE_CARD, write_card(card))
    return {}


def build(request: BackboneRequest, weights: Path | str | None) -> keras.Model:
    """Build a network without its classifier.

    Args:
        request: the network.
        weights: a file, `imagenet` to download Keras's, None for random ones.

    Returns:
        As `core.trainer.xception.xception`: from pixels of 0..255 [n, size, size, 3] to a dict of `features` and
        `feature_map`.

    Raises:
        ModelError: the weights could not be downloaded, or belong to another network.
    """
    widths = {"alpha": request.width} if request.described.alphas else {}
    shape = (request.side, request.side, 3)
    wanted = "imagenet" if weights == "imagenet" else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that weights of another image size are used: all sizes have the same
            network = _BUILDERS[request.network](include_top=False, input_shape=shape, weights=wanted, **widths)
    except Exception as error:  # the boundary: Keras raises plain exceptions if a download fails
        what = tr("Couldn't download the weights of {network}: {reason}.", network=request.described.title,
                  reason=str(error)[:200].rstrip("."))  # fmt: skip
        raise ModelError(what, hint=tr("Check the connection, or give a file of weights with --weights.")) from error
    if isinstance(weights, Path):
        _load_weights(network, weights)
    return _with_scaling(network, request)


def _with_scaling(network: keras.Model, request: BackboneRequest) -> keras.Model:
    """Put scaling of the pixels before a network, and pooling behind it."""
    if request.network in _CAFFE:
        first = next(layer for layer in network.layers if layer.weights)
        kernel, *bias = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], *bias])  # BGR to RGB
        scaling = keras.layers.Rescaling(1.0, offset=[-mean for mean in _MEAN_RGB], name="scaling")
    else:
        scaling = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling")
    image = keras.Input((request.side, request.side, 3), dtype="float32", name="image")
    feature_map = network(scaling(image), training=False)
    features = keras.layers.GlobalAveragePooling2D(name="features")(feature_map)
    outputs = {graph.FEATURES: features, graph.FEATURE_MAP: feature_map}
    return keras.Model(image, outputs, name=request.network.replace("-", "_"))


def _load_weights(network: keras.Model, file: Path) -> None:
    """Load the weights in an HDF5 file as Keras offers them for download.

    Raises:
        ModelError: it is not such a file, refers to other files, or belongs to another network.
    """
    hint = tr("Use the file for this network without its classifier (“notop” or “no_top”), complete and unchanged.")
    try:
        with h5py.File(file) as content:
            _refuse_references(content)
        network.load_weights(file)
    except FoveaError:
        raise
    except Exception as error:  # the boundary: HDF5 and Keras raise unrelated kinds
        what = tr("“{file}” doesn't contain the weights of this network.", file=display_path(file.name))
        raise ModelError(what, hint=hint) from error


def _refuse_references(content: h5py.Group) -> None:
    """Refuse links, and arrays in other files; and more than a network can have.

    Raises:
        ValueError: there are such.
    """
    total, waiting = 0, [content]
    while waiting:
        group = waiting.pop()
        for name in group:
            is_link = not isinstance(group.get(name, getlink=True), h5py.HardLink)
            if is_link:
                raise ValueError("a link")
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append(item)
                continue
            total += item.nbytes
            if item.external or item.is_virtual or total > _MAX_BYTES:
                raise ValueError("arrays in other files, or too many")


def _origin(request: BackboneRequest) -> Origin:
    network = request.described
    width = f" with alpha {request.width}" if network.alphas else ""
    if request.weights is None:
        source = f"Keras Applications: {network.title}{width} trained on ImageNet, downloaded by Keras."
        return Origin(source, network.licence)
    digest = hashlib.sha256(request.weights.read_bytes()).hexdigest()
    source = f"{network.title}{width}; weights from the file “{display_path(request.weights.name)}”, SHA-256 {digest}."
    return Origin(source, "Unknown: that of the file's weights")


def _check_parity(network: keras.Model, card: BackboneCard) -> None:
    """Check that the exported file computes the same features.

    Raises:
        ModelError: they differ.
    """
    wanted = np.asarray(network(golden.golden_inputs(card.preprocessing.size), training=False)[graph.FEATURES])
    agreement = golden.cosine(wanted, golden.decode_features(card.golden_features, card.feature_width))
    if agreement < _MIN_COSINE:
        what = tr("The exported network computes other features than Keras's (cosine {cosine:.4f}).", cosine=agreement)
        raise ModelError(what, hint=tr("Report this as a bug."))
