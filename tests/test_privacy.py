"""Nothing leaves the machine, and nothing is written outside the program's own folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "gui" / "samples" / "cat.jpg"

_OPEN_A_SESSION = """
import sys, onnxruntime
onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
"""


def run(home: Path, *arguments: str) -> None:
    """Run Python as a person would: not as CI, where ONNX Runtime keeps quiet by itself, and in an empty home."""
    hidden = ("CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "PYTEST_CURRENT_TEST", "PYTEST_VERSION")
    environment = {name: value for name, value in os.environ.items() if name not in hidden and "XDG" not in name}
    environment |= {"HOME": str(home), "FOVEA_HOME": str(home / "fovea"), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *arguments], env=environment, check=True, timeout=PATIENCE_S, capture_output=True)


def strangers(home: Path) -> list[Path]:
    """Files that are not the program's own."""
    files = [file.relative_to(home) for file in home.rglob("*") if file.is_file()]
    return [file for file in files if file.parts[0] != "fovea"]


@pytest.mark.skipif(sys.platform != "linux", reason="the identifier is kept elsewhere on other systems")
def test_onnx_runtime_reports_nothing_to_its_maker(tmp_path: Path) -> None:
    (ours := tmp_path / "ours").mkdir()
    run(ours, "-m", "core.cli", "classify", str(SAMPLE))
    assert strangers(ours) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the identifier is kept elsewhere on other systems")
def test_left_alone_it_would_have_kept_an_identifier(tmp_path: Path) -> None:
    """Without this the test above could pass for the wrong reason; if it fails, the switch may have become needless."""
    (theirs := tmp_path / "theirs").mkdir()
    run(theirs, "-c", _OPEN_A_SESSION, str(ROOT / "models" / "general" / "backbone.onnx"))
    assert any("onnxruntime" in str(file) for file in strangers(theirs))
