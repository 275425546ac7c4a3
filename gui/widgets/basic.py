"""Small widgets used on several pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from core.base.i18n import tr
from gui.widgets import icons, theme

_SHORT = 48  # characters; longer values are sentences and read better from the left

Kind = Literal["plain", "muted", "danger", "warning", "title", "display", "heading", "number"]


def label(text: str = "", kind: Kind = "plain", *, wrap: bool = False) -> QLabel:
    """A label in one of the window's text styles; its text can be selected and copied."""
    result = QLabel(text)
    result.setProperty("kind", kind)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setWordWrap(wrap)
    result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return result


def link(text: str, action: Callable[[], object], tip: str = "") -> QPushButton:
    """A button that looks like a link."""
    button = QPushButton(text)
    button.setProperty("kind", "link")
    button.setToolTip(tip)
    button.clicked.connect(lambda: action())  # drops the argument of the signal
    return button


class Icon(QWidget):
    """A standalone icon in a colour of the current theme."""

    def __init__(self, name: str, role: icons.ColorRole, side: int) -> None:
        super().__init__()
        self.setFixedSize(side, side)
        self._name, self._role = name, role

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        icons.paint(painter, self._name, QRectF(self.rect()), icons.color_of(self._role))
        painter.end()


class Panel(QFrame):
    """A titled panel on a page."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(16, 12, 16, 16)
        self.body.setSpacing(theme.GRID)
        self.heading = label(title, "heading")
        self.body.addWidget(self.heading)


class PropertyList(QWidget):
    """Names on the left and values on the right; values wrap and can be copied."""

    def __init__(self, parent: QWidget | None = None, rows: int = 0) -> None:
        """Create this many rows; further ones are created when they are first shown."""
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, QLabel]] = []
        for _ in range(rows):
            self._add_row()

    def show_properties(self, properties: Sequence[tuple[str, str]]) -> None:
        """Show these names and values, reusing existing labels."""
        while len(self._rows) < len(properties):
            self._add_row()
        for row, (name, value) in enumerate(self._rows):
            shown = row < len(properties)
            name.setVisible(shown)
            value.setVisible(shown)
            if shown:
                title, text = properties[row]
                name.setText(title)
                value.setText(text)
                is_long = len(text) > _SHORT
                value.setAlignment(Qt.AlignmentFlag.AlignLeft if is_long else Qt.AlignmentFlag.AlignRight)
                value.setAccessibleName(tr("{name}: {value}", name=title, value=text))

    def _add_row(self) -> None:
        row = len(self._rows)
        name, value = label(kind="muted"), label(wrap=True)
        value.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(value, row, 1)
        self._rows.append((name, value))


def fit_rows(tree: QTreeView, maximum: int) -> None:
    """Fit the height of a flat tree to its rows, up to a maximum, so that the page scrolls instead of the list."""
    rows = min(max(tree.model().rowCount(), 1), maximum)
    row = max(tree.sizeHintForRow(0), tree.fontMetrics().height() + 2 * theme.GRID)
    tree.setFixedHeight(tree.header().sizeHint().height() + rows * row + theme.GRID)


class Bar(QWidget):
    """A horizontal bar filled from the left; its number is shown beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(8)
        self._fraction = 0.0
        self._is_strong = True

    def show_fraction(self, fraction: float, *, is_strong: bool) -> None:
        """Fill this fraction, 0..1; a strong bar has the accent colour."""
        self._fraction, self._is_strong = fraction, is_strong
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(80, 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.track))
        painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
        painter.setBrush(QColor(colours.accent if self._is_strong else colours.muted))
        painter.drawRoundedRect(QRectF(0, 0, max(8.0, self.width() * self._fraction), 8), 4, 4)
        painter.end()


class ProgressBar(QProgressBar):
    """A progress bar without text; its number is shown beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextVisible(False)

    def setValue(self, value: int) -> None:
        """Show a value at the next repaint: Qt repaints all pending parts of the window at once, which takes 30 ms."""
        self.setUpdatesEnabled(False)
        super().setValue(value)
        self.setUpdatesEnabled(True)


class PhotoView(QWidget):
    """A picture scaled to fit, with its aspect ratio kept."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._picture: QPixmap | None = None
        self._scaled: QPixmap | None = None

    def show_picture(self, picture: QPixmap | None) -> None:
        """Show a picture; None while it is being rendered, a null pixmap if it is not available."""
        self._picture, self._scaled = picture, None
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._scaled = None

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.track))
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS, theme.RADIUS)
        if self._picture is None or self._picture.isNull():
            self._paint_placeholder(painter)
        else:
            self._paint_picture(painter, self._picture)
        painter.end()

    def _paint_placeholder(self, painter: QPainter) -> None:
        middle = QRectF(0, 0, 40, 40)
        middle.moveCenter(QRectF(self.rect()).center())
        icons.paint(painter, "image" if self._picture is None else "image-off", middle, theme.current().muted)

    def _paint_picture(self, painter: QPainter, picture: QPixmap) -> None:
        if self._scaled is None:
            ratio = self.devicePixelRatioF()
            self._scaled = picture.scaled(
                self.size() * ratio, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            self._scaled.setDevicePixelRatio(ratio)
        box = QRect(0, 0, *(self._scaled.size() / self._scaled.devicePixelRatio()).toTuple())
        box.moveCenter(self.rect().center())
        painter.drawPixmap(box.topLeft(), self._scaled)


class Choice(QComboBox):
    """A combo box with a custom arrow, as a style sheet removes the default one, and a popup that fits its entries."""

    def showPopup(self) -> None:
        view = self.view()
        bar = view.verticalScrollBar().sizeHint().width() if self.count() > self.maxVisibleItems() else 0
        width = view.sizeHintForColumn(0) + bar + 2 * view.frameWidth()
        view.setMinimumWidth(min(width, self.screen().availableGeometry().width() // 2))
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        box = QRectF(self.width() - 28, self.height() / 2 - 8, 16, 16)
        icons.paint(painter, "chevron-down", box, theme.current().muted)
        painter.end()
