"""A model that makes images square in its own way: its card, and its export, which predicts the same elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from core.base.errors import ModelError
from core.base.providers import Precision, ProviderPreference
from core.card import BackboneCard, ResizeMode, read_card, write_card
from core.models import joined
from core.models.classifier import open_classifier
from core.models.exchange import export, import_model
from core.models.library import Library
from core.models.values import InstalledModel
from core.prediction import Prediction
from tests import tiny


@pytest.mark.parametrize("fit", ResizeMode)
def test_a_model_with_a_fit_of_its_own_is_refused_by_earlier_versions(fit: ResizeMode) -> None:
    card = tiny.model_card(fit=fit)
    written = json.loads(write_card(card))
    assert (written["format"], written["fit"]) == (2, fit.value)
    assert read_card(write_card(card)) == card
    plain = json.loads(write_card(tiny.model_card()))
    assert (plain["format"], "fit" in plain) == (1, False)
    with pytest.raises(ModelError, match="fit"):
        read_card(json.dumps(written | {"fit": "squeeze"}).encode())


def _on_banner(model: InstalledModel, photo: Path) -> list[float]:
    """The probabilities of the classes in an image whose middle differs from its sides."""
    (found,) = open_classifier(model, ProviderPreference.CPU, Precision.EXACT).classify([photo], top_k=3)
    assert isinstance(found, Prediction)
    scores = {score.label: score.probability for score in found.scores}
    return [scores[label] for label in tiny.CLASSES]


@pytest.mark.parametrize("fit", [ResizeMode.PAD, ResizeMode.CENTRE_CROP])
def test_an_export_with_a_fit_of_its_own_predicts_the_same_and_comes_back(tmp_path: Path, fit: ResizeMode) -> None:
    library = tiny.make_library(tmp_path / "library")
    other = Library(tmp_path / "other" / "shipped", tmp_path / "other" / "own")
    model = library.install(*tiny.packaged_model("mine", shared=True, fit=fit))
    file, photo = tmp_path / "mine.onnx", tiny.write_banner(tmp_path / "banner.png", "red", "blue")
    export(model, file)
    expected, size = _on_banner(model, photo), tiny.SIZE

    described = {one.key: one.value for one in onnx.load(file).metadata_props}[joined.PREPROCESSING_KEY]
    image = Image.open(photo).convert("RGB")  # as another program does, by the description
    if fit is ResizeMode.PAD:
        assert f"longer side has {size} pixels, in the middle of {size} by {size} pixels of RGB (127, 127" in described
        square = Image.new("RGB", (size, size), (127, 127, 127))
        square.paste(image.resize((size, 11), Image.Resampling.BICUBIC), (0, 10))
    else:
        assert f"the middle square, 1.000 of the shorter side, resized to {size} by {size} pixels" in described
        square = image.resize((size, size), Image.Resampling.BICUBIC, box=(40, 0, 80, 40))
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (found,) = session.run([joined.PROBABILITIES], {"image": np.asarray(square)[None]})
    np.testing.assert_allclose(found[0], expected, atol=1e-5)

    assert not import_model(file, library).is_new
    library.remove("mine")
    again, elsewhere = import_model(file, library).model, import_model(file, other).model
    assert (again.card.fit, again.card.backbone) == (fit, model.card.backbone), "on the shared backbone"
    assert isinstance(elsewhere.card.backbone, BackboneCard)
    for imported in (again, elsewhere):
        assert imported.backbone.card.preprocessing.fit is fit
        np.testing.assert_allclose(_on_banner(imported, photo), expected, atol=1e-5)
