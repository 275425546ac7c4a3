"""`fovea models export` in every form, run inside the test's process."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto

from core.models import library
from core.models.values import InstalledModel
from tests import fragile, teaching, wide
from tests.core.cli.conftest import Fovea


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "pictures", 16)


@pytest.fixture
def model() -> InstalledModel:
    """The model `colours`, whose kernels are stored in half."""
    return wide.install(library.open_library(), wide.backbone_bytes(half=True))


def _types(file: Path) -> set[int]:
    return {array.data_type for array in onnx.ModelProto.FromString(file.read_bytes()).graph.initializer}


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("storage", "half"), [((), True), (("--storage", "float16"), True), (("--storage", "float32"), False)]
)
def test_weights_are_stored_as_asked(fovea: Fovea, tmp_path: Path, storage: tuple[str, ...], half: bool) -> None:
    file = tmp_path / "colours.onnx"
    ran = fovea("models", "export", "colours", file, *storage)
    assert (ran.code, ran.out) == (0, "")
    assert f"Exported “colours” to “{file}”" in ran.err
    assert (TensorProto.FLOAT16 in _types(file)) == half
    imported = fovea("models", "import", file)
    assert imported.code == 0
    assert imported.out == ("colours\n" if half else "colours-2\n")


@pytest.mark.usefixtures("model")
def test_no_command_creates_the_folder_of_its_output(fovea: Fovea, folder: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    photos = ("--recursive", "--model", "colours", "--output")
    for command in (
        ("models", "export", "colours", missing / "colours.onnx"),
        ("classify", folder, *photos, missing / "results.csv"),
        ("watch", folder, *photos, missing / "results.csv"),
        ("evaluate", folder, "--model", "colours", "--report", missing / "report.html"),
    ):
        ran = fovea(*command)
        assert (ran.code, ran.out) == (2, ""), command
        assert f"there is no folder “{missing}”" in ran.err
        assert not missing.exists()


@pytest.mark.usefixtures("model")
def test_8_bits_are_written_with_a_table_of_what_they_lose(fovea: Fovea, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "colours.onnx"
    ran = fovea("models", "export", "colours", file, "--storage", "int8", "--images", folder)
    assert ran.code == 0, ran.err
    head, rule, *rows, expected = ran.out.splitlines()
    for column in ("accuracy", "loss", "p", "predictions differ", "cosine", "ms per image", "size"):
        assert column in head
    assert set(rule) == {"─"}
    assert [row.split()[0] for row in rows] == ["exact", "u8s8", "s8s8"]
    assert sum("(written)" in row for row in rows) == 1
    assert "a new random split: the model was not trained on this folder" in expected
    assert TensorProto.INT8 in _types(file)
    assert fovea("models", "import", file).out == "colours-2\n"


@pytest.mark.usefixtures("model")
def test_json_has_every_figure(fovea: Fovea, folder: Path, tmp_path: Path) -> None:
    asked = ("models", "export", "colours", tmp_path / "a.onnx", "--storage", "int8", "--images", folder)
    content = json.loads(fovea(*asked, "--format", "json").out)
    assert content["chosen"] in ("u8s8", "s8s8")
    assert content["exact"]["accuracy"] == 1.0
    assert [form["name"] for form in content["forms"]] == ["u8s8", "s8s8"]
    assert content["forms"][0].keys() >= {"accuracy", "lost", "p", "named_otherwise", "cosine", "milliseconds"}
    assert (content["most_lost"], content["is_as_trained"]) == (0.01, False)


def test_what_loses_too_much_is_reported_and_not_written(fovea: Fovea, tmp_path: Path) -> None:
    fragile.install(library.open_library())
    folder, file = fragile.write_images(tmp_path / "pictures", 16), tmp_path / "a.onnx"
    asked = ("models", "export", "fragile", file, "--storage", "int8", "--images", folder)
    ran = fovea(*asked)
    assert ran.code == 2
    assert not file.exists()
    assert "exact" in ran.out
    assert "u8s8" in ran.out
    assert "(written)" not in ran.out
    assert "Nothing was written" in ran.err
    assert "--most-lost" in ran.err
    assert json.loads(fovea(*asked, "--format", "json").out)["chosen"] is None
    assert fovea(*asked, "--most-lost", "1").code == 0
    assert file.exists()


@pytest.mark.usefixtures("model")
def test_what_cannot_be_meant_is_refused(fovea: Fovea, folder: Path, tmp_path: Path) -> None:
    def refused(*arguments: str | Path) -> str:
        ran = fovea("models", "export", "colours", *arguments)
        assert (ran.code, ran.out) == (2, "")
        return ran.err

    assert "ends in .onnx or .tflite" in refused(tmp_path / "colours.h5")
    assert "ends in .onnx or .tflite" in refused(tmp_path / "colours")
    assert "--images" in refused(tmp_path / "a.onnx", "--storage", "int8")
    assert "--images" in refused(tmp_path / "a.tflite", "--storage", "int8")
    assert "Remove --images" in refused(tmp_path / "a.onnx", "--images", folder)
    assert "invalid choice" in refused(tmp_path / "a.onnx", "--storage", "int4")
    assert "not a number from 0 to 1" in refused(tmp_path / "a.onnx", "--most-lost", "2")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.usefixtures("model")
def test_a_network_keras_does_not_have_is_reported(fovea: Fovea, tmp_path: Path) -> None:
    ran = fovea("models", "export", "colours", tmp_path / "a.tflite")
    assert ran.code == 2
    assert "“Tiny”" in ran.err
    assert not (tmp_path / "a.tflite").exists()
