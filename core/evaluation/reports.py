"""The HTML report of an evaluation, which stands alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from core.base.i18n import tr
from core.base.text import percent
from core.evaluation.calibration import BINS
from core.evaluation.multi_label_values import MultiLabelClass, MultiLabelEvaluation
from core.evaluation.values import Calibration, ClassMetrics, Evaluation

Metrics = TypeVar("Metrics", ClassMetrics, MultiLabelClass)

_MAX_CLASSES_DRAWN: Final = 40
"""With more classes, plots are unreadable; tables still list every class."""
_WORST_CLASSES: Final = 20
_MAX_PAIRS: Final = 20
_MAX_MISTAKES: Final = 24
_COVERAGES: Final = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)


def multi_label_report(
    evaluation: MultiLabelEvaluation, *, title: str, about: Mapping[str, str], folder: Path | None = None
) -> str:
    """Render the report of a multi-label model as HTML, like `html_report`."""
    from core.evaluation.pages import templates

    return (
        templates()
        .get_template("multi_label.html")
        .render(
            evaluation=evaluation,
            title=title,
            about=list(about.items()),
            folder=folder,
            shown_classes=_shown(evaluation.per_class),
            per_class=[
                (
                    one.label,
                    *map(percent, (one.threshold, one.precision, one.recall, one.f1, one.average_precision)),
                    f"{one.support:,}",
                )
                for one in evaluation.per_class
            ],
            mistakes=evaluation.mistakes[:_MAX_MISTAKES],
        )
    )


def html_report(evaluation: Evaluation, *, title: str, about: Mapping[str, str], folder: Path | None = None) -> str:
    """Render the report as HTML, with thumbnails of mistakes, and `about` (what was evaluated, and how) at its end.

    Paths are shown relative to the folder, so that the report does not reveal where it is.
    """
    from core.evaluation.pages import templates  # imports Jinja2 and Pillow, for 90 ms

    figures, pairs = evaluation.per_class, evaluation.most_confused(_MAX_PAIRS)
    few = len(figures) <= _MAX_CLASSES_DRAWN
    matrix = evaluation.confusion if few else ()
    template = templates().get_template("evaluation.html")
    return template.render(
        evaluation=evaluation,
        title=title,
        about=list(about.items()),
        folder=folder,
        matrix=matrix,
        matrix_rows=[(label, *row) for label, row in zip(evaluation.classes, matrix, strict=few)],
        confused=[(one.label, one.predicted, f"{one.images:,}", percent(one.share)) for one in pairs],
        shown_classes=_shown(figures),
        per_class=[
            (one.label, percent(one.precision), percent(one.recall), percent(one.f1), f"{one.support:,}")
            for one in figures
        ],
        mistakes=evaluation.mistakes[:_MAX_MISTAKES],
        bins=BINS,
        bin_rows=_bin_rows,
        accepted=list(_accepted(evaluation)),
    )


def _shown(figures: Sequence[Metrics]) -> Sequence[Metrics]:
    """The classes that are drawn: all, or the worst of many."""
    if len(figures) <= _MAX_CLASSES_DRAWN:
        return figures
    return sorted((one for one in figures if one.support), key=lambda one: one.f1 or 0)[:_WORST_CLASSES]


def _bin_rows(found: Calibration) -> Iterator[tuple[str, ...]]:
    for one in found.bins:
        span = tr("{low} to {high}", low=percent(one.low), high=percent(one.high))
        yield span, f"{one.images:,}", percent(one.confidence), percent(one.accuracy)


def _accepted(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    """What is left, and how good it is, above each minimum confidence."""
    curve = evaluation.risk_coverage
    points = [min(curve, key=lambda point: abs(point.coverage - coverage)) for coverage in _COVERAGES]
    for one in dict.fromkeys(points):
        yield percent(one.threshold), percent(one.coverage), percent(1 - one.risk)
