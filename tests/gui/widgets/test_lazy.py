"""Parts that are created when they are first used."""

from __future__ import annotations

import pytest

from gui.widgets.lazy import Lazy


def test_a_part_is_created_once_when_it_is_first_used() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("part")
        return made[-1]

    part = Lazy(make)
    assert part.made is None
    assert made == []
    assert part.get() is part.get() is part.made
    assert made == ["part"]


def test_a_part_that_could_not_be_created_is_created_later() -> None:
    answers = iter(("", "part"))

    def make() -> str:
        answer = next(answers)
        if not answer:
            raise OSError
        return answer

    part = Lazy(make)
    with pytest.raises(OSError):
        part.get()
    assert part.made is None
    assert part.get() == "part"
