"""`fovea models`: listing, showing, choosing, exporting, importing and removing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from core.api import model_files
from core.base import paths, settings
from core.models import library
from core.models.values import InstalledModel
from core.training.networks import BackboneRequest
from tests import teaching, tiny
from tests.core.cli.conftest import Fovea
from tests.core.models.test_onnx_import import classifier


def _names() -> set[str]:
    return {entry.name for entry in library.open_library().entries()}


def _in_use() -> str:
    return settings.load(paths.settings_file()).model


def test_the_list_shows_models_backbones_and_broken_entries(fovea: Fovea, colours: InstalledModel, home: Path) -> None:
    broken = home / "models" / "broken"
    tiny.write_folder(broken / "1", b"{}", {})
    (broken / "active").write_text("1")
    ran = fovea("models", "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    rows = {row["name"]: row for row in json.loads(ran.out)}
    about = {"title": "Colours", "summary": "Tells whether an image is red, green or blue.", "classes": 3}
    place = {"backbone": "colours-backbone", "shipped": False, "version": 1, "size_bytes": colours.size_bytes}
    place["versions"] = [1]
    assert rows["colours"] == {"name": "colours", "kind": "model", "in_use": False} | about | place
    assert rows["broken"]["kind"] == "broken"
    assert rows["broken"]["message"]
    assert rows["broken"]["hint"]


def test_the_list_for_people_marks_the_model_in_use(fovea: Fovea, colours: InstalledModel) -> None:
    assert fovea("models", "use", "colours").code == 0
    ran = fovea("models")
    (line,) = (line for line in ran.out.splitlines() if line.startswith("colours"))
    assert line.startswith("colours (in use)")
    assert "you, version 1" in line


def test_a_model_that_lost_a_file_is_listed_as_broken(fovea: Fovea, colours: InstalledModel) -> None:
    (colours.folder / tiny.HEAD_FILE).unlink()
    ran = fovea("models")
    assert (ran.code, ran.err) == (0, "")
    (line,) = (line for line in ran.out.splitlines() if line.startswith("colours"))
    assert "damaged: The model file “colours/1/head.npz” is missing." in line
    shown = fovea("models", "show", "colours")
    assert (shown.code, shown.out) == (2, "")
    assert "missing" in shown.err


@pytest.mark.usefixtures("colours")
def test_all_that_is_known_of_a_model_is_shown(fovea: Fovea) -> None:
    library.open_library().install(
        *tiny.packaged_model("colours", training={"seed": 7}, evaluation={"accuracy": 0.5, "images": 12})
    )
    shown = fovea("models", "show", "colours").out
    for expected in ("Tiny", "32 x 32", "216", "55,296", "red, green, blue", "Apache-2.0", "drawn by the tests"):
        assert expected in shown
    assert "training, seed" in shown
    assert "evaluation, accuracy" in shown
    assert "version 2" in shown
    content = json.loads(fovea("models", "show", "colours", "--format", "json").out)
    assert content["classes"] == list(tiny.CLASSES)
    assert content["evaluation"] == {"accuracy": 0.5, "images": 12}
    assert content["backbone"]["preprocessing"] == {"size": 32, "fit": "stretch", "crop": 1.0}
    assert (content["backbone"]["weights"], content["version"], content["shipped"]) == (216, 2, False)


@pytest.mark.usefixtures("colours")
def test_the_format_may_stand_before_the_action(fovea: Fovea) -> None:
    assert json.loads(fovea("models", "--format", "json", "show", "colours").out)["name"] == "colours"


def test_markup_in_a_card_is_text(fovea: Fovea) -> None:
    library.open_library().install(
        *tiny.packaged_model(
            summary="[bold]big[/] :dog:", classes=("[red]x[/]", "y", "z"), training={"[red]a[/]": ":dog:"}
        )
    )
    assert "[bold]big[/] :dog:" in fovea("models").out
    shown = fovea("models", "show", "colours").out
    assert "[red]x[/], y, z" in shown
    assert re.search(r"training, \[red\]a\[/\] +:dog:", shown)


@pytest.mark.usefixtures("colours")
def test_the_model_in_use_is_the_one_that_classifies(fovea: Fovea, pictures: Path) -> None:
    assert fovea("models", "use", "colours").code == 0
    assert _in_use() == "colours"
    (line,) = fovea("classify", pictures / "red.png", "--format", "jsonl").out.splitlines()
    assert json.loads(line)["model"] == "colours"


def test_only_a_model_that_is_there_can_be_used(fovea: Fovea) -> None:
    ran = fovea("models", "use", "flowers")
    assert (ran.code, ran.out) == (2, "")
    assert "no model named “flowers”" in ran.err
    assert _in_use() == settings.Settings().model


@pytest.mark.usefixtures("colours")
def test_a_model_is_exported_removed_and_imported(fovea: Fovea, pictures: Path, tmp_path: Path) -> None:
    asked = ("classify", pictures, "--model", "colours", "--provider", "cpu", "--format", "jsonl")
    before = [json.loads(line)["scores"] for line in fovea(*asked).out.splitlines()]
    file = tmp_path / "colours.onnx"
    exported = fovea("models", "export", "colours", file)
    assert (exported.code, exported.out) == (0, "")
    assert file.name in exported.err
    assert fovea("models", "remove", "colours").code == 0
    assert "colours" not in _names()
    imported = fovea("models", "import", file)
    assert (imported.code, imported.out) == (0, "colours\n")
    assert [json.loads(line)["scores"] for line in fovea(*asked).out.splitlines()] == before
    again = fovea("models", "import", file)
    assert (again.code, again.out) == (0, "colours\n")
    assert "already" in again.err


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A classifier of another program, with the names of its classes beside it."""
    file = tmp_path / "theirs.onnx"
    file.write_bytes(classifier().SerializeToString())
    return file


