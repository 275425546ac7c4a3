"""The recipe fine-tune from a job's folder to an exported backbone, with the built-in Xception on small images."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import numpy_helper

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import Cancelled, ModelError, ProviderError, TrainerError
from core.base.progress import CancelToken
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import BackboneCard, HeadReference, ModelCard, SharedBackbone, read_card
from core.engine import engine, golden, graph, sessions
from core.engine.engine import open_engine
from core.engine.limits import MAX_BATCH
from core.models.heads import DenseHead, LinearHead, head_bytes, read_head
from core.models.joined import join
from core.trainer import fine_tune, frozen_base
from core.trainer.backbone import read_backbone
from core.trainer.checkpoint import load
from core.trainer.framework import keras
from core.trainer.frozen_base import open_frozen_base
from core.trainer.xception import copy_weights, exit_flow
from core.training import protocol
from core.training.parity import check_parity
from core.training.protocol import TrainerEvent, TrainerJob
from tests import small_xception, tiny
from tests.small_xception import SIZE
from tests.teaching import write_labelled


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str, int]]]:
    """Eighteen training and six validation photos of three classes; one more is damaged."""
    folder = write_labelled(tmp_path_factory.mktemp("photos"), 8)
    damaged = folder / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    parts: dict[str, list[tuple[str, str, int]]] = {"train": [(str(damaged), tiny.sha256(damaged.read_bytes()), 0)]}
    for label, name in enumerate(tiny.CLASSES):
        for number, path in enumerate(sorted((folder / name).iterdir())):
            part = parts.setdefault("train" if number < 6 else "validation", [])
            part.append((str(path), tiny.sha256(path.read_bytes()), label))
    return parts


@pytest.fixture(scope="module")
def keras_model(small_xception: Path) -> keras.Model:
    """The small backbone in Keras; no test trains it."""
    return read_backbone(small_xception).keras_model()


Prepare = Callable[..., tuple[TrainerJob, Path]]


@pytest.fixture(scope="module")
def prepare(
    small_xception: Path, listed: dict[str, list[tuple[str, str, int]]], tmp_path_factory: pytest.TempPathFactory
) -> Prepare:
    """Makes a job's folder with an untrained initial head."""

    def make(**changes: Any) -> tuple[TrainerJob, Path]:  # noqa: ANN401 - a job's fields
        folder = tmp_path_factory.mktemp("job")
        usual = TrainerJob("fine-tune", 3, 0, 2, 0.02, 0.1, 6, "exit-flow", "exact", "cpu", str(small_xception))
        job = replace(usual, **changes)
        head = LinearHead(np.zeros((2048, 3), np.float32), np.zeros(3, np.float32))
        (folder / protocol.JOB).write_bytes(protocol.job_bytes(job))
        (folder / protocol.IMAGES).write_text(json.dumps(listed))
        (folder / protocol.START).write_bytes(head_bytes(head))
        return job, folder

    return make


def _run(job: TrainerJob, folder: Path, token: CancelToken | None = None, until: int | None = None) -> dict[str, Any]:
    """Run a job; with `until`, cancel it when that epoch is reported."""
    token = token or CancelToken()

    def emit(event: TrainerEvent) -> None:
        if isinstance(event, protocol.Epoch) and event.number == until:
            token.cancel()

    return dict(fine_tune.run(job, folder, emit, token))


@pytest.fixture(scope="module")
def finished(prepare: Prepare) -> tuple[Path, dict[str, Any]]:
    """A job that trained the exit flow for two epochs, and its facts."""
    job, folder = prepare()
    return folder, _run(job, folder)


def _card(folder: Path) -> BackboneCard:
    card = read_card((folder / protocol.BACKBONE_CARD).read_bytes())
    assert isinstance(card, BackboneCard)
    return card


def _check_gate(folder: Path) -> float:
    """Compare the engine with Keras's outputs; the largest difference of a logit."""
    card, data = _card(folder), (folder / protocol.BACKBONE).read_bytes()
    head = read_head((folder / protocol.HEAD).read_bytes())
    reference = HeadReference("head.npz", "0" * 64)
    model = ModelCard("m", "m", "m", tiny.CLASSES, SharedBackbone("b", "0" * 64), reference, tiny.ORIGIN)
    return check_parity(join(data, card, head, model), folder / protocol.PARITY).greatest_difference


def _kernels(data: bytes) -> Iterator[np.ndarray[Any, Any]]:
    """The stored kernels of all convolutions."""
    content = graph.parse(data).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in content.initializer}
    casts = {node.output[0]: node.input[0] for node in content.node if node.op_type == "Cast"}
    for node in content.node:
        if node.op_type == "Conv":
            yield stored[casts.get(node.input[1], node.input[1])]


def test_it_learns(finished: tuple[Path, dict[str, Any]]) -> None:
    history = finished[1]["history"]
    assert history["validation_loss"][0] == pytest.approx(np.log(3), abs=1e-3)
    assert history["validation_loss"][2] < history["validation_loss"][1] < history["validation_loss"][0]
    assert history["validation_accuracy"][2] > 0.5


