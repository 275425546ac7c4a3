"""Writing the rows of a view to a file, for the batch process; and which forms and ways this machine has."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.errors import FoveaError
from core.base.progress import CancelToken, Report
from core.base.text import printable
from core.jobs.queries import Answers
from core.outputs.keywords.exiftool import find_exiftool
from core.outputs.keywords.values import Place
from core.outputs.reports.columns import Reported, Shape
from core.outputs.reports.plan import Form, Plan
from core.outputs.reports.write import of_rows, write_report
from core.services.batch_messages import Export, Means, TaskDone

_LIBRARIES: Final = {Form.PARQUET: "pyarrow", Form.XLSX: "xlsxwriter"}


def export(task: Export, report: Report, token: CancelToken) -> TaskDone:
    """Write a report.

    Raises:
        FoveaError: as `core.outputs.reports.write.write_report` does.
        Cancelled: the token was cancelled.
    """
    with Answers(task.job) as answers:
        facts, total = answers.facts(), answers.count(task.view)
        top_k = max((len(row.scores) for row in answers.rows(task.view, 0, 100)), default=1)
        about = (("Folder", printable(facts.folder.name)), ("Model", facts.model))
        plan = Plan(
            form=task.form,
            shape=Shape(max(1, top_k), reviewed=True),
            byte_order_mark=task.byte_order_mark,
            title=printable(facts.folder.name),
            about=about,
            folder=facts.folder,
        )
        rows = of_rows(answers.each(task.view))
        if task.form is not Form.HTML:  # a page reads its thumbnails, and shortens paths by itself
            rows = (_inside(row, facts.folder) for row in rows)
        count = write_report(task.file, rows, plan, total=total, report=report, token=token)
    photos = "1 photo is" if count == 1 else f"{count:,} photos are"
    return TaskDone(task.ticket, f"{photos} in “{printable(task.file.name)}”.", file=task.file)


def _inside(row: Reported, folder: Path) -> Reported:
    """The row with its image's place in the folder: a report is passed on, and where the folder lies is private."""
    path = row.outcome.path
    inside = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
    return replace(row, outcome=replace(row.outcome, path=inside))


def means() -> Means:
    """What is missing here, each form or way with the reason."""
    lacking = {
        form.value: f"needs {library}, which is not installed"
        for form, library in _LIBRARIES.items()
        if importlib.util.find_spec(library) is None
    }
    try:
        find_exiftool()
    except FoveaError as error:
        lacking |= dict.fromkeys((place.value for place in Place), str(error))
    return Means(lacking)
