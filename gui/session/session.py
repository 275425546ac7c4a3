"""The state behind the window: photos, the model in use, and helper processes."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from core.base import paths
from core.base.errors import FoveaError, StorageError, TrainerDiedError
from core.base.i18n import tr, tr_n
from core.base.providers import Precision, Provider, ProviderPreference
from core.base.settings import Settings
from core.base.text import display_path, natural_sort_key
from core.datasets.labels import Label, Source
from core.models.values import ModelSummary
from core.prediction import Failure, Outcome, Prediction
from core.services.messages import ModelOpened, ModelRefused, ModelsListed, OpenModel
from gui.session.arrivals import PhotoListing
from gui.session.correction_store import CorrectionStore
from gui.session.library_watch import LibraryWatch
from gui.session.photos_model import Photo, PhotosModel
from gui.session.settings_store import SettingsStore
from gui.tasks.engine_client import EngineClient
from gui.tasks.main_thread import Dispatcher
from gui.tasks.picture_client import ImagesListed, PictureClient
from gui.widgets.model_statistics import LatencyRecord

if TYPE_CHECKING:
    from gui.session.library_controller import LibraryController
    from gui.tasks.task import Tasks

_PROGRESS_INTERVAL_MS: Final = 200
_SPEED_WINDOW_S: Final = 3.0


class Session(QObject):
    """The state of one run of the window.

    Attributes:
        progressed: counts, speed or latency changed; emitted at most a few times a second.
        outcome_changed: the photo in this row was classified.
        models_changed: the installed models changed, or another model is in use or being opened.
        photos_added: photos were dropped, pasted, opened or restored; the row of the first one, new or not.
        noticed: a notice for the user.
        removed: this many photos were removed from the list; `undo` restores them.
        closing: the window closes; whatever runs in the background stops now.
    """

    progressed = Signal()
    outcome_changed = Signal(int)
    models_changed = Signal()
    photos_added = Signal(int)
    noticed = Signal(str)
    removed = Signal(int)
    closing = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.settings = SettingsStore(self)
        self.settings.damaged.connect(self.noticed)
        self.settings.failed.connect(self._emit_error)
        self.corrections = CorrectionStore(self)
        self.corrections.failed.connect(self._emit_error)
        self.engine = EngineClient(self)
        self.pictures = PictureClient(self)
        self.photos = PhotosModel(self.pictures, self.corrections, self)
        self.watch = LibraryWatch(self)
        self.models: dict[str, ModelSummary] = {}
        self.opened: ModelOpened | None = None
        self.opening = ""
        self.latency = LatencyRecord()
        self._classified_times: deque[float] = deque(maxlen=500)
        self._undoable: list[Callable[[], None]] = []
        self._listings: dict[int, PhotoListing] = {}
        self._dispatcher = Dispatcher(self)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="paste")
        self._pasted = count(1)
        self._is_closed = False
        self._progress_timer = QTimer(self, interval=_PROGRESS_INTERVAL_MS, singleShot=True)
        self._progress_timer.timeout.connect(self.progressed)
        self._connect()

    def _connect(self) -> None:
        self.engine.models_listed.connect(self._on_models_listed)
        self.engine.opening.connect(self._on_opening)
        self.engine.opened.connect(self._on_opened)
        self.engine.refused.connect(self._on_refused)
        self.engine.classified.connect(self._on_classified)
        self.engine.crashed.connect(self._on_crashed)
        self.engine.warned.connect(self.noticed)
        self.watch.changed.connect(self.engine.list_models)
        self.pictures.listed.connect(self._on_listed)
        self.engine.failed.connect(self._on_failed)
        self.pictures.failed.connect(self._on_failed)

    def start(self) -> None:
        """Start the helper processes and open the model, without blocking; does nothing after `close`."""
        if self._is_closed:
            return
        self.engine.start()
        self.pictures.start()
        self.watch.start()
        self.open_model()

    def close(self) -> None:
        """Stop all background work."""
        self._is_closed = True
        self.closing.emit()
        self._executor.shutdown(wait=True)
        self.watch.close()
        self.engine.close()
        self.pictures.close()
        self.corrections.close()
        self.settings.close()

    # ---- photos

    def add(self, chosen: Sequence[Path]) -> None:
        """Add files and the images in folders; an unreadable file becomes a row with the reason."""
        requested = tuple(path.absolute() for path in chosen)  # so that no file is listed under two names
        self._listings[self.pictures.list_images(requested)] = PhotoListing(requested)
        self._emit_progress()

    def add_image(self, image: QImage) -> None:
        """Add an image without a file; it is saved to one first, so that nothing pasted is lost."""
        name = f"pasted {datetime.now():%Y-%m-%d %H.%M.%S} {next(self._pasted)}.png"
        self._executor.submit(self._save_pasted, image, paths.pasted_images() / name)

    def remove(self, rows: Iterable[int]) -> None:
        """Remove photos from the list; `undo` restores them."""
        removed = self.photos.remove(rows)
        if removed:
            self._undoable.append(lambda: self._restore(removed))
            self.engine.forget(photo.number for _, photo in removed)
            self.removed.emit(len(removed))
            self._emit_progress()

    def undo(self) -> None:
        """Undo the last removal or labelling of photos."""
        if self._undoable:
            self._undoable.pop()()

    def prefer(self, photo: Photo) -> None:
        """Classify this photo before all others that wait."""
        self.engine.prefer(photo.number)

    def classify_again(self) -> None:
        """Classify every photo again with the model in use."""
        self._classify(self.photos.photos())

    def stop(self) -> None:
        """Cancel the classification of waiting photos."""
        self.engine.forget([photo.number for photo in self.photos.photos()])
        self._emit_progress()

    # ---- corrections

    def correction(self, photo: Photo) -> Label | None:
        """The user's correction of a photo's prediction, if any."""
        return self.photos.correction(photo)

    def new_classes(self) -> list[str]:
        """Labels given by the user that are not classes of the model in use, in natural order."""
        if self.model is None:
            return []
        labels = {one.label for one in self.corrections.all(self.model.card.name).values()}
        return sorted(labels.difference(self.model.card.classes), key=natural_sort_key)

    def correct(self, photos: Sequence[Photo], label: str) -> None:
        """Label classified photos; `undo` reverts it."""
        changes = {one.path: Label.of(one, label, Source.GALLERY) for one in _predictions(photos)}
        self._label(photos, changes)

    def remove_corrections(self, photos: Sequence[Photo]) -> None:
        """Remove the user's labels of photos; `undo` restores them."""
        corrected = [photo for photo in photos if self.correction(photo) is not None]
        if corrected:
            self._label(corrected, {})

    def _label(self, photos: Sequence[Photo], changes: Mapping[Path, Label]) -> None:
        """Set or remove the labels of photos, so that it can be undone."""
        paths: dict[str, list[Path]] = defaultdict(list)
        for prediction in _predictions(photos):
            paths[prediction.model].append(prediction.path)
        tickets = [
            self.corrections.update(model, {path: changes.get(path) for path in own}) for model, own in paths.items()
        ]
        self._undoable.append(lambda: self.corrections.undo(*tickets))

    # ---- models

    @cached_property
    def library(self) -> LibraryController:
        """The model library, created on first use."""
        from gui.session.library_controller import LibraryController

        result = LibraryController(self)
        result.tasks.warned.connect(self.noticed)
        self.closing.connect(result.close)
        return result

    @cached_property
    def training(self) -> Tasks:
        """The training process, created on first use."""
        from core.services.processes import serve_training
        from gui.tasks.task import Tasks

        result = Tasks(serve_training, _training_exit_error(), self)
        result.warned.connect(self.noticed)
        self.closing.connect(result.close)
        return result

    def open_model(self, **fields: str | ProviderPreference | Precision) -> None:
        """Change these fields of the settings, then open their model."""
        if fields:
            self.settings.change(**fields)
        value: Settings = self.settings.value
        self.engine.open_model(OpenModel(value.model, value.provider, value.precision))

    @property
    def model(self) -> ModelSummary | None:
        """The model in use."""
        return self.models.get(self.opened.name) if self.opened else None

    # ---- status bar

    def images_per_second(self) -> float:
        """Classified images per second over the last few seconds; 0 while nothing runs."""
        now = time.monotonic()
        recent = [moment for moment in self._classified_times if now - moment < _SPEED_WINDOW_S]
        span = now - recent[0] if len(recent) > 1 else 0.0
        return (len(recent) - 1) / span if span > 0 else 0.0

    # ---- messages of the helper processes

    def _on_models_listed(self, listed: ModelsListed) -> None:
        self.models = {model.card.name: model for model in listed.models}
        self.corrections.set_classes({name: model.card.classes for name, model in self.models.items()})
        for broken in listed.broken:
            self.noticed.emit(tr("Couldn't load the model “{model}”. {error}", model=broken.name, error=broken.error))
        self.models_changed.emit()
        if self.opened is not None and not self.opening and self._is_outdated(self.opened):
            self.open_model()

    def _on_opening(self, name: str) -> None:
        self.opening = name
        self.models_changed.emit()

    def _on_opened(self, opened: ModelOpened) -> None:
        is_other = self.opened is None or _kind(opened) != _kind(self.opened)
        self.opened, self.opening = opened, ""
        if is_other:
            self.latency = LatencyRecord()
            self._classified_times.clear()
        if opened.refusal is not None:
            self._emit_error(opened.refusal)
        self.models_changed.emit()
        self._classify([photo for photo in self.photos.photos() if photo.outcome and self._needs_answer(photo)])

    def _on_refused(self, refused: ModelRefused) -> None:
        self.opening = ""
        self._emit_error(refused.error)
        next_best = self.opened.name if self.opened else Settings().model
        if refused.name != next_best:
            self.open_model(model=next_best)
        else:
            self.opened = None  # so that the user can choose it again
        self.models_changed.emit()

    def _on_classified(self, number: int, outcome: Outcome) -> None:
        row = self.photos.set_outcome(number, outcome, self.opened.version if self.opened else 0)
        self._classified_times.append(time.monotonic())
        if isinstance(outcome, Prediction):
            self.latency.add(outcome.timing.inference_ms)
        if row is not None:
            self.outcome_changed.emit(row)
        self._emit_progress()

    def _on_crashed(self, in_flight: int) -> None:
        if not in_flight:
            self.noticed.emit(tr("The engine stopped unexpectedly and was restarted."))
            return
        text = tr_n(
            "The engine stopped unexpectedly and was restarted. {count:,} photo will be classified again.",
            "The engine stopped unexpectedly and was restarted. {count:,} photos will be classified again.",
            in_flight,
        )
        self.noticed.emit(text)

    def _on_failed(self) -> None:
        self.noticed.emit(
            tr("A part of Fovea couldn't start. Run `fovea doctor` to see what is missing, or install Fovea again.")
        )

    def _on_listed(self, listed: ImagesListed) -> None:
        listing = self._listings.get(listed.ticket)
        if listing is None:  # requested by another part of the window
            return
        is_first = listing.is_empty
        fresh = self.photos.add(listed.paths)
        listing.add(listed.paths, (photo.path for photo in fresh))
        self._classify(fresh)
        if is_first and listed.paths:
            self.photos_added.emit(self.photos.row_of(listed.paths[0]))
        if listed.finished:
            del self._listings[listed.ticket]
            self._report_listing(listing, listed.failures)
        self._emit_progress()

    def _report_listing(self, listing: PhotoListing, failures: Sequence[Failure]) -> None:
        """Report what could not be read, or why fewer photos were added than the user may expect."""
        for failure in failures:
            self.noticed.emit(f"{failure.message} {failure.hint}")
        summary = listing.summary()
        if summary and not (failures and listing.is_empty):
            self.noticed.emit(summary)

    # ---- private

    def _restore(self, removed: Sequence[tuple[int, Photo]]) -> None:
        self.photos.restore(removed)
        self._classify([photo for _, photo in removed if self._needs_answer(photo)])
        self.photos_added.emit(self.photos.row_of(removed[0][1].path))

    def _classify(self, photos: Iterable[Photo]) -> None:
        self.engine.classify(((photo.number, photo.path) for photo in photos), self.settings.value.top_k)
        self._emit_progress()

    def _save_pasted(self, image: QImage, file: Path) -> None:  # in its own thread
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            saved = image.save(str(file), "PNG")  # type: ignore[call-overload]
        except OSError:
            saved = False
        if saved:
            self._dispatcher.post(self.add, (file,))
        else:
            what = tr("Couldn't save the pasted image in “{folder}”.", folder=display_path(file.parent))
            hint = tr("Check free space and permissions, or choose another folder with FOVEA_HOME.")
            error = StorageError(what, hint=hint)
            self._dispatcher.post(self._emit_error, error)

    def _emit_progress(self) -> None:
        if not self._progress_timer.isActive():
            self._progress_timer.start()

    def _emit_error(self, error: FoveaError) -> None:
        self.noticed.emit(str(error))

    def _is_outdated(self, opened: ModelOpened) -> bool:
        """Whether another version of the model is active now; a removed model stays in use until another is chosen."""
        model = self.models.get(opened.name)
        return model is not None and model.version != opened.version

    def _needs_answer(self, photo: Photo) -> bool:
        """Whether a photo was not yet classified, or by another model or version than the one in use."""
        if isinstance(photo.outcome, Prediction) and self.opened is not None:
            return (photo.outcome.model, photo.version) != (self.opened.name, self.opened.version)
        return photo.outcome is None


def _kind(opened: ModelOpened) -> tuple[str, int, Provider]:
    """The properties of a model on which predictions and timings depend."""
    return opened.name, opened.version, opened.provider


def _training_exit_error() -> TrainerDiedError:
    return TrainerDiedError(
        tr("The training process stopped unexpectedly."),
        hint=tr("Try again: finished work is kept. If it happens again, close other programs to free memory."),
    )


def _predictions(photos: Iterable[Photo]) -> list[Prediction]:
    return [photo.outcome for photo in photos if isinstance(photo.outcome, Prediction)]
