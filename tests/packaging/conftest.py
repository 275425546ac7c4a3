"""The scripts in packaging/ import each other by name: a package there would hide the library `packaging`."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests import a script inside themselves, or through `pytest.importorskip`."""
    monkeypatch.syspath_prepend(ROOT / "packaging")
