"""A photo is shown as its thumbnail until the preview is rendered, with its prediction in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core.base.label_sets import NO_CLASS
from core.prediction import Evidence, Failure, Level, Neighbour, Outcome, Prediction, Score, Timing
from gui.tasks.picture_client import PREVIEW_SIDE, THUMBNAIL_SIDE, PictureClient
from gui.widgets.basic import PropertyList
from gui.widgets.neighbours import NeighbourStrip
from gui.widgets.photo_panel import (
    PhotoPanel,
    PhotoPreview,
    about_label_text,
    headline_text,
    note_text,
    prediction_text,
)
from gui.widgets.score_bars import ScoreBars

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
        (UNKNOWN, True, "Unknown, maybe cat", "The photo may show none of the model's classes."),
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
    assert prediction_text(UNKNOWN) == "Prediction: unknown, maybe cat (40%)."
    assert prediction_text(SURE) == "Prediction: cat (90%)."


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        (("cat",), "cat"),
        ((), "cat"),
        (("cat", "dog"), "cat or dog"),
        (("dog",), "cat or dog"),
        (("cat", "dog", "fox"), "cat, dog or fox"),
        (("cat", "dog", "fox", "owl"), "cat or one of 3 others"),
    ],
)
def test_the_headline_names_all_classes_that_the_photo_may_have(classes: tuple[str, ...], text: str) -> None:
    assert headline_text(replace(SURE, evidence=Evidence(0.1, classes))) == text


def test_the_coverage_of_several_classes_is_named(qtbot: QtBot) -> None:
    panel = PhotoPanel(cast("PictureClient", Pictures()), ())
    qtbot.addWidget(panel)
    both = replace(SURE, evidence=Evidence(0.1, ("cat", "dog"), (), 0.9))
    said = "Such answers contain the right class for 90% of photos."
    panel.show_photo(PHOTO, both)
    assert said in [one.text() for one in panel.findChildren(QLabel) if one.isVisibleTo(panel)]
    one, old, unknown = Evidence(0.1, ("cat",), (), 0.9), Evidence(0.1, ("cat", "dog")), replace(both, unknown=True)
    for outcome in (replace(SURE, evidence=one), replace(SURE, evidence=old), unknown):
        panel.show_photo(PHOTO, outcome)
        assert said not in [text.text() for text in panel.findChildren(QLabel) if text.isVisibleTo(panel)]


def test_the_most_similar_training_photos_are_shown(qtbot: QtBot) -> None:
    pictures, small = Pictures(), Path("small.jpg")
    panel = PhotoPanel(cast("PictureClient", pictures), ())
    qtbot.addWidget(panel)
    strip = panel.findChildren(NeighbourStrip)[0]
    near = Neighbour("cat", 0.8, thumbnail=small), Neighbour("dog", 0.25)
    panel.show_photo(PHOTO, replace(SURE, evidence=Evidence(0.1, None, near)))
    assert strip.isVisibleTo(panel)
    assert strip._tiles.accessibleName() == "cat: 0.80, dog: 0.25"
    with_pictures = strip._tiles.sizeHint().height()
    pictures.ready[small, THUMBNAIL_SIDE] = QPixmap(96, 96)
    pictures.ready[small, THUMBNAIL_SIDE].fill("red")
    shown = strip._tiles.grab().toImage()
    assert shown.pixelColor(36, 36).name() == "#ff0000"
    panel.show_photo(PHOTO, replace(SURE, evidence=Evidence(0.1, None, near[1:])))
    assert strip._tiles.sizeHint().height() < with_pictures, "no room is kept for pictures that there are not"
    note = "This model keeps no thumbnails of its training photos."
    assert note in [one.text() for one in panel.findChildren(QLabel) if one.isVisibleTo(panel)]
    panel.show_photo(PHOTO, replace(SURE, evidence=Evidence(0.1, None, near)))
    assert note not in [one.text() for one in panel.findChildren(QLabel) if one.isVisibleTo(panel)]
    panel.show_photo(PHOTO, SURE)
    assert not strip.isVisibleTo(panel)


@pytest.mark.qt_log_ignore("does not support propagateSizeHints")
def test_a_photo_of_an_unsure_class_has_its_group(qtbot: QtBot) -> None:
    scores = Score("owl", 0.5), Score("hawk", 0.44)
    levels = Level(("animal",), 0.97), Level(("animal", "bird"), 0.94)
    found = replace(SURE, scores=scores, evidence=Evidence(0.1, ("owl", "hawk"), levels=levels))
    panel = PhotoPanel(cast("PictureClient", Pictures()), ())
    qtbot.addWidget(panel)
    panel.show()
    panel.show_photo(PHOTO, found)
    shown = [one.text() for one in panel.findChildren(QLabel) if one.isVisible()]
    assert "bird, maybe owl" in shown
    assert "animal › bird: 94%" in shown
    sure = replace(found, evidence=Evidence(0.1, ("owl",), levels=(*levels, Level(("animal", "bird", "owl"), 0.9))))
    assert headline_text(sure) == "owl"
    panel.show_photo(PHOTO, replace(found, unknown=True))
    assert not [one for one in panel.findChildren(QLabel) if one.isVisible() and "›" in one.text()]


# ---- multi-label models


SEVERAL = Prediction(
    PHOTO, (Score("cat", 0.9, 0.5), Score("dog", 0.8, 0.85), Score("grass", 0.4, 0.3)), False, "m", "cpu",
    Timing(0, 0, 0), labels=("cat", "grass"),
)  # fmt: skip
NONE = replace(SEVERAL, labels=(), unknown=True)


def test_all_classes_of_a_photo_are_the_answer() -> None:
    assert headline_text(SEVERAL) == "cat, grass"
    assert prediction_text(SEVERAL) == "Prediction: cat, grass."
    assert about_label_text(SEVERAL, "dog") == "Model: cat, grass"
    assert about_label_text(SEVERAL, "cat\ngrass") == "Confirmed by you"
    assert note_text(SEVERAL, is_labelled=False) == ""


def test_no_class_is_an_answer_too() -> None:
    assert headline_text(NONE) == "No class"
    assert note_text(NONE, is_labelled=False) == "None of the classes reaches its threshold."
    assert about_label_text(NONE, NO_CLASS) == "Confirmed by you"
    assert about_label_text(NONE, "cat") == "Model: no class"


def test_each_class_has_its_threshold_and_a_mark(qtbot: QtBot) -> None:
    bars = ScoreBars()
    qtbot.addWidget(bars)
    bars.show_prediction(SEVERAL)
    numbers = [one.accessibleName() for one in bars.findChildren(QLabel) if one.accessibleName()]
    assert numbers == ["cat: yes, 90%", "dog: no, 80%", "grass: yes, 40%"]
    assert "A photo has the class “dog” from 85%" in [one.toolTip() for one in bars.findChildren(QLabel)]
    picture = bars.grab().toImage()
    bars.show_prediction(replace(SEVERAL, labels=("cat", "dog", "grass")))
    assert bars.grab().toImage() != picture, "the mark appears"
    bars.show_prediction(SURE)
    assert [
        one.accessibleName() for one in bars.findChildren(QLabel) if not one.isHidden() and one.accessibleName()
    ] == ["cat: 90%"]
