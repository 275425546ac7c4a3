"""The window's wording: about messages that exist, and without gaps where the window shows them most."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import core
from core.services.wording import WINDOW_WORDING

CORE = Path(core.__file__).parent
_IMAGE = re.compile(r"\bimages?\b")


def messages(folder: Path) -> Iterator[str]:
    """The messages in a folder's code."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("tr", "tr_n", "mark"):
                yield from (one.value for one in node.args if isinstance(one, ast.Constant) and type(one.value) is str)


def test_every_message_exists_and_keeps_its_placeholders() -> None:
    known = set(messages(CORE))
    for message, worded in WINDOW_WORDING.items():
        assert message in known
        assert sorted(re.findall(r"{.*?}", message)) == sorted(re.findall(r"{.*?}", worded))
        assert not _IMAGE.search(worded)


def test_the_problems_of_a_folder_are_about_photos() -> None:
    about_images = {one for one in messages(CORE / "datasets") if _IMAGE.search(one) and "image files" not in one}
    assert about_images
    assert about_images <= WINDOW_WORDING.keys()
