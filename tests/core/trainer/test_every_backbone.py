"""Every network can be a backbone: added untrained or from Keras's file, trained, exported as ONNX and LiteRT, used.

They are made narrow and shallow here, with a block or two of each kind: the time it takes to export one grows with its
layers, and Inception-ResNet has 244 convolutions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from keras.src import layers
from keras.src.applications import inception_resnet_v2, inception_v3, mobilenet, mobilenet_v2, resnet, vgg16

from core.base.errors import UsageError
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.card import BackboneCard
from core.engine import graph
from core.exporting import litert
from core.models.classifier import open_classifier
from core.models.exchange import export, import_model
from core.models.installed import load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.models.variants import open_file, run_file, run_joined
from core.models.weight_storage import Storage
from core.prediction import Prediction
from core.trainer import architectures, efficientnet_lite, published
from core.trainer import litert as converter
from core.trainer.backbone import read_backbone
from core.trainer.framework import keras, tf
from core.trainer.xception import xception
from core.training import fetch, networks, recipes
from core.training.networks import NETWORKS, BackboneRequest, Design, Network
from core.training.protocol import read_job
from core.training.request import Depth, Recipe, TrainRequest
from core.training.train import Trained, train
from tests import teaching, tflite, tiny

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras's own way of saving, with NumPy 2."""

_UNTRAINED = [
    BackboneRequest("mobilenet-v1", 0.25, 32, untrained=True),
    BackboneRequest("mobilenet-v2", 0.35, 32, untrained=True),
    *(BackboneRequest(name, size=32, untrained=True) for name in ("resnet50", "vgg16", "efficientnet-lite0")),
    *(BackboneRequest(name, size=75, untrained=True) for name in ("inception-v3", "inception-resnet-v2")),
    BackboneRequest("xception", 0.05, 71, untrained=True, design=Design(2, pointwise_first=True, factorised=True)),
]
_OF_KERAS = [
    *(BackboneRequest(name, size=32) for name in ("resnet50", "vgg16")),
    *(BackboneRequest(name, size=75) for name in ("inception-v3", "inception-resnet-v2")),
]
"""With biases before normalizations, BGR pixels, and normalizations without scale in parallel branches."""


@pytest.fixture(autouse=True, scope="module")
def narrow() -> Iterator[None]:
    """Inception, ResNet and VGG with an eighth of their channels, and hardly any block that repeats the one before."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (inception_v3, inception_resnet_v2):
            patch.setattr(module, "conv2d_bn", _narrow(module.conv2d_bn))
        blocks = inception_resnet_v2.inception_resnet_block
        patch.setattr(inception_resnet_v2, "inception_resnet_block", _first_alone(blocks))
        stack = resnet.stack_residual_blocks_v1
        patch.setattr(resnet, "stack_residual_blocks_v1", lambda x, width, _, **rest: stack(x, width // 8, 1, **rest))
        patch.setattr(inception_v3, "layers", _Layers(concatenate=_without_repeats()))
        patch.setattr(vgg16, "layers", _Layers(Conv2D=_narrow_convolution))
        patch.setattr(mobilenet, "_depthwise_conv_block", _wider_alone(mobilenet._depthwise_conv_block, "strides"))
        patch.setattr(mobilenet_v2, "_inverted_res_block", _wider_alone(mobilenet_v2._inverted_res_block, "stride"))
        first, second, *others = efficientnet_lite._STAGES
        patch.setattr(efficientnet_lite, "_STAGES", (first, second, *(replace(stage, blocks=1) for stage in others)))
        yield


def _narrow(convolution: Callable[..., Any]) -> Callable[..., Any]:
    """All but those before a shortcut, which have as many channels as it."""

    def build(x: Any, filters: int, *sizes: int, use_bias: bool = False, **rest: Any) -> Any:  # noqa: ANN401
        width = filters if use_bias else max(4, filters // 8)
        return convolution(x, width, *sizes, **rest, **({"use_bias": True} if use_bias else {}))

    return build


class _Layers:
    """Keras's layers for a network that is written down layer by layer, with others in the place of some."""

    def __init__(self, **others: Callable[..., Any]) -> None:
        vars(self).update(others)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(layers, name)


