"""The window's wording: *photo* for *image* where someone's photos are meant, and not in names and formats."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import core
from core.services import wording
from core.services.wording import card_wording, window_wording

CORE = Path(core.__file__).parent
_IMAGE = re.compile(r"\bimages?\b")


def messages(folder: Path) -> Iterator[str]:
    """The messages in a folder's code."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("tr", "tr_n", "mark"):
                yield from (one.value for one in node.args if isinstance(one, ast.Constant) and type(one.value) is str)


def test_placeholders_stay() -> None:
    for message in messages(CORE):
        assert re.findall(r"{.*?}", message) == re.findall(r"{.*?}", window_wording(message))


def test_messages_about_options_exist() -> None:
    assert wording._BUTTONS.keys() <= set(messages(CORE))


def test_the_problems_of_a_folder_are_about_photos() -> None:
    about_images = {one for one in messages(CORE / "datasets") if _IMAGE.search(one) and "image files" not in one}
    assert about_images
    assert not [one for one in about_images if _IMAGE.search(window_wording(one))]


@pytest.mark.parametrize(
    ("message", "worded"),
    [
        ("Keep all copies of an image in the same set.", "Keep all copies of a photo in the same set."),
        ("learning from all images", "learning from all photos"),
        ("“my images” contains no images.", "“my images” contains no photos."),
        ("“{name}” is not an image.", "“{name}” is not an image."),
        ("an OpenEXR image", "an OpenEXR image"),
        ("Choose an image file.", "Choose an image file."),
    ],
)
def test_photos_and_not_files(message: str, worded: str) -> None:
    assert window_wording(message) == worded


def test_texts_of_cards_keep_their_names() -> None:
    summary = "Recognises scanned images and cats; trained on 1,129 images with your corrections."
    assert card_wording(summary) == "Recognises scanned images and cats; trained on 1,129 photos with your corrections."
    assert card_wording("3 images of the folder “all images”") == "3 photos of the folder “all images”"
    assert card_wording("on the test images, then to all images") == "on the test photos, then to all photos"


def test_placeholders_keep_their_names() -> None:
    assert window_wording("{images:,} ({share}) of the images") == "{images:,} ({share}) of the photos"
