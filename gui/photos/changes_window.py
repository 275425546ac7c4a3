"""What a retraining changed, photo by photo: before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from core.services.training_values import BaselineComparison, RetrainingSummary
from gui.photos.retrain_strip import headline
from gui.photos.retraining import Change
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import Panel, label
from gui.widgets.thumbnails import PhotoWall

Shown = tuple[Path, str]


class ChangesWindow(QWidget):
    """Shows the photos that two versions name differently, corrected ones and test photos first."""

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("What changed")
        self.setMinimumSize(560, 400)
        self.resize(900, 640)
        self._pictures = pictures
        self.headline = label(kind="title", wrap=True)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * theme.GRID, 3 * theme.GRID, 2 * theme.GRID, 2 * theme.GRID)
        column.setSpacing(2 * theme.GRID)
        column.addWidget(self.headline)
        column.addWidget(self._area, 1)

    def show_changes(self, facts: RetrainingSummary, photos: Sequence[Change]) -> None:
        """Show what came of a retraining, and which other photos in the list are named differently."""
        self.headline.setText(headline(facts))
        page = QWidget()
        page.setObjectName("inspector")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, theme.GRID, 0)
        column.setSpacing(2 * theme.GRID)
        for note in facts.notes:
            column.addWidget(label(note, "muted", wrap=True))
        for title, about, shown in _sections(facts, photos):
            column.addWidget(self._photo_panel(title, about, shown))
        column.addStretch()
        self._area.setWidget(page)
        self.show()
        self.raise_()
        self.activateWindow()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def _photo_panel(self, title: str, about: str, shown: Sequence[Shown]) -> Panel:
        panel = Panel(title)
        if about:
            panel.body.addWidget(label(about, "muted", wrap=True))
        wall = PhotoWall(self._pictures, title)
        wall.show_photos(shown)
        wall.opened.connect(_open)
        panel.body.addWidget(wall)
        return panel


def _sections(facts: RetrainingSummary, photos: Sequence[Change]) -> Iterator[tuple[str, str, list[Shown]]]:
    """Title, explanation and photos of each group that has any."""
    corrected = [
        (one.correction.path, _lines(one.before, one.now, one.confidence_now, one.correction.label))
        for one in facts.corrections
        if not (one.correction.is_confirmation and one.is_correct)
    ]
    if corrected:
        yield "The photos you corrected", "They were learnt from, so they say little about others.", corrected
    if facts.tests is not None and facts.tests.changed:
        flips = [(one.path, _lines(one.before, one.now, one.confidence_now, one.label)) for one in facts.tests.changed]
        yield "Test photos that changed", _about_tests(facts.tests), flips
    if photos:
        others = [(one.path, _lines(one.before, one.now, one.confidence_now, one.label)) for one in photos]
        yield "Other photos in your list", "", others
    if facts.skipped:
        yield "Left out", "", [(one.path, f"{one.message}\n{one.hint}") for one in facts.skipped]


def _about_tests(tests: BaselineComparison) -> str:
    overlap = (
        "The version before had learnt from these."
        if tests.training_overlap
        else "Neither version had learnt from these."
    )
    here = all(one.path.is_absolute() for one in tests.changed)
    return overlap if here else f"{overlap} They did not come with Fovea: only what they are called is known."


def _lines(before: str, now: str, confidence: float, label: str | None) -> str:
    """Two lines under a photo: what it was named and is named now; whether that is right, where anybody knows."""
    verdict = "" if not label else "✓ " if now == label else "✗ "
    return f"{'as before' if before == now else f'{before} →'}\n{verdict}{now} {confidence:.0%}"


def _open(path: Path) -> None:
    if path.is_absolute():
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
