"""Whether the user wants to see where the model looked, and the maps that answer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.base.errors import FoveaError
from gui.tasks.engine_client import EngineClient
from gui.tasks.task import LatestTask, Task, Tasks
from gui.widgets.photo_map import PhotoMap, Question

if TYPE_CHECKING:
    from core.evaluation.explanation import Explanation


class Explaining(QObject):
    """Turns maps on and off for this session, and requests them from the engine process.

    Attributes:
        is_on: whether maps are shown.
        _crashed: the photos that crashed the engine; it is not asked about them again.
    """

    _turned = Signal(bool)

    def __init__(self, engine: EngineClient, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self.is_on = False
        self._crashed: set[Path] = set()

    def serve(self, shown: PhotoMap) -> None:
        """Answer the questions of a view."""
        shown.wanted.connect(partial(self._ask, shown, LatestTask(self._engine.tasks)))
        self._turned.connect(lambda is_on: shown.turn(on=is_on))
        self._engine.resumed.connect(shown.ask_again)
        shown.turn(on=self.is_on)

    def serve_version(self, shown: PhotoMap, tasks: Tasks) -> None:
        """Answer the questions of a view about versions that need not be in use, `name@version`, in a process."""
        shown.wanted.connect(partial(self._ask_about_version, shown, LatestTask(tasks)))

    def toggle(self) -> None:
        """Show maps, or stop showing them."""
        self.is_on = not self.is_on
        self._turned.emit(self.is_on)

    def _ask(self, shown: PhotoMap, latest: LatestTask, question: Question) -> None:
        from core.api import explanations  # not needed by the first paint

        if question[0] in self._crashed:
            shown.show_reason(str(self._engine.tasks.death))
            return
        self._connect(shown, question, latest.start(explanations.explain, *question))

    def _ask_about_version(self, shown: PhotoMap, latest: LatestTask, question: Question) -> None:
        from core.api import explanations  # not needed by the first paint

        self._connect(shown, question, latest.start(explanations.explain_version, *question))

    def _connect(self, shown: PhotoMap, question: Question, task: Task) -> None:
        task.succeeded.connect(partial(self._on_answered, shown, question))
        task.failed.connect(partial(self._on_failed, shown, question))

    def _on_answered(self, shown: PhotoMap, question: Question, answer: Explanation) -> None:
        if shown.question == question:
            shown.show_map(answer)

    def _on_failed(self, shown: PhotoMap, question: Question, error: FoveaError) -> None:
        if error is self._engine.tasks.death:
            self._crashed.add(question[0])
        if shown.question == question:
            shown.show_reason(str(error))
