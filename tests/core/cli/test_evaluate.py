"""`fovea evaluate` run inside the test's process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.card import write_card
from core.models import library
from core.models.heads import head_bytes
from tests import tiny
from tests.core.cli.conftest import Fovea

pytestmark = pytest.mark.usefixtures("colours")


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Two images of each class, and one that lies in the wrong folder."""
    folder = tmp_path / "labelled"
    tiny.write_labelled(folder)
    tiny.write_solid(folder / "green" / "really blue.png", "blue", size=(50, 50))
    return folder


def test_json_has_what_scripts_rely_on(fovea: Fovea, labelled: Path) -> None:
    ran = fovea("evaluate", labelled, "--model", "colours", "--format", "json")
    content = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert (content["model"], content["version"], content["folder"]) == ("colours", 1, str(labelled))
    assert (content["images"], content["accuracy"]) == (7, 0.857143)
    assert content["classes"] == list(tiny.CLASSES)
    assert content["confusion"] == [[2, 0, 0], [0, 2, 1], [0, 0, 2]]
    assert content["confused"] == [{"label": "green", "predicted": "blue", "images": 1, "share": 0.333333}]
    assert content["per_class"]["green"] == {"precision": 1.0, "recall": 0.666667, "f1": 0.8, "support": 3}
    assert 0 <= content["ece"] <= 1
    assert content["mistakes"][0]["path"] == str(labelled / "green" / "really blue.png")
    assert (content["failures"], content["problems"]) == ([], [])
    assert (content["learnt_from"], content["unseen"]) == (None, None)


def _learn_from(*images: Path) -> None:
    sums = [tiny.sha256(image.read_bytes()) for image in images]
    library.open_library().install(*tiny.packaged_model("colours"), trained_on=sums)


def test_images_it_was_trained_on_are_reported_separately(fovea: Fovea, labelled: Path, tmp_path: Path) -> None:
    _learn_from(*(labelled / "red").iterdir(), *(labelled / "blue").iterdir())
    report = tmp_path / "report.html"
    ran = fovea("evaluate", labelled, "--model", "colours", "--format", "json", "--report", report)
    content = json.loads(ran.out)
    assert (ran.code, content["images"], content["learnt_from"]) == (0, 7, 4)
    unseen = content["unseen"]
    assert (unseen["images"], unseen["accuracy"]) == (3, 0.666667)
    assert unseen["interval"][0] < unseen["accuracy"] < unseen["interval"][1]
    what, hint, _ = ran.err.splitlines()
    assert what == ("fovea: The model was trained on 4 of these 7 images, or on copies, so its accuracy is optimistic.")
    assert "On the 3 other images, 66.7% are correct (95% confidence interval: 20.8% to 93.9%)." in hint
    assert "trained on 4 of these 7 images" in report.read_text(encoding="utf-8")


def test_without_held_out_images_there_is_no_held_out_accuracy(fovea: Fovea, labelled: Path) -> None:
    _learn_from(*labelled.rglob("*.png"))
    ran = fovea("evaluate", labelled, "--model", "colours", "--format", "json")
    assert json.loads(ran.out)["unseen"] is None
    assert "trained on 7 of these 7 images" in ran.err
    assert "images that it was not trained on" in ran.err


def test_without_overlap_there_is_no_warning(fovea: Fovea, labelled: Path, pictures: Path) -> None:
    _learn_from(pictures / "red.png")
    ran = fovea("evaluate", labelled, "--model", "colours", "--format", "json")
    content = json.loads(ran.out)
    assert (ran.err, content["learnt_from"]) == ("", 0)
    assert (content["unseen"]["images"], content["unseen"]["accuracy"]) == (7, content["accuracy"])


def test_an_older_version_can_be_evaluated(fovea: Fovea, labelled: Path) -> None:
    _learn_from()
    content = json.loads(fovea("evaluate", labelled, "--model", "colours@1", "--format", "json").out)
    assert (content["model"], content["version"]) == ("colours", 1)


