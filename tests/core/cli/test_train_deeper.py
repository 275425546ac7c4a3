"""The recipes that need TensorFlow, as a person runs them: real weights on small images, real trainer, real library."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import core
from core.base import paths
from core.card import ResizeMode
from core.models.installed import load_backbone, load_head
from core.models.library import open_library
from tests import teaching
from tests.core.cli.conftest import Fovea
from tests.patience import PATIENCE_S
from tests.small_xception import use as use_backbone

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

ROOT = Path(core.__file__).parents[1]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teaching.write_labelled(tmp_path_factory.mktemp("pictures"), 8)


def test_dense_is_trained_verified_and_used(fovea: Fovea, pictures: Path, home: Path, small_xception: Path) -> None:
    use_backbone(home, small_xception)
    ran = fovea(
        "train", pictures, "--name", "mine", "--recipe", "dense", "--epochs", "30", "--fit", "pad", "--format", "jsonl"
    )
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 0, ran.err
    assert [event["number"] for event in events if event["event"] == "epoch"] == list(range(31))
    done = events[-1]
    assert (done["event"], done["in_use"], done["version"], done["recipe"]) == ("done", True, 1, "dense")
    training = done["training"]
    assert training["fitted_to"] == 24
    assert training["parity"]["images"] >= 32
    assert 0 < training["parity"]["greatest_difference"] <= 1e-3
    assert not list(paths.unfinished_runs().glob("mine"))
    named = fovea("classify", pictures, "--recursive", "--model", "mine", "--format", "jsonl")
    answers = [json.loads(line) for line in named.out.splitlines()]
    right = sum(Path(answer["path"]).parent.name == answer["label"] for answer in answers)
    assert (len(answers), right >= 22) == (24, True)
    assert open_library().find("mine").card.fit is ResizeMode.PAD
    exported = pictures.parent / "mine.onnx"
    assert fovea("models", "export", "mine", exported).code == 0
    assert fovea("models", "import", exported).out == "mine\n"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals of POSIX systems")
def test_a_killed_training_is_resumed_unless_its_folder_changed_and_used_only_if_it_is_better(
    fovea: Fovea, pictures: Path, tmp_path: Path, home: Path, small_xception: Path
) -> None:
    use_backbone(home, small_xception)
    folder = shutil.copytree(pictures, tmp_path / "pictures")
    options = ["--name", "mine", "--recipe", "fine-tune", "--epochs", "2", "--fit", "centre-crop", "--format", "jsonl"]
    command = [sys.executable, "-m", "core.cli", "train", str(folder), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout
        for line in killed.stdout:
            if json.loads(line).get("number") == 1:
                break
        deadline = time.monotonic() + PATIENCE_S
        checkpoint = paths.unfinished_runs() / "mine" / "checkpoint.npz"
        while not checkpoint.exists():  # it is written right after the epoch is reported
            assert time.monotonic() < deadline
            time.sleep(0.01)
        killed.kill()
    extra = folder / "red" / "one-more.png"
    shutil.copy(next((folder / "red").iterdir()), extra)
    extra.write_bytes(extra.read_bytes() + b"another content")
    refused = fovea("train", folder, *options)
    assert refused.code == 2
    assert "1 image added, 0 images removed" in refused.err
    extra.unlink()
    ran = fovea("train", folder, *options)
    assert ran.code == 0, ran.err
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [event["number"] for event in events if event["event"] == "epoch"] == [0, 1, 2]
    library = open_library()
    assert [version.number for version in library.versions("mine")] == [1, 2]
    better, began = events[-1]["in_use"], events[-1]["began_with"]
    gained = began["only_this_right"] - began["only_it_right"]
    assert not better or abs(gained) <= 1 or (gained > 0 and began["p"] < 0.05)
    assert library.find("mine").version == (2 if better else 1)
    tuned = library.find("mine@2")
    assert tuned.backbone.card.sha256 != library.find("mine@1").backbone.card.sha256
    assert tuned.backbone.card.preprocessing.fit is library.find("mine@1").card.fit is ResizeMode.CENTRE_CROP
    assert tuned.card.fit is None, "its own backbone says so"
    load_head(tuned)
    load_backbone(tuned.backbone)
    assert tuned.card.training["parity"]["greatest_difference"] <= 1e-3
    if not better:
        assert "did not activate it" in ran.err
        assert fovea("models", "activate", "mine@2").code == 0
    assert fovea("classify", folder, "--recursive", "--model", "mine", "--format", "jsonl").code == 0