def test_its_facts(finished: tuple[Path, dict[str, Any]]) -> None:
    _, facts = finished
    assert json.loads(json.dumps(facts)) == facts
    assert facts["depth"] == "exit-flow"
    assert facts["computed_in"] == "float32"
    assert (facts["frozen_part_on"], facts["frozen_part_in"]) == ("cpu", None)
    assert facts["skipped_files"] == 1
    assert facts["images_per_second"] > 0
    assert any("horizontal flip" in line for line in facts["augmentation"])
    assert (facts["epochs"], facts["best_epoch"], facts["batch"]) == (2, 2, 6)
    assert "0.02" in facts["optimizer"]


def test_the_engine_matches_keras(finished: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = finished
    card, data = _card(folder), (folder / protocol.BACKBONE).read_bytes()
    assert card.name == "xception-fine-tuned"
    assert "xception-imagenet" in card.origin.source
    assert card.preprocessing.size == SIZE
    assert open_engine(data, card, Provider.CPU, Precision.EXACT).agreement > 0.9999
    assert 0 < _check_gate(folder) <= 1e-3


def test_only_the_exit_flow_has_changed(finished: tuple[Path, dict[str, Any]], small_xception: Path) -> None:
    before = list(_kernels((small_xception / "backbone.onnx").read_bytes()))
    after = list(_kernels((finished[0] / protocol.BACKBONE).read_bytes()))
    changed = [not np.allclose(one, other, rtol=1e-6) for one, other in zip(before, after, strict=True)]
    assert sum(changed) == 9  # two kernels of each of four separable convolutions, and the shortcut
    assert not any(changed[:-10])
    assert {kernel.dtype.name for kernel, is_new in zip(after, changed, strict=True) if is_new} == {"float32"}


def test_interrupted_after_an_epoch_it_ends_with_the_same_weights(
    finished: tuple[Path, dict[str, Any]], prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.trainer.loop._MIN_CHECKPOINT_S", 0.0)
    job, folder = prepare()
    before = threading.active_count()
    for epoch in (1, 2):
        with pytest.raises(Cancelled):
            _run(job, folder, until=epoch)
        assert threading.active_count() == before
        assert (folder / protocol.CHECKPOINT).exists()
    assert not (folder / protocol.BACKBONE).exists()
    straight, resumed = load(finished[0]), load(folder)
    assert straight is not None
    assert resumed is not None
    for wanted, found in zip(straight.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_whole_network_can_be_trained(prepare: Prepare, small_xception: Path) -> None:
    job, folder = prepare(depth="whole", epochs=1, precision="auto", learning_rate=0.005)
    facts = _run(job, folder)
    assert facts["depth"] == "whole"
    assert facts["frozen_part_on"] is None
    assert facts["history"]["validation_loss"][1] < facts["history"]["validation_loss"][0]
    _check_gate(folder)
    was, now = (next(_kernels((place / "backbone.onnx").read_bytes())) for place in (small_xception, folder))
    assert not np.allclose(was, now, rtol=1e-6)


def test_cancelled_at_once_nothing_is_done(prepare: Prepare) -> None:
    job, folder = prepare()
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        _run(job, folder, token)
    assert not (folder / protocol.CHECKPOINT).exists()


def test_without_the_normalization_it_is_rejected(prepare: Prepare, small_xception: Path, tmp_path: Path) -> None:
    for name in ("card.json", "backbone.onnx"):
        (tmp_path / name).write_bytes((small_xception / name).read_bytes())
    job, folder = prepare(backbone=str(tmp_path))
    with pytest.raises(ModelError, match="lacks the files needed for fine-tuning"):
        _run(job, folder)


@pytest.mark.parametrize("content", [None, "dense"])
def test_without_a_linear_head_it_is_rejected(prepare: Prepare, content: str | None) -> None:
    job, folder = prepare()
    (folder / protocol.START).unlink()
    if content == "dense":
        layers = tuple(LinearHead(np.zeros((width, 3), np.float32), np.zeros(3, np.float32)) for width in (2048, 3))
        (folder / protocol.START).write_bytes(head_bytes(DenseHead(layers)))
    with pytest.raises(TrainerError, match="head"):
        _run(job, folder)


def test_a_frozen_base_that_does_not_match_its_ending_is_rejected(
    small_xception: Path, keras_model: keras.Model
) -> None:
    backbone = read_backbone(small_xception)
    ending = exit_flow(None)
    with pytest.raises(ModelError, match="split in two"):
        open_frozen_base(backbone.data, backbone.card, ending, ProviderPreference.CPU, Precision.AUTO)
    copy_weights(keras_model, ending)
    frozen_base = open_frozen_base(backbone.data, backbone.card, ending, ProviderPreference.CPU, Precision.EXACT)
    assert frozen_base.provider is Provider.CPU
    assert frozen_base.agreement > 0.99999
    with pytest.raises(ProviderError, match="failed while running"):
        frozen_base(np.zeros((1, 10, 10, 3), np.uint8))


@pytest.mark.parametrize("requested", [ProviderPreference.AUTO, ProviderPreference.CUDA])
def test_a_provider_that_runs_the_backbone_but_not_its_base(
    small_xception: Path,
    keras_model: keras.Model,
    requested: ProviderPreference,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An automatically chosen provider falls back to the CPU with a warning; a requested one is an error."""
    backbone, ending, plain = read_backbone(small_xception), exit_flow(None), sessions.open_session
    copy_weights(keras_model, ending)

    def open_session(data: bytes, provider: Provider, precision: Precision) -> ort.InferenceSession:
        if provider is Provider.CUDA:
            raise ProviderError("It cannot take half a network.", hint="Take another.")
        return plain(data, provider, precision)

    monkeypatch.setattr(sessions, "open_session", open_session)
    monkeypatch.setattr("core.trainer.frozen_base.choose_engine", lambda *_: SimpleNamespace(provider=Provider.CUDA))
    if requested is ProviderPreference.AUTO:
        frozen_base = open_frozen_base(backbone.data, backbone.card, ending, requested, Precision.AUTO)
        assert frozen_base.provider is Provider.CPU
        assert "It cannot take half a network" in caplog.text
    else:
        with pytest.raises(ProviderError, match="half a network"):
            open_frozen_base(backbone.data, backbone.card, ending, requested, Precision.AUTO)


@pytest.fixture(scope="module")
def with_int8(shipped_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small backbone with its variant in 8 bits."""
    folder = tmp_path_factory.mktemp("small-int8")
    small_xception.write_with_int8(folder, shipped_models / "xception-imagenet")
    return folder


def _part(folder: Path, model: keras.Model, job: TrainerJob, *, has_validation: bool = True) -> fine_tune._TrainedPart:
    job = replace(job, backbone=str(folder))
    return fine_tune._exit_flow(read_backbone(folder), model, job, has_validation=has_validation)


def test_training_images_go_through_8_bits_if_that_is_faster(
    with_int8: Path, keras_model: keras.Model, prepare: Prepare, speeds: dict[str, float]
) -> None:
    """Without validation images nothing would show how the result is in float32, and exact is float32."""
    speeds |= {"float32": 2.0, "int8": 1.0}
    job, _ = prepare(precision="auto")
    part = _part(with_int8, keras_model, job)
    images = np.random.default_rng(0).integers(0, 256, (MAX_BATCH, SIZE, SIZE, 3), np.uint8)
    assert part.int8_base is not None
    low, exact = part.int8_base(images), part.frozen_base(images)
    assert golden.cosine(low.reshape(MAX_BATCH, -1), exact.reshape(MAX_BATCH, -1)) < 0.9999
    one = np.concatenate([part.int8_base(image[None]) for image in images])
    np.testing.assert_allclose(one, low, atol=1e-4)
    assert _part(with_int8, keras_model, job, has_validation=False).int8_base is None
    assert _part(with_int8, keras_model, replace(job, precision="exact")).int8_base is None
    speeds["int8"] = 2.0
    assert _part(with_int8, keras_model, replace(job, provider="auto")).int8_base is None


def test_a_variant_that_is_wrong_in_parts_is_not_used(
    with_int8: Path,
    keras_model: keras.Model,
    prepare: Prepare,
    speeds: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    speeds |= {"float32": 2.0, "int8": 1.0}
    split = frozen_base.split_variant

    def mixed(backbone: bytes, variant: bytes) -> tuple[bytes, bytes]:
        """The base in float32: as wrong for the variant as arithmetic that saturates."""
        return split(backbone, backbone)[0], split(backbone, variant)[1]

    monkeypatch.setattr(frozen_base, "split_variant", mixed)
    job, _ = prepare(precision="auto")
    assert _part(with_int8, keras_model, job).int8_base is None
    assert "split in two" in caplog.text


@pytest.mark.parametrize(
    ("requested", "has_it", "agreement", "wanted"),
    [
        ("auto", True, 0.99, "bfloat16"),
        ("auto", False, 0.99, "float32"),
        ("exact", True, 0.99, "float32"),
        ("auto", True, 1.1, "float32"),
    ],
)
def test_bfloat16_if_supported_allowed_and_accurate(
    prepare: Prepare,
    small_xception: Path,
    keras_model: keras.Model,
    monkeypatch: pytest.MonkeyPatch,
    requested: str,
    has_it: bool,
    agreement: float,
    wanted: str,
) -> None:
    monkeypatch.setattr(fine_tune, "has_bfloat16", lambda: has_it)
    monkeypatch.setitem(engine.MIN_AGREEMENT, Precision.AUTO, agreement)
    job, _ = prepare(depth="whole", precision=requested)
    backbone = read_backbone(small_xception)
    part = fine_tune._all_layers(backbone, keras_model, job)
    assert part.precision.startswith(wanted)
    assert part.network.get_layer("block1_conv1").compute_dtype == wanted