def test_another_programs_classifier_is_imported_with_what_the_user_says(
    fovea: Fovea, theirs: Path, pictures: Path, tmp_path: Path
) -> None:
    names = tmp_path / "names.json"
    names.write_text('{"id2label": {"0": "red", "1": "green", "2": "blue"}}')
    answers = ("--classes", names, "--scaling", "raw", "--crop", "stretch", "--name", "Their Colours")
    tried = fovea("models", "import", theirs, *answers, "--preview", pictures / "red.png")
    assert tried.code == 0
    assert tried.out.splitlines()[0].endswith("  red")
    assert "Nothing was imported" in tried.err
    assert "their-colours" not in _names()
    imported = fovea("models", "import", theirs, *answers)
    assert (imported.code, imported.out) == (0, "their-colours\n")
    ran = fovea("classify", pictures / "red.png", "--model", "their-colours", "--provider", "cpu", "--format", "jsonl")
    assert json.loads(ran.out)["label"] == "red"


def test_all_that_another_programs_file_leaves_open_is_asked_at_once(fovea: Fovea, theirs: Path) -> None:
    ran = fovea("models", "import", theirs)
    assert (ran.code, ran.out) == (2, "")
    assert "--classes" in ran.err
    assert "--scaling" in ran.err
    assert "--size" not in ran.err
    (theirs.parent / "labels.txt").write_text("red, green, blue")
    assert fovea("models", "import", theirs, "--scaling", "raw").code == 0


