"""What is done with photos that arrive in a watched folder: a keyword, a line in a file, a place among sorted ones.

The same code as for whole folders does it, some photos at a time.
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
from typing import Final, Self

from core.base import paths
from core.base.errors import StorageError, UsageError
from core.base.progress import CancelToken
from core.base.text import display_path
from core.jobs.folder_watcher import STABLE_S
from core.jobs.queries import ResultStore
from core.jobs.values import Row
from core.outputs.following import follow_sorting
from core.outputs.keywords.exiftool import ExifTool, find_exiftool
from core.outputs.keywords.from_job import KeywordPolicy, write_results
from core.outputs.keywords.record import SidecarRecord, open_record
from core.outputs.keywords.values import KeywordRequest
from core.outputs.reports.columns import ColumnSet, columns
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.reports.text import BYTE_ORDER_MARK
from core.outputs.reports.write import check_not_image, open_text_writer, report_rows
from core.outputs.sorting.companions import CompanionFinder
from core.outputs.sorting.disk import RealFileSystem, check_request, resolve_request
from core.outputs.sorting.execute import execute, resume
from core.outputs.sorting.plan import make_plan
from core.outputs.sorting.record import SortingRecord as SortingRecord
from core.outputs.sorting.records import sortings
from core.outputs.sorting.values import SortingState, SortRequest, Step, TransferMode
from core.prediction import Failure

_MAX_HEADING_BYTES: Final = 1_000_000
_MOST_SORTED: Final = 10_000
"""Photos for which late companions are looked for."""
_NEEDED: Final = frozenset(("path", "label", "confidence"))
"""Columns by which a CSV file is known as one of ours."""


@dataclass(frozen=True, slots=True)
class OutputRequest:
    """Where answers go.

    Attributes:
        file: a file to which a line is appended for each; None: none.
        report: how they are written, as JSONL or CSV.
        keywords: how keywords are written; None: none are.
        keyword_policy: which answers become keywords.
        sort: how photos are sorted into class folders, each burst of them as one sorting that can be undone; None: they
            are not.
    """

    file: Path | None = None
    report: ReportOptions = field(default_factory=lambda: ReportOptions(ReportFormat.JSONL, ColumnSet(5)))
    keywords: KeywordRequest | None = None
    keyword_policy: KeywordPolicy = field(default_factory=KeywordPolicy)
    sort: SortRequest | None = None


class OutputSinks(AbstractContextManager["OutputSinks"]):
    """Delivers answers; to be called as `core.jobs.watch.Deliver`."""

    def __init__(self, request: OutputRequest, *, warn: Callable[[Failure], None] = lambda _: None) -> None:
        """See that everything can be delivered.

        Args:
            request: where to.
            warn: told of photos that could not be given their keyword or sorted; the others are.

        Raises:
            UsageError: the file holds something else, or photos cannot be sorted there.
            StorageError: the file, the record of keywords or the sorted folder cannot be written.
            KeywordError: exiftool is missing.
        """
        file, self._warn = request.file, warn
        self._request = request if file is None else replace(request, report=_match_columns(file, request.report))
        self._sorted: dict[Path, Path] = {}
        self._tool: ExifTool | None = None
        self._record: SidecarRecord | None = None
        with ExitStack() as stack:
            if request.keywords is not None:
                self._tool = find_exiftool()
                self._record = stack.enter_context(open_record(paths.keyword_record()))
            self._sort = None if request.sort is None else _begin_sorting(request.sort)
            self._resources = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def __call__(self, answers: ResultStore, rows: Sequence[Row]) -> None:
        """Deliver rows, as whole as can be: what fails for one photo is told and costs no other.

        Raises:
            StorageError: a file cannot be written any more; the same rows can be delivered again.
        """
        if self._request.keywords is not None:
            self._write_keywords(answers, rows, self._request.keywords)
        if self._request.file is not None:
            append(self._request.file, rows, self._request.report)
        if self._sort is not None:
            self._sorted |= _sort(rows, self._sort, self._warn)

    def bring_late(self) -> None:
        """Bring files that belong to photos that are sorted already, such as a sidecar that arrived after its photo.

        Raises:
            StorageError: a file cannot be written any more.
        """
        if self._sort is None:
            return
        self._sorted = dict(islice(self._sorted.items(), max(0, len(self._sorted) - _MOST_SORTED), None))
        if steps := list(_late(self._sorted, self._sort.by)):
            _carry_out(steps, self._sort, self._warn)

    def _write_keywords(self, answers: ResultStore, rows: Sequence[Row], request: KeywordRequest) -> None:
        if self._tool is None or self._record is None:
            return
        token = CancelToken()  # what was begun is finished: it takes a second
        choice = self._request.keyword_policy
        for outcome in write_results(answers, rows, choice, request, self._tool, self._record, token=token):
            if isinstance(outcome, Failure):
                self._warn(outcome)


def _begin_sorting(request: SortRequest) -> SortRequest:
    """See that photos can be sorted there; what an earlier watch was interrupted in is done first."""
    request = resolve_request(request)
    check_request(request)
    for facts in sortings():
        if facts.state is SortingState.SORTING and facts.request == request:
            resume(facts.id, report=lambda _: None, token=CancelToken())
            follow_sorting(facts.id)
    return request


def _sort(rows: Sequence[Row], request: SortRequest, warn: Callable[[Failure], None]) -> dict[Path, Path]:
    """Sort photos; what is there already stays as it is. Where each photo was, and where it is now."""
    steps = list(make_plan(rows, request, RealFileSystem(request.destination)))
    if not any(step.target for step in steps):
        return {}
    _carry_out(steps, request, warn)
    return {step.source: step.target for step in steps if step.target and os.path.lexists(step.target)}


def _late(photos: Mapping[Path, Path], by: TransferMode) -> Iterator[Step]:
    """What has arrived of photos that were sorted, each file as a step of its own."""
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
    """The bytes of a file that nobody has written to lately; None of one that may still be written."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size if time.time() - found.st_mtime >= STABLE_S else None


