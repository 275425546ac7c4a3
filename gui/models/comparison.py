"""The result of a comparison: the photos with different predictions, and what that fixes and breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.evaluation.values import Comparison, Disagreement, PairedComparison
from gui.tasks.idle_steps import run_when_idle
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import Choice, Panel, ScrollColumn, label, show_text
from gui.widgets.counts import photo_count
from gui.widgets.files import open_file
from gui.widgets.formats import confidence, percent
from gui.widgets.layouts import SPACE, add, hbox, vbox
from gui.widgets.thumbnails import PhotoWall
from gui.widgets.tiles import Tiles

if TYPE_CHECKING:
    from gui.plots.frame import PlotFrame

_PLOT: Final = 480
_WALL: Final = 392
_MAX_SHOWN: Final = 300
"""Photos shown at once; the filter finds the others."""
_MATRIX_CLASSES: Final = 30
_MAX_PROBLEMS: Final = 5
_ALL, _FIXED, _BROKE = "all", "fixed", "broke"


class ComparisonView(QWidget):
    """Shows how two models differ.

    Attributes:
        noticed: a notice for the user.
        comparison: the comparison that is shown; None before the first one.
    """

    noticed = Signal(object)

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self.comparison: Comparison | None = None
        self.headline, self.beside = label(kind="title", wrap=True), label(wrap=True)
        self.notes = label(kind="muted", wrap=True)
        self.filter = Choice(tr("Photos to show"))
        self.filter.currentIndexChanged.connect(self._show_photos)
        self.wall = PhotoWall(pictures, tr("Photos with different predictions"))
        self.wall.opened.connect(open_file)
        self.wall.setMinimumHeight(_WALL)
        self._count = label(kind="muted")
        self._photos = Panel(tr("Different predictions, largest gap first"))
        self._plots: QWidget | None = None
        self._lay_out()

    def _lay_out(self) -> None:
        add(self._photos.body, hbox(self.filter, self._count, SPACE), self.wall)
        area = ScrollColumn(tr("Comparison"))
        self._column = area.show_column(self.headline, self.beside, self.notes, self._photos, SPACE)
        self._column.setSpacing(2 * theme.GRID)
        vbox(area, parent=self)

    def show_comparison(self, comparison: Comparison) -> None:
        """Show a comparison."""
        self.comparison = comparison
        self.headline.setText(_headline(comparison))
        self.beside.setText(
            _labelled_text(comparison, comparison.labelled) if comparison.labelled else _unlabelled_text(comparison)
        )
        left_out = [f"{problem.message} {problem.hint}" for problem in comparison.problems[:_MAX_PROBLEMS]]
        notes = [*left_out, *comparison.notes, *_unread(comparison), *_unknown_notes(comparison)]
        show_text(self.notes, "\n".join(notes))
        self._fill_filter(comparison)
        self._photos.setVisible(comparison.disagreement_count > 0)
        self._show_photos()
        self._show_plots(comparison)

    def _fill_filter(self, comparison: Comparison) -> None:
        texts: dict[object, str] = {_ALL: tr("All: {count:,}", count=comparison.disagreement_count)}
        if comparison.labelled:
            texts[_FIXED] = tr("Fixed: {count:,}", count=comparison.labelled.only_b_correct)
            texts[_BROKE] = tr("Broken: {count:,}", count=comparison.labelled.only_a_correct)
        for change in comparison.changes:
            pair = change.prediction_a, change.prediction_b
            texts[pair] = f"{' → '.join(pair)}: {change.images:,}"
        self.filter.offer(texts)

    def _show_photos(self) -> None:
        if self.comparison is None:
            return
        found = [one for one in self.comparison.disagreements if _matches(one, self.filter.currentData())]
        self.wall.show_photos([(one.path, _change_text(one)) for one in found[:_MAX_SHOWN]])
        if len(found) > _MAX_SHOWN:
            text = tr_n(
                "First {shown} of {count:,} photo", "First {shown} of {count:,} photos", len(found), shown=_MAX_SHOWN
            )
        else:
            text = photo_count(len(found))
        self._count.setText(text)

    def show_change(self, before: str, now: str) -> None:
        """Show only the photos that the first model predicts as `before` and the second as `now`."""
        for row in range(self.filter.count()):
            if self.filter.itemData(row) == (before, now):
                self.filter.setCurrentIndex(row)

    def _show_plots(self, comparison: Comparison) -> None:
        if self._plots is not None:
            self._column.removeWidget(self._plots)
            self._plots.deleteLater()
        tiles = self._plots = Tiles(_PLOT)
        self._column.insertWidget(self._column.count() - 1, tiles)
        run_when_idle(tiles, self._add_plots(tiles, comparison))

    def _add_plots(self, tiles: Tiles, comparison: Comparison) -> Iterator[None]:
        """Make one plot per turn of the event loop: all at once they would block it."""
        for plot in self._make_plots(comparison):
            plot.noticed.connect(self.noticed)
            tiles.add_last(plot)
            yield

    def _make_plots(self, comparison: Comparison) -> Iterator[PlotFrame]:
        if comparison.labelled is not None:
            yield _make_bars(comparison)
        if _share_labels(comparison):
            yield self._make_matrix(comparison)

    def _make_matrix(self, comparison: Comparison) -> PlotFrame:
        from gui.plots.changes import ChangesMatrix

        matrix, classes = ChangesMatrix(), _changed_classes(comparison)
        counts = {(change.prediction_a, change.prediction_b): change.images for change in comparison.changes}
        rows = [[counts.get((before, now), 0) for now in classes] for before in classes]
        matrix.show_changes(classes, rows)
        matrix.cell_chosen.connect(lambda row, column: self.show_change(classes[row], classes[column]))
        return matrix


def _make_bars(comparison: Comparison) -> PlotFrame:
    from gui.plots.changes import ChangeBars

    bars = ChangeBars(comparison.a, comparison.b)
    assert comparison.labelled is not None
    bars.show_recalls(comparison.labelled.classes)
    return bars


def _changed_classes(comparison: Comparison) -> list[str]:
    """The classes with the most different predictions, as many as a matrix can show."""
    counts: dict[str, int] = {}
    for change in comparison.changes:
        for name in (change.prediction_a, change.prediction_b):
            counts[name] = counts.get(name, 0) + change.images
    maximum = sorted(counts, key=lambda name: -counts[name])[:_MATRIX_CLASSES]
    return sorted(maximum)


def _share_labels(comparison: Comparison) -> bool:
    """Whether a class is among both the old and the new predictions; if not, a matrix of them shows nothing."""
    before = {change.prediction_a for change in comparison.changes}
    return not before.isdisjoint(change.prediction_b for change in comparison.changes)


def _matches(one: Disagreement, chosen: object) -> bool:
    match chosen:
        case (before, now):
            return (one.prediction_a, one.prediction_b) == (before, now)
        case "fixed":
            return one.prediction_b == one.label
        case "broke":
            return one.prediction_a == one.label
        case _:
            return True


def _change_text(one: Disagreement) -> str:
    def shown(predicted: str, probability: float, *, unknown: bool) -> str:
        sign = "" if one.label is None else "✓ " if predicted == one.label else "✗ "
        name = tr("{label}?", label=predicted) if unknown else predicted
        return f"{sign}{name} {confidence(probability)}"

    before = shown(one.prediction_a, one.confidence_a, unknown=one.unknown_a)
    return f"{before}\n→ {shown(one.prediction_b, one.confidence_b, unknown=one.unknown_b)}"


def _unknown_notes(comparison: Comparison) -> Iterator[str]:
    if any(one.unknown_a or one.unknown_b for one in comparison.disagreements):
        yield tr("A “?” after a class means that the model calls the photo unknown.")


def _headline(comparison: Comparison) -> str:
    if not comparison.disagreement_count:
        return tr_n(
            "Same prediction for {count:,} photo", "Same prediction for all {count:,} photos", comparison.images
        )
    return tr_n(
        "Different prediction for {different:,} of {count:,} photo ({fraction})",
        "Different predictions for {different:,} of {count:,} photos ({fraction})",
        comparison.images,
        different=comparison.disagreement_count,
        fraction=percent(comparison.disagreement_count / comparison.images, 1),
    )


def _unlabelled_text(comparison: Comparison) -> str:
    return tr(
        "“{a}” is before the arrow, “{b}” after it. The photos are not labelled, so only you can tell which is right.",
        a=comparison.a,
        b=comparison.b,
    )


def _labelled_text(comparison: Comparison, known: PairedComparison) -> str:
    (low_a, high_a), (low_b, high_b) = known.a.interval, known.b.interval
    figures = tr(
        "“{a}”: {accuracy_a} correct ({low_a:.0%} to {high_a:.0%}). “{b}”: {accuracy_b} correct "
        "({low_b:.0%} to {high_b:.0%}). {fixed:,} fixed, {broken:,} broken.",
        a=comparison.a,
        accuracy_a=percent(known.a.fraction, 1),
        low_a=low_a,
        high_a=high_a,
        b=comparison.b,
        accuracy_b=percent(known.b.fraction, 1),
        low_b=low_b,
        high_b=high_b,
        fixed=known.only_b_correct,
        broken=known.only_a_correct,
    )
    return " ".join((*_overlap_notes(comparison), figures, *_significance(known)))


def _significance(known: PairedComparison) -> Iterator[str]:
    if not known.only_a_correct and not known.only_b_correct:
        return
    if known.could_be_chance:
        yield tr("The difference could be chance (McNemar's exact test, p = {p:.2g}).", p=known.p)
    else:
        yield tr("The difference is unlikely to be chance (McNemar's exact test, p = {p:.2g}).", p=known.p)


def _overlap_notes(comparison: Comparison) -> Iterator[str]:
    for name, count in ((comparison.a, comparison.training_overlap_a), (comparison.b, comparison.training_overlap_b)):
        if count:
            yield tr_n(
                "“{name}” was trained on {count:,} of these photos, so its score is optimistic.",
                "“{name}” was trained on {count:,} of these photos, so its score is optimistic.",
                count,
                name=name,
            )


def _unread(comparison: Comparison) -> Sequence[str]:
    if not comparison.failures:
        return ()
    first, more = comparison.failures[0], len(comparison.failures) - 1
    reason = f"{first.message} {first.hint}"
    if not more:
        return (reason,)
    rest = tr_n("{count:,} more photo couldn't be read.", "{count:,} more photos couldn't be read.", more)
    return (f"{reason} {rest}",)
