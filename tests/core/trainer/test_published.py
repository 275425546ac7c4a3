"""Published networks become backbones: from Keras's files of weights, downloaded or given by the user."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import FoveaError, ModelError, UsageError
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.engine import graph
from core.models.library import Library
from core.models.user_backbones import check_unused
from core.models.variants import open_file, run_file
from core.trainer import architectures, published
from core.trainer.framework import keras
from core.training import fetch
from core.training.backbones import requested_backbone
from core.training.fetch import fetch_backbone
from core.training.networks import BackboneRequest
from core.training.request import Recipe, TrainRequest
from core.training.train import train
from tests import teaching

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras's own way of saving, with NumPy 2."""

_SIZE = 32
_NAME = "mobilenet-v2-0.35-32"
_FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """The smallest MobileNetV2, with random weights and statistics."""
    keras.utils.set_random_seed(3)
    shape = (_SIZE, _SIZE, 3)
    model = keras.applications.MobileNetV2(shape, alpha=0.35, include_top=False, weights=None)
    random = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights(list(random.uniform(0.5, 1.5, (4, layer.gamma.shape[0]))))
    return model


@pytest.fixture(scope="module")
def weights(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its weights in a file of the layout that Keras offers for download."""
    file = tmp_path_factory.mktemp("weights") / _FILE
    with h5py.File(file, "w") as content:
        keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(content, network)
    return file


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A library, with the trainer in this process."""

    def run_here(arguments: list[str], *, report: Callable[[object], None], token: CancelToken, **_: object) -> None:
        published.run(Path(arguments[1]), report, token)

    monkeypatch.setattr(fetch, "run_trainer", run_here)
    return teaching.make_library(tmp_path)


def _fetch(library: Library, weights: Path | None) -> NDArray[np.float32]:
    """Fetch the network, and compute the features of an image by it."""
    request = BackboneRequest("mobilenet-v2", 0.35, _SIZE, weights)
    backbone = fetch_backbone(request, library, report=lambda _: None, token=CancelToken())
    data = (backbone.folder / backbone.card.file).read_bytes()
    graph.check_backbone(data, backbone.card)
    return run_file(open_file(data), (graph.FEATURES,), _images())[0]


def _request(folder: Path, recipe: Recipe = Recipe.QUICK) -> TrainRequest:
    return TrainRequest(
        folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO, recipe=recipe, backbone=_NAME
    )


def _images() -> NDArray[np.uint8]:
    return np.random.default_rng(4).integers(0, 256, (1, _SIZE, _SIZE, 3), np.uint8)


def _expected(network: keras.Model) -> NDArray[np.float32]:
    scaled = keras.applications.mobilenet_v2.preprocess_input(_images().astype(np.float32))
    return np.asarray(network(scaled, training=False)).mean(axis=(1, 2))


def test_heads_are_trained_on_the_weights_of_a_file(
    library: Library, network: keras.Model, weights: Path, tmp_path: Path
) -> None:
    np.testing.assert_allclose(_fetch(library, weights), _expected(network), rtol=0.02, atol=0.02)
    backbone = requested_backbone(_request(tmp_path), library)
    assert _FILE in backbone.card.origin.source
    assert "SHA-256" in backbone.card.origin.source
    with pytest.raises(UsageError, match="already installed"):
        _fetch(library, weights)
    with pytest.raises(UsageError, match="partially"):
        requested_backbone(_request(tmp_path, Recipe.FINE_TUNE), library)
    check_unused(library, _NAME)
    request = _request(teaching.write_labelled(tmp_path / "pictures", 12))
    model = train(request, library, report=lambda _: None, token=CancelToken()).model
    assert model.card.backbone.name == _NAME
    with pytest.raises(UsageError, match="backbone of mine"):
        check_unused(library, _NAME)


def test_weights_that_keras_downloaded(
    network: keras.Model, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / _FILE).write_bytes(weights.read_bytes())
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    built = published.build(BackboneRequest("mobilenet-v2", 0.35, _SIZE), "imagenet")
    found = np.asarray(built(_images().astype(np.float32), training=False)[graph.FEATURES])
    np.testing.assert_allclose(found, _expected(network), rtol=1e-4, atol=1e-4)


def test_without_a_connection_the_user_is_told_of_weights_in_files(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure")  # noqa: TRY002 - what Keras raises

    monkeypatch.setattr(architectures, "application", fail)
    with pytest.raises(ModelError, match="URL fetch failure") as caught:
        _fetch(library, None)
    assert "--weights" in caught.value.hint
    assert not list(library.user.glob("mobile*"))


def test_files_of_other_content_are_refused(library: Library, weights: Path, tmp_path: Path) -> None:
    linking, text = tmp_path / "linking.h5", tmp_path / "text.h5"
    text.write_text("no weights")
    with h5py.File(linking, "w") as content:
        content["layer"] = h5py.ExternalLink(str(weights), "/")
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as content:
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        keras.src.legacy.saving.legacy_h5_format.save_weights_to_hdf5_group(content, model)
    for file in (linking, text, other, tmp_path / "missing.h5"):
        with pytest.raises(FoveaError, match=file.name) as caught:
            _fetch(library, file)
        assert "no_top" in caught.value.hint


def test_a_damaged_job_is_reported(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps({"network": "resnet50"}))
    with pytest.raises(FoveaError, match="damaged"):
        published.run(tmp_path, lambda _: None, CancelToken())