def _carry_out(steps: Sequence[Step], request: SortRequest, tell: Callable[[Failure], None]) -> None:
    facts = execute(steps, request, report=lambda _: None, token=CancelToken())
    follow_sorting(facts.id)
    if facts.failed:
        with SortingRecord(facts.id) as record:
            for note in record.issues():
                what = f"“{display_path(note.path.name)}” was not sorted: {note.reason}"
                tell(Failure(note.path, "storage", what, "The photo is where it was."))


def append(file: Path, rows: Iterable[Row], plan: ReportOptions) -> None:
    """Append a line for each row that is answered, durably; a line that was cut short before is ended first.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        with file.open("ab+") as stream:
            is_new = stream.seek(0, os.SEEK_END) == 0
            lines = _lines(rows, plan)
            head, _, body = lines.partition("\r\n") if plan.format is ReportFormat.CSV else ("", "", lines)
            if not is_new:
                stream.seek(-1, os.SEEK_END)
                body = body if stream.read(1) == b"\n" else f"{_end(plan)}{body}"
            stream.write((f"{head}{_end(plan)}{body}" if is_new and head else body).encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        what = f"“{display_path(file)}” could not be written: {error.strerror}."
        raise StorageError(what, hint="Name a file in a folder that you may write to, on a disk with space.") from error


def _lines(rows: Iterable[Row], plan: ReportOptions) -> str:
    stream = io.StringIO(newline="")
    with open_text_writer(stream, plan, lambda _: None, CancelToken()) as writer:
        for reported in report_rows(rows):
            writer.add(reported)
    return stream.getvalue()


def _end(plan: ReportOptions) -> str:
    return "\r\n" if plan.format is ReportFormat.CSV else "\n"


def _match_columns(file: Path, plan: ReportOptions) -> ReportOptions:
    """The plan with the columns that the file has already: an earlier version of Fovea may have begun it.

    Raises:
        UsageError: lines of this form do not belong into it.
        StorageError: it cannot be written.
    """
    check_not_image(file, f"arrived.{plan.format}")
    if plan.format not in (ReportFormat.CSV, ReportFormat.JSONL):
        raise UsageError(f"{plan.format} cannot grow line by line.", hint="Use jsonl or csv.")
    append(file, (), plan)
    with file.open("rb") as stream:
        first = stream.readline(_MAX_HEADING_BYTES).removeprefix(BYTE_ORDER_MARK.encode()).rstrip(b"\r\n")
    names = tuple(first.decode(errors="replace").split(plan.delimiter))
    known = {column.name for column in columns(plan.columns)}
    if plan.format is ReportFormat.CSV and _NEEDED <= set(names) <= known and len(set(names)) == len(names):
        return replace(plan, columns=replace(plan.columns, names=names))
    if plan.format is ReportFormat.CSV or first[:1] not in (b"", b"{"):
        what = f"“{display_path(file)}” does not hold {plan.format} lines with these columns."
        raise UsageError(what, hint="Name another file.")
    return plan
