"""What came of a comparison: the answers that flip as a gallery, and what that fixes and breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from core.services.library_values import ComparisonSummary, LabelledSummary
from core.services.training_values import ChangedImage
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import Choice, Panel, label
from gui.widgets.thumbnails import PhotoWall
from gui.widgets.tiles import Tiles

if TYPE_CHECKING:
    from gui.plots.frame import PlotFrame

_PLOT: Final = 480
_WALL: Final = 392
_MAX_SHOWN: Final = 300
"""Photos in the gallery at once; the filter finds the others."""
_MATRIX_CLASSES: Final = 30
_ALL, _FIXED, _BROKE = "all", "fixed", "broke"


class ComparisonView(QWidget):
    """Shows how two models differ.

    Attributes:
        noticed: something the person should read.
        summary: what is shown; None before anything was compared.
    """

    noticed = Signal(str)

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self.summary: ComparisonSummary | None = None
        self.headline, self.beside = label(kind="title", wrap=True), label(wrap=True)
        self.notes = label(kind="muted", wrap=True)
        self.filter = Choice()
        self.filter.setAccessibleName("Which photos to show")
        self.filter.currentIndexChanged.connect(self._show_photos)
        self.wall = PhotoWall(pictures, "Photos the two name differently")
        self.wall.opened.connect(_open)
        self.wall.setMinimumHeight(_WALL)
        self._count = label(kind="muted")
        self._photos = Panel("What they name differently, furthest apart first")
        self._plots: QWidget | None = None
        self._lay_out()

    def _lay_out(self) -> None:
        body = QWidget()
        body.setObjectName("inspector")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(0, 0, theme.GRID, 0)
        self._column.setSpacing(2 * theme.GRID)
        row = QHBoxLayout()
        row.addWidget(self.filter)
        row.addWidget(self._count)
        row.addStretch()
        self._photos.body.addLayout(row)
        self._photos.body.addWidget(self.wall)
        for widget in (self.headline, self.beside, self.notes, self._photos):
            self._column.addWidget(widget)
        self._column.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(area)

    def show_summary(self, summary: ComparisonSummary) -> None:
        """Show a comparison."""
        self.summary = summary
        self.headline.setText(_headline(summary))
        self.beside.setText(
            _labelled_text(summary, summary.labelled) if summary.labelled else _unlabelled_text(summary)
        )
        notes = [*summary.notes, *_unread(summary)]
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        self._fill_filter(summary)
        self._photos.setVisible(summary.disagreement_count > 0)
        self._show_photos()
        self._show_plots(summary)

    def _fill_filter(self, facts: ComparisonSummary) -> None:
        self.filter.blockSignals(True)
        self.filter.clear()
        self.filter.addItem(f"All {facts.disagreement_count:,}", _ALL)
        if facts.labelled:
            self.filter.addItem(f"Fixed: {facts.labelled.fixed:,}", _FIXED)
            self.filter.addItem(f"Broke: {facts.labelled.broke:,}", _BROKE)
        for change in facts.changes:
            self.filter.addItem(f"{change.before} → {change.now}: {change.images:,}", (change.before, change.now))
        self.filter.blockSignals(False)

    def _show_photos(self) -> None:
        if self.summary is None:
            return
        found = [one for one in self.summary.disagreements if _matches(one, self.filter.currentData())]
        self.wall.show_photos([(one.path, _change_text(one)) for one in found[:_MAX_SHOWN]])
        rest = f" The first {_MAX_SHOWN} are shown." if len(found) > _MAX_SHOWN else ""
        self._count.setText(f"{len(found):,} {'photo' if len(found) == 1 else 'photos'}.{rest}")

    def show_change(self, before: str, now: str) -> None:
        """Show only the photos that one names `before` and the other `now`."""
        for row in range(self.filter.count()):
            if self.filter.itemData(row) == (before, now):
                self.filter.setCurrentIndex(row)

    def _show_plots(self, facts: ComparisonSummary) -> None:
        """The plots, one in each turn of the event loop: all at once they would hold it up."""
        if self._plots is not None:
            self._column.removeWidget(self._plots)
            self._plots.deleteLater()
        tiles = self._plots = Tiles([], _PLOT)
        self._column.insertWidget(self._column.count() - 1, tiles)
        makers: list[Callable[[], PlotFrame]] = []
        if facts.labelled is not None:
            makers.append(lambda: _make_bars(facts))
        if _share_labels(facts):
            makers.append(lambda: self._make_matrix(facts))

        def make_next() -> None:
            if makers:
                plot = makers.pop(0)()
                plot.noticed.connect(self.noticed)
                tiles.add_last(plot)
                QTimer.singleShot(0, tiles, make_next)

        QTimer.singleShot(0, tiles, make_next)

    def _make_matrix(self, facts: ComparisonSummary) -> PlotFrame:
        from gui.plots.changes import ChangesMatrix

        matrix, classes = ChangesMatrix(), _changed_classes(facts)
        counts = {(change.before, change.now): change.images for change in facts.changes}
        rows = [[counts.get((before, now), 0) for now in classes] for before in classes]
        matrix.show_changes(classes, rows)
        matrix.cell_chosen.connect(lambda row, column: self.show_change(classes[row], classes[column]))
        return matrix


def _make_bars(facts: ComparisonSummary) -> PlotFrame:
    from gui.plots.changes import ChangeBars

    bars = ChangeBars(facts.a, facts.b)
    assert facts.labelled is not None
    bars.show_changes(
        [one.name for one in facts.labelled.classes],
        [one.before for one in facts.labelled.classes],
        [one.now for one in facts.labelled.classes],
        [one.images for one in facts.labelled.classes],
    )
    return bars


def _changed_classes(facts: ComparisonSummary) -> list[str]:
    """The classes most often named differently, as many as a matrix can show."""
    counts: dict[str, int] = {}
    for change in facts.changes:
        for name in (change.before, change.now):
            counts[name] = counts.get(name, 0) + change.images
    maximum = sorted(counts, key=lambda name: -counts[name])[:_MATRIX_CLASSES]
    return sorted(maximum)


def _share_labels(facts: ComparisonSummary) -> bool:
    """Whether an answer stands on both sides of the arrows; else a matrix of them says nothing."""
    return not {change.before for change in facts.changes}.isdisjoint(change.now for change in facts.changes)


def _matches(one: ChangedImage, chosen: object) -> bool:
    match chosen:
        case (before, now):
            return (one.before, one.now) == (before, now)
        case "fixed":
            return one.now == one.label
        case "broke":
            return one.before == one.label
        case _:
            return True


def _change_text(one: ChangedImage) -> str:
    def mark(named: str) -> str:
        return "" if one.label is None else "✓ " if named == one.label else "✗ "

    before = f"{mark(one.before)}{one.before} {one.confidence_before:.0%}"
    return f"{before}\n→ {mark(one.now)}{one.now} {one.confidence_now:.0%}"


def _headline(facts: ComparisonSummary) -> str:
    photos = "1 photo" if facts.images == 1 else f"{facts.images:,} photos"
    if not facts.disagreement_count:
        return f"They name all of {photos} alike"
    return (
        f"They name {facts.disagreement_count:,} of {photos} differently "
        f"({facts.disagreement_count / facts.images:.1%})"
    )


def _unlabelled_text(facts: ComparisonSummary) -> str:
    how = f"“{facts.a}” before the arrow, “{facts.b}” after it."
    return f"{how} Nobody says what is on these photos, so only you can tell which one is right."


def _labelled_text(facts: ComparisonSummary, known: LabelledSummary) -> str:
    (low_a, high_a), (low_b, high_b) = known.interval_a, known.interval_b
    text = (
        f"“{facts.a}” names {known.accuracy_a:.1%} rightly ({low_a:.0%} to {high_a:.0%}), "
        f"“{facts.b}” {known.accuracy_b:.1%} ({low_b:.0%} to {high_b:.0%}): "
        f"{known.fixed:,} fixed, {known.broke:,} broke."
    )
    if known.fixed or known.broke:
        chance = "The difference could be chance" if known.could_be_chance else "The difference is hardly chance"
        text += f" {chance} (McNemar's exact test, p = {known.p:.2g})."
    return f"{text}{_overlap_note(facts, known)}"


def _overlap_note(facts: ComparisonSummary, labelled: LabelledSummary) -> str:
    counts = {facts.a: labelled.training_overlap_a, facts.b: labelled.training_overlap_b}
    text = " and ".join(f"“{name}” from {count:,}" for name, count in counts.items() if count)
    return f" Of these photos, models learnt: {text}; on them they are flattered." if text else ""


def _unread(facts: ComparisonSummary) -> Sequence[str]:
    if not facts.unread_count:
        return ()
    first = facts.unread[0]
    more = f" {facts.unread_count - 1:,} more could not be read either." if facts.unread_count > 1 else ""
    return (f"{first.message} {first.hint}{more}",)


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
