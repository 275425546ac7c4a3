"""Models are exported and imported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.api import model_files
from core.base.errors import ModelError, UsageError
from core.base.progress import CancelToken
from core.exporting.formats import ExportFormat
from core.models.library import open_library
from core.prediction import Prediction
from tests import tiny
from tests.core.models.test_onnx_import import ANSWERS, classifier


@pytest.fixture(autouse=True)
def _two_versions(home: Path) -> None:
    tiny.install_two_versions(open_library())


def export(reference: str, file: Path, format_: ExportFormat) -> model_files.ExportedFile:
    return model_files.export_model(reference, file, format_, None, report=lambda _: None, token=CancelToken())


def test_a_model_is_exported_and_imported(tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    assert export("mine@1", file, ExportFormat.ONNX).size_bytes == file.stat().st_size
    assert model_files.import_model(file) == model_files.ImportedModel("mine-2", is_new=True)
    assert model_files.import_model(file) == model_files.ImportedModel("mine-2", is_new=False)
    with pytest.raises(UsageError, match="labelled images"):
        export("mine", tmp_path / "x.onnx", ExportFormat.ONNX_INT8)


def test_a_file_of_another_program_is_imported_with_answers(tmp_path: Path) -> None:
    file = tmp_path / "theirs.onnx"
    file.write_bytes(classifier().SerializeToString())
    assert [one.class_count for one in model_files.inspect_model(file)] == [3]
    photo = tiny.write_solid(tmp_path / "photo.png", "red")
    predicted = model_files.preview_import(file, ANSWERS, photo)
    assert isinstance(predicted, Prediction)
    assert predicted.best.label == "red"
    assert model_files.import_model(file, ANSWERS).name == "colours-of-others"
    with pytest.raises(ModelError):
        model_files.import_model(file, replace(ANSWERS, classes=("a",)))
