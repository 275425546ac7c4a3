"""`fovea train`: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import core
from core.api import model_files
from core.base import paths, settings
from core.base.errors import FoveaError
from core.models import library
from core.training import training_data
from core.training.networks import BackboneRequest
from tests import teaching
from tests.core.cli.conftest import Fovea
from tests.patience import PATIENCE_S

ROOT = Path(core.__file__).parents[1]


@pytest.fixture(autouse=True)
def _tiny_backbone(home: Path) -> None:
    teaching.replace_backbone(home)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "pictures", 12)


def _models() -> set[str]:
    return {model.name for model in library.open_library().models() if not model.is_builtin}


def test_json_shows_how_good_the_model_is(fovea: Fovea, folder: Path) -> None:
    ran = fovea("train", folder, "--name", "mine", "--format", "json")
    assert ran.code == 0
    content = json.loads(ran.out)
    assert content["classes"] == ["blue", "green", "red"]
    assert content["accuracy"] == 1.0
    assert set(content["per_class"]) == set(content["classes"])
    assert len(content["confusion"]) == 3
    assert 0 <= content["ece"] <= 1
    assert content["images"] == content["parts"]["test"]
    assert (content["name"], content["version"], content["computed"]) == ("mine", 1, 36)
    assert "--seed 0" in content["training"]["command"]
    assert "fovea: Added “mine” to the library as version 1." in ran.err
    assert json.loads(fovea("train", folder, "--name", "mine", "--format", "json").out)["computed"] == 0


def test_a_table_for_people(fovea: Fovea, folder: Path) -> None:
    ran = fovea("train", folder, "--name", "mine")
    assert ran.code == 0
    for expected in ("mine, version 1", "accuracy", "precision", "recall", "trained on", "36 computed"):
        assert expected in ran.out


def test_what_more_images_would_do_is_said(fovea: Fovea, tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "more", 16)
    content = json.loads(fovea("train", folder, "--name", "mine", "--format", "json").out)
    whole, classes = content["outlook"]["gain"], content["outlook"]["classes"]
    assert (whole["label"], whole["images"], whole["more"]) == ("", 48, 60)
    assert 0 <= whole["low"] <= whole["expected"] <= whole["high"] <= 1
    assert [one["label"] for one in classes] == ["blue", "green", "red"]
    assert "What more images would do" in fovea("train", folder, "--name", "mine").out


def test_labels_to_check_are_listed(fovea: Fovea, folder: Path) -> None:
    wrong = (folder / "red" / "0.png").rename(folder / "green" / "wrong.png")
    content = json.loads(fovea("train", folder, "--name", "mine", "--format", "json").out)
    first = content["label_errors"][0]
    assert (first["path"], first["label"], first["predicted"]) == (str(wrong), "green", "red")
    assert "36 images of the classes, by cross-validation" in content["training"]["unknown_below"]
    shown = fovea("train", folder, "--name", "mine").out
    assert "Labels to check" in shown
    assert "wrong.png" in shown.partition("Labels to check")[2]


def test_the_model_in_use_stays_and_the_new_one_can_be_used(fovea: Fovea, folder: Path) -> None:
    before = settings.load(paths.settings_file()).model
    assert fovea("train", folder, "--name", "mine").code == 0
    assert settings.load(paths.settings_file()).model == before
    assert fovea("models", "use", "mine").code == 0
    lines = fovea("classify", folder, "--recursive", "--format", "jsonl").out.splitlines()
    assert all(Path(line["path"]).parent.name == line["label"] for line in map(json.loads, lines))
    shown = fovea("models", "show", "mine").out
    assert "training, C" in shown
    assert "evaluation, accuracy" in shown


def test_without_test_images_nothing_is_claimed(fovea: Fovea, folder: Path) -> None:
    ran = fovea("train", folder, "--name", "mine", "--test", "0", "--format", "json")
    content = json.loads(ran.out)
    assert (ran.code, content["accuracy"], content["images"]) == (0, None, 0)
    assert "The accuracy is not known" in ran.err
    assert fovea("train", folder, "--name", "mine", "--test", "0").code == 0


def test_what_is_wrong_with_the_folder_is_reported(fovea: Fovea, folder: Path) -> None:
    (folder / "red" / "torn.png").write_bytes(b"torn")
    ran = fovea("train", folder, "--name", "mine", "--format", "json")
    assert ran.code == 0
    assert "torn.png" in ran.err
    assert [problem["kind"] for problem in json.loads(ran.out)["problems"]]


def test_folders_that_look_like_parts_are_reported_once_and_before_the_training(
    fovea: Fovea, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = teaching.write_labelled(tmp_path / "pictures" / "first", 16)
    for number, photo in enumerate(sorted(first.rglob("*.png"))):
        if number % 2:
            other = tmp_path / "pictures" / "second" / photo.relative_to(first)
            other.parent.mkdir(parents=True, exist_ok=True)
            photo.rename(other)
    expected = "The folders “first”, “second” are used as classes but contain folders with the same names"
    assert fovea("train", tmp_path / "pictures", "--name", "mine").err.count(expected) == 1

    def stop(*_: object, **__: object) -> None:
        raise FoveaError("It is too early to compute anything.", hint="")

    monkeypatch.setattr(training_data, "compute_features", stop)
    assert expected in fovea("train", tmp_path / "pictures", "--name", "mine").err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--name", "everyday"], "is the name of a built-in model"),
        (["--name", "No Name"], "is not a valid model name"),
        (["--name", "m", "--test", "1.5"], "is not a fraction below 1 or a whole number"),
        (["--name", "m", "--validation", "nan"], "is not a fraction below 1 or a whole number"),
        (["--name", "m", "--test", "-1"], "is not a fraction below 1 or a whole number"),
        (["--name", "m", "--test", "1000"], ""),
        (["--name", "m", "--test", "0.6", "--validation", "0.6"], ""),
        (["--name", "m", "--seed", "x"], "is not a whole number"),
        (["--name", "m", "--recipe", "slow"], "invalid choice"),
        (["--name", "m", "--epochs", "0"], "is not a whole number of at least 1"),
        (["--name", "m", "--learning-rate", "-1"], "above 0"),
        (["--name", "m", "--depth", "deep"], "invalid choice"),
        ([], "--name"),
    ],
)
def test_what_cannot_be_meant_is_refused(fovea: Fovea, folder: Path, options: list[str], expected: str) -> None:
    ran = fovea("train", folder, *options)
    assert (ran.code, ran.out) == (2, "")
    assert expected in ran.err
    assert len(ran.err.splitlines()) == 2
    assert not _models()


def test_an_empty_folder_reports_why(fovea: Fovea, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = fovea("train", tmp_path / "empty", "--name", "mine")
    assert (ran.code, ran.out) == (2, "")
    assert "Couldn't train on" in ran.err


def _start(*arguments: str | Path, limit: int | None = None) -> subprocess.Popen[str]:
    def before() -> None:
        import resource

        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "core.cli", "train", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_interrupted_it_leaves_no_model_and_keeps_the_features(tmp_path: Path, home: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "many", 700, suffix="bmp")
    process = _start(folder, "--name", "mine")
    kept = home / "cache" / "features.sqlite"
    end = time.monotonic() + PATIENCE_S
    while not _count(kept) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (130, "", "fovea: Stopped.\n")
    assert not _models()
    assert 8 <= _count(kept) < 2100


def _count(kept: Path) -> int:
    """How many features a store holds, another process perhaps just beginning it."""
    try:
        with contextlib.closing(sqlite3.connect(f"{kept.as_uri()}?mode=ro", uri=True)) as opened:
            return int(opened.execute("SELECT COUNT(*) FROM features").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX systems")
def test_a_full_disk_is_reported_and_leaves_nothing(folder: Path, home: Path) -> None:
    process = _start(folder, "--name", "mine", limit=500)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (2, "")
    assert "Couldn't use the cache" in err
    assert "Couldn't write" in err
    assert "Traceback" not in err
    assert not (home / "models" / "mine").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX systems")
def test_the_user_sees_every_stage(folder: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "core.cli", "train", folder, "--name", "mine", "--format", "json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # how Linux says that the other side has closed
        pass
    finally:
        os.close(ours)
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert json.loads(out)["version"] == 1
    for stage in ("computing features", "tuning the regularization", "fitting the head"):
        assert stage in shown.decode()


def test_a_backbone_that_is_not_installed_is_refused_with_what_to_do(fovea: Fovea, folder: Path) -> None:
    variant = "--backbone", "mobilenet-v2", "--alpha", "0.35", "--image-size", "96"
    ran = fovea("train", folder, "--name", "mine", *variant)
    assert (ran.code, ran.out) == (2, "")
    assert "no backbone named “mobilenet-v2-0.35-96”" in ran.err
    assert "--weights none" in ran.err
    small = fovea("train", folder, "--name", "mine", "--backbone", "mobilenet-v2", "--image-size", "30")
    assert (small.code, small.out) == (2, "")
    assert "32 to 1,024 pixels" in small.err


def test_a_network_with_weights_is_added_before_the_training(
    fovea: Fovea, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[BackboneRequest] = []

    def provide(request: BackboneRequest, **_: object) -> str:
        asked.append(request)
        return teaching.BACKBONE

    monkeypatch.setattr(model_files, "provide_backbone", provide)
    network = "--backbone", "mobilenet-v1", "--alpha", "0.25", "--image-size", "32", "--weights", "imagenet"
    ran = fovea("train", folder, "--name", "mine", "--format", "json", *network)
    assert json.loads(ran.out)["backbone"] == teaching.BACKBONE
    assert asked == [BackboneRequest("mobilenet-v1", 0.25, 32)]


def test_a_prototype_head_is_trained_evaluated_and_described(fovea: Fovea, folder: Path, tmp_path: Path) -> None:
    ran = fovea("train", folder, "--name", "mine", "--format", "json", "--head", "prototype")
    content = json.loads(ran.out)
    assert content["accuracy"] == 1.0
    assert "learned point per class" in content["training"]["recipe"]
    assert "--head prototype" in content["training"]["command"]
    assert fovea("models", "export", "mine", tmp_path / "mine.onnx").code == 0
    assert fovea("models", "import", tmp_path / "mine.onnx").code == 0
    image = folder / "red" / "0.png"
    assert json.loads(fovea("classify", image, "--model", "mine", "--format", "jsonl").out)["label"] == "red"
    refused = fovea("train", folder, "--name", "mine", "--head", "prototype", "--recipe", "dense")
    assert (refused.code, refused.out) == (2, "")
    assert "can't train the head prototype" in refused.err


def test_how_images_are_made_square_is_chosen_and_shown(fovea: Fovea, folder: Path) -> None:
    ran = fovea("train", folder, "--name", "mine", "--fit", "pad")
    assert ran.code == 0, ran.err
    assert "32 x 32 pixels, padded" in fovea("models", "show", "mine").out
    assert "fit" not in [line.split()[0] for line in ran.out.splitlines() if line], "nothing was measured"
    ran = fovea("train", folder, "--name", "mine", "--fit", "auto", "--format", "json")
    training = json.loads(ran.out)["training"]
    assert list(training["fit_log_loss"]) == ["stretch", "pad", "centre-crop"]
    assert "--fit auto" in training["command"]
    assert training["fit_chosen"] in " ".join(fovea("models", "show", "mine").out.split())
