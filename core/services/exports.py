"""Exports of a view to a file, and which formats this computer supports."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path
from core.evaluation.acceptance import known_scores
from core.jobs.acceptance import card_of
from core.jobs.queries import ResultStore
from core.jobs.values import View
from core.outputs.keywords.exiftool import find_exiftool
from core.outputs.keywords.values import KeywordTarget
from core.outputs.reports.columns import ColumnSet, ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.reports.write import report_rows, write_report
from core.prediction import Outcome, Prediction

_LIBRARIES: Final = {ReportFormat.PARQUET: "pyarrow", ReportFormat.XLSX: "xlsxwriter"}


def export(
    job: str,
    view: View,
    format_: ReportFormat,
    file: Path,
    *,
    byte_order_mark: bool = False,
    report: ProgressCallback,
    token: CancelToken,
) -> str:
    """Write the rows of a view to a file, and return a message; only CSV can have a byte order mark.

    Raises FoveaError as `core.outputs.reports.write.write_report` does.
    """
    with ResultStore(job) as results:
        summary, total = results.summary(), results.count(view)
        top_k = max((len(row.scores) for row in islice(results.each(view), 100)), default=1)
        about = ((tr("Folder"), display_path(summary.folder.name)), (tr("Model"), ", ".join(summary.models)))
        plan = ReportOptions(
            format=format_,
            columns=ColumnSet(max(1, top_k), reviewed=True, detection=summary.detection, others=summary.models[1:]),
            byte_order_mark=byte_order_mark,
            title=display_path(summary.folder.name),
            about=about,
            folder=summary.folder,
            known_scores=known_scores(card_of(summary)),
        )
        rows = report_rows(results.each(view))
        if format_ is not ReportFormat.HTML:  # a page needs the files for its thumbnails, and shortens paths itself
            rows = (_relative_row(row, summary.folder) for row in rows)
        count = write_report(file, rows, plan, total=total, report=report, token=token)
    return tr_n(
        "Exported {count:,} photo to “{file}”.",
        "Exported {count:,} photos to “{file}”.",
        count,
        file=display_path(file.name),
    )


def _relative_row(row: ReportRow, folder: Path) -> ReportRow:
    """The row with its path relative to the folder: reports are shared, and where the folder is stays private."""
    path = row.outcome.path
    inside = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
    first, *others = (_moved(one, inside) for one in (row.outcome, *row.others))
    return replace(row, outcome=first, others=tuple(others))


def _moved(outcome: Outcome, path: Path) -> Outcome:
    return replace(outcome.without_paths() if isinstance(outcome, Prediction) else outcome, path=path)


def missing_features() -> dict[str, str]:
    """The formats and keyword targets that are not available on this computer, with the reasons."""
    missing = {
        form.value: tr("Requires {library}, which is not installed", library=library)
        for form, library in _LIBRARIES.items()
        if importlib.util.find_spec(library) is None
    }
    try:
        find_exiftool()
    except FoveaError as error:
        missing |= dict.fromkeys((place.value for place in KeywordTarget), str(error))
    return missing
