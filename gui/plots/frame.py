"""The frame of a plot: title, summary, table view, and copy and save buttons."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QEvent, QIODevice, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QImage, QKeyEvent, QKeySequence, QPainter, QResizeEvent
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFrame, QLabel, QStackedWidget, QWidget

from core.base.i18n import tr
from gui.plots.canvas import Canvas, font
from gui.plots.cells import Cells
from gui.plots.table import DataTable
from gui.plots.values import Table
from gui.widgets import theme
from gui.widgets.basic import label, link
from gui.widgets.context_menu import attach_menu
from gui.widgets.files import ask_where_to_save, save_in_background
from gui.widgets.layouts import fill, hbox, vbox

_SHARP: Final = 2.0
"""Scale of exported pictures, so that they stay sharp in documents."""
_MARGIN: Final = 16
_TITLE_HEIGHT: Final = 24
_SPI: Final = 96
"""Dots per inch at which one unit of the SVG is one pixel."""


class PlotFrame(QFrame):
    """A plot with a title, a summary in words, and a table of the same data.

    Attributes:
        noticed: a notice about the result of saving the plot.
        table: the table, which is filled even while it is hidden.
    """

    noticed = Signal(object)

    def __init__(self, title: str, canvas: Canvas | Cells) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.canvas, self._title = canvas, title
        self.table = DataTable()
        self._sentence = _Sentence()
        self._views = QStackedWidget()
        self._views.addWidget(canvas)
        self._views.addWidget(self.table)
        self._copy = link(tr("Copy"), self.copy)
        self._save = link(tr("Save…"), self._ask_where_to_save)
        self._toggle = link(tr("Table"), lambda: self.show_as_table(shown=not self.is_table()))
        self._place()
        self.setAccessibleName(title)
        self.table.setAccessibleName(tr("{title} (table)", title=title))
        canvas.setAccessibleName(title)
        for shown in (canvas, self.table):
            attach_menu(shown, lambda: (self._copy, self._save, None, self._toggle))
        self._name_buttons()

    def _place(self) -> None:
        head = hbox(fill(label(self._title, "heading")), self._copy, self._save, self._toggle, spacing=0)
        margins = (_MARGIN, 8, _MARGIN, _MARGIN)
        self._column = vbox(head, self._sentence, fill(self._views), parent=self, margins=margins, spacing=theme.GRID)

    def add_below(self, widget: QWidget) -> None:
        """Add a widget below the plot."""
        self._column.addWidget(widget)

    def is_table(self) -> bool:
        """Whether the table is shown instead of the plot."""
        return self._views.currentWidget() is self.table

    def show_as_table(self, *, shown: bool) -> None:
        """Show the table or the plot."""
        self._views.setCurrentIndex(int(shown))
        self._toggle.setText(tr("Plot") if shown else tr("Table"))
        self._name_buttons()

    def _name_buttons(self) -> None:
        title = self._title
        if self.is_table():
            self._copy.setAccessibleName(tr("Copy “{title}” as text", title=title))
            self._toggle.setAccessibleName(tr("Show “{title}” as a plot", title=title))
        else:
            self._copy.setAccessibleName(tr("Copy “{title}” as a picture", title=title))
            self._toggle.setAccessibleName(tr("Show “{title}” as a table", title=title))
        self._save.setAccessibleName(tr("Save “{title}” as a picture", title=title))

    def show_result(self, sentence: str, table: Table) -> None:
        """Set the summary and the table."""
        self._sentence.show_text(sentence)
        self.table.show_table(table)
        for part in (self, self.canvas, self.table):
            part.setAccessibleDescription(sentence)

    def sentence(self) -> str:
        """The summary in words."""
        return self._sentence.text()

    def copy(self) -> None:
        """Copy the plot as a picture, or the table as tab-separated text if it is shown."""
        clipboard = QGuiApplication.clipboard()
        if self.is_table():
            clipboard.setText(self.table.table.as_tsv())
        else:
            clipboard.setImage(self.picture())

    def event(self, event: QEvent) -> bool:
        """Claim the Copy shortcut, which otherwise triggers the window's action."""
        is_claimed = event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_claimed and event.matches(QKeySequence.StandardKey.Copy):  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def picture(self) -> QImage:
        """The plot with its title and summary, at twice its size."""
        image = QImage(self._picture_size() * _SHARP, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(_SHARP)
        painter = QPainter(image)
        self._paint(painter, _SHARP)
        painter.end()
        image.setDevicePixelRatio(1.0)
        return image

    def svg(self) -> bytes:
        """The plot with its title and summary as SVG."""
        data, size = QByteArray(), self._picture_size()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        generator = QSvgGenerator()
        generator.setOutputDevice(buffer)
        generator.setResolution(_SPI)
        generator.setSize(size)
        generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
        generator.setTitle(self._title)
        generator.setDescription(self.sentence())
        painter = QPainter(generator)
        self._paint(painter, 1.0)
        painter.end()
        return bytes(data.data())

    def save(self, file: Path) -> None:
        """Save the plot as SVG, if the suffix says so, or as PNG; `noticed` reports the result."""
        drawn = self.svg() if file.suffix.lower() == ".svg" else self.picture()
        content = partial(_png, drawn) if isinstance(drawn, QImage) else lambda: drawn
        saved = tr("Saved the plot as “{file}” in {folder}.", file=file.name, folder=file.parent)
        save_in_background(self, file, content, saved, self.noticed.emit)

    def _ask_where_to_save(self) -> None:
        title, kinds = tr("Save “{title}”", title=self._title), tr("PNG picture (*.png);;SVG drawing (*.svg)")
        ask_where_to_save(self, title, Path.home() / f"{self._title}.png", self.save, kinds)

    def _picture_size(self) -> QSize:
        size = self.canvas.picture_size()
        return QSize(size.width() + 2 * _MARGIN, size.height() + self._canvas_top(size.width()) + _MARGIN)

    def _canvas_top(self, width: int) -> int:
        return _MARGIN + _TITLE_HEIGHT + self._sentence.heightForWidth(width) + theme.GRID

    def _paint(self, painter: QPainter, scale: float) -> None:
        colours, (width, height) = theme.current(), self.canvas.picture_size().toTuple()
        top = self._canvas_top(width)
        painter.fillRect(QRectF(0, 0, width + 2 * _MARGIN, top + height + _MARGIN), QColor(colours.surface))
        painter.setPen(QColor(colours.text))
        painter.setFont(font(15, bold=True))
        painter.drawText(QRectF(_MARGIN, _MARGIN, width, _TITLE_HEIGHT), self._title)
        painter.setPen(QColor(colours.muted))
        painter.setFont(self._sentence.font())
        under = QRectF(_MARGIN, _MARGIN + _TITLE_HEIGHT, width, top)
        painter.drawText(under, Qt.TextFlag.TextWordWrap, self.sentence())
        self.canvas.paint_onto(painter, QRectF(_MARGIN, top, width, height), scale)


class _Sentence(QLabel):
    """A wrapped label with the height of its text; a height-for-width layout would clip the plot instead."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "muted")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def show_text(self, text: str) -> None:
        self.setText(text)
        self.setFixedHeight(self.heightForWidth(self.width()))

    def hasHeightForWidth(self) -> bool:
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setFixedHeight(self.heightForWidth(self.width()))


def _png(image: QImage) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(data.data())
