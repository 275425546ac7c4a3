"""Reports on predictions that belong to no job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.detection import DetectionOptions
from core.jobs.values import Review, Verdict
from core.outputs.reports.columns import ColumnSet, ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions, format_of
from core.outputs.reports.write import write_report
from core.prediction import Outcome, Prediction


def export(
    outcomes: Sequence[Outcome], labels: Mapping[Path, str], file: Path, *, report: ProgressCallback, token: CancelToken
) -> int:
    """Write predictions with the user's labels; see `core.api.export_predictions`."""
    format_ = format_of(file) or ReportFormat.CSV
    top_k = max((len(one.scores) for one in outcomes if isinstance(one, Prediction)), default=1)
    shared = [one.without_paths() if isinstance(one, Prediction) else one for one in outcomes]
    rows = [ReportRow(one, _review(one, labels.get(one.path))) for one in shared]
    columns = ColumnSet(top_k, reviewed=True, detection=_detection(shared))
    plan = ReportOptions(format_, columns, title=tr("Photos"))
    return write_report(file, rows, plan, total=len(rows), report=report, token=token)


def _detection(outcomes: Sequence[Outcome]) -> DetectionOptions:
    predictions = [one for one in outcomes if isinstance(one, Prediction)]
    return DetectionOptions(
        crop=any(one.crop for one in predictions), count=any(one.detections is not None for one in predictions)
    )


def _review(outcome: Outcome, label: str | None) -> Review | None:
    if label is None:
        return None
    is_right = isinstance(outcome, Prediction) and outcome.label == label and not outcome.is_guess
    return Review(Verdict.ACCEPTED if is_right else Verdict.CORRECTED, label)
