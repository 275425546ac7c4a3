"""Failures as the window can read them."""

from __future__ import annotations

from core.errors import DatasetError, FoveaError
from core.services.failures import light


def test_every_error_is_one_that_the_window_knows() -> None:
    made = light(DatasetError("Nothing.", hint="Other.", problems=(object(),)))  # type: ignore[arg-type]
    assert (type(made), made.what, made.hint) == (DatasetError, "Nothing.", "Other.")
    assert isinstance(made, FoveaError)
    assert not made.problems
