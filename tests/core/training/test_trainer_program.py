"""Which program the trainer is: this Python, or a bundle next to the running one."""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

from core.app import diagnostics
from core.base.bundle import FILES, TRAINER
from core.base.errors import TrainerError
from core.training.trainer_program import find_program

VERSION = metadata.version("fovea")


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the bundle that this process seems to run from."""
    folder = tmp_path / "fovea"
    (folder / "_internal").mkdir(parents=True)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(folder / "_internal"), raising=False)
    monkeypatch.setattr(sys, "executable", str(folder / "fovea"))
    return folder


def put_trainer(folder: Path, version: str) -> Path:
    contents = folder / TRAINER / "_internal"
    contents.mkdir(parents=True)
    (contents / FILES).write_text(json.dumps({"version": version, "files": {}}))
    return contents.parent


def test_a_bundle_without_a_trainer_says_what_to_download_and_where_to_put_it(bundle: Path) -> None:
    with pytest.raises(TrainerError, match="separate download") as caught:
        find_program()
    assert VERSION in caught.value.hint
    assert str(bundle.parent / TRAINER) in caught.value.hint


def test_the_doctor_reports_the_missing_trainer(bundle: Path) -> None:
    issue = diagnostics._trainer()
    assert issue
    assert "separate download" in issue.what
    put_trainer(bundle.parent, VERSION)
    assert diagnostics._trainer() is None


def test_a_trainer_of_another_version_is_rejected(bundle: Path) -> None:
    put_trainer(bundle.parent, "0.0.1")
    with pytest.raises(TrainerError, match=r"belongs to Fovea 0\.0\.1, but this is"):
        find_program()


def test_it_is_started_with_the_original_environment(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put_trainer(bundle.parent, VERSION)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(bundle / "_internal"))
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/before")
    monkeypatch.setenv("DYLD_LIBRARY_PATH", str(bundle / "_internal"))
    monkeypatch.delenv("DYLD_LIBRARY_PATH_ORIG", raising=False)
    program = find_program()
    assert Path(program.command[0]).parent == folder
    assert program.environment["LD_LIBRARY_PATH"] == "/before"
    assert "DYLD_LIBRARY_PATH" not in program.environment
    assert program.environment["PATH"] == os.environ["PATH"]
