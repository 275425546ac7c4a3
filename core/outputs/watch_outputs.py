"""Outputs for new photos in a watched folder: keywords, lines in a report, sorting.

They use the same code as for whole folders, a few photos at a time.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from core.base import paths
from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.base.text import display_path
from core.jobs.folder_watcher import STABLE_S
from core.jobs.queries import ResultStore
from core.jobs.values import Row
from core.models.values import InstalledModel
from core.outputs.following import follow_sorting
from core.outputs.keywords.exiftool import ExifTool, find_exiftool
from core.outputs.keywords.from_job import KeywordPolicy, write_assigned
from core.outputs.keywords.record import SidecarRecord, open_record
from core.outputs.keywords.values import KeywordRequest
from core.outputs.reports.columns import ColumnSet, columns
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.reports.text import BYTE_ORDER_MARK
from core.outputs.reports.write import check_not_image, open_text_writer, report_errors, report_rows
from core.outputs.sort import group_levels, resume
from core.outputs.sorting.companions import CompanionFinder
from core.outputs.sorting.disk import RealFileSystem, check_request, resolve_request
from core.outputs.sorting.execute import execute
from core.outputs.sorting.plan import Levels, make_plan
from core.outputs.sorting.record import SortingRecord as SortingRecord
from core.outputs.sorting.records import sortings
from core.outputs.sorting.values import SortingState, SortRequest, Step, TransferMode
from core.prediction import Failure

_MAX_HEADING_BYTES: Final = 1_000_000
_MOST_SORTED: Final = 10_000
"""Maximum number of sorted photos whose late companions are looked for."""
_NEEDED: Final = frozenset(("path", "label", "confidence"))
"""Columns that identify a CSV file as a report of Fovea."""


@dataclass(frozen=True, slots=True)
class OutputRequest:
    """The outputs for classified photos.

    Attributes:
        file: a file to which a line is appended for each photo; None for none.
        report: the options of that file, as JSONL or CSV.
        keywords: the options for writing keywords; None to write none.
        sort: the options for sorting, each burst of photos as one sorting that can be undone; None to sort none.
    """

    file: Path | None = None
    report: ReportOptions = field(default_factory=lambda: ReportOptions(ReportFormat.JSONL, ColumnSet(5)))
    keywords: KeywordRequest | None = None
    keyword_policy: KeywordPolicy = field(default_factory=KeywordPolicy)
    sort: SortRequest | None = None


class OutputSinks(AbstractContextManager["OutputSinks"]):
    """Writes all outputs; it can be used as `core.jobs.watch.Deliver`."""

    def __init__(
        self,
        request: OutputRequest,
        model: InstalledModel | None = None,
        *,
        warn: Callable[[Failure], None] = lambda _: None,
    ) -> None:
        """Check that all outputs can be written.

        Args:
            request: the outputs.
            model: the model that classifies the photos; only sorting by groups needs it.
            warn: gets the photos that could not be sorted or given a keyword.

        Raises:
            UsageError: the file has other content, or photos cannot be sorted there, or not by groups.
            StorageError: the file, the record of keywords or the sorted folder cannot be written.
            KeywordError: exiftool is missing.
        """
        file, self._warn = request.file, warn
        self._request = request if file is None else replace(request, report=_match_columns(file, request.report))
        card, name = (model.card, model.card.name) if model else (None, "")
        self._levels = {} if request.sort is None else group_levels(request.sort, card, name)
        self._sorted: dict[Path, Path] = {}
        self._tool: ExifTool | None = None
        self._record: SidecarRecord | None = None
        with ExitStack() as stack:
            if request.keywords is not None:
                self._tool = find_exiftool()
                self._record = stack.enter_context(open_record(paths.keyword_record()))
            self._sort = None if request.sort is None else _begin_sorting(request.sort)
            self._resources = stack.pop_all()

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def __call__(self, answers: ResultStore, rows: Sequence[Row]) -> None:
        """Write the outputs for rows; the failure of one photo does not affect others.

        Raises:
            StorageError: a file cannot be written any more; the same rows can be delivered again.
        """
        if self._request.keywords is not None:
            self._write_keywords(answers, rows, self._request.keywords)
        if self._request.file is not None:
            append(self._request.file, rows, self._request.report)
        if self._sort is not None:
            self._sorted |= _sort(rows, self._sort, self._levels, self._warn)

    def bring_late(self) -> None:
        """Sort companion files that arrived after their photos, such as a sidecar.

        Raises StorageError if a file cannot be written any more.
        """
        if self._sort is None:
            return
        self._sorted = dict(islice(self._sorted.items(), max(0, len(self._sorted) - _MOST_SORTED), None))
        if steps := list(_late(self._sorted, self._sort.by)):
            _execute(steps, self._sort, self._warn)

    def _write_keywords(self, answers: ResultStore, rows: Sequence[Row], request: KeywordRequest) -> None:
        if self._tool is None or self._record is None:
            return
        token = CancelToken()  # no cancellation: it takes about a second
        assigned = self._request.keyword_policy.assign(rows)
        for outcome in write_assigned(answers, assigned, request, self._tool, self._record, token=token):
            if isinstance(outcome, Failure):
                self._warn(outcome)


def _begin_sorting(request: SortRequest) -> SortRequest:
    """Check that photos can be sorted; resume what an earlier watch left unfinished."""
    request = resolve_request(request)
    check_request(request)
    for summary in sortings():
        if summary.state is SortingState.SORTING and summary.request == request:
            resume(summary.id, report=lambda _: None, token=CancelToken())
    return request


def _sort(
    rows: Sequence[Row], request: SortRequest, levels: Levels, warn: Callable[[Failure], None]
) -> dict[Path, Path]:
    steps = list(make_plan(rows, request, RealFileSystem(request.destination), levels))
    if not any(step.target for step in steps):
        return {}
    _execute(steps, request, warn)
    return {step.source: step.target for step in steps if step.target and os.path.lexists(step.target)}


def _late(photos: Mapping[Path, Path], by: TransferMode) -> Iterator[Step]:
    """Steps for companion files that arrived after their photos were sorted."""
    companions = CompanionFinder()
    for source, target in sorted(photos.items()):
        if by is TransferMode.MOVE and os.path.lexists(source):
            continue  # another photo of that name
        along = companions.of(source)
        for name, called in zip(along.names, along.renamed(target.name), strict=True):
            file, place = source.with_name(name), target.with_name(called)
            if not os.path.lexists(place) and (size := _settled_size(file)) is not None:
                yield Step(file, place, None, None, size)


def _settled_size(file: Path) -> int | None:
    """The size of a file unchanged for a while, in bytes; None if it may still be changing."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size if time.time() - found.st_mtime >= STABLE_S else None


