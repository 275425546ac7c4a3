"""The scripts in packaging/ import each other by name: a package there would hide the library `packaging`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULT = os.environ.get("FOVEA_BUNDLE_RESULT")
"""Where `.ci/run` writes the exit code of the building of the bundle, which goes on beside the first tests."""


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests import a script inside themselves, or through `pytest.importorskip`."""
    monkeypatch.syspath_prepend(ROOT / "packaging")


@pytest.fixture(scope="session")
def built() -> None:
    """The bundle is there, and is the one that is being built, if one is."""
    if RESULT is None:
        return
    result = Path(RESULT)
    while not result.exists():
        time.sleep(0.2)
    assert result.read_text().strip() == "0", (ROOT / "build" / "bundle.log").read_text()
