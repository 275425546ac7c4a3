"""A library to learn with."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models.library import Library
from tests import teaching


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return teaching.make_library(tmp_path)
