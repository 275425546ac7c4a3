"""Nothing that is exported or passed on says where photos lie, whose they are, or where they were taken."""

from __future__ import annotations

import base64
import json
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from core.base.progress import CancelToken
from core.card import ModelCard, read_card, write_card
from core.card_sharing import shareable, without_paths
from core.exporting.litert import with_files
from core.jobs.job_list import list_jobs
from core.jobs.values import JobSummary, View
from core.models.library import open_library
from core.outputs.reports.plan import ReportFormat
from core.services.exports import export
from tests import teaching
from tests.core.cli.conftest import Fovea

_PERSON = "Anna Schmidt"
_CAMERA = "Camera of Anna"
_GPS = 0x8825


@pytest.fixture
def photos(tmp_path: Path, home: Path) -> Path:
    """Labelled photos in the folder of a person, with the person's name and a position in each."""
    folder = teaching.write_labelled(tmp_path / _PERSON / "holidays", 12, suffix="jpg")
    for number, photo in enumerate(sorted(folder.rglob("*.jpg"))):
        image = Image.open(photo)
        exif = image.getexif()
        exif[0x010F], exif[0x013B] = _CAMERA, _PERSON
        exif.get_ifd(_GPS).update({1: "N", 2: (52.0, 31.0, float(number)), 3: "E", 4: (13.0, 24.0, 0.0)})
        image.save(photo, exif=exif)
        image.close()
    teaching.replace_backbone(home)
    return folder


def _inside(data: bytes) -> Iterator[bytes]:
    """A file's bytes, and those of the files and pictures in it."""
    yield data
    if zipfile.is_zipfile(BytesIO(data)):
        with zipfile.ZipFile(BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    for picture in re.findall(rb"base64,([A-Za-z0-9+/=]+)", data):
        yield base64.b64decode(picture)


def _check(data: bytes, name: str) -> None:
    for content in _inside(data):
        for secret in (_PERSON, _CAMERA, "Exif"):
            assert secret.encode() not in content, f"{name} holds {secret!r}"
            assert secret.encode("utf-16-le") not in content, f"{name} holds {secret!r}"


def _make_old(name: str, folder: Path) -> None:
    """Have a model's card say the whole command, as cards did that earlier versions wrote."""
    model = open_library().find(name)
    card = read_card((model.folder / "card.json").read_bytes())
    assert isinstance(card, ModelCard)
    old = dict(card.training) | {"command": f"fovea train '{folder}' --name {name}"}
    content = json.loads(write_card(card)) | {"training": old}
    (model.folder / "card.json").write_bytes(json.dumps(content).encode())
    assert _PERSON in str(open_library().find(name).card.training)


@pytest.mark.parametrize("is_old", [False, True], ids=["new card", "old card"])
def test_exported_models_hold_no_path(photos: Path, tmp_path: Path, fovea: Fovea, *, is_old: bool) -> None:
    assert fovea("train", photos, "--name", "mine").code == 0
    if is_old:
        _make_old("mine", photos)
    card = open_library().find("mine").card
    if not is_old:
        _check(write_card(card), "the card")
        assert str(card.training["command"]).startswith("fovea train holidays --name mine")
    for file, *options in (
        ("plain.onnx",),
        ("half.onnx", "--storage", "float16"),
        ("int8.onnx", "--storage", "int8", "--images", photos, "--most-lost", "1"),
    ):
        assert fovea("models", "export", "mine", tmp_path / file, *options).code == 0
        _check((tmp_path / file).read_bytes(), file)
    exported = str(shareable(card).training["command"])
    assert exported.startswith("fovea train FOLDER --name mine"), "the name of the folder stays at home, too"
    _check(with_files(b"", card), "the files in a .tflite")
    again = fovea("models", "import", tmp_path / "plain.onnx")
    assert again.code == 0
    assert "mine-2" not in again.out + again.err, "the same model is known again"


def test_reports_name_photos_by_their_place_in_the_folder(photos: Path, tmp_path: Path, fovea: Fovea) -> None:
    assert fovea("train", photos, "--name", "mine").code == 0
    (photos / "red" / "0.jpg").rename(photos / "green" / "wrong.jpg")
    assert fovea("evaluate", photos, "--model", "mine", "--report", tmp_path / "evaluation.html").code == 0
    html = (tmp_path / "evaluation.html").read_bytes()
    assert b"green/wrong.jpg" in html
    _check(html, "the report of evaluate")
    asked = ("--model", "mine", "--recursive", "--format", "html", "--output", tmp_path / "classes.html")
    for which in ([photos], [photos / "red", photos / "green"], [photos / "green" / "wrong.jpg"]):
        assert fovea("classify", *which, *asked).code == 0
        html = (tmp_path / "classes.html").read_bytes()
        assert b"wrong.jpg" in html
        _check(html, "the report of classify")


def test_what_the_window_exports_names_photos_by_their_place(photos: Path, tmp_path: Path, fovea: Fovea) -> None:
    assert fovea("train", photos, "--name", "mine").code == 0
    assert fovea("classify", photos, "--model", "mine", "--recursive", "--format", "jsonl").code == 0
    [job] = list_jobs()
    assert isinstance(job, JobSummary)
    for form in (ReportFormat.CSV, ReportFormat.JSONL, ReportFormat.XLSX, ReportFormat.HTML):
        file = tmp_path / f"report.{form}"
        export(job.id, View(), form, file, report=lambda _: None, token=CancelToken())
        assert any(b"red/0.jpg" in content for content in _inside(file.read_bytes()))
        _check(file.read_bytes(), file.name)


@pytest.mark.parametrize(
    ("command", "shared"),
    [
        ("fovea train '/home/anna/my photos/' --name p --test 0.2", "fovea train 'my photos' --name p --test 0.2"),
        (r"fovea train 'C:\\Users\\anna\\pics' --name p", "fovea train pics --name p"),
        (r"fovea train '\\\\nas\\anna' --name p", "fovea train anna --name p"),
        ("fovea train --x=/home/anna/pics", "fovea train pics"),
        ("fovea train / --name p", "fovea train . --name p"),
        ("fovea train '/home/anna", ""),
    ],
)
def test_a_command_without_paths(command: str, shared: str) -> None:
    assert without_paths(command) == shared
