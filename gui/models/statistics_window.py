"""The statistics of a model of the library or of an ONNX file, opened from *Models*."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from core.api import statistics
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.providers import ComputePrecision
from core.base.text import display_path
from core.engine.values import LayerTimings
from core.models.values import ModelStatistics
from gui.models.statistics_view import StatisticsView
from gui.tasks.task import LatestTask, Tasks
from gui.widgets import theme
from gui.widgets.basic import Choice, button, label, show_text
from gui.widgets.layouts import fill, hbox, vbox
from gui.widgets.second_window import SecondWindow
from gui.widgets.work_strip import WorkStrip


class StatisticsWindow(SecondWindow):
    """Counts a model or a file, and measures its layers when the user asks for it."""

    def __init__(self, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(tr("Statistics"), "statistics", QSize(1080, 760), QSize(560, 400), parent)
        self._tasks, self._counting = tasks, LatestTask(tasks)
        self._source: statistics.Source = ""
        self._opened: tuple[statistics.Source, str] = "", ""
        self._backbones: Sequence[str] = ()
        self._found: ModelStatistics | None = None
        self._title = label(kind="title", wrap=True)
        self.choice, self.variant = Choice(tr("Model or backbone")), Choice(tr("Variant"))
        self.measure = button(tr("Measure layers"), self.start_measuring, kind="primary")
        self.measure.setToolTip(tr("Runs the model on the CPU for some seconds"))
        self.strip = WorkStrip(tr("Progress of the measurement"), tr("Cancel the measurement"))
        self.error_text, self._counting_text = label(kind="danger", wrap=True), label(tr("Counting…"), "muted")
        self.view = StatisticsView()
        head = hbox(fill(self._title), self.choice, self.variant, self.measure, spacing=theme.GRID)
        parts = (self.strip, self._counting_text, self.error_text, fill(self.view))
        self.view.hide()
        vbox(head, *parts, parent=self, margins=16, spacing=2 * theme.GRID)
        self.choice.activated.connect(lambda _: self._show(self.choice.currentData(), self.choice.currentText()))
        self.variant.activated.connect(lambda _: self._count(ComputePrecision(self.variant.currentData())))

    def show_source(self, source: statistics.Source, title: str = "") -> None:
        """Count a model or a file; without a title, it is shown by its name. Backbones can be chosen instead."""
        self._opened = source, title or _name(source)
        self._show(*self._opened)
        self._list_choices()

    def offer_backbones(self, names: Sequence[str]) -> None:
        """Offer the backbones of these names, besides what was opened."""
        self._backbones = names
        self._list_choices()

    def _list_choices(self) -> None:
        source, title = self._opened
        titles: dict[statistics.Source, str] = {source: title, **{one: one for one in self._backbones if one != source}}
        self.choice.offer(titles)
        self.choice.setCurrentIndex(list(titles).index(self._source) if self._source in titles else 0)
        self.choice.setVisible(len(titles) > 1)

    def _show(self, source: statistics.Source, name: str) -> None:
        self._source = source
        self._title.setText(name)
        self.setWindowTitle(tr("Statistics of {model}", model=name))
        self.variant.clear()
        self.variant.hide()
        self._count(None)

    def start_measuring(self) -> None:
        """Measure how long each layer takes."""
        if self._found is None or self.strip.is_busy:
            return
        self.error_text.hide()
        task = self._tasks.start(statistics.measure_layers, self._source, self._found.precision)
        self.strip.run(task, tr("Measuring layers…"))
        task.succeeded.connect(self._on_measured)
        task.failed.connect(self._on_failed)
        task.ended.connect(self._show_button)
        self._show_button()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.strip.stop()
        super().closeEvent(event)

    def _count(self, precision: ComputePrecision | None) -> None:
        self.strip.abandon()
        self._found = None
        self.error_text.hide()
        self.view.hide()
        self._counting_text.show()
        self._show_button()
        task = self._counting.start(statistics.model_statistics, self._source, precision)
        task.succeeded.connect(self._on_counted)
        task.failed.connect(self._on_failed)

    def _on_counted(self, found: ModelStatistics) -> None:
        self._found = found
        self._title.setText(display_path(found.title))
        self.variant.offer({precision: precision.value for precision in found.precisions}, found.precision)
        self.variant.setVisible(len(found.precisions) > 1)
        self.view.show_statistics(found, None)
        self._counting_text.hide()
        self.view.show()
        self._show_button()

    def _on_measured(self, timings: LayerTimings) -> None:
        if self._found is not None:
            self.view.show_statistics(self._found, timings)

    def _on_failed(self, error: FoveaError) -> None:
        show_text(self.error_text, str(error))
        self._counting_text.hide()
        self.view.setVisible(self._found is not None)

    def _show_button(self) -> None:
        self.measure.setEnabled(self._found is not None and not self.strip.is_busy)


def _name(source: statistics.Source) -> str:
    return display_path(source.name) if isinstance(source, Path) else source
