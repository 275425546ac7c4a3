"""A photo is shown as its thumbnail until the preview is rendered, with its prediction in words."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap
from pytestqt.qtbot import QtBot

from core.prediction import Failure, Outcome, Prediction, Score, Timing
from gui.tasks.picture_client import PREVIEW_SIDE, THUMBNAIL_SIDE, PictureClient
from gui.widgets.basic import PropertyList
from gui.widgets.photo_panel import PhotoPanel, PhotoPreview, headline_text, note_text, prediction_text

PHOTO = Path("a.jpg")
SURE = Prediction(PHOTO, (Score("cat", 0.9),), None, "m", "cpu", Timing(0, 0, 0))
UNKNOWN = Prediction(PHOTO, (Score("cat", 0.4),), True, "m", "cpu", Timing(0, 0, 0))
DAMAGED = Prediction(PHOTO, (Score("cat", 0.9),), None, "m", "cpu", Timing(0, 0, 0), ("A part is missing.",))
FAILED = Failure(PHOTO, "empty", "It is empty.", "Copy it again.")


class Pictures(QObject):
    """Pictures that are ready when a test says so."""

    rendered = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.ready: dict[tuple[Path, int], QPixmap] = {}

    def picture(self, path: Path, side: int) -> QPixmap | None:
        return self.ready.get((path, side))

    def thumbnail(self, path: Path) -> QPixmap | None:
        return self.picture(path, THUMBNAIL_SIDE)

    def render(self, side: int) -> QPixmap:
        picture = self.ready[PHOTO, side] = QPixmap(side, side)
        self.rendered.emit(PHOTO, side)
        return picture


def test_the_thumbnail_is_shown_until_the_preview_is_rendered(qtbot: QtBot) -> None:
    pictures = Pictures()
    view = PhotoPreview(cast("PictureClient", pictures))
    qtbot.addWidget(view)
    view.show_photo(PHOTO)
    assert view._picture is None
    assert view._picture is not pictures.render(THUMBNAIL_SIDE)
    assert view._picture is pictures.ready[PHOTO, THUMBNAIL_SIDE]
    preview = pictures.render(PREVIEW_SIDE)
    assert view._picture is preview
    view.show_photo(None)
    pictures.render(PREVIEW_SIDE)
    assert view._picture is None


@pytest.mark.parametrize(
    ("outcome", "is_labelled", "headline", "note"),
    [
        (None, False, "Waiting", ""),
        (SURE, False, "cat", ""),
        (UNKNOWN, True, "Unknown, maybe cat", "Low confidence: the photo may show none of the model's classes."),
        (DAMAGED, False, "cat", "A part is missing."),
        (FAILED, False, "Couldn't read this photo", "It is empty. Copy it again."),
    ],
)
def test_outcomes_in_words(outcome: Outcome | None, is_labelled: bool, headline: str, note: str) -> None:
    assert headline_text(outcome) == headline
    assert note_text(outcome, is_labelled=is_labelled) == note


def test_the_class_of_an_unknown_photo_is_asked_for_until_the_user_gave_it() -> None:
    assert note_text(UNKNOWN, is_labelled=False).endswith("Choose its class.")


def test_long_words_do_not_widen_what_is_shown_with_them(qtbot: QtBot) -> None:
    panel, properties = PhotoPanel(cast("PictureClient", Pictures()), ()), PropertyList()
    for widget in (panel, properties):
        qtbot.addWidget(widget)
    panel.show_photo(Path(f"{'holiday' * 30}.jpg"), None, "holiday" * 30, "holiday" * 30)
    properties.show_properties([("Source", "holiday" * 30)])
    assert panel.minimumSizeHint().width() < 340
    assert properties.minimumSizeHint().width() < 200


def test_a_prediction_in_a_sentence_says_that_it_is_unknown() -> None:
    assert prediction_text("cat", 0.4, is_unknown=True) == "Prediction: unknown, maybe cat (40%)."
    assert prediction_text("cat", 0.9, is_unknown=False) == "Prediction: cat (90%)."
