"""What the library lists besides models."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base import paths
from core.models.detector_card import CARD
from core.models.examine import installed_detector
from tests.tiny_detector import write_detector


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny detector in place of the built-in one."""
    made = write_detector(tmp_path / "detector")
    monkeypatch.setattr(paths, "builtin_detector", lambda: made)
    return made


def test_the_detector_is_listed_with_its_size_and_licence(folder: Path) -> None:
    found = installed_detector()
    assert found is not None
    assert found.file.parent == folder
    assert found.size_bytes == found.file.stat().st_size > 0
    assert found.kinds > 1
    assert found.licence


def test_a_missing_or_damaged_detector_is_not(folder: Path) -> None:
    (folder / "detector.onnx").unlink()
    assert installed_detector() is None
    (folder / CARD).write_bytes(b"{")
    assert installed_detector() is None
