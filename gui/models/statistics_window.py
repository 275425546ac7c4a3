"""The statistics of a model of the library or of an ONNX file, opened from *Models*."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from core.api import statistics
from core.api.library_values import LibraryListing
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.providers import ComputePrecision
from core.base.text import display_path
from core.engine.values import LayerTimings
from core.models.values import ModelStatistics
from gui.models.statistics_view import StatisticsView
from gui.session.session import Session
from gui.tasks.task import LatestTask, Task, Tasks
from gui.widgets import theme
from gui.widgets.basic import Choice, button, label, show_text
from gui.widgets.layouts import fill, hbox, vbox
from gui.widgets.notices import Notices
from gui.widgets.second_window import SecondWindow
from gui.widgets.work_strip import WorkStrip


class StatisticsController(QObject):
    """Opens statistics in one window, which is created when it is first needed."""

    def __init__(self, session: Session, notices: Notices, parent: QWidget) -> None:
        """The window stays above the window of `parent`."""
        super().__init__(parent)
        self._session, self._notices, self._parent = session, notices, parent
        self.window: StatisticsWindow | None = None
        self._backbones: Sequence[str] = ()
        session.library.listed.connect(self._on_listed)
        session.closing.connect(self._close)

    def open(self, source: statistics.Source) -> None:
        """Show the statistics of a model, `name` or `name@version`, or of a file."""
        if self.window is None:
            self.window = StatisticsWindow(self._session.library.tasks, self._parent)
            self.window.noticed.connect(self._notices.show_one)
        self.window.offer_backbones(self._backbones)
        self.window.show_source(source, "" if isinstance(source, Path) else self._session.models.title_of(source))
        self.window.bring_up()

    def _on_listed(self, listed: LibraryListing) -> None:
        self._backbones = [one.name for one in listed.backbones]
        if self.window is not None:
            self.window.offer_backbones(self._backbones)

    def _close(self) -> None:
        if self.window is not None:
            self.window.close()


class StatisticsWindow(SecondWindow):
    """Counts a model or a file, and measures its layers when the user asks for it.

    Attributes:
        noticed: a notice for the user.
    """

    noticed = Signal(object)

    def __init__(self, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(tr("Statistics"), "statistics", QSize(1080, 760), QSize(560, 400), parent)
        self._tasks, self._counting = tasks, LatestTask(tasks)
        self._measuring: Task | None = None
        self._source: statistics.Source = ""
        self._opened: tuple[statistics.Source, str] = "", ""
        self._backbones: Sequence[str] = ()
        self._found: ModelStatistics | None = None
        self._title = label(kind="title", wrap=True)
        self.choice = Choice()
        self.choice.setAccessibleName(tr("Model or backbone"))
        self.variant = Choice()
        self.variant.setAccessibleName(tr("Variant"))
        self.measure = button(tr("Measure layers"), self.start_measuring, kind="primary")
        self.measure.setToolTip(tr("Runs the model on the CPU for some seconds"))
        self.strip = WorkStrip(tr("Progress of the measurement"), tr("Cancel the measurement"))
        self.error_text = label(kind="danger", wrap=True)
        self.view = StatisticsView()
        head = hbox(fill(self._title), self.choice, self.variant, self.measure, spacing=theme.GRID)
        parts = (self.strip, self.error_text, fill(self.view))
        vbox(head, *parts, parent=self, margins=16, spacing=2 * theme.GRID)
        self.choice.activated.connect(lambda _: self._show(self.choice.currentData(), self.choice.currentText()))
        self.variant.activated.connect(lambda _: self._count(ComputePrecision(self.variant.currentData())))
        self.strip.cancel_wanted.connect(self.cancel)
        self.view.noticed.connect(self.noticed)

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
        self.choice.clear()
        for one, text in titles.items():
            self.choice.addItem(text, one)
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
        if self._found is None or self._measuring is not None:
            return
        self.error_text.hide()
        self.strip.begin(tr("Measuring layers…"))
        task = self._measuring = self._tasks.start(statistics.measure_layers, self._source, self._found.precision)
        task.progressed.connect(self.strip.show_progress)
        task.succeeded.connect(self._on_measured)
        task.failed.connect(self._on_failed)
        task.ended.connect(self._on_measuring_ended)
        self._show_button()

    def cancel(self) -> None:
        """Cancel the measurement."""
        if self._measuring is not None:
            self._measuring.cancel()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.cancel()
        super().closeEvent(event)

    def _count(self, precision: ComputePrecision | None) -> None:
        self._abandon_measuring()
        self._found = None
        self.error_text.hide()
        self._show_button()
        task = self._counting.start(statistics.model_statistics, self._source, precision)
        task.succeeded.connect(self._on_counted)
        task.failed.connect(self._on_failed)

    def _abandon_measuring(self) -> None:
        if self._measuring is not None:
            self._measuring.abandon()
            self._on_measuring_ended()

    def _on_counted(self, found: ModelStatistics) -> None:
        self._found = found
        self._title.setText(display_path(found.title))
        self.variant.clear()
        for precision in found.precisions:
            self.variant.addItem(precision.value, precision)
        self.variant.setCurrentIndex(self.variant.findData(found.precision))
        self.variant.setVisible(len(found.precisions) > 1)
        self.view.show_statistics(found, None)
        self.view.show()
        self._show_button()

    def _on_measured(self, timings: LayerTimings) -> None:
        if self._found is not None:
            self.view.show_statistics(self._found, timings)

    def _on_failed(self, error: FoveaError) -> None:
        show_text(self.error_text, str(error))
        self.view.setVisible(self._found is not None)

    def _on_measuring_ended(self) -> None:
        self._measuring = None
        self.strip.end()
        self._show_button()

    def _show_button(self) -> None:
        self.measure.setEnabled(self._found is not None and self._measuring is None)


def _name(source: statistics.Source) -> str:
    return display_path(source.name) if isinstance(source, Path) else source
