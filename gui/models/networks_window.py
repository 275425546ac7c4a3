"""The window *Compare networks*: accuracy against size, multiply-adds or time."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QWidget

from core.api import networks as api
from core.app.values import NetworkComparison
from core.base.errors import FoveaError
from core.base.i18n import tr
from gui.models import version_text
from gui.plots.network_values import AXIS_TITLES, CostAxis
from gui.plots.networks import NetworksPlot
from gui.tasks.task import LatestTask, Task, Tasks
from gui.widgets import theme
from gui.widgets.basic import Choice, button, label, show_text
from gui.widgets.layouts import SPACE, fill, hbox, vbox
from gui.widgets.second_window import SecondWindow
from gui.widgets.work_strip import WorkStrip


class NetworksWindow(SecondWindow):
    """Shows published networks, those measured here, and the user's models.

    Attributes:
        noticed: a notice for the user.
    """

    noticed = Signal(object)

    def __init__(self, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(tr("Compare networks"), "networks", QSize(1080, 720), QSize(800, 540), parent)
        self._tasks, self._reading = tasks, LatestTask(tasks)
        self._measuring: Task | None = None
        self.plot, self.axis = NetworksPlot(), Choice()
        self.axis.setAccessibleName(tr("Compare accuracy with"))
        for axis in CostAxis:
            self.axis.addItem(tr(AXIS_TITLES[axis]), axis)
        self.measured = label(kind="muted")
        self.measure = button(tr("Measure this computer"), lambda: self._measure(api.measure_networks))
        self.measure_litert = button(tr("Measure LiteRT"), lambda: self._measure(api.measure_litert))
        self.measure_litert.setToolTip(
            tr("Converts backbones to LiteRT files and measures them. Takes minutes and needs TensorFlow.")
        )
        self.strip = WorkStrip(tr("Progress of the measurement"), tr("Cancel the measurement"))
        self.error_text = label(kind="danger", wrap=True)
        self.error_text.hide()
        buttons = self.measured, self.measure, self.measure_litert
        head = hbox(label(tr("Accuracy against:")), self.axis, SPACE, *buttons, spacing=theme.GRID)
        vbox(head, self.strip, self.error_text, fill(self.plot), parent=self, margins=16, spacing=2 * theme.GRID)
        self.axis.currentIndexChanged.connect(lambda: self.plot.show_axis(self.axis.currentData()))
        self.strip.cancel_wanted.connect(self._cancel)
        self.plot.noticed.connect(self.noticed)

    def refresh(self) -> None:
        """Read the numbers again."""
        task = self._reading.start(api.compare_networks)
        task.succeeded.connect(self.show_comparison)
        task.failed.connect(self._on_failed)

    def show_comparison(self, comparison: NetworkComparison) -> None:
        """Show these networks."""
        self.plot.show_comparison(comparison)
        moment = comparison.measured_at
        self.measured.setText(
            tr("Not measured yet") if moment is None else tr("Measured {time}", time=version_text.format_time(moment))
        )

    def _measure(self, verb: Callable[..., NetworkComparison]) -> None:
        self.error_text.hide()
        self._allow_measuring(is_allowed=False)
        self.strip.begin(tr("Measuring…"))
        task = self._measuring = self._tasks.start(verb)
        task.progressed.connect(self.strip.show_progress)
        task.succeeded.connect(self.show_comparison)
        task.failed.connect(self._on_failed)
        task.ended.connect(self._on_ended)

    def _cancel(self) -> None:
        if self._measuring is not None:
            self._measuring.cancel()

    def _on_failed(self, error: FoveaError) -> None:
        show_text(self.error_text, str(error))

    def _on_ended(self) -> None:
        self._measuring = None
        self.strip.end()
        self._allow_measuring(is_allowed=True)

    def _allow_measuring(self, *, is_allowed: bool) -> None:
        self.measure.setEnabled(is_allowed)
        self.measure_litert.setEnabled(is_allowed)
