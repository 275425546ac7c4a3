"""The client of the engine process: which images wait for classification.

Only a few images are sent to the engine at a time, so that the rest can be cancelled immediately, and so that an image
that crashes the engine can be identified: after a crash, the images in flight are sent again one by one, and the one
that is alone in flight at the next crash is the culprit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from core.images.drawing import Picture
from core.models.values import OpenedModel
from core.prediction import Failure, Outcome
from core.services.processes import serve_engine
from gui.tasks.notice import Notice, NoticeKind
from gui.tasks.task import Task, Tasks

_MAX_IN_FLIGHT: Final = 32
_AT_ONCE: Final = 8
"""The minimum number of images in a call while more wait; what is in flight meanwhile keeps the decoders busy."""


class _CrashError(FoveaError):
    """The engine died while it read an image."""

    kind = "crashed"


class EngineClient(QObject):
    """Sends images to the engine process, which starts again after a crash; another client opens models in it.

    Attributes:
        tasks: the process.
        resumed: a model is ready.
        reopened: the provider failed, and the model was opened on the CPU, as this value says.
        classified: the outcome of an image.
        waiting_changed: the number of images that wait may have changed.
        noticed: a notice for the user.
        died: the engine died; no image is sent before a model is open again.
        _unwanted: the images in flight that were forgotten after they were sent.
        _suspects: the images one of which made the engine fail; they are sent again, each alone.
    """

    resumed = Signal()
    reopened = Signal(OpenedModel)
    classified = Signal(object)
    waiting_changed = Signal()
    noticed = Signal(object)
    died = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.tasks = Tasks(serve_engine, _crash_of_image(), self)
        self.tasks.died.connect(self._on_died)
        self._is_open = False
        self._waiting: OrderedDict[Path, None] = OrderedDict()
        self._in_flight: OrderedDict[Path, None] = OrderedDict()
        self._unwanted: set[Path] = set()
        self._suspects: set[Path] = set()
        self._preferred: Path | None = None

    @property
    def waiting_count(self) -> int:
        """The number of images that are not classified yet, without those that were forgotten."""
        return len(self._waiting) + len(self._wanted_in_flight())

    def _wanted_in_flight(self) -> list[Path]:
        return [image for image in self._in_flight if image not in self._unwanted]

    def pause(self) -> None:
        """Send no more images, because another model is being opened."""
        self._is_open = False

    def resume(self) -> None:
        """Send the images that wait: a model is open."""
        self._is_open = True
        self.resumed.emit()
        self._request_next()

    # ---- images

    def classify(self, images: Iterable[Path]) -> None:
        """Classify images; one that is already waiting is classified only once."""
        for image in images:
            self._waiting[image] = None
        self._put_preferred_first()
        self._request_next()
        self.waiting_changed.emit()

    def classify_picture(self, picture: Picture) -> Task | None:
        """Classify pixels before the images that wait; the task reports their outcome. None while no model is open."""
        if not self._is_open:
            return None
        from core import api  # not needed by the first paint

        task = self.tasks.start(api.classify, (picture,))
        task.progressed.connect(self._on_progressed)
        return task

    def prefer(self, image: Path) -> None:
        """Classify this image before all others, now and whenever it is requested again."""
        self._preferred = image
        self._put_preferred_first()

    def _put_preferred_first(self) -> None:
        if self._preferred is not None and self._preferred in self._waiting:
            self._waiting.move_to_end(self._preferred, last=False)

    def forget(self, images: Iterable[Path]) -> None:
        """Cancel the classification of these images."""
        for image in images:
            self._waiting.pop(image, None)
            self._suspects.discard(image)
            if image in self._in_flight:
                self._unwanted.add(image)
        self.waiting_changed.emit()

    def forget_all(self) -> None:
        """Cancel the classification of all images, however many wait."""
        self._waiting.clear()
        self._suspects.clear()
        self._unwanted.update(self._in_flight)
        self.waiting_changed.emit()

    def _request_next(self) -> None:
        most, at_once = (1, 1) if self._suspects else (_MAX_IN_FLIGHT, _AT_ONCE)
        room = most - len(self._in_flight)
        if not self._waiting or not self._is_open or room < at_once:
            return
        from core import api  # not needed by the first paint

        images = tuple(islice(self._waiting, room))
        for image in images:
            del self._waiting[image]
            self._in_flight[image] = None
            self._unwanted.discard(image)
        task = self.tasks.start(api.classify, images)
        task.progressed.connect(self._on_progressed)
        task.failed.connect(partial(self._on_failed, images))

    def _on_progressed(self, value: Outcome | OpenedModel) -> None:
        if isinstance(value, OpenedModel):
            self.reopened.emit(value)
        elif value.path in self._in_flight:
            del self._in_flight[value.path]
            self._unwanted.discard(value.path)
            self._suspects.discard(value.path)
            self.classified.emit(value)
            self._request_next()
            self.waiting_changed.emit()

    # ---- crashes

    def _on_failed(self, images: Sequence[Path], error: FoveaError) -> None:
        if error is not self.tasks.death:  # otherwise `_on_died` decides
            self._blame([image for image in images if image in self._in_flight], error)
            self._request_next()

    def _on_died(self) -> None:
        self._is_open = False
        self.noticed.emit(Notice(_crash_text(len(self._wanted_in_flight())), NoticeKind.WARNING))
        self._blame(list(self._in_flight), self.tasks.death)
        self.died.emit()

    def _blame(self, images: Sequence[Path], error: FoveaError) -> None:
        """Send the wanted images again, each alone, as one made the engine fail; one that was alone did it."""
        if len(images) == 1 and len(self._in_flight) == 1:
            self._on_progressed(Failure.of(images[0], error))
            return
        wanted = [image for image in images if image not in self._unwanted]
        for image in images:
            del self._in_flight[image]
        self._unwanted.difference_update(images)
        self._suspects.update(wanted)
        self._waiting = OrderedDict.fromkeys([*wanted, *self._waiting])
        self.waiting_changed.emit()


def _crash_text(in_flight: int) -> str:
    if not in_flight:
        return tr("The engine stopped unexpectedly and was restarted.")
    return tr_n(
        "The engine stopped unexpectedly and was restarted. {count:,} photo will be classified again.",
        "The engine stopped unexpectedly and was restarted. {count:,} photos will be classified again.",
        in_flight,
    )


def _crash_of_image() -> FoveaError:
    what = tr("Reading this photo crashed the engine.")
    return _CrashError(what, hint=tr("Open it in another program and save it again."))
