"""Last step: how good the new model is, beside the one in use, and on which photos it errs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.services.training_values import (
    ComparisonFacts,
    EvaluationFacts,
    ReliabilityBin,
    TestedImage,
    TrainedFacts,
)
from gui import theme
from gui.picture_client import PictureClient
from gui.plots.values import ReliabilityBin as Bin
from gui.widgets import Panel, label
from gui.wizard.durations import duration
from gui.wizard.thumbnails import PhotoWall
from gui.wizard.tiles import Tiles

if TYPE_CHECKING:
    from gui.plots.frame import PlotFrame
    from gui.plots.matrix import ConfusionMatrix

_PLOT: Final = 480
"""How wide a plot must be to be read, in pixels."""


class ResultStep(QWidget):
    """Shows what came of a training.

    Attributes:
        use_wanted: the person wants the new model from now on.
        again_wanted: they want to train again.
        noticed: something they should read.
    """

    use_wanted = Signal()
    again_wanted = Signal()
    noticed = Signal(str)

    def __init__(self, pictures: PictureClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self.facts: TrainedFacts | None = None
        self.use = QPushButton("Use this model")
        self.use.setProperty("kind", "primary")
        self.use.clicked.connect(self.use_wanted)
        self.again = QPushButton("Train again")
        self.again.clicked.connect(self.again_wanted)
        self.headline = label(kind="title", wrap=True)
        self.beside = label(wrap=True)
        self.wall: PhotoWall | None = None
        self.matrix: ConfusionMatrix | None = None
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        head = QHBoxLayout()
        head.addWidget(self.headline, 1)
        head.addWidget(self.again, alignment=Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.use, alignment=Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        column.addWidget(self.beside)
        column.addWidget(self._area, 1)

    def show_result(self, facts: TrainedFacts) -> None:
        """Show a new model."""
        self.facts = facts
        self.headline.setText(_headline(facts))
        self.beside.setText(_beside(facts))
        self.use.setEnabled(True)
        self.use.setText("Use this model")
        self._area.setWidget(self._make_details(facts))

    def show_in_use(self) -> None:
        """Show that the new model is the one in use."""
        self.use.setText("In use")
        self.use.setEnabled(False)

    def show_whole(self, part: QWidget) -> None:
        """Scroll to a part of the page."""
        page = self._area.widget()
        if page is not None:
            self._area.verticalScrollBar().setValue(part.mapTo(page, part.rect().topLeft()).y())

    def _make_details(self, facts: TrainedFacts) -> QWidget:
        page = QWidget()
        page.setObjectName("inspector")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, theme.GRID, 0)
        column.setSpacing(2 * theme.GRID)
        for note in facts.notes:
            column.addWidget(label(note, "muted", wrap=True))
        if facts.evaluation is not None:
            column.addWidget(self._make_photos(facts.evaluation))
            column.addWidget(self._make_plots(facts, facts.evaluation))
        column.addWidget(label(_made(facts), "muted", wrap=True))
        column.addStretch()
        return page

    def _make_photos(self, evaluation: EvaluationFacts) -> QWidget:
        self._wall_panel = Panel("")
        self.wall = PhotoWall(self._pictures, "Test photos")
        self.wall.opened.connect(_open)
        self._wall_panel.body.addWidget(self.wall)
        if evaluation.mistakes:
            self._show_photos("Where it errs, surest first", evaluation.mistakes)
        else:
            self._show_photos("It named every test photo rightly", evaluation.tested[:50])
        return self._wall_panel

    def _make_plots(self, facts: TrainedFacts, evaluation: EvaluationFacts) -> Tiles:
        """The plots, one in each turn of the event loop: all at once they would hold it up."""
        tiles = Tiles([], _PLOT)
        makers: list[Callable[[], PlotFrame]] = [
            lambda: self._make_matrix(facts.classes, evaluation),
            lambda: _make_bars(facts.classes, evaluation),
            lambda: _make_calibration(evaluation),
        ]

        def make_next() -> None:
            plot = makers.pop(0)()
            plot.noticed.connect(self.noticed)
            tiles.add_last(plot)
            if makers:
                QTimer.singleShot(0, tiles, make_next)

        QTimer.singleShot(0, tiles, make_next)
        return tiles

    def _make_matrix(self, classes: Sequence[str], evaluation: EvaluationFacts) -> PlotFrame:
        from gui.plots.matrix import ConfusionMatrix  # imports what draws plots, which takes a while

        matrix = self.matrix = ConfusionMatrix()
        if evaluation.confusion:
            matrix.show_counts(classes, evaluation.confusion)
        matrix.setVisible(bool(evaluation.confusion))
        matrix.cell_chosen.connect(lambda row, column: self._show_cell(classes[row], classes[column]))
        return matrix

    def _show_cell(self, truth: str, named: str) -> None:
        """Show the photos of one cell of the matrix."""
        if self.facts is None or self.facts.evaluation is None:
            return
        inside = [one for one in self.facts.evaluation.tested if (one.label, one.predicted) == (truth, named)]
        photos = "1 photo" if len(inside) == 1 else f"{len(inside):,} photos"
        what = f"{photos} of {truth}, rightly named" if truth == named else f"{photos} of {truth} named {named}"
        self._show_photos(what, inside)
        self.show_whole(self._wall_panel)

    def _show_photos(self, title: str, photos: Sequence[TestedImage]) -> None:
        assert self.wall is not None
        self._wall_panel.heading.setText(title)
        self.wall.show_photos([(one.path, _told(one)) for one in photos])


def _make_bars(classes: Sequence[str], evaluation: EvaluationFacts) -> PlotFrame:
    from gui.plots.bars import ClassBars

    bars, scores = ClassBars(), evaluation.per_class
    shares = [one.precision for one in scores], [one.recall for one in scores], [one.support for one in scores]
    bars.show_classes(classes, *shares)
    return bars


def _make_calibration(evaluation: EvaluationFacts) -> PlotFrame:
    from gui.plots.calibration import CalibrationPlot

    plot = CalibrationPlot()
    before, after = _bins(evaluation.reliability_before), _bins(evaluation.reliability)
    plot.show_bins(before, after, evaluation.ece_before, evaluation.ece)
    return plot


def _bins(bins: Sequence[ReliabilityBin]) -> list[Bin]:
    return [Bin(one.confidence, one.accuracy, one.images) for one in bins]


def _told(one: TestedImage) -> str:
    named = one.predicted if one.predicted == one.label else f"{one.label}, named {one.predicted}"
    return f"{named}\n{one.confidence:.0%}"


def _headline(facts: TrainedFacts) -> str:
    evaluation = facts.evaluation
    if evaluation is None:
        return f"{facts.name} is ready"
    return f"{evaluation.accuracy:.1%} of {evaluation.images:,} photos it had not seen are named rightly"


def _beside(facts: TrainedFacts) -> str:
    evaluation = facts.evaluation
    if evaluation is None:
        return "There were no photos left to judge it by."
    low, high = evaluation.interval
    own = f"With so many photos, that means {low:.0%} to {high:.0%}."
    return f"{own} {_compared(facts.against)}" if facts.against is not None else own


def _compared(other: ComparisonFacts) -> str:
    won, lost = other.only_now_right, other.only_before_right
    chance = " The difference could be chance." if other.could_be_chance else ""
    return (
        f"“{other.name}”, in use before, names {other.accuracy_before:.1%} of the same rightly: "
        f"{won:,} got better, {lost:,} worse.{chance}"
    )


def _made(facts: TrainedFacts) -> str:
    parts = ", ".join(f"{count:,} {part}" for part, count in facts.parts.items())
    made = f"made in {duration(facts.seconds)} from {parts} photos"
    return f"Version {facts.version} of “{facts.name}”, {made}. {facts.summary}"


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
