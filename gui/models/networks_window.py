"""The window *Compare networks*: accuracy against size, multiply-adds or time."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from core.api import networks as api
from core.app.values import NetworkComparison
from core.base.errors import FoveaError
from core.base.i18n import tr
from gui.models import version_text
from gui.plots.network_values import AXIS_TITLES
from gui.plots.networks import NetworksPlot
from gui.tasks.task import LatestTask, Tasks
from gui.widgets import theme
from gui.widgets.basic import Choice, button, label, show_text
from gui.widgets.layouts import SPACE, fill, hbox, vbox
from gui.widgets.second_window import SecondWindow
from gui.widgets.work_strip import WorkStrip


class NetworksWindow(SecondWindow):
    """Shows published networks, those measured here, and the user's models."""

    def __init__(self, tasks: Tasks, parent: QWidget) -> None:
        super().__init__(tr("Compare networks"), "networks", QSize(1080, 720), QSize(800, 540), parent)
        self._tasks, self._reading = tasks, LatestTask(tasks)
        self.plot, self.axis = NetworksPlot(), Choice(tr("Compare accuracy with"), AXIS_TITLES)
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

    def open(self) -> None:
        """Show the window with the current numbers."""
        self.bring_up()
        self.refresh()

    def refresh(self) -> None:
        """Read the numbers again, if the window is open."""
        if not self.isVisible():
            return
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
        task = self.strip.run(self._tasks.start(verb), tr("Measuring…"))
        task.succeeded.connect(self.show_comparison)
        task.failed.connect(self._on_failed)
        task.ended.connect(self._show_buttons)
        self._show_buttons()

    def _on_failed(self, error: FoveaError) -> None:
        show_text(self.error_text, str(error))

    def _show_buttons(self) -> None:
        for one in (self.measure, self.measure_litert):
            one.setEnabled(not self.strip.is_busy)
