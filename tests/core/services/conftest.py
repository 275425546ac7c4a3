"""The other end of the pipe to a helper process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calling import Window


@pytest.fixture
def window(home: Path) -> Iterator[Window]:
    made = Window()
    yield made
    made.close()
    assert not made.worker.is_alive()
