"""Writing the rows of a view to a file, for the batch process; and which forms and ways this machine has."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.errors import FoveaError
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path
from core.jobs.queries import ResultStore
from core.outputs.keywords.exiftool import find_exiftool
from core.outputs.keywords.values import KeywordTarget
from core.outputs.reports.columns import ColumnSet, ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.reports.write import report_rows, write_report
from core.services.batch_messages import Capabilities, Export, TaskDone

_LIBRARIES: Final = {ReportFormat.PARQUET: "pyarrow", ReportFormat.XLSX: "xlsxwriter"}


def export(task: Export, report: ProgressCallback, token: CancelToken) -> TaskDone:
    """Write a report.

    Raises:
        FoveaError: as `core.outputs.reports.write.write_report` does.
        Cancelled: the token was cancelled.
    """
    with ResultStore(task.job) as answers:
        facts, total = answers.summary(), answers.count(task.view)
        top_k = max((len(row.scores) for row in answers.rows(task.view, 0, 100)), default=1)
        about = (("Folder", display_path(facts.folder.name)), ("Model", facts.model))
        plan = ReportOptions(
            format=task.format,
            columns=ColumnSet(max(1, top_k), reviewed=True),
            byte_order_mark=task.byte_order_mark,
            title=display_path(facts.folder.name),
            about=about,
            folder=facts.folder,
        )
        rows = report_rows(answers.each(task.view))
        if task.format is not ReportFormat.HTML:  # a page reads its thumbnails, and shortens paths by itself
            rows = (_relative_row(row, facts.folder) for row in rows)
        count = write_report(task.file, rows, plan, total=total, report=report, token=token)
    photos = "1 photo is" if count == 1 else f"{count:,} photos are"
    return TaskDone(task.ticket, f"{photos} in “{display_path(task.file.name)}”.", file=task.file)


def _relative_row(row: ReportRow, folder: Path) -> ReportRow:
    """The row with its image's place in the folder: a report is passed on, and where the folder lies is private."""
    path = row.outcome.path
    inside = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
    return replace(row, outcome=replace(row.outcome, path=inside))


def capabilities() -> Capabilities:
    """What is missing here, each form or way with the reason."""
    missing = {
        form.value: f"needs {library}, which is not installed"
        for form, library in _LIBRARIES.items()
        if importlib.util.find_spec(library) is None
    }
    try:
        find_exiftool()
    except FoveaError as error:
        missing |= dict.fromkeys((place.value for place in KeywordTarget), str(error))
    return Capabilities(missing)
