"""exiftool, and the record of what it wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.base import paths
from core.outputs.keywords.exiftool import ExifTool, KeywordError, find_exiftool
from core.outputs.keywords.record import SidecarRecord, open_record


@pytest.fixture(scope="session")
def tool() -> ExifTool:
    try:
        return find_exiftool()
    except KeywordError as error:
        pytest.skip(str(error))


@pytest.fixture
def record() -> Iterator[SidecarRecord]:
    with open_record(paths.keyword_record()) as opened:
        yield opened