def _execute(steps: Sequence[Step], request: SortRequest, warn: Callable[[Failure], None]) -> None:
    summary = follow_sorting(execute(steps, request, report=lambda _: None, token=CancelToken()))
    if summary.failed:
        with SortingRecord(summary.id) as record:
            for issue in record.issues():
                what = tr("Couldn't sort “{file}”: {reason}", file=display_path(issue.path.name), reason=issue.reason)
                warn(Failure(issue.path, "storage", what, tr("The photo was left in place.")))


def append(file: Path, rows: Iterable[Row], plan: ReportOptions) -> None:
    """Append a line for each classified row, durably; a line cut short before is ended first.

    Raises StorageError if the file cannot be written.
    """
    with report_errors(file), file.open("ab+") as stream:
        is_new = stream.seek(0, os.SEEK_END) == 0
        lines = _lines(rows, plan)
        head, _, body = lines.partition("\r\n") if plan.format is ReportFormat.CSV else ("", "", lines)
        if not is_new:
            stream.seek(-1, os.SEEK_END)
            body = body if stream.read(1) == b"\n" else f"{_end(plan)}{body}"
        stream.write((f"{head}{_end(plan)}{body}" if is_new and head else body).encode())
        stream.flush()
        os.fsync(stream.fileno())


def _lines(rows: Iterable[Row], plan: ReportOptions) -> str:
    stream = io.StringIO(newline="")
    with open_text_writer(stream, plan, lambda _: None, CancelToken()) as writer:
        for reported in report_rows(rows):
            writer.add(reported)
    return stream.getvalue()


def _end(plan: ReportOptions) -> str:
    return "\r\n" if plan.format is ReportFormat.CSV else "\n"


def _match_columns(file: Path, plan: ReportOptions) -> ReportOptions:
    """The options with the columns that the file already has, as an earlier version of Fovea may have created it.

    Raises UsageError if lines of this format cannot be appended to it; StorageError if it cannot be written.
    """
    check_not_image(file, f"arrived.{plan.format}")
    if plan.format not in (ReportFormat.CSV, ReportFormat.JSONL):
        raise UsageError(
            tr("The format {format} can't be appended to.", format=plan.format), hint=tr("Use jsonl or csv.")
        )
    append(file, (), plan)
    with file.open("rb") as stream:
        first = stream.readline(_MAX_HEADING_BYTES).removeprefix(BYTE_ORDER_MARK.encode()).rstrip(b"\r\n")
    names = tuple(first.decode(errors="replace").split(plan.delimiter))
    known = {column.name for column in columns(plan.columns)}
    if plan.format is ReportFormat.CSV and _NEEDED <= set(names) <= known and len(set(names)) == len(names):
        return replace(plan, columns=replace(plan.columns, names=names))
    if plan.format is ReportFormat.CSV or first[:1] not in (b"", b"{"):
        what = tr(
            "“{file}” does not contain {format} lines with these columns.", file=display_path(file), format=plan.format
        )
        raise UsageError(what, hint=tr("Choose another file."))
    return plan
