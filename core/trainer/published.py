"""Published networks from `keras.applications` as backbones, with their weights from ImageNet."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
from core.models.heads import LinearHead, head_bytes
from core.models.library import NORMALISATION
from core.trainer import architectures
from core.trainer.export import backbone_bytes, exported_backbone_card
from core.trainer.framework import keras
from core.trainer.layers import initialize_statistics
from core.trainer.onnx_to_keras import normalisation_bytes
from core.trainer.xception import xception
from core.training import protocol
from core.training.fetch import read_request
from core.training.networks import IMAGENET, BackboneRequest
from core.training.protocol import TrainerEvent

_MIN_COSINE: Final = 0.999
"""The lowest acceptable cosine similarity between the features of the exported file and of Keras's network."""
_MAX_BYTES: Final = 1024**3
_SEED: Final = 0
"""Of random weights: a network without weights is the same on every computer."""


def run(folder: Path, emit: Callable[[TrainerEvent], None], token: CancelToken) -> Mapping[str, Any]:
    """Convert the network that the job in `folder` names; write `BACKBONE`, `BACKBONE_CARD` and `NORMALISATION`.

    A classifier's head is written as `HEAD`.

    Raises:
        ModelError: the weights could not be downloaded, or belong to another network.
        TrainerError: the job is damaged.
        UsageError: there is no such network.
        StorageError: a result cannot be written.
        Cancelled: the token was cancelled.
    """
    request = read_request(folder)
    clock = ProgressReporter(tr("loading the weights"), 2, emit)
    results = {}
    if request.described.classes:
        network, head = build_classifier(request)
        results[protocol.HEAD] = head_bytes(head)
    else:
        network = build(request, None if request.untrained else request.weights or IMAGENET)
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
        design=request.card_design,
        untrained=request.untrained,
    )
    _check_parity(network, card)
    clock.advance()
    results |= {
        protocol.BACKBONE: data,
        protocol.BACKBONE_CARD: write_card(card),
        NORMALISATION: normalisation_bytes(network),
    }
    for name, content in results.items():
        write_atomically(folder / name, content)
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
    keras.utils.set_random_seed(_SEED)
    name = request.described.title
    if weights == IMAGENET:
        network = _downloaded(request)
    else:
        network = architectures.build(name, request.side, request.card_design)
    if weights is None:
        initialize_statistics(network)
    if isinstance(weights, Path):
        _load_weights(network, weights)
    if weights is not None and name in architectures.CAFFE:
        first = next(layer for layer in network.layers if layer.weights)
        kernel, *bias = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], *bias])  # BGR to RGB
    return network


def build_classifier(request: BackboneRequest) -> tuple[keras.Model, LinearHead]:
    """Build an Xception, and its classifier as a head.

    Raises:
        ModelError: the weights could not be downloaded, or belong to another network.
    """
    network = xception(request.side, request.design)
    logits = keras.layers.Dense(request.described.classes, name="predictions")(network.output[graph.FEATURES])
    complete = keras.Model(network.input, logits)
    if request.weights is None:
        with _download_errors(request):
            complete.set_weights(keras.applications.Xception(weights=IMAGENET).get_weights())
    else:
        _load_weights(complete, request.weights)
    return network, LinearHead(*complete.get_layer("predictions").get_weights())


def _downloaded(request: BackboneRequest) -> keras.Model:
    """The network with Keras's weights from ImageNet; those of Caffe's networks are for BGR pixels."""
    name, side = request.described.title, request.side
    with _download_errors(request):
        if name not in architectures.APPLICATIONS:
            network = architectures.build(name, side, {})
            theirs = keras.applications.Xception(include_top=False, input_shape=(side, side, 3), weights=IMAGENET)
            network.set_weights(theirs.get_weights())
            return network
        return architectures.with_frozen_statistics(
            architectures.application(name, side, IMAGENET, **request.card_design)
        )


@contextmanager
def _download_errors(request: BackboneRequest) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the boundary: Keras raises plain exceptions if a download fails
        what = tr("Couldn't download the weights of {network}: {reason}.", network=request.described.title,
                  reason=str(error)[:200].rstrip("."))  # fmt: skip
        raise ModelError(what, hint=tr("Check the connection, or give a file of weights with --weights.")) from error


def _load_weights(network: keras.Model, file: Path) -> None:
    """Load the weights in an HDF5 file as Keras offers them for download.

    Raises:
        ModelError: it is not such a file, refers to other files, or belongs to another network.
    """
    hint = tr(
        "Use the file for this network, complete and unchanged: the one without the classifier (“notop” or “no_top”), "
        "or for xception-1000 the one with it."
    )
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
    changes = [f"{key.replace('_', ' ')} {value}" for key, value in request.card_design.items()]
    title = f"{network.title} with {', '.join(changes)}" if changes else network.title
    if request.untrained:
        return Origin(f"{title}; random weights, never trained.", "Apache-2.0, as all of Fovea")
    if request.weights is None:
        source = f"Keras Applications: {title} trained on ImageNet, downloaded by Keras."
        return Origin(source, network.licence)
    digest = hashlib.sha256(request.weights.read_bytes()).hexdigest()
    source = f"{title}; weights from the file “{display_path(request.weights.name)}”, SHA-256 {digest}."
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
