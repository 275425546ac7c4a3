"""Maps on request: only the latest question is answered, and a photo that crashed the engine is not tried again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from core.base.errors import FoveaError
from core.evaluation.explanation import Explanation, MapMethod
from core.images.drawing import Picture
from core.prediction import Prediction, Score, Timing
from gui.session.explaining import Explaining
from gui.tasks.engine_client import EngineClient
from gui.widgets.photo_map import PhotoMap


class Call(QObject):
    """A call that a test answers."""

    succeeded, failed = Signal(object), Signal(FoveaError)
    is_over = False

    def __init__(self, question: tuple[object, ...]) -> None:
        super().__init__()
        self.question = question

    def abandon(self) -> None:
        self.blockSignals(True)


class Engine(QObject):
    """An engine that remembers what it was asked."""

    resumed = Signal()
    death = FoveaError("Reading this photo crashed the engine.", hint="Save it again.")

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    @property
    def tasks(self) -> Engine:
        return self

    def start(self, _verb: Callable[..., object], *question: object) -> Call:
        self.calls.append(Call(question))
        return self.calls[-1]


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    result = QWidget()
    qtbot.addWidget(result)
    return result


@pytest.fixture
def shown(engine: Engine, parent: QWidget) -> PhotoMap:
    """A view with maps on, which shows a photo."""
    result = PhotoMap()
    result.setParent(parent)
    explaining = Explaining(cast("EngineClient", engine), parent)
    explaining.serve(result)
    explaining.toggle()
    result.show_photo(Path("a.jpg"), prediction("a.jpg"))
    return result


def prediction(name: str) -> Prediction:
    return Prediction(Path(name), (Score("cat", 0.6), Score("dog", 0.4)), None, "m", "cpu", Timing(0, 0, 0))


def explanation(label: str, most: float = 1.0) -> Explanation:
    grid = ((most, 0.0), (-1.0, 0.0))
    return Explanation(Path("a.jpg"), "m", 2, label, MapMethod.APPROXIMATE, grid, (0, 0, 1, 1), Picture(1, 1, b"rgb"))


def test_only_the_latest_question_is_answered(engine: Engine, shown: PhotoMap) -> None:
    shown.choose("dog")
    assert [call.question for call in engine.calls] == [(Path("a.jpg"), name, "m") for name in ("cat", "dog")]
    engine.calls[0].succeeded.emit(explanation("cat"))
    assert shown.shown is None
    engine.calls[1].succeeded.emit(explanation("dog"))
    assert shown.shown is not None
    assert shown.legend.text() == "Where the model saw “dog”"
    assert shown._about.text() == "Approximate: this model's head isn't linear."
    shown.show_photo(Path("a.jpg"), prediction("a.jpg"))
    assert len(engine.calls) == 2, "nothing changed"
    engine.resumed.emit()
    assert engine.calls[2].question == (Path("a.jpg"), "cat", "m"), "another model may answer otherwise"


def test_a_map_without_anything_says_so(engine: Engine, shown: PhotoMap) -> None:
    engine.calls[0].succeeded.emit(explanation("cat", most=-1.0))
    assert shown._about.text() == "Nothing in the photo speaks for this class."


def test_a_photo_that_crashed_the_engine_is_not_tried_again(engine: Engine, shown: PhotoMap) -> None:
    engine.calls[0].failed.emit(engine.death)
    engine.resumed.emit()
    assert len(engine.calls) == 1
    assert shown.legend.text().startswith("Reading this photo crashed the engine.")
    shown.show_photo(Path("b.jpg"), prediction("b.jpg"))
    assert len(engine.calls) == 2
