"""The client of the engine process: which model is open, and which images wait for classification.

Only a few images are sent to the engine at a time, so that the rest can be cancelled immediately, and so that an image
that crashes the engine can be identified: after a crash, the images in flight are sent again one by one, and the one
that is alone in flight at the next crash is the culprit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.base.errors import ModelError
from core.base.i18n import tr
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
    """Sends requests to the engine process, and restarts it after a crash.

    Attributes:
        models_listed: the installed models.
        opening: this model is being opened.
        opened: the model is ready.
        refused: the model cannot be used.
        classified: the number of an image and its outcome.
        warned: a warning for the user.
        crashed: the engine process died while this many images were in flight.
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
        self._requested: OpenModel | None = None
        self._is_open = False
        self._top_k = 5

    @property
    def waiting_count(self) -> int:
        """The number of images that are not classified yet."""
        return len(self._waiting) + len(self._in_flight)

    @property
    def process_id(self) -> int | None:
        """The process ID of the engine while it runs."""
        return self._process.process_id

    def start(self) -> None:
        """Start the engine process and request the installed models."""
        self._process.start()
        self.list_models()

    def close(self) -> None:
        """End the engine process."""
        self._process.close()

    def list_models(self) -> None:
        """Request the installed models."""
        self._process.send(ListModels())

    def open_model(self, request: OpenModel) -> None:
        """Use this model from now on, also for waiting images."""
        self._requested = request
        self._is_open = False
        self.opening.emit(request.name)
        self._process.send(request)

    def classify(self, images: Iterable[tuple[int, Path]], top_k: int) -> None:
        """Classify images, each under its own number; an image that is already waiting is classified only once."""
        self._top_k = top_k
        for number, path in images:
            self._waiting[number] = path
        self._put_preferred_first()
        self._request_next()

    def prefer(self, number: int) -> None:
        """Classify this image before all others, now and whenever it is requested again."""
        self._preferred = number
        self._put_preferred_first()

    def _put_preferred_first(self) -> None:
        if self._preferred in self._waiting:
            self._waiting.move_to_end(self._preferred, last=False)

    def forget(self, numbers: Iterable[int]) -> None:
        """Cancel the classification of these images."""
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
        """Restart the engine; an image that was alone in flight has failed, and the others are sent again."""
        in_flight, self._in_flight = self._in_flight, OrderedDict()
        self.crashed.emit(len(in_flight))
        died_opening = not self._is_open and self._requested is not None
        if len(in_flight) == 1:
            self._fail_crashed(*in_flight.popitem())
        self._suspects = set(in_flight)
        self._waiting = OrderedDict([*in_flight.items(), *self._waiting.items()])
        self._process.start()
        self.list_models()
        if died_opening and self._requested is not None:
            self.refused.emit(ModelRefused(self._requested.name, _crash_of_model(self._requested.name)))
        elif self._requested is not None:
            self.open_model(self._requested)

    def _fail_crashed(self, number: int, path: Path) -> None:
        self._suspects.discard(number)
        what = tr("Reading this photo crashed the engine.")
        outcome: Outcome = Failure(path, "crashed", what, tr("Open it in another program and save it again."))
        self.classified.emit(number, outcome)


def _crash_of_model(name: str) -> ModelError:
    what = tr("Opening the model “{model}” crashed the engine.", model=name)
    return ModelError(what, hint=tr("Choose another model or provider."))