def _narrow_convolution(filters: int, *sizes: Any, **rest: Any) -> Any:  # noqa: ANN401
    return layers.Conv2D(filters // 8, *sizes, **rest)


def _without_repeats() -> Callable[..., Any]:
    """The end of a block of Inception; one that repeats the block before it is left out of the network."""
    ended = {}

    def concatenate(maps: Any, axis: int, name: str | None = None) -> Any:  # noqa: ANN401
        if name in ("mixed1", "mixed2", "mixed5", "mixed6", "mixed7", "mixed10"):
            return ended["last"]
        joined = layers.concatenate(maps, axis=axis, name=name)
        if name and "_" not in name:  # mixed9_0 is a part of a block
            ended["last"] = joined
        return joined

    return concatenate


def _wider_alone(block: Callable[..., Any], stride: str) -> Callable[..., Any]:
    """The first four blocks, and those after them that make maps smaller."""

    def build(x: Any, *arguments: Any, block_id: int, **rest: Any) -> Any:  # noqa: ANN401
        is_kept = block_id < 4 or rest.get(stride, 1) in (2, (2, 2))
        return block(x, *arguments, block_id=block_id, **rest) if is_kept else x

    return build


def _first_alone(block: Callable[..., Any]) -> Callable[..., Any]:
    def build(x: Any, scale: float, block_type: str, block_idx: int, **rest: Any) -> Any:  # noqa: ANN401 - Keras's own
        return block(x, scale, block_type, block_idx, **rest) if block_idx == 1 else x

    return build


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library, with the trainer in this process."""
    from core.trainer import dense, fine_tune

    def run_here(
        arguments: list[str], *, report: Callable[[object], None], token: CancelToken, **_: object
    ) -> dict[str, Any]:
        folder = Path(arguments[1])
        if arguments[0] == "backbone":
            return dict(published.run(folder, report, token))
        if arguments[0] == "litert":
            return dict(converter.run(folder, report, token))
        job = read_job(folder)
        keras.utils.set_random_seed(job.seed)
        if job.recipe == "dense":
            return dict(dense.run(job, folder, report, token))
        tf.config.run_functions_eagerly(True)  # what is run once or twice is not worth compiling
        try:
            return dict(fine_tune.run(job, folder, report, token))
        finally:
            tf.config.run_functions_eagerly(False)

    monkeypatch.setattr(fetch, "run_trainer", run_here)
    monkeypatch.setattr(litert, "run_trainer", run_here)
    monkeypatch.setattr(recipes, "run_trainer", run_here)
    return teaching.make_library(tmp_path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled photos."""
    return teaching.write_labelled(tmp_path_factory.mktemp("photos"), 5)


def _train(library: Library, photos: Path, backbone: str, recipe: Recipe, depth: Depth = Depth.WHOLE) -> Trained:
    asked = TrainRequest(
        photos, "mine", 3, 3, 0, ProviderPreference.CPU, Precision.EXACT,
        recipe=recipe, depth=depth, backbone=backbone, epochs=1, learning_rate=0.001,
    )  # fmt: skip
    return train(asked, library, report=lambda _: None, token=CancelToken())


def _fetch(library: Library, request: BackboneRequest) -> BackboneCard:
    return fetch.fetch_backbone(request, library, report=lambda _: None, token=CancelToken()).card


@pytest.mark.parametrize("request_", _UNTRAINED, ids=lambda request: request.name)
def test_from_scratch_to_a_prediction(
    library: Library, photos: Path, tmp_path: Path, request_: BackboneRequest
) -> None:
    card = _fetch(library, request_)
    assert "random weights" in card.origin.source
    with pytest.raises(UsageError, match="random weights"):
        _train(library, photos, card.name, Recipe.QUICK)
    trained = _train(library, photos, card.name, Recipe.FINE_TUNE)
    own = trained.model.backbone.card
    assert (own.architecture, own.design, own.untrained) == (card.architecture, card.design, False)
    assert "Trained by Fovea from scratch" in own.origin.source
    assert "from scratch" in trained.model.card.training["recipe"]
    assert trained.model.card.training["parity"]["images"] >= 32
    assert trained.model.card.evaluation["images"] == 3
    file = tmp_path / "mine.onnx"
    export(trained.model, file, report=lambda _: None, token=CancelToken())
    model = import_model(file, Library(tmp_path / "nothing", tmp_path / "other")).model
    ours, theirs = _predict(trained.model, photos), _predict(model, photos)
    assert [label for label, _ in ours] == [label for label, _ in theirs]
    np.testing.assert_allclose([one for _, one in ours], [one for _, one in theirs], atol=1e-3)
    _check_litert(trained.model, file)


def _check_litert(model: InstalledModel, onnx_file: Path) -> None:
    """Export a model as .tflite, and compare it with its .onnx file."""
    file, images = onnx_file.with_suffix(".tflite"), _images(model.backbone.card)
    litert.export_litert(model, file, Storage.FLOAT32, None, 0, report=lambda _: None, token=CancelToken())
    found, wanted = tflite.run(file.read_bytes(), images), run_joined(open_file(onnx_file.read_bytes()), images)
    assert found["logits"].argmax(axis=1).tolist() == wanted.logits.argmax(axis=1).tolist()
    np.testing.assert_allclose(found["probabilities"], wanted.probabilities, atol=1e-3)


def _predict(model: Any, photos: Path) -> list[tuple[str, float]]:  # noqa: ANN401
    classifier = open_classifier(model, ProviderPreference.CPU, Precision.EXACT)
    found = classifier.classify(sorted(photos.glob("*/0.png")), top_k=1)
    return [(one.best.label, one.best.probability) for one in found if isinstance(one, Prediction)]


def _keras_network(request: BackboneRequest) -> keras.Model:
    """Keras's network with random weights and statistics."""
    keras.utils.set_random_seed(3)
    build = architectures.APPLICATIONS[request.described.title]
    widths = {"alpha": request.width} if request.described.alphas else {}
    network = build(include_top=False, weights=None, input_shape=(request.side, request.side, 3), **widths)
    draw = np.random.default_rng(3)
    for layer in network.layers:
        arrays = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([draw.uniform(0.5, 1.5, array.shape) for array in arrays])
        elif arrays and layer.use_bias:
            layer.set_weights([*arrays[:-1], draw.uniform(-0.5, 0.5, arrays[-1].shape)])
    return network


_SCALINGS = {
    "resnet50": keras.applications.resnet50.preprocess_input,
    "vgg16": keras.applications.vgg16.preprocess_input,
}


@pytest.mark.parametrize("request_", _OF_KERAS, ids=lambda request: request.network)
def test_weights_of_a_file_are_exported_and_rebuilt(
    library: Library, photos: Path, tmp_path: Path, request_: BackboneRequest
) -> None:
    theirs, file = _keras_network(request_), tmp_path / "no_top.h5"
    _save(theirs, file)
    given = BackboneRequest(request_.network, request_.alpha, request_.side, file)
    card = _fetch(library, given)
    folder = library.user / card.name / "1"
    assert card.weights == theirs.count_params()
    scale = _SCALINGS.get(request_.network, keras.applications.mobilenet.preprocess_input)
    wanted = np.asarray(theirs(scale(_images(card).astype(np.float32)), training=False)).mean(axis=(1, 2))
    found = _features(folder / card.file, _images(card))
    np.testing.assert_allclose(found, wanted, rtol=0.03, atol=0.03 * float(np.abs(wanted).max()))
    again = np.asarray(read_backbone(folder).keras_model()(_images(card), training=False)[graph.FEATURES])
    np.testing.assert_allclose(again, found, rtol=1e-3, atol=1e-3 * float(np.abs(found).max()))
    with pytest.raises(UsageError, match="partially"):
        _train(library, photos, card.name, Recipe.FINE_TUNE, Depth.EXIT_FLOW)


def test_dense_is_trained_on_a_network_that_keras_does_not_know(library: Library, photos: Path) -> None:
    trained = _train(library, photos, teaching.BACKBONE, Recipe.DENSE)
    assert trained.model.card.training["parity"]["images"] >= 32


def _images(card: BackboneCard) -> NDArray[np.uint8]:
    side = card.preprocessing.size
    return np.random.default_rng(4).integers(0, 256, (2, side, side, 3), np.uint8)


def _features(file: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return run_file(open_file(file.read_bytes()), (graph.FEATURES,), images)[0]


def test_the_classifier_of_xception_is_read_from_a_file(
    library: Library, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras's file with the classifier: the same layers, then a dense one; here a narrow network of three classes."""
    small = Network("Xception", 71, 71, "MIT", classes=len(tiny.CLASSES))
    monkeypatch.setattr(networks, "NETWORKS", {**NETWORKS, "xception-1000": small})
    monkeypatch.setattr(published, "xception", lambda size, _: xception(size, Design(1, 0.05)))
    theirs = xception(71, Design(1, 0.05))
    logits = keras.layers.Dense(small.classes, name="predictions")(theirs.output[graph.FEATURES])
    complete, file = keras.Model(theirs.input, logits), tmp_path / "xception_weights_tf_dim_ordering_tf_kernels.h5"
    _save(complete, file)
    request = BackboneRequest("xception-1000", weights=file)
    model = fetch.fetch_classifier(request, library, report=lambda _: None, token=CancelToken())
    assert (model.name, model.card.classes) == ("xception-1000", tiny.CLASSES)
    assert file.name in model.card.origin.source
    images = _images(model.backbone.card)
    wanted = np.asarray(complete(images.astype(np.float32), training=False))
    found = load_head(model).logits(_features(model.folder / model.backbone.card.file, images))
    np.testing.assert_allclose(found, wanted, atol=0.01 * float(np.abs(wanted).max()))
    assert len(_predict(model, photos)) == len(tiny.CLASSES)
    with pytest.raises(UsageError, match="already installed"):
        fetch.fetch_classifier(request, library, report=lambda _: None, token=CancelToken())


def _save(network: keras.Model, file: Path) -> None:
    """Save weights in the layout of the files that Keras offers for download."""
    with h5py.File(file, "w") as content:
        keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(content, network)
