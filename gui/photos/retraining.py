"""Retraining with corrections: what is pending, the running retraining, its result, and undoing it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QObject, Signal

from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.label_sets import label_text
from core.base.progress import Progress
from core.datasets.labels import Label
from core.evaluation.values import Disagreement
from core.models.values import InstalledModel
from core.prediction import Failure, Prediction
from gui.photos.pending_corrections import PendingCorrections
from gui.session.correction_store import MAX_AT_ONCE
from gui.session.session import Session
from gui.tasks.background import in_background
from gui.tasks.notice import Notice

if TYPE_CHECKING:
    from core.training.values import RetrainingResult
    from gui.tasks.task import Task


_Source: TypeAlias = tuple[Mapping[Path, Label], InstalledModel | None]


class Phase(Enum):
    """The state of retraining the model in use."""

    IDLE = auto()
    PENDING = auto()
    RUNNING = auto()
    DONE = auto()
    FAILED = auto()


class Retraining(QObject):
    """Retrains the model in use with its corrections, in the training process.

    Attributes:
        changed: any of the attributes changed.
        phase: the current state.
        progress: the progress of the running retraining.
        summary: the result of the last retraining; None before, after it was undone, and for another model.
        error: why the last one failed.
        pending: the corrections to retrain with.
        requested: the corrections of the running retraining.
        _source: what `pending` was found in.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.phase = Phase.IDLE
        self.progress: Progress | None = None
        self.summary: RetrainingResult | None = None
        self.error: FoveaError | None = None
        self._task: Task | None = None
        self._is_undoing = False
        self._is_stopping = False
        self.pending = self.requested = PendingCorrections()
        self._source: _Source = ({}, None)
        self._before: dict[Path, Prediction] = {}
        session.corrections.changed.connect(self._refresh)
        session.models.changed.connect(self._refresh)

    # ---- state

    @property
    def model(self) -> InstalledModel | None:
        """The model in use."""
        return self._session.models.current

    @property
    def can_start(self) -> bool:
        """Whether there are pending corrections and a model that can be retrained."""
        is_free = self.phase is not Phase.RUNNING and not self._is_undoing
        return is_free and self.model is not None and self.model.has_training_data and bool(self.pending.labels)

    @property
    def can_undo(self) -> bool:
        """Whether the last retraining can be undone."""
        return self.phase is Phase.DONE and not self._is_undoing

    def photos_changed(self) -> list[Disagreement]:
        """Photos in the list, except corrected ones, whose prediction by the new version differs."""
        if self.summary is None:
            return []
        corrected = {one.correction.path for one in self.summary.corrections}
        changes = []
        for photo in self._session.photos.photos():
            was, now = self._before.get(photo.path), photo.outcome
            if was is None or not isinstance(now, Prediction) or photo.version != self.summary.version:
                continue
            if photo.path not in corrected and was.label != now.label:
                own = self._session.photos.correction(photo)
                before, after = label_text(was.label), label_text(now.label)
                best = before, was.best.probability, after, now.best.probability
                changes.append(Disagreement(photo.path, own.label if own else None, *best))
        return changes

    @property
    def skipped(self) -> tuple[Failure, ...]:
        """The photos that the last retraining did not use, with reasons."""
        return self.summary.skipped if self.summary is not None else ()

    def to_check(self) -> frozenset[Path]:
        """The photos whose labels the user may want to check: those left out, or else all that are not learned yet."""
        return frozenset(one.path for one in self.skipped or self.pending.labels)

    def left_out(self, path: Path) -> str:
        """Why the last retraining did not use a photo; empty if it did."""
        failure = next((one for one in self.skipped if one.path == path), None)
        return "" if failure is None else tr("Left out of the retraining: {reason}", reason=_sentence(failure))

    # ---- requests

    def start(self) -> None:
        """Start retraining with the pending corrections."""
        if not self.can_start or self.model is None:
            return
        from core import api
        from core.training.request import RetrainRequest

        self.requested = self.pending
        name, version = self.model.card.name, self.model.version
        self._before = {
            photo.path: photo.outcome
            for photo in self._session.photos.photos()
            if isinstance(photo.outcome, Prediction) and photo.outcome.model == name and photo.version == version
        }
        self.summary, self.error, self.progress, self._is_stopping = None, None, None, False
        request = RetrainRequest(name, version, self.requested.labels, self._session.settings.value.provider)
        task = self._task = self._session.training.start(api.retrain, request)
        task.progressed.connect(self._on_progress)
        task.succeeded.connect(self._on_done)
        task.failed.connect(self._on_failed)
        task.stopped.connect(lambda: self._end(Phase.IDLE))
        self._end(Phase.RUNNING)

    def stop(self) -> None:
        """Cancel the retraining; the model stays as it is."""
        if self.phase is Phase.RUNNING and not self._is_stopping:
            self._is_stopping = True
            assert self._task is not None
            self._task.cancel()
            self.changed.emit()

    @property
    def is_stopping(self) -> bool:
        """Whether it was cancelled and has not ended yet."""
        return self._is_stopping and self.phase is Phase.RUNNING

    def undo(self) -> None:
        """Activate the previous version again; its corrections become pending again."""
        if self.can_undo and self.summary is not None:
            from core import api

            self._is_undoing = True
            task = self._session.training.start(api.activate, self.summary.name, self.summary.from_version)
            task.succeeded.connect(lambda _: self._on_undone())
            task.failed.connect(self._on_undo_failed)
            self.changed.emit()

    def dismiss(self) -> None:
        """Hide the result of the last retraining."""
        if self.phase in (Phase.DONE, Phase.FAILED):
            self._end(Phase.IDLE)

    # ---- messages of the training process

    def _on_progress(self, progress: Progress) -> None:
        self.progress = progress
        self.changed.emit()

    def _on_done(self, summary: RetrainingResult) -> None:
        self.summary = summary
        self._session.corrections.read(summary.name)
        self._session.models.refresh()
        self._session.models.open()  # its new version, by which the photos are classified again
        self._end(Phase.DONE)

    def _on_failed(self, error: FoveaError) -> None:
        self.error = error
        self._end(Phase.FAILED)

    def _on_undone(self) -> None:
        self._is_undoing, self.summary = False, None
        self._session.models.refresh()
        self._session.models.open()
        self._end(Phase.IDLE)

    def _on_undo_failed(self, error: FoveaError) -> None:
        self._is_undoing = False
        self._session.noticed.emit(Notice.of(error))
        self.changed.emit()

    def _end(self, phase: Phase) -> None:
        self.phase = phase
        self._refresh()

    def _refresh(self) -> None:
        """Drop the result if another model is in use, or a later version, and update the pending corrections."""
        if self.summary is not None and self.model is not None and _is_past(self.summary, self.model):
            self.summary, self.phase = None, Phase.IDLE
        self._update_pending()
        self._show_pending()

    def _show_pending(self) -> None:
        if self.phase in (Phase.IDLE, Phase.PENDING):
            self.phase = Phase.PENDING if self.pending.labels else Phase.IDLE
        self.changed.emit()

    def _update_pending(self) -> None:
        """Find the pending corrections; those of many photos in a thread."""
        model, known = self.model, self._session.corrections.all(self.model.card.name) if self.model else {}
        if known is self._source[0] and model is self._source[1]:
            return
        source = self._source = known, model
        if model is None:
            self.pending = PendingCorrections()
        elif len(known) <= MAX_AT_ONCE:
            self.pending = PendingCorrections.of(known.values(), model.card)
        else:
            find = partial(PendingCorrections.of, known.values(), model.card)
            in_background(self, find, lambda found: self._on_found(source, found))

    def _on_found(self, source: _Source, found: PendingCorrections) -> None:
        if source is self._source:
            self.pending = found
            self._show_pending()


def _is_past(summary: RetrainingResult, model: InstalledModel) -> bool:
    """Whether a result is of another model, or of a version before; that one may be gone, as photos were forgotten."""
    return model.card.name != summary.name or model.version > summary.version


def _sentence(failure: Failure) -> str:
    return f"{failure.message} {failure.hint}".strip()
