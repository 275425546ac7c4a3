"""A photo that fills the window: fitted, at 100%, or zoomed; the arrow keys show the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QMainWindow, QWidget

from core.base.i18n import tr
from core.base.text import display_path
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import button, icon_button, label, link
from gui.widgets.layouts import SPACE, fill, hbox, vbox
from gui.widgets.photo_canvas import PhotoCanvas
from gui.widgets.photo_map import PhotoMap

_PAN: Final = 80.0
"""How far Shift and an arrow key move a zoomed photo, in pixels."""
_FAR: Final = 1_000_000_000
_STEPS: Final = {
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_PageDown: 1,
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageUp: -1,
    Qt.Key.Key_Home: -_FAR,
    Qt.Key.Key_End: _FAR,
}
_PANS: Final = {
    Qt.Key.Key_Right: QPointF(-_PAN, 0),
    Qt.Key.Key_Left: QPointF(_PAN, 0),
    Qt.Key.Key_Down: QPointF(0, -_PAN),
    Qt.Key.Key_Up: QPointF(0, _PAN),
}
_ZOOMS: Final = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Equal: 1, Qt.Key.Key_Minus: -1}
_CLOSES: Final = (Qt.Key.Key_Escape, Qt.Key.Key_Space)
_OWN: Final = frozenset({*_STEPS, *_ZOOMS, *_CLOSES, Qt.Key.Key_0, Qt.Key.Key_1, Qt.Key.Key_Z})
_CTRL_OR_SHIFT: Final = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class PhotoViewer(QFrame):
    """Covers the window of a page with one of the page's photos, until it is closed or the page is hidden.

    Attributes:
        stepped: the user wants to see the photo this many places further, as far as there are any.
        correction_wanted: the user wants to correct the photo.
        canvas: the photo.
    """

    stepped = Signal(int)
    correction_wanted = Signal()

    def __init__(self, pictures: PictureClient, page: QWidget) -> None:
        window = page.window()
        over = (window.centralWidget() if isinstance(window, QMainWindow) else None) or window
        super().__init__(over)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._over, self._page = over, page
        self._focus_before: QWidget | None = None
        self.canvas = PhotoCanvas(pictures, self)
        self.title, self.name, self._legend = label(kind="heading"), label(kind="muted"), label(kind="muted")
        for text in (self.name, self._legend):
            text.setMinimumWidth(1)  # a long file name is cut rather than the buttons
        self._position, self._zoom = label(kind="muted"), label(kind="muted")
        self._zoom.setMinimumWidth(48)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.correct = button(tr("Correct… (F2)"), self.correction_wanted.emit)
        vbox(self._make_bar(), fill(self.canvas), parent=self, spacing=0)
        self.canvas.zoomed.connect(self._show_zoom)
        over.installEventFilter(self)
        page.installEventFilter(self)
        self.hide()

    def _make_bar(self) -> QWidget:
        bar = QFrame()
        bar.setObjectName("top")
        zoom = self.canvas.zoom_to
        hbox(
            icon_button("chevron-left", tr("Previous photo (←)"), lambda: self.stepped.emit(-1)),
            icon_button("chevron-right", tr("Next photo (→)"), lambda: self.stepped.emit(1)),
            self._position,
            theme.GRID,
            fill(vbox(self.title, hbox(self.name, self._legend, SPACE, spacing=2 * theme.GRID), spacing=0)),
            self.correct,
            theme.GRID,
            icon_button("zoom-out", tr("Zoom out (−)"), lambda: self.canvas.zoom_by(-1)),
            self._zoom,
            icon_button("zoom-in", tr("Zoom in (+)"), lambda: self.canvas.zoom_by(1)),
            link(tr("Fit"), lambda: zoom(None), hint=tr("Fit into the window (0)")),
            link(tr("Actual size"), lambda: zoom(1.0), hint=tr("One pixel of the photo per pixel (1)")),
            icon_button("x", tr("Close (Esc)"), self.close),
            parent=bar,
            margins=(theme.GRID, theme.GRID // 2, theme.GRID, theme.GRID // 2),
            spacing=theme.GRID // 2,
        )
        return bar

    def cover_with(self, over: PhotoMap) -> None:
        """Show this map over the photo, now and whenever it changes."""
        over.changed.connect(lambda _: self._show_map(over))
        self._show_map(over)

    def _show_map(self, over: PhotoMap) -> None:
        self.canvas.show_map(over.shown)
        self._legend.setText(over.legend.text() if over.shown else "")

    def open(self) -> None:
        """Cover the window."""
        self._focus_before = self._over.window().focusWidget()
        self.setGeometry(self._over.rect())
        self.show()
        self.raise_()
        self.canvas.setFocus(Qt.FocusReason.PopupFocusReason)

    def show_photo(self, path: Path, title: str, position: str, *, can_correct: bool) -> None:
        """Show a photo with what it shows, and its position in the list, such as "3 of 28"."""
        self.title.setText(title)
        self.name.setText(display_path(path.name))
        self.name.setToolTip(display_path(path))
        self._position.setText(position)
        self.correct.setEnabled(can_correct)
        self.canvas.setAccessibleName(tr("{file}: {prediction}", file=display_path(path.name), prediction=title))
        self.canvas.show_photo(path)

    def hideEvent(self, event: object) -> None:
        self.canvas.show_photo(None)
        if self._focus_before is not None and self._focus_before.isVisible():
            self._focus_before.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._over and event.type() is QEvent.Type.Resize:
            self.setGeometry(self._over.rect())
        elif watched is self._page and event.type() is QEvent.Type.Hide:
            self.hide()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """Keep the viewer's keys from the menus, which have some of them for the list below."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_own(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if not _is_own(event):
            super().keyPressEvent(event)
        elif key in _CLOSES:
            self.close()
        elif key in _PANS and event.modifiers() & _CTRL_OR_SHIFT:
            self.canvas.pan(_PANS[key])
        elif key in _STEPS:
            self.stepped.emit(_STEPS[key])
        elif key in _ZOOMS:
            self.canvas.zoom_by(_ZOOMS[key])
        elif key is Qt.Key.Key_Z:
            self.canvas.toggle_zoom()
        else:
            self.canvas.zoom_to(1.0 if key is Qt.Key.Key_1 else None)

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: FBT001 - Qt's signature
        """Keep the focus in the viewer: what it covers cannot be seen."""
        stops = [one for one in self.findChildren(QWidget) if one.focusPolicy() & Qt.FocusPolicy.TabFocus]
        stops = [one for one in stops if one.isVisible() and one.isEnabled()]
        here = stops.index(self.focusWidget()) if self.focusWidget() in stops else 0
        stops[(here + (1 if forward else -1)) % len(stops)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def _show_zoom(self) -> None:
        self._zoom.setText(tr("{zoom:.0%}", zoom=self.canvas.placement.actual_zoom))


def _is_own(event: QKeyEvent) -> bool:
    """Whether a key belongs to the viewer; with Alt or another modifier it belongs to the menus."""
    others = event.modifiers() & ~_CTRL_OR_SHIFT & ~Qt.KeyboardModifier.KeypadModifier
    is_plain = not event.modifiers() & Qt.KeyboardModifier.ControlModifier
    key = event.key()
    return not others and key in _OWN and (is_plain or key in _ZOOMS or key in _PANS or key == Qt.Key.Key_0)
