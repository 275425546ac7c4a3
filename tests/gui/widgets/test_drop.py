"""What the window says it will do with content that is dragged over it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from gui.widgets.drop import DropContent, drop_text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a.jpg"], "Add this photo"),
        (["a.jpg", "b.HEIC"], "Add 2 photos"),
        (["birds.onnx"], "Import the model “birds.onnx”"),
        (["holiday"], "Open “holiday”"),
        (["a.jpg", "holiday"], "Open 2 files and folders"),
    ],
)
def test_the_names_tell_what_a_drop_does(names: list[str], text: str) -> None:
    assert drop_text(DropContent(paths=tuple(map(Path, names)))) == text


def test_an_image_without_a_file_is_added() -> None:
    assert drop_text(DropContent(image=QImage(2, 2, QImage.Format.Format_RGB32))) == "Add this image"
