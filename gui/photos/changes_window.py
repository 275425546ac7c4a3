"""The changes of a retraining, photo by photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.evaluation.values import BaselineComparison, Disagreement
from core.training.values import CorrectionResult, RetrainingResult
from gui.photos.retrain_strip import headline
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import Panel, ScrollColumn, label
from gui.widgets.files import open_file
from gui.widgets.formats import confidence
from gui.widgets.layouts import SPACE, fill, vbox
from gui.widgets.second_window import SecondWindow
from gui.widgets.thumbnails import PhotoWall

Shown = tuple[Path, str]


class ChangesWindow(SecondWindow):
    """Shows the photos that two versions classify differently: corrected photos, test photos, then all others."""

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(tr("Changes"), "changes", QSize(900, 640), QSize(560, 400), parent)
        self._pictures = pictures
        self.headline = label(kind="title", wrap=True)
        self._area = ScrollColumn(tr("Changes"))
        grid = theme.GRID
        vbox(
            self.headline,
            fill(self._area),
            parent=self,
            margins=(3 * grid, 3 * grid, 2 * grid, 2 * grid),
            spacing=2 * grid,
        )

    def show_changes(self, summary: RetrainingResult, photos: Sequence[Disagreement]) -> None:
        """Show the result of a retraining, and the other photos in the list whose prediction changed."""
        self.headline.setText(headline(summary))
        notes = [label(note, "muted", wrap=True) for note in summary.notes]
        panels = [self._photo_panel(*section) for section in _sections(summary, photos)]
        self._area.show_column(*notes, *panels, SPACE).setSpacing(2 * theme.GRID)
        self.bring_up()

    def _photo_panel(self, title: str, about: str, shown: Sequence[Shown]) -> Panel:
        panel = Panel(title)
        if about:
            panel.body.addWidget(label(about, "muted", wrap=True))
        wall = PhotoWall(self._pictures, title)
        wall.show_photos(shown)
        wall.opened.connect(_open)
        panel.body.addWidget(wall)
        return panel


def _sections(summary: RetrainingResult, photos: Sequence[Disagreement]) -> Iterator[tuple[str, str, list[Shown]]]:
    """Yield the title, explanation and photos of each group that has any."""
    corrected = [
        (one.correction.path, _correction_lines(one))
        for one in summary.corrections
        if not (one.correction.is_confirmation and one.is_correct)
    ]
    if corrected:
        about = tr("The model was trained on these, so they say little about new photos.")
        yield tr("Photos you corrected"), about, corrected
    if summary.tests is not None and summary.tests.disagreements:
        flips = [_shown(one) for one in summary.tests.disagreements]
        yield tr("Test photos that changed"), _about_tests(summary.tests), flips
    if photos:
        yield tr("Other photos in your list"), "", [_shown(one) for one in photos]
    if summary.skipped:
        yield tr("Not used"), "", [(one.path, f"{one.message}\n{one.hint}") for one in summary.skipped]


def _correction_lines(one: CorrectionResult) -> str:
    """As `_lines`, with both confidences: the class may be the same, and only now above the level of known photos."""
    before = f"{one.before} {confidence(one.confidence_before)}"
    return _lines(before, one.now, one.confidence_now, one.correction.label)


def _shown(change: Disagreement) -> Shown:
    return change.path, _lines(change.prediction_a, change.prediction_b, change.confidence_b, change.label)


def _about_tests(tests: BaselineComparison) -> str:
    previous = tr("The previous version was trained on these photos.")
    overlap = previous if tests.training_overlap else tr("Neither version was trained on these photos.")
    has_files = all(one.path.is_absolute() for one in tests.disagreements)
    if has_files:
        return overlap
    return " ".join((overlap, tr("Only their names are known: Fovea doesn't include the photos.")))


def _lines(before: str, now: str, probability: float, label: str | None) -> str:
    """Two lines under a photo: the previous prediction, and the new one with a mark if the label is known."""
    change = tr("Unchanged") if before == now else f"{before} →"
    mark = "" if not label else "✓ " if now == label else "✗ "
    return f"{change}\n{mark}{now} {confidence(probability)}"


def _open(path: Path) -> None:
    if path.is_absolute():
        open_file(path)
