"""Export in 8 bits: the file, its card, and when nothing is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image, ImageOps

from core.base.errors import Cancelled, DatasetError, StorageError
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import BackboneCard
from core.engine.engine import open_engine
from core.exporting.int8 import QuantizationKind
from core.exporting.quantised import export_int8
from core.exporting.values import MAX_LOSS, AccuracyLossError, ExportEvaluation
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from core.models import joined
from core.models.classifier import open_classifier
from core.models.exchange import import_model
from core.models.installed import load_backbone, load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.prediction import Prediction
from core.training.backbones import BACKBONE
from core.training.request import FitChoice, TrainRequest
from core.training.train import train
from tests import fragile, teaching


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "pictures", 16)


@pytest.fixture
def other(tmp_path: Path) -> Library:
    """An empty library of another user."""
    return Library(tmp_path / "other" / "shipped", tmp_path / "other" / "own")


def _trained(library: Library, folder: Path, fit: FitChoice = FitChoice.BACKBONE) -> InstalledModel:
    request = TrainRequest(
        folder=folder,
        name="mine",
        validation=0.25,
        test=0.25,
        seed=0,
        provider=ProviderPreference.CPU,
        precision=Precision.EXACT,
        command="fovea train pictures",
        fit=fit,
    )
    return train(request, library, report=lambda _: None, token=CancelToken()).model


def _export(
    model: InstalledModel,
    file: Path,
    folder: Path,
    most_lost: float = MAX_LOSS,
    report: ProgressCallback = lambda _: None,
) -> ExportEvaluation:
    return export_int8(model, file, folder, most_lost, report=report, token=CancelToken())


def test_an_8_bit_model_is_written_with_its_evaluation(library: Library, folder: Path, tmp_path: Path) -> None:
    model, file, reported = _trained(library, folder), tmp_path / "mine.onnx", list[Progress]()
    trial = _export(model, file, folder, report=reported.append)
    assert [form.name for form in trial.forms] == ["u8s8", "s8s8"]
    counts = model.card.training["images"]
    assert (trial.calibration, trial.images) == (counts["train"], counts["validation"])
    assert (trial.is_as_trained, trial.learnt) == (True, trial.images), "the head was fitted once more to all"
    assert trial.exact.accuracy == 1.0
    assert all((form.lost, form.named_otherwise) == (0.0, 0) and 0.99 < form.cosine < 1 for form in trial.forms)
    assert all(form.milliseconds > 0 and form.size_bytes > 0 for form in trial.forms)
    assert trial.chosen is not None
    assert abs(file.stat().st_size - trial.chosen.size_bytes) < 2000, "but for what the card says"
    stages = dict.fromkeys(progress.stage for progress in reported)
    assert list(stages)[1:] == ["measuring activations", "converting to 8 bits", "comparing with the original model"]


def test_it_can_be_imported_again(library: Library, other: Library, folder: Path, tmp_path: Path) -> None:
    model, file = _trained(library, folder), tmp_path / "mine.onnx"
    trial = _export(model, file, folder)
    imported = import_model(file, other).model
    card = imported.backbone.card
    assert isinstance(imported.card.backbone, BackboneCard)
    assert (card.name, card.weights) == (f"{BACKBONE}-int8", model.backbone.card.weights)
    engine = open_engine(load_backbone(imported.backbone), card, Provider.CPU, Precision.EXACT)
    assert engine.agreement > 0.99999
    assert card.golden_features != model.backbone.card.golden_features
    np.testing.assert_array_equal(
        load_head(imported).logits(np.eye(8, dtype=np.float32)), load_head(model).logits(np.eye(8, dtype=np.float32))
    )
    images = sorted(folder.rglob("*.png"))
    outcomes = open_classifier(imported, ProviderPreference.CPU, Precision.AUTO).classify(images, top_k=1)
    assert [out.best.label for out in outcomes if isinstance(out, Prediction)] == [p.parent.name for p in images]
    assert trial.chosen is not None
    assert trial.chosen.name in imported.card.training["quantised"]
    found = imported.card.evaluation["quantised"]
    assert (found["kind"], found["lost"], found["validation_images"]) == (trial.chosen.name, 0.0, trial.images)
    assert imported.card.evaluation["accuracy"] == model.card.evaluation["accuracy"]
    assert not import_model(file, other).is_new


@pytest.mark.parametrize("fit", [FitChoice.PAD, FitChoice.CENTRE_CROP])
def test_a_model_with_its_own_way_of_making_photos_square_keeps_it(
    fit: FitChoice, library: Library, other: Library, folder: Path, tmp_path: Path
) -> None:
    model, file = _trained(library, folder, fit), tmp_path / "mine.onnx"
    trial = _export(model, file, folder)
    assert trial.exact.accuracy == model.card.evaluation["accuracy"] == 1.0, "photos were made square in that way"
    imported = import_model(file, other).model
    assert imported.backbone.card.preprocessing == model.backbone.card.preprocessing
    assert imported.backbone.card.preprocessing.fit == fit.mode
    (photo,) = list(folder.rglob("0.png"))[:1]
    found = [
        next(iter(open_classifier(one, ProviderPreference.CPU, Precision.EXACT).classify([photo], top_k=3)))
        for one in (model, imported)
    ]
    before, now = (out.scores for out in found if isinstance(out, Prediction))
    assert [one.label for one in before] == [one.label for one in now]
    assert before[0].probability == pytest.approx(now[0].probability, abs=0.1)


def test_a_variant_that_loses_too_much_is_not_written(library: Library, tmp_path: Path) -> None:
    folder, file = fragile.write_images(tmp_path / "pictures", 16), tmp_path / "a.onnx"
    file.write_text("old")
    model = fragile.install(library)
    with pytest.raises(AccuracyLossError, match="Nothing was written") as caught:
        _export(model, file, folder)
    trial = caught.value.evaluation
    assert trial.exact.accuracy == 1.0
    assert all(form.lost > 0.1 for form in trial.forms)
    assert not trial.is_as_trained
    assert file.read_text() == "old"
    allowed = _export(model, file, folder, most_lost=1.0)
    assert allowed.chosen is not None
    assert allowed.chosen.lost > 0.1
    assert file.read_bytes() != b"old"


def test_a_folder_of_other_classes_is_rejected(library: Library, tmp_path: Path) -> None:
    folder = fragile.write_images(tmp_path / "pictures", 16)
    with pytest.raises(DatasetError, match="no validation images of the classes of “colours”"):
        _export(library.find("colours"), tmp_path / "a.onnx", folder)
    assert not (tmp_path / "a.onnx").exists()


def test_it_can_be_cancelled_while_running(library: Library, folder: Path, tmp_path: Path) -> None:
    for stage in ("measuring activations", "comparing with the original model"):
        token = CancelToken()

        def report(progress: Progress, stage: str = stage, token: CancelToken = token) -> None:
            if progress.stage == stage:
                token.cancel()

        with pytest.raises(Cancelled):
            export_int8(library.find("colours"), tmp_path / "a.onnx", folder, 0.01, report=report, token=token)
        assert not (tmp_path / "a.onnx").exists()


def test_an_unwritable_file_is_reported(library: Library, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        _export(library.find("colours"), tmp_path, folder)


def test_the_built_in_general_model_keeps_its_predictions(shipped_models: Path, photos: Path, tmp_path: Path) -> None:
    """Photos labelled with the model's predictions, each with copies that look different."""
    if not (shipped_models / "general" / "card.json").exists():
        pytest.skip("the shipped model `general` is not on this machine")
    model = Library(shipped_models, tmp_path / "own").find("general")
    classifier = open_classifier(model, ProviderPreference.CPU, Precision.EXACT)
    paths = sorted(photos.rglob("*.*"))[::9]
    sure = [
        out for out in classifier.classify(paths, top_k=1) if isinstance(out, Prediction) and out.best.probability > 0.5
    ]
    assert len(sure) >= 6
    folder = tmp_path / "labelled"
    for out in sure:
        place = folder / out.best.label
        place.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(preprocess(decode(out.path), model.backbone.card.preprocessing))
        for number, copy in enumerate((image, ImageOps.mirror(image), image.rotate(8), image.rotate(-8))):
            copy.save(place / f"{out.path.stem}-{number * 10}.png")
    file = tmp_path / "general.onnx"
    trial = _export(model, file, folder, most_lost=0.2)
    assert trial.exact.accuracy > 0.6
    assert trial.chosen is not None
    assert all(form.cosine > 0.95 for form in trial.forms)
    parts = joined.split(file.read_bytes())
    assert parts.backbone_card.name == f"{model.backbone.card.name}-int8"
    operators = {node.op_type for node in onnx.ModelProto.FromString(parts.backbone).graph.node}
    assert "DequantizeLinear" in operators
    assert QuantizationKind(trial.chosen.name) in QuantizationKind
