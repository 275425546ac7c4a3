"""`fovea watch`: classify photos as they arrive in a folder."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TextIO

from core.api.classification_values import ClassifyStart
from core.api.outputs import watch_folder
from core.base.errors import Cancelled, UsageError
from core.base.i18n import tr, tr_n
from core.base.label_sets import classes_text
from core.base.progress import CancelToken
from core.base.text import display_path
from core.cli.classify import classify_request
from core.cli.parsing import check_csv, delimiter_for, format_for
from core.cli.problems import print_failure
from core.cli.streams import print_message, results_to
from core.detection import DetectionOptions
from core.jobs.values import Row
from core.jobs.watch import WatchPhase, WatchState
from core.outputs.keywords.from_job import KeywordPolicy
from core.outputs.keywords.values import KeywordRequest
from core.outputs.reports.columns import ColumnSet, ReportRow, as_object
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.sorting.values import SortRequest
from core.outputs.watch_outputs import OutputRequest


def run(arguments: argparse.Namespace) -> int:
    """Watch a folder; return 0 after Ctrl+C or SIGTERM."""
    arguments.format = format_for(arguments.output, arguments.format)
    check_csv(arguments, arguments.format)
    if arguments.format == "csv" and arguments.output is None:
        hint = tr("Add --output with a name such as arrived.csv, or use --format jsonl.")
        raise UsageError(tr("CSV can only be written to a file."), hint=hint)
    request = classify_request(arguments, arguments.folder)
    token = CancelToken()
    with results_to(None) as stream, ExitStack() as signals:
        printer = _Printer(
            arguments, request.detection, stream, lambda: signals.enter_context(_cancel_on_signals(token))
        )
        try:
            watch_folder(request, printer.outputs, report=printer, warn=print_failure, token=token)
        except Cancelled:
            print_message(_stopped_text(printer.state))
    return 0


def _stopped_text(state: WatchState) -> str:
    return tr_n(
        "Stopped watching. {count:,} image classified, {failed:,} failed.",
        "Stopped watching. {count:,} images classified, {failed:,} failed.",
        state.delivered,
        failed=state.failed,
    )


class _Printer:
    """Prints changes of the state of the watch to standard error, and rows to standard output or not at all."""

    def __init__(
        self, arguments: argparse.Namespace, detection: DetectionOptions, stream: TextIO, on_start: Callable[[], object]
    ) -> None:
        self._arguments, self._detection, self._stream, self._on_start = arguments, detection, stream, on_start
        self._columns = ColumnSet(1)
        self._has_started = False
        self.state = WatchState(WatchPhase.WAITING)

    def outputs(self, start: ClassifyStart) -> OutputRequest:
        arguments, self._columns = self._arguments, ColumnSet(start.top_k, detection=self._detection)
        format_ = ReportFormat.JSONL if arguments.format == "table" else ReportFormat(arguments.format)
        delimiter = delimiter_for(arguments, arguments.output)
        lines = ReportOptions(format_, self._columns, byte_order_mark=arguments.bom, delimiter=delimiter)
        keywords = KeywordRequest(arguments.keywords, within=arguments.folder) if arguments.keywords else None
        policy = KeywordPolicy(arguments.threshold, arguments.unsure)
        sort = None
        if arguments.sort_to is not None:
            options = arguments.by, arguments.threshold, arguments.flat, arguments.groups
            sort = SortRequest(arguments.folder, arguments.sort_to, *options)
        return OutputRequest(arguments.output, lines, keywords, policy, sort)

    def __call__(self, event: WatchState | Sequence[Row]) -> None:
        if isinstance(event, WatchState):
            self._print_state(event)
        elif self._arguments.output is None:
            for row in event:
                self._print_row(row)
            self._stream.flush()

    def _print_state(self, state: WatchState) -> None:
        before, self.state = self.state, state
        if not self._has_started:
            self._has_started = True
            self._on_start()
            print_message(tr("Watching {folder}. Press Ctrl+C to stop.", folder=self._arguments.folder))
        elif state.message and state.message != before.message:
            print_message(state.message)
        elif before.phase in (WatchPhase.FOLDER_MISSING, WatchPhase.BUSY) and not state.message:
            print_message(tr("Watching again."))
        if not state.is_watched_by_system and before.is_watched_by_system:
            print_message(tr("This system does not report changes in the folder. Checking it every few seconds."))

    def _print_row(self, row: Row) -> None:
        reported = ReportRow.of(row)
        if reported is not None and self._arguments.format == "jsonl":
            self._stream.write(json.dumps(as_object(reported, self._columns)) + "\n")
        elif reported is not None:
            self._stream.write(_line(row) + "\n")


def _line(row: Row) -> str:
    if row.failure is not None:
        return display_path(f"{tr('failed'):20} {row.path}  {row.failure.message}")
    label = classes_text(row.final_classes) if row.final_label else ""
    mark = "?" if row.is_guess else " "
    return display_path(f"{label:20}{mark}{row.confidence or 0:6.1%}  {row.path}")


@contextmanager
def _cancel_on_signals(token: CancelToken) -> Iterator[None]:
    """On Ctrl+C or SIGTERM, finish the photo in progress, then stop; on a second Ctrl+C, stop at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal's own arguments
        if token.cancelled:
            raise KeyboardInterrupt
        token.cancel()

    before = {which: signal.signal(which, end) for which in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
