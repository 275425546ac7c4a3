"""Models as .tflite files: what the LiteRT interpreter predicts is what the .onnx file predicts, in every storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import ModelError
from core.base.progress import CancelToken
from core.card import BackboneCard, Preprocessing, ResizeMode, SharedBackbone, write_card
from core.engine import golden, graph
from core.exporting import litert
from core.exporting.litert import export_litert
from core.exporting.values import ExportEvaluation
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from core.models import joined
from core.models.composite import compose
from core.models.heads import DenseHead, Head, LinearHead, head_bytes
from core.models.installed import load_backbone, load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.models.variants import Outputs, open_file, run_file, run_joined
from core.models.weight_storage import Storage
from core.trainer import litert as converter
from core.trainer import published
from core.trainer.export import backbone_bytes, exported_backbone_card
from core.training import quick
from core.training.networks import BackboneRequest, Design
from tests import teaching, tflite, tiny

REQUEST = BackboneRequest("xception", 0.05, 71, untrained=True, design=Design(1))
Network: TypeAlias = tuple[bytes, BackboneCard]


@pytest.fixture(scope="module")
def network() -> Network:
    """A narrow and shallow Xception for small images, with random weights."""
    model = published.build(REQUEST, None)
    data = backbone_bytes(model)
    card = exported_backbone_card(
        model, data, name="narrow", architecture=REQUEST.described.title, design=REQUEST.card_design,
        preprocessing=Preprocessing(REQUEST.side, ResizeMode.STRETCH), origin=tiny.ORIGIN,
    )  # fmt: skip
    return data, card


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled photos."""
    return teaching.write_labelled(tmp_path_factory.mktemp("photos"), 12)