def test_answers_that_help_nothing_are_refused(fovea: Fovea, theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    for wrong in (("--size", "5"), ("--crop", "2"), ("--scaling", "some"), ("--classes", tmp_path / "empty.txt")):
        assert fovea("models", "import", theirs, *wrong).code == 2
    photo = tmp_path / "nowhere.jpg"
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue")
    ran = fovea("models", "import", theirs, "--scaling", "raw", "--preview", photo)
    assert (ran.code, ran.out) == (2, "")
    assert "nowhere.jpg" in ran.err


@pytest.mark.usefixtures("colours")
def test_an_export_of_ours_takes_no_answers(fovea: Fovea, tmp_path: Path) -> None:
    file = tmp_path / "colours.onnx"
    assert fovea("models", "export", "colours", file).code == 0
    ran = fovea("models", "import", file, "--size", "64", "--name", "x")
    assert ran.code == 2
    assert "--size, --name cannot be used here" in ran.err


@pytest.mark.usefixtures("colours")
def test_a_model_removed_while_in_use_gives_way_to_the_usual_one(fovea: Fovea) -> None:
    fovea("models", "use", "colours")
    ran = fovea("models", "remove", "colours")
    assert ran.code == 0
    assert _in_use() == settings.Settings().model
    assert settings.Settings().model in ran.err


@pytest.mark.parametrize("name", ["flowers", "", ".", "..", "../models", "/"])
@pytest.mark.usefixtures("colours")
def test_only_a_model_of_the_users_own_can_be_removed(fovea: Fovea, home: Path, name: str) -> None:
    ran = fovea("models", "remove", name)
    assert ran.code == 2
    assert "no model named" in ran.err
    assert [path.name for path in (home / "models").glob("[!.]*")] == ["colours"]


def test_a_file_that_is_no_model_is_refused_with_reason_and_hint(fovea: Fovea, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"no model at all")
    ran = fovea("models", "import", file)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 2
    assert "not an ONNX file" in ran.err


@pytest.mark.usefixtures("colours")
def test_an_export_never_overwrites_a_photo(fovea: Fovea, pictures: Path) -> None:
    before = (pictures / "red.png").read_bytes()
    assert fovea("models", "export", "colours", pictures / "red.png").code == 2
    assert (pictures / "red.png").read_bytes() == before


def test_what_was_removed_can_be_restored(fovea: Fovea, tmp_path: Path) -> None:
    library.open_library().install(*tiny.packaged_model("mine"))
    assert "models restore mine" in fovea("models", "remove", "mine").err
    assert "mine" in fovea("models", "restore").out
    assert fovea("models", "restore", "mine").code == 0
    assert library.open_library().find("mine").version == 1
    assert fovea("models", "restore", "mine").code == 2


def test_a_network_that_does_not_exist_is_refused_with_those_that_do(fovea: Fovea) -> None:
    ran = fovea("models", "fetch", "alexnet")
    assert (ran.code, ran.out) == (2, "")
    assert "no network named “alexnet”" in ran.err
    assert "mobilenet-v2" in ran.err
    narrow = fovea("models", "fetch", "mobilenet-v2", "--alpha", "0.3")
    assert (narrow.code, narrow.out) == (2, "")
    assert "0.35, 0.5" in narrow.err


def test_a_fetched_network_is_printed_with_how_to_train_on_it(fovea: Fovea, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[BackboneRequest] = []

    def fetch(request: BackboneRequest, **_: object) -> str:
        asked.append(request)
        return request.name

    monkeypatch.setattr(model_files, "fetch_network", fetch)
    ran = fovea("models", "fetch", "mobilenet-v2", "--alpha", "0.35", "--image-size", "96", "--weights", "weights.h5")
    assert (ran.code, ran.out) == (0, "mobilenet-v2-0.35-96\n")
    assert "--backbone mobilenet-v2-0.35-96" in ran.err
    assert asked == [BackboneRequest("mobilenet-v2", 0.35, 96, Path("weights.h5"))]
    deep = fovea("models", "fetch", "xception", "--middle-blocks", "16", "--factorised", "--weights", "none")
    assert (deep.code, deep.out) == (0, "xception-16-blocks-factorised-299-untrained\n")
    whole = fovea("models", "fetch", "xception-1000")
    assert (whole.code, whole.out) == (0, "xception-1000\n")
    assert "fovea classify --model xception-1000" in whole.err


def test_photos_are_forgotten(fovea: Fovea, home: Path, tmp_path: Path) -> None:
    teaching.replace_backbone(home)
    folder = teaching.write_labelled(tmp_path / "labelled", 8)
    assert fovea("train", folder, "--name", "mine").code == 0
    ran = fovea("models", "forget", "mine", folder / "red" / "1.png", folder / "blue" / "2.png")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "Forgot 2 images: no version of “mine” knows them any more.",
        "Version 2, trained from the start on the others, is active now.",
        "Deleted version 1, which can't be restored.",
    ]
    content = json.loads(fovea("models", "forget", "mine", folder / "red" / "0.png", "--format", "json").out)
    assert (content["version"], content["images"], content["removed"]) == (3, 1, [2])
    summary = library.open_library().find("mine").card.summary
    assert summary.endswith("trained on 21 images.")
    ran = fovea("models", "forget", "mine", folder / "red" / "1.png")
    assert (ran.code, ran.out) == (2, "")
    assert "“1.png” is not among the images that “mine” was trained on." in ran.err
