"""Forgetting training photos: the question before, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from core.base.text import display_path
from core.services.wording import window_wording
from gui.session.correction_store import CorrectionStore
from gui.session.model_controller import ModelController
from gui.session.settings_store import SettingsStore
from gui.tasks.notice import Notice, NoticeKind
from gui.widgets.neighbours import NeighbourStrip

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.training.values import Forgotten
    from gui.tasks.task import Tasks


class Forgetting(QObject):
    """Forgets training photos of a model, in the training process, once the user agreed.

    Attributes:
        noticed: a notice for the user.
    """

    noticed = Signal(object)

    def __init__(
        self,
        training: Callable[[], Tasks],
        models: ModelController,
        corrections: CorrectionStore,
        settings: SettingsStore,
        parent: QObject,
    ) -> None:
        """`training` returns the tasks of the training process, which starts with the first one."""
        super().__init__(parent)
        self._training, self._models, self._corrections, self._settings = training, models, corrections, settings

    def serve(self, shown: NeighbourStrip) -> None:
        """Forget the training photos that the user chooses there."""
        shown.forget_wanted.connect(lambda photo, model: self.ask((photo,), model))

    def ask(self, photos: Sequence[Path], model: str = "") -> None:
        """Ask whether to forget these photos; `model` is the name of the model, by default the one in use."""
        name = model or self._models.name
        if photos and name:
            act = tr("Forget"), partial(self._forget, tuple(photos), name)
            text = _question(photos, self._models.title_of(name))
            self.noticed.emit(Notice(text, NoticeKind.WARNING, (act,), key=_key(name)))

    def _forget(self, photos: tuple[Path, ...], name: str) -> None:
        from core import api  # not needed by the first paint
        from core.training.request import ForgetRequest

        task = self._training().start(api.forget, ForgetRequest(name, photos, self._settings.value.provider))
        title = self._models.title_of(name)
        stop = tr("Cancel"), task.cancel
        self.noticed.emit(
            Notice(tr("Training “{model}” on the other photos…", model=title), actions=(stop,), key=_key(name))
        )
        task.succeeded.connect(self._on_forgotten)
        task.failed.connect(partial(self._on_failed, name))
        task.stopped.connect(lambda: self.noticed.emit(Notice(tr("Nothing was forgotten."), key=_key(name))))

    def _on_forgotten(self, done: Forgotten) -> None:
        text = " ".join(map(window_wording, done.notes))
        self.noticed.emit(Notice(text, NoticeKind.SUCCESS, key=_key(done.name)))
        self._corrections.refresh()
        self._models.refresh()

    def _on_failed(self, name: str, error: FoveaError) -> None:
        self.noticed.emit(Notice.of(error, key=_key(name)))


def _question(photos: Sequence[Path], title: str) -> str:
    return tr_n(
        "Forget “{name}”? “{model}” is trained without it from the start, and all versions that were made with it are "
        "deleted. This can't be undone.",
        "Forget {count:,} photos? “{model}” is trained without them from the start, and all versions that were made "
        "with them are deleted. This can't be undone.",
        len(photos),
        name=display_path(photos[0].name),
        model=title,
    )


def _key(model: str) -> str:
    return f"forget {model}"
