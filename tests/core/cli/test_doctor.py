"""`fovea doctor` in both forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.base import paths
from core.models import library
from core.models.values import InstalledModel
from tests import tiny
from tests.core.cli.conftest import Fovea


@pytest.fixture
def _none_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Opening the shipped models takes seconds, and once is enough."""
    monkeypatch.setattr(paths, "builtin_models", lambda: tmp_path / "none")


@pytest.mark.usefixtures("colours")
def test_the_table_shows_every_part(fovea: Fovea) -> None:
    ran = fovea("doctor")
    assert (ran.code, ran.err) == (0, "")
    for expected in ("onnxruntime", "processor", "CUDA", "OpenVINO", "CPU", "colours", "settings", "HEIC"):
        assert expected in ran.out
    assert ran.out.endswith("Images can be classified on this machine.\n")


@pytest.mark.usefixtures("_none_shipped")
def test_json_shows_a_broken_model_with_its_reason(fovea: Fovea, colours: InstalledModel) -> None:
    library.open_library().install(*tiny.packaged_model("sound"))  # which the providers are tried on
    (colours.folder / tiny.MODEL_FILE).write_bytes(b"")
    content = json.loads(fovea("doctor", "--format", "json").out)
    (model,) = (model for model in content["models"] if model["name"] == "colours")
    assert (model["works"], model["is_backbone"]) == (False, False)
    assert "damaged or was changed" in model["trouble"]["what"]
    assert content["tried_on"] == "sound"
    assert "cpu" in {provider["provider"] for provider in content["providers"]} <= {"cuda", "openvino", "cpu"}


@pytest.mark.usefixtures("_none_shipped")
def test_it_shows_whether_keywords_can_be_written_and_how_they_could(
    fovea: Fovea, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    expected = json.loads(fovea("doctor", "--format", "json").out)["keywords"]
    assert "not installed" in expected["what"]
    assert "exiftool" in expected["hint"]
