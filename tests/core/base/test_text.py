"""Text and numbers for display."""

from __future__ import annotations

import pytest

from core.base.text import percent


@pytest.mark.parametrize(("share", "text"), [(None, "–"), (0.0, "0.0%"), (1.0, "100.0%"), (2 / 3, "66.7%")])
def test_fractions_are_formatted_as_percentages(share: float | None, text: str) -> None:
    assert percent(share) == text
