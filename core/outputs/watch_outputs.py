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
from core.base.text import printable
from core.jobs.folder_watcher import SETTLED_S
from core.jobs.queries import Answers
from core.jobs.values import Row
from core.outputs.following import follow_sorting
from core.outputs.keywords.exiftool import ExifTool, find_exiftool
from core.outputs.keywords.from_job import Choice, write_answers
from core.outputs.keywords.record import Record, open_record
from core.outputs.keywords.values import KeywordRequest
from core.outputs.reports.columns import Shape, columns
from core.outputs.reports.plan import Form, Plan
from core.outputs.reports.text import BYTE_ORDER_MARK
from core.outputs.reports.write import of_rows, open_text_writer, refuse_image
from core.outputs.sorting.companions import Companions
from core.outputs.sorting.disk import RealDisk, check, real
from core.outputs.sorting.execute import carry_out, go_on
from core.outputs.sorting.plan import plan
from core.outputs.sorting.record import Record as SortingRecord
from core.outputs.sorting.records import sortings
from core.outputs.sorting.values import By, SortingState, SortRequest, Step
from core.prediction import Failure

_LONGEST_HEADING: Final = 1_000_000
_MOST_SORTED: Final = 10_000
"""Photos for which late companions are looked for."""
_NEEDED: Final = frozenset(("path", "label", "confidence"))
"""Columns by which a CSV file is known as one of ours."""


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """Where answers go.

    Attributes:
        file: a file to which a line is appended for each; None: none.
        lines: how they are written, as JSONL or CSV.
        keywords: how keywords are written; None: none are.
        choice: which answers become keywords.
        sort: how photos are sorted into class folders, each burst of them as one sorting that can be undone; None: they
            are not.
    """

    file: Path | None = None
    lines: Plan = field(default_factory=lambda: Plan(Form.JSONL, Shape(5)))
    keywords: KeywordRequest | None = None
    choice: Choice = field(default_factory=Choice)
    sort: SortRequest | None = None


class Deliveries(AbstractContextManager["Deliveries"]):
    """Delivers answers; to be called as `core.jobs.watch.Deliver`."""

    def __init__(self, request: DeliveryRequest, *, tell: Callable[[Failure], None] = lambda _: None) -> None:
        """See that everything can be delivered.

        Args:
            request: where to.
            tell: told of photos that could not be given their keyword or sorted; the others are.

        Raises:
            UsageError: the file holds something else, or photos cannot be sorted there.
            StorageError: the file, the record of keywords or the sorted folder cannot be written.
            KeywordError: exiftool is missing.
        """
        file, self._tell = request.file, tell
        self._request = request if file is None else replace(request, lines=_fitted(file, request.lines))
        self._sorted: dict[Path, Path] = {}
        self._tool: ExifTool | None = None
        self._record: Record | None = None
        with ExitStack() as stack:
            if request.keywords is not None:
                self._tool = find_exiftool()
                self._record = stack.enter_context(open_record(paths.keyword_record()))
            self._sort = None if request.sort is None else _begin_sorting(request.sort)
            self._held = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def __call__(self, answers: Answers, rows: Sequence[Row]) -> None:
        """Deliver rows, as whole as can be: what fails for one photo is told and costs no other.

        Raises:
            StorageError: a file cannot be written any more; the same rows can be delivered again.
        """
        if self._request.keywords is not None:
            self._write_keywords(answers, rows, self._request.keywords)
        if self._request.file is not None:
            append(self._request.file, rows, self._request.lines)
        if self._sort is not None:
            self._sorted |= _sort(rows, self._sort, self._tell)

    def bring_late(self) -> None:
        """Bring files that belong to photos that are sorted already, such as a sidecar that arrived after its photo.

        Raises:
            StorageError: a file cannot be written any more.
        """
        if self._sort is None:
            return
        self._sorted = dict(islice(self._sorted.items(), max(0, len(self._sorted) - _MOST_SORTED), None))
        if steps := list(_late(self._sorted, self._sort.by)):
            _carry_out(steps, self._sort, self._tell)

    def _write_keywords(self, answers: Answers, rows: Sequence[Row], request: KeywordRequest) -> None:
        if self._tool is None or self._record is None:
            return
        token = CancelToken()  # what was begun is finished: it takes a second
        choice = self._request.choice
        for outcome in write_answers(answers, rows, choice, request, self._tool, self._record, token=token):
            if isinstance(outcome, Failure):
                self._tell(outcome)


