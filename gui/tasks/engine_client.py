"""The window's side of the engine process: which model is open, and which images still wait for an answer.

Only a few images are with the engine at a time, so that the rest can be called off at once, and so that an image that
crashes the engine can be found: after a crash those that were with it are asked again one by one, and the one that is
alone with the engine when it dies again is the culprit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.base.errors import ModelError
from core.prediction import Failure, Outcome
from core.services.messages import (
    Classified,
    Classify,
    ListModels,
    ModelOpened,
    ModelRefused,
    ModelsListed,
    OpenModel,
)
from core.services.processes import serve_engine
from core.worker import Warned
from gui.tasks.helper_process import HelperProcess

_MAX_IN_FLIGHT: Final = 32


class EngineClient(QObject):
    """Asks the engine process, and starts it again when it dies.

    Attributes:
        models_listed: what is installed.
        opening: this model is being opened.
        opened: the model is ready.
        refused: the model cannot be used.
        classified: a number and its outcome.
        warned: something the person should know.
        crashed: the engine process died; how many images were with it.
        failed: the engine process cannot be started.
    """

    models_listed = Signal(ModelsListed)
    opening = Signal(str)
    opened = Signal(ModelOpened)
    refused = Signal(ModelRefused)
    classified = Signal(object, object)
    warned = Signal(str)
    crashed = Signal(object)
    failed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process = HelperProcess(serve_engine, self)
        self._process.received.connect(self._on_received)
        self._process.died.connect(self._on_died)
        self._process.failed.connect(self.failed)
        self._waiting: OrderedDict[int, Path] = OrderedDict()
        self._in_flight: OrderedDict[int, Path] = OrderedDict()
        self._suspects: set[int] = set()
        self._preferred = 0
        self._wanted: OpenModel | None = None
        self._is_open = False
        self._top_k = 5

    @property
    def waiting_count(self) -> int:
        """How many images have no answer yet."""
        return len(self._waiting) + len(self._in_flight)

    @property
    def process_id(self) -> int | None:
        """The engine process's number while it lives."""
        return self._process.process_id

    def start(self) -> None:
        """Start the engine process and ask what is installed."""
        self._process.start()
        self.list_models()

    def close(self) -> None:
        """End the engine process."""
        self._process.close()

    def list_models(self) -> None:
        """Ask what is installed."""
        self._process.send(ListModels())

    def open_model(self, wanted: OpenModel) -> None:
        """Use this model from now on; images that wait are answered by it."""
        self._wanted = wanted
        self._is_open = False
        self.opening.emit(wanted.name)
        self._process.send(wanted)

    def classify(self, images: Iterable[tuple[int, Path]], top_k: int) -> None:
        """Ask for these images, each under a number of its own; numbers asked before wait at the end again."""
        self._top_k = top_k
        for number, path in images:
            self._waiting[number] = path
        self._put_preferred_first()
        self._request_next()

    def prefer(self, number: int) -> None:
        """Ask for this image before all others that wait, now and whenever it is asked for again."""
        self._preferred = number
        self._put_preferred_first()

    def _put_preferred_first(self) -> None:
        if self._preferred in self._waiting:
            self._waiting.move_to_end(self._preferred, last=False)

    def forget(self, numbers: Iterable[int]) -> None:
        """Call these images off."""
        for number in numbers:
            self._waiting.pop(number, None)

    def _request_next(self) -> None:
        if not self._is_open:
            return
        room = (1 if self._suspects else _MAX_IN_FLIGHT) - len(self._in_flight)
        chunk = tuple(islice(self._waiting.items(), max(room, 0)))
        if not chunk:
            return
        for number, path in chunk:
            del self._waiting[number]
            self._in_flight[number] = path
        self._process.send(Classify(chunk, self._top_k))

    def _on_received(self, message: object) -> None:
        match message:
            case ModelsListed():
                self.models_listed.emit(message)
            case ModelOpened():
                self._is_open = True
                self.opened.emit(message)
            case ModelRefused():
                self.refused.emit(message)
            case Classified():
                self._on_classified(message)
            case Warned():
                self.warned.emit(message.text)
        self._request_next()

    def _on_classified(self, message: Classified) -> None:
        for number, outcome in message.outcomes:
            self._suspects.discard(number)
            if self._in_flight.pop(number, None) is not None:
                self.classified.emit(number, outcome)

    def _on_died(self) -> None:
        """Start again. Whoever was alone with the engine twice is to blame; the others are asked again."""
        in_flight, self._in_flight = self._in_flight, OrderedDict()
        self.crashed.emit(len(in_flight))
        died_opening = not self._is_open and self._wanted is not None
        if len(in_flight) == 1:
            self._fail_crashed(*in_flight.popitem())
        self._suspects = set(in_flight)
        self._waiting = OrderedDict([*in_flight.items(), *self._waiting.items()])
        self._process.start()
        self.list_models()
        if died_opening and self._wanted is not None:
            self.refused.emit(ModelRefused(self._wanted.name, _crash_of_model(self._wanted.name)))
        elif self._wanted is not None:
            self.open_model(self._wanted)

    def _fail_crashed(self, number: int, path: Path) -> None:
        self._suspects.discard(number)
        outcome: Outcome = Failure(
            path, "crashed", "Reading this image crashed the engine.", "Open it in another program and save it anew."
        )
        self.classified.emit(number, outcome)


def _crash_of_model(name: str) -> ModelError:
    return ModelError(f"Opening the model {name!r} crashed the engine.", hint="Choose another model or provider.")
