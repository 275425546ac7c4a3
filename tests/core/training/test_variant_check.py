"""Heads are trained on the variant that runs, and are checked against float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.base.progress import CancelToken
from core.base.providers import ComputePrecision, Precision, ProviderPreference
from core.datasets.label_source import LabelSource
from core.datasets.labelled_image import LabelledImage
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureTable
from core.engine.limits import MAX_BATCH
from core.models.classifier import open_classifier
from core.models.heads import LinearHead
from core.models.library import Library
from core.models.values import InstalledModel
from core.models.variant_agreement import VariantAgreement
from core.training import train as train_module
from core.training.backbones import BACKBONE
from core.training.request import RetrainRequest, TrainRequest
from core.training.retrain import retrain
from core.training.train import Trained, train
from core.training.training_data import LabelledFeatures, extractor_of
from core.training.variant_check import compare_logits
from tests import teaching, tiny
from tests.labels import correction, give

FLOAT32, INT8 = ComputePrecision.FLOAT32, ComputePrecision.INT8


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = teaching.make_library(tmp_path)
    tiny.write_variant(library.builtin, name=BACKBONE)
    return library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "pictures", 12)


def run(folder: Path, library: Library, precision: Precision = Precision.AUTO) -> Trained:
    asked = TrainRequest(folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, precision)
    return train(asked, library, report=lambda _: None, token=CancelToken())


def runs_in(model: InstalledModel) -> ComputePrecision:
    return open_classifier(model, ProviderPreference.CPU, Precision.AUTO).engine.precision


@pytest.mark.usefixtures("speeds")
def test_a_head_is_trained_on_the_variant_that_runs_and_checked_in_float32(folder: Path, library: Library) -> None:
    trained = run(folder, library)
    assert trained.data.card.precision is INT8
    assert trained.model.card.training["variant"] == "int8"
    found = trained.model.card.evaluation["variants"]["int8"]
    assert found == {"images": len(trained.data.validation), "agreement": 1.0, "accuracy_lost": 0.0}
    assert runs_in(library.find("mine")) is INT8


@pytest.mark.usefixtures("speeds")
def test_a_head_that_is_trained_in_float32_is_checked_in_8_bits(folder: Path, library: Library) -> None:
    trained = run(folder, library, Precision.EXACT)
    assert trained.model.card.training["variant"] == "float32"
    assert trained.model.card.evaluation["variants"]["int8"]["images"] == len(trained.data.validation)
    assert runs_in(library.find("mine")) is INT8


@pytest.mark.usefixtures("speeds")
def test_a_multi_label_head_is_trained_and_runs_in_8_bits_too(library: Library, tmp_path: Path) -> None:
    labels = teaching.write_label_sets(tmp_path / "sets", 60)
    table = teaching.write_table(tmp_path / "labels.csv", labels)
    asked = TrainRequest(
        tmp_path / "sets", "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO,
        labels=LabelSource.FILE, labels_file=table,
    )  # fmt: skip
    trained = train(asked, library, report=lambda _: None, token=CancelToken())
    assert trained.data.card.precision is INT8
    found = trained.model.card.evaluation["variants"]["int8"]
    assert (found["images"], found["agreement"] >= 0.9) == (len(trained.data.validation), True)
    assert runs_in(library.find("mine")) is INT8


@pytest.mark.usefixtures("speeds")
def test_a_variant_that_does_not_work_here_is_not_measured(folder: Path, library: Library) -> None:
    (library.builtin / BACKBONE / tiny.INT8_FILE).write_bytes(b"damaged")
    assert "variants" not in run(folder, library).model.card.evaluation
    assert runs_in(library.find("mine")) is FLOAT32


@pytest.mark.usefixtures("speeds")
def test_where_8_bits_change_predictions_a_head_is_trained_in_float32(
    folder: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = VariantAgreement(100, 0.5, 0.0)
    monkeypatch.setattr(train_module, "measure_variants", lambda *_, **__: {INT8: bad})
    trained = run(folder, library)
    assert (trained.data.card.precision, trained.model.card.training["variant"]) == (FLOAT32, "float32")
    assert runs_in(library.find("mine")) is FLOAT32


@pytest.mark.usefixtures("speeds")
@pytest.mark.parametrize("precision", Precision)
def test_a_correction_is_learned_in_the_same_variant(
    folder: Path, library: Library, tmp_path: Path, precision: Precision
) -> None:
    before = run(folder, library, precision)
    made = correction(tiny.write_solid(tmp_path / "new" / "grey.png", "grey"), "blue", "mine")
    give(made)
    retrain(
        RetrainRequest("mine", 1, (made,), ProviderPreference.CPU), library, report=lambda _: None, token=CancelToken()
    )
    version = library.find("mine@2")
    assert version.card.training["variant"] == before.data.card.precision
    assert version.card.evaluation["variants"]["int8"]["agreement"] == 1.0


@pytest.mark.usefixtures("speeds")
def test_features_of_variants_are_stored_apart(folder: Path, library: Library) -> None:
    data = run(folder, library).data
    backbone, (first, *_) = data.backbone, data.train.examples
    low = extractor_of(backbone, ProviderPreference.CPU, Precision.AUTO).kind
    exact = extractor_of(backbone, ProviderPreference.CPU, Precision.EXACT).kind
    assert (low.backbone, exact.backbone) == (data.card.sha256, backbone.card.sha256)
    with FeatureStore() as store:
        (row,) = store.get(low, [first.sha256]).values()
        assert not store.get(exact, [first.sha256])
    np.testing.assert_array_equal(data.train.features[0], row)


def _certain(margins: list[float]) -> tuple[LabelledFeatures, LinearHead]:
    """Images whose two logits differ by these margins: their features."""
    features = np.stack([margins, np.zeros(len(margins))], axis=1).astype(np.float32)
    examples = tuple(LabelledImage(Path(f"{row}.png"), "first") for row in range(len(margins)))
    head = LinearHead(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    return LabelledFeatures(examples, features, np.zeros(len(margins), np.int64)), head


@pytest.mark.parametrize(("change", "computed"), [(0.1, MAX_BATCH), (5.0, 2 * MAX_BATCH), (100.0, 3 * MAX_BATCH)])
def test_only_images_whose_prediction_could_change_are_computed(change: float, computed: int) -> None:
    part, head = _certain([float(row) for row in reversed(range(3 * MAX_BATCH))])
    asked: list[Path] = []

    def compute(examples: Sequence[LabelledImage]) -> FeatureTable:
        rows = [int(one.path.stem) for one in examples]
        asked.extend(one.path for one in examples)
        shift = np.array([-change, 0], np.float32)
        return FeatureTable(part.features[rows] + shift, np.arange(len(rows)), (), len(rows))

    rows, before, now = compare_logits(part, head, compute)
    assert len(asked) == computed
    assert rows.tolist() == list(range(len(part)))
    certain = [row for row in rows.tolist() if part.paths[row] not in asked]
    np.testing.assert_array_equal(before[certain], now[certain])
    assert int((before.argmax(axis=1) != now.argmax(axis=1)).sum()) == sum(
        0 <= margin < change for margin in part.features[:, 0]
    )


def test_images_that_can_no_longer_be_read_are_left_out() -> None:
    part, head = _certain([0.0, 1.0, 2.0])

    def compute(examples: Sequence[LabelledImage]) -> FeatureTable:
        return FeatureTable(np.zeros((len(examples) - 1, 2), np.float32), np.arange(1, len(examples)), (), 0)

    rows, before, now = compare_logits(part, head, compute)
    assert rows.tolist() == [1, 2]
    assert before.shape == now.shape == (2, 2)