def _begin_sorting(request: SortRequest) -> SortRequest:
    """See that photos can be sorted there; what an earlier watch was interrupted in is done first."""
    request = real(request)
    check(request)
    for facts in sortings():
        if facts.state is SortingState.SORTING and facts.request == request:
            go_on(facts.id, report=lambda _: None, token=CancelToken())
            follow_sorting(facts.id)
    return request


def _sort(rows: Sequence[Row], request: SortRequest, tell: Callable[[Failure], None]) -> dict[Path, Path]:
    """Sort photos; what is there already stays as it is. Where each photo was, and where it is now."""
    steps = list(plan(rows, request, RealDisk(request.destination)))
    if not any(step.target for step in steps):
        return {}
    _carry_out(steps, request, tell)
    return {step.source: step.target for step in steps if step.target and os.path.lexists(step.target)}


def _late(photos: Mapping[Path, Path], by: By) -> Iterator[Step]:
    """What has arrived of photos that were sorted, each file as a step of its own."""
    companions = Companions()
    for source, target in sorted(photos.items()):
        if by is By.MOVE and os.path.lexists(source):
            continue  # another photo of that name
        along = companions.of(source)
        for name, called in zip(along.names, along.called(target.name), strict=True):
            file, place = source.with_name(name), target.with_name(called)
            if not os.path.lexists(place) and (size := _settled_size(file)) is not None:
                yield Step(file, place, None, None, size)


def _settled_size(file: Path) -> int | None:
    """The bytes of a file that nobody has written to lately; None of one that may still be written."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size if time.time() - found.st_mtime >= SETTLED_S else None


def _carry_out(steps: Sequence[Step], request: SortRequest, tell: Callable[[Failure], None]) -> None:
    facts = carry_out(steps, request, report=lambda _: None, token=CancelToken())
    follow_sorting(facts.id)
    if facts.failed:
        with SortingRecord(facts.id) as record:
            for remark in record.remarks():
                what = f"“{printable(remark.path.name)}” was not sorted: {remark.why}"
                tell(Failure(remark.path, "storage", what, "The photo is where it was."))


def append(file: Path, rows: Iterable[Row], plan: Plan) -> None:
    """Append a line for each row that is answered, durably; a line that was cut short before is ended first.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        with file.open("ab+") as stream:
            is_new = stream.seek(0, os.SEEK_END) == 0
            lines = _lines(rows, plan)
            head, _, body = lines.partition("\r\n") if plan.form is Form.CSV else ("", "", lines)
            if not is_new:
                stream.seek(-1, os.SEEK_END)
                body = body if stream.read(1) == b"\n" else f"{_end(plan)}{body}"
            stream.write((f"{head}{_end(plan)}{body}" if is_new and head else body).encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        what = f"“{printable(file)}” could not be written: {error.strerror}."
        raise StorageError(what, hint="Name a file in a folder that you may write to, on a disk with space.") from error


def _lines(rows: Iterable[Row], plan: Plan) -> str:
    stream = io.StringIO(newline="")
    with open_text_writer(stream, plan, lambda _: None, CancelToken()) as writer:
        for reported in of_rows(rows):
            writer.add(reported)
    return stream.getvalue()


def _end(plan: Plan) -> str:
    return "\r\n" if plan.form is Form.CSV else "\n"


def _fitted(file: Path, plan: Plan) -> Plan:
    """The plan with the columns that the file has already: an earlier version of Fovea may have begun it.

    Raises:
        UsageError: lines of this form do not belong into it.
        StorageError: it cannot be written.
    """
    refuse_image(file, f"arrived.{plan.form}")
    if plan.form not in (Form.CSV, Form.JSONL):
        raise UsageError(f"{plan.form} cannot grow line by line.", hint="Use jsonl or csv.")
    append(file, (), plan)
    with file.open("rb") as stream:
        first = stream.readline(_LONGEST_HEADING).removeprefix(BYTE_ORDER_MARK.encode()).rstrip(b"\r\n")
    names = tuple(first.decode(errors="replace").split(plan.delimiter))
    known = {column.name for column in columns(plan.shape)}
    if plan.form is Form.CSV and _NEEDED <= set(names) <= known and len(set(names)) == len(names):
        return replace(plan, shape=replace(plan.shape, names=names))
    if plan.form is Form.CSV or first[:1] not in (b"", b"{"):
        what = f"“{printable(file)}” does not hold {plan.form} lines with these columns."
        raise UsageError(what, hint="Name another file.")
    return plan
