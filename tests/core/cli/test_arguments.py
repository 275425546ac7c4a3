"""How the command line is asked, and how mistakes are expected."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import core
from tests.core.cli.conftest import Fovea

ROOT = Path(core.__file__).parents[1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "required: COMMAND"),
        (("clasify",), "clasify"),
        (("classify",), "required: PATH"),
        (("classify", ""), "must not be empty"),
        (("classify", "a.jpg", "--top", "0"), "--top"),
        (("classify", "a.jpg", "--top", "many"), "--top"),
        (("classify", "a.jpg", "--provider", "tpu"), "--provider"),
        (("classify", "a.jpg", "--format", "xml"), "--format"),
        (("classify", "a.jpg", "--rec"), "--rec"),
        (("classify", "a.jpg", "--x\x1b[31m"), "--x\\x1b[31m"),
        (("models", "show"), "required: M"),
        (("models", "destroy", "everyday"), "destroy"),
        (("doctor", "now"), "now"),
    ],
)
def test_invalid_requests_are_reported_with_a_hint(fovea: Fovea, arguments: tuple[str, ...], expected: str) -> None:
    ran = fovea(*arguments)
    assert (ran.code, ran.out) == (2, "")
    what, hint = ran.err.splitlines()
    assert what.startswith("fovea: ")
    assert expected in what
    assert "--help" in hint


@pytest.mark.parametrize(
    "command", [(), ("classify", "a.jpg"), ("train", "a", "--name", "b"), ("models", "versions", "m")]
)
def test_the_hint_names_the_command_with_the_unknown_option(fovea: Fovea, command: tuple[str, ...]) -> None:
    ran = fovea(*command, "--nonsense", "--also")
    assert "--nonsense" in ran.err or not command
    names = [part for part in command if part in ("classify", "train", "models", "versions")]
    assert f"`{' '.join(('fovea', *names))} --help`" in ran.err


@pytest.mark.parametrize("command", [(), ("classify",), ("models",), ("models", "import"), ("doctor",)])
def test_every_command_explains_itself(fovea: Fovea, command: tuple[str, ...]) -> None:
    ran = fovea(*command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"usage: {' '.join(('fovea', *command))}")


def test_help_and_version_import_nothing_heavy() -> None:
    script = (
        "import sys; from core.cli import main; main(['--help']); main(['classify', '--help']); main(['--version']);"
        "heavy = {'onnxruntime', 'onnx', 'numpy', 'PIL', 'rich', 'PySide6', 'tensorflow'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert ran.returncode == 0, ran.stderr
    assert "fovea 0." in ran.stdout
