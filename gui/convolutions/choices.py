"""What the user chooses: kernel and channels with sliders, or one of the article's examples."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QSlider, QWidget

from core.base.i18n import tr
from gui.convolutions.kinds import EXAMPLES, Setup
from gui.widgets import theme
from gui.widgets.basic import button, label
from gui.widgets.flow import FlowRow
from gui.widgets.layouts import fill, hbox, vbox

CHANNELS: Final = (1, 2, 3, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 728, 1024, 1536, 2048)
"""The steps of the sliders: networks use such numbers, and a linear scale would hide the small ones."""
KERNELS: Final = (3, 5, 7, 9, 11)


class Slider(QWidget):
    """A slider over some numbers, with its name and value above it.

    Attributes:
        moved: the user moved the slider to this number.
    """

    moved = Signal(int)

    def __init__(self, name: str, values: Sequence[int], text: Callable[[int], str]) -> None:
        """`text` says a number as the user reads it."""
        super().__init__()
        self._name, self._values, self._text = name, values, text
        self._shown = label(kind="number")
        self.bar = QSlider(Qt.Orientation.Horizontal)
        self.bar.setRange(0, len(values) - 1)
        self.bar.setPageStep(2)
        self.bar.valueChanged.connect(self._on_moved)
        head = hbox(fill(label(name, "muted")), self._shown)
        vbox(head, self.bar, parent=self, spacing=0)

    @property
    def value(self) -> int:
        """The chosen number."""
        return self._values[self.bar.value()]

    def show_value(self, value: int) -> None:
        """Move to the nearest number that is not smaller."""
        with QSignalBlocker(self.bar):
            self.bar.setValue(bisect_left(self._values, value))
        self._show_text()

    def _on_moved(self) -> None:
        self._show_text()
        self.moved.emit(self.value)

    def _show_text(self) -> None:
        text = self._text(self.value)
        self._shown.setText(text)
        self.bar.setAccessibleName(tr("{name}: {value}", name=self._name, value=text))


class Choices(QWidget):
    """Sliders and examples.

    Attributes:
        changed: the user chose another `Setup`.
    """

    changed = Signal(object)

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self._setup = setup
        self.size_slider = Slider(tr("Kernel"), KERNELS, _kernel_text)
        self.inputs = Slider(tr("Input channels"), CHANNELS, _count_text)
        self.outputs = Slider(tr("Output channels"), CHANNELS, _count_text)
        self.size_slider.moved.connect(lambda value: self._take(replace(self._setup, size=value)))
        self.inputs.moved.connect(lambda value: self._take(replace(self._setup, inputs=value)))
        self.outputs.moved.connect(lambda value: self._take(replace(self._setup, outputs=value)))
        self.examples = [button(_example_text(one), partial(self._take, one)) for one in EXAMPLES]
        for shown, one in zip(self.examples, EXAMPLES, strict=True):
            shown.setAccessibleName(tr("Example: {example}", example=_example_text(one)))
        sliders = hbox(*map(fill, (self.size_slider, self.inputs, self.outputs)), spacing=3 * theme.GRID)
        examples = hbox(label(tr("From the article:"), "muted"), fill(FlowRow(*self.examples)), spacing=theme.GRID)
        vbox(sliders, examples, parent=self, spacing=theme.GRID)
        self.show_setup(setup)

    def show_setup(self, setup: Setup) -> None:
        """Show what is chosen."""
        self._setup = setup
        self.size_slider.show_value(setup.size)
        self.inputs.show_value(setup.inputs)
        self.outputs.show_value(setup.outputs)

    def _take(self, setup: Setup) -> None:
        self.show_setup(setup)
        self.changed.emit(setup)


def _kernel_text(size: int) -> str:
    return tr("{height} × {width}", height=size, width=size)


def _count_text(count: int) -> str:
    return f"{count:,}"


def _example_text(one: Setup) -> str:
    return tr("{size} × {size}, {inputs} → {outputs}", size=one.size, inputs=one.inputs, outputs=one.outputs)