def test_the_table_is_readable(fovea: Fovea, labelled: Path) -> None:
    ran = fovea("evaluate", labelled, "--model", "colours")
    lines = [line.split() for line in ran.out.splitlines()]
    assert (ran.code, ran.err) == (0, "")
    assert ["accuracy", "85.7%", "(95%", "confidence", "interval:", "48.7%", "to", "97.4%)"] in lines
    assert ["green", "100.0%", "66.7%", "80.0%", "3"] in lines
    assert ["2", "green", "·", "2", "1"] in lines
    assert "really blue.png" in ran.out
    assert "Confusion matrix (rows: class, columns: prediction)\n" in ran.out


def test_many_classes_are_reported_by_their_confusions(fovea: Fovea, labelled: Path) -> None:
    classes = (*tiny.CLASSES, *(f"other {number}" for number in range(20)))
    head_data = head_bytes(tiny.head(len(classes)))
    card = tiny.model_card(
        "many", backbone=tiny.backbone_card(name="many-backbone"), head_data=head_data, classes=classes
    )
    files = {tiny.HEAD_FILE: head_data, tiny.MODEL_FILE: tiny.backbone_bytes()}
    library.open_library().install(write_card(card), files)
    ran = fovea("evaluate", labelled, "--model", "many")
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["green", "blue", "1", "33.3%"] in lines
    assert ["top-5", "accuracy", "100.0%"] in lines


def test_the_report_is_written_beside_the_results(fovea: Fovea, labelled: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    ran = fovea("evaluate", labelled, "--model", "colours", "--format", "json", "--report", file)
    assert (ran.code, json.loads(ran.out)["images"]) == (0, 7)
    assert ran.err == f"fovea: Saved the report to “{file}”.\n"
    html = file.read_text(encoding="utf-8")
    assert "85.7%" in html
    assert "green predicted as blue" in html


def test_a_report_never_overwrites_an_image(fovea: Fovea, labelled: Path) -> None:
    image = labelled / "red" / "0.png"
    before = image.read_bytes()
    ran = fovea("evaluate", labelled, "--model", "colours", "--report", image)
    assert (ran.code, ran.out) == (2, "")
    assert image.read_bytes() == before


def test_a_report_that_cannot_be_written_is_reported(fovea: Fovea, labelled: Path, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    ran = fovea("evaluate", labelled, "--model", "colours", "--report", tmp_path / "report.html")
    assert ran.code == 2
    assert "report.html" in ran.err


def test_images_that_cannot_be_read_and_other_classes_are_reported(fovea: Fovea, labelled: Path) -> None:
    (labelled / "red" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    tiny.write_solid(labelled / "grey" / "0.png", "grey")
    ran = fovea("evaluate", labelled, "--model", "colours", "--format", "json")
    content = json.loads(ran.out)
    assert (ran.code, content["images"]) == (1, 7)
    assert [Path(failure["path"]).name for failure in content["failures"]] == ["torn.png"]
    assert [problem["kind"] for problem in content["problems"]] == ["class-left-out"]
    assert "torn.png" in ran.err
    assert "“grey” (1)" in ran.err


@pytest.mark.parametrize(("folder", "expected"), [("nowhere", "nowhere"), ("labelled/red", "labelled images")])
def test_an_evaluation_without_images_is_refused(fovea: Fovea, labelled: Path, folder: str, expected: str) -> None:
    ran = fovea("evaluate", labelled.parent / folder, "--model", "colours", "--format", "json")
    assert (ran.code, ran.out) == (2, "")
    what, hint = ran.err.splitlines()
    assert expected in what
    assert hint.strip()


def test_an_unknown_model_is_reported(fovea: Fovea, labelled: Path) -> None:
    ran = fovea("evaluate", labelled, "--model", "nobody")
    assert (ran.code, ran.out) == (2, "")
    assert "nobody" in ran.err


def test_help_explains(fovea: Fovea) -> None:
    ran = fovea("evaluate", "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "--report FILE" in ran.out
