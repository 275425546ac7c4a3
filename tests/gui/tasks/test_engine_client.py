"""Which images the engine is asked for, and which one is to blame for a crash; without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from core import api
from core.base.errors import FoveaError
from core.prediction import Failure, Outcome, Prediction, Score, Timing
from gui.tasks import engine_client
from gui.tasks.engine_client import EngineClient
from gui.tasks.notice import Notice

IMAGES = [Path(f"{number}.png") for number in range(100)]
DEATH = FoveaError("It died.", hint="Try again.")


class FakeTask(QObject):
    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(FoveaError)
    is_over = False

    def abandon(self) -> None:
        self.blockSignals(True)


class FakeTasks(QObject):
    """Remembers the calls; a test answers them."""

    warned = Signal(str)
    died = Signal()
    failed = Signal()
    death = DEATH

    def __init__(self, *_: object) -> None:
        super().__init__()
        self.calls: list[tuple[object, tuple[object, ...], FakeTask]] = []

    def start(self, function: object, *arguments: object, repeats: bool = False) -> FakeTask:
        self.calls.append((function, arguments, FakeTask()))
        return self.calls[-1][2]

    def last(self, function: object) -> FakeTask:
        return next(task for known, _, task in reversed(self.calls) if known is function)

    def asked(self) -> list[list[Path]]:
        """The images of each call so far."""
        return [list(arguments[0]) for function, arguments, _ in self.calls if function is api.classify]  # type: ignore[call-overload]

    def die(self) -> None:
        for _, _, task in self.calls:
            task.failed.emit(DEATH)
        self.calls.clear()
        self.died.emit()


@pytest.fixture
def client(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineClient]:
    monkeypatch.setattr(engine_client, "Tasks", FakeTasks)
    parent = QObject()
    made = EngineClient(parent)
    made.resume()
    yield made
    parent.deleteLater()


def fake(client: EngineClient) -> FakeTasks:
    assert isinstance(client.tasks, FakeTasks)
    return client.tasks


def answer(client: EngineClient, *images: Path) -> None:
    for image in images:
        outcome = Prediction(image, (Score("red", 1.0),), None, "colours", "cpu", Timing(1, 1, 1))
        fake(client).last(api.classify).progressed.emit(outcome)


def test_the_next_images_are_sent_before_the_decoders_run_dry(client: EngineClient) -> None:
    client.classify(IMAGES)
    assert fake(client).asked() == [IMAGES[:32]]
    answer(client, *IMAGES[:7])
    assert len(fake(client).asked()) == 1
    answer(client, IMAGES[7])
    assert fake(client).asked()[1:] == [IMAGES[32:40]]
    assert client.waiting_count == 92


def test_the_image_that_is_alone_at_a_crash_fails_and_the_others_are_classified(client: EngineClient) -> None:
    outcomes: list[Outcome] = []
    client.classified.connect(outcomes.append)
    client.classify(IMAGES[:3])
    fake(client).die()
    client.resume()
    assert fake(client).asked() == [[IMAGES[0]]], "suspects are asked one by one"
    answer(client, IMAGES[0])
    assert fake(client).asked() == [[IMAGES[0]], [IMAGES[1]]]
    fake(client).die()
    assert fake(client).asked() == [], "no image is sent before the model is open again"
    client.resume()
    assert fake(client).asked() == [[IMAGES[2]]]
    answer(client, IMAGES[2])
    assert [(one.path, isinstance(one, Failure)) for one in outcomes] == [
        (IMAGES[0], False), (IMAGES[1], True), (IMAGES[2], False)
    ]  # fmt: skip


def test_forgotten_images_wait_no_longer_though_the_engine_has_them(client: EngineClient) -> None:
    outcomes: list[Outcome] = []
    client.classified.connect(outcomes.append)
    client.classify(IMAGES[:40])
    client.forget_all()
    assert client.waiting_count == 0
    client.classify(IMAGES[50:71])
    assert client.waiting_count == 21
    answer(client, *IMAGES[:32])
    assert client.waiting_count == 21
    assert fake(client).asked()[1:] == [IMAGES[50:58], IMAGES[58:66], IMAGES[66:71]]
    client.forget(IMAGES[50:60])
    assert client.waiting_count == 11
    client.classify(IMAGES[50:51])  # the removal was undone
    assert client.waiting_count == 12
    assert len(outcomes) == 32


def test_forgotten_images_are_not_sent_again_after_a_crash(client: EngineClient) -> None:
    notices: list[Notice] = []
    client.noticed.connect(notices.append)
    client.classify(IMAGES[:10])
    client.forget(IMAGES[:8])
    fake(client).die()
    client.resume()
    assert client.waiting_count == 2
    assert fake(client).asked() == [[IMAGES[8]]]
    assert "2 photos will be classified again" in notices[0].text


def test_removed_suspects_hold_up_nobody(client: EngineClient) -> None:
    client.classify(IMAGES[:10])
    fake(client).die()
    client.forget(IMAGES[:10])
    client.classify(IMAGES[50:60])
    client.resume()
    assert fake(client).asked() == [IMAGES[50:60]]