@pytest.fixture(autouse=True)
def trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer in this process."""

    def run_here(arguments: list[str], *, report: Callable[[object], None], token: CancelToken, **_: object) -> Any:  # noqa: ANN401
        return converter.run(Path(arguments[1]), report, token)

    monkeypatch.setattr(litert, "run_trainer", run_here)


def _pixels(photos: Path, plan: Preprocessing) -> NDArray[np.uint8]:
    """All photos, class by class."""
    files = [file for label in tiny.CLASSES for file in sorted((photos / label).iterdir())]
    return np.stack([preprocess(decode(file, min_side=plan.min_decode_side), plan) for file in files])


def _model(
    place: Path,
    network: Network,
    photos: Path,
    fit: Callable[..., Head] = quick.fit,
    resize: ResizeMode | None = None,
) -> InstalledModel:
    """A model that was trained on the photos, over a network that is shared, with its own way of making them square."""
    data, card = network
    images = _pixels(photos, replace(card.preprocessing, fit=resize or card.preprocessing.fit))
    features = run_file(open_file(data), (graph.FEATURES,), images)[0]
    labels = np.arange(len(tiny.CLASSES)).repeat(len(images) // len(tiny.CLASSES))
    own = head_bytes(fit(features, labels, 0.1))
    shared = SharedBackbone(card.name, card.sha256)
    tiny.write_folder(place / "shipped" / card.name, write_card(card), {} if card.parts else {card.file: data})
    library = Library(place / "shipped", place / "own")
    made = tiny.model_card("mine", backbone=shared, head_data=own, fit=resize)
    return library.install(write_card(made), {tiny.HEAD_FILE: own})


def _export(
    model: InstalledModel, file: Path, storage: Storage, photos: Path | None = None
) -> tuple[bytes, ExportEvaluation | None]:
    evaluation = export_litert(model, file, storage, photos, 0.05, report=lambda _: None, token=CancelToken())
    return file.read_bytes(), evaluation


def _onnx(model: InstalledModel, images: NDArray[np.uint8]) -> Outputs:
    """What the exported .onnx predicts."""
    card = model.backbone.card
    data = joined.join(load_backbone(model.backbone), card, load_head(model), model.card)
    return run_joined(open_file(data), images)


def _agreement(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    return float((found.argmax(axis=1) == wanted.argmax(axis=1)).mean())


def test_every_storage_predicts_what_the_onnx_file_does(network: Network, photos: Path, tmp_path: Path) -> None:
    model, sizes = _model(tmp_path, network, photos), {}
    images = _pixels(photos, model.backbone.card.preprocessing)
    wanted = _onnx(model, images)
    greatest = float(np.abs(wanted.logits).max())
    for storage, limit in ((Storage.FLOAT32, 1e-4), (Storage.FLOAT16, 0.01), (Storage.INT8, 0.5)):
        given = photos if storage is Storage.INT8 else None
        data, evaluation = _export(model, tmp_path / f"{storage}.tflite", storage, given)
        found, sizes[storage] = tflite.run(data, images), len(data)
        assert np.abs(found["logits"] - wanted.logits).max() <= limit * greatest, storage
        np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1, atol=0.02)
        assert golden.cosine(found["features"], wanted.features) > (0.9 if storage is Storage.INT8 else 0.999)
        assert _agreement(found["logits"], wanted.logits) >= (0.9 if storage is Storage.INT8 else 1.0), storage
        assert (evaluation is not None) == (storage is Storage.INT8)
    assert (
        sizes[Storage.INT8] < sizes[Storage.FLOAT16] < 0.75 * sizes[Storage.FLOAT32]
    )  # names and shapes need room, too


def test_8_bits_are_measured_on_photos_made_square_in_the_models_own_way(
    network: Network, photos: Path, tmp_path: Path
) -> None:
    """One way stands for all: the file reads squares, and `core.exporting.samples` makes them."""
    model = _model(tmp_path, network, photos, resize=ResizeMode.PAD)
    plan = model.backbone.card.preprocessing
    assert plan.fit is ResizeMode.PAD
    data, evaluation = _export(model, tmp_path / "m.tflite", Storage.INT8, photos)
    assert evaluation is not None
    assert evaluation.exact.accuracy >= 0.9
    images = _pixels(photos, plan)
    assert _agreement(tflite.run(data, images)["logits"], _onnx(model, images).logits) >= 0.9


def _dense(features: NDArray[np.float32], labels: NDArray[np.int64], c: float) -> DenseHead:
    """The linear head with a layer before it that does nothing, as features are positive."""
    width = features.shape[1]
    return DenseHead(
        (LinearHead(np.eye(width, dtype=np.float32), np.zeros(width, np.float32)), quick.fit(features, labels, c))
    )


@pytest.mark.parametrize("fit", [quick.fit_prototypes, _dense], ids=["prototype", "dense"])
def test_every_head_is_exported(network: Network, photos: Path, tmp_path: Path, fit: Callable[..., Head]) -> None:
    model = _model(tmp_path, network, photos, fit)
    images = _pixels(photos, model.backbone.card.preprocessing)
    data, _ = _export(model, tmp_path / "mine.tflite", Storage.FLOAT32)
    np.testing.assert_allclose(tflite.run(data, images)["probabilities"], _onnx(model, images).probabilities, atol=1e-3)


def test_two_joined_networks_are_exported(network: Network, photos: Path, tmp_path: Path) -> None:
    data, card = network
    tiny.write_folder(tmp_path / "shipped" / card.name, write_card(card), {card.file: data})
    reference = SharedBackbone(card.name, card.sha256)
    pair = replace(
        card, name="pair", architecture=" + ".join([card.architecture] * 2), feature_width=2 * card.feature_width,
        parts=(reference, reference),
    )  # fmt: skip
    both = compose(((data, card), (data, card)), pair)
    features = run_file(open_file(both), (graph.FEATURES,), golden.golden_inputs(card.preprocessing.size))[0]
    pair = replace(pair, sha256=tiny.sha256(both), golden_features=golden.encode_features(features))
    model = _model(tmp_path, (both, pair), photos)
    images = _pixels(photos, card.preprocessing)
    found = tflite.run(_export(model, tmp_path / "mine.tflite", Storage.FLOAT32)[0], images)
    wanted = _onnx(model, images)
    np.testing.assert_allclose(found["probabilities"], wanted.probabilities, atol=1e-3)
    assert _agreement(found["logits"], wanted.logits) == 1


def test_a_mobilenet_of_another_program_is_refused(network: Network, photos: Path, tmp_path: Path) -> None:
    data, card = network
    model = _model(tmp_path, (data, replace(card, architecture="MobileNetV1", design={})), photos)
    with pytest.raises(ModelError, match="“MobileNetV1” can't be exported") as caught:
        _export(model, tmp_path / "mine.tflite", Storage.FLOAT32)
    assert "Export this model as .onnx" in caught.value.hint
    assert not (tmp_path / "mine.tflite").exists()
