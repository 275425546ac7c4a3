"""The command line, run inside the test's process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.cli import main
from core.models import library
from core.models.values import InstalledModel
from tests import tiny


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command came to: its exit code and what it wrote."""

    code: int
    out: str
    err: str


Fovea = Callable[..., Ran]


@pytest.fixture
def fovea(capsys: pytest.CaptureFixture[str]) -> Fovea:
    """Run a command."""

    def run(*arguments: str | Path) -> Ran:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def colours() -> InstalledModel:
    """The tiny model, installed in the person's library."""
    return library.open_library().install(*tiny.packaged_model("colours"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a red, a green and a blue image, and a grey one in a subfolder."""
    folder = tmp_path / "pictures"
    for colour in tiny.CLASSES:
        tiny.write_solid(folder / f"{colour}.png", colour)
    tiny.write_solid(folder / "more" / "grey.jpg", "grey")
    return folder
