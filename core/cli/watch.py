"""`fovea watch`: classify photos as they arrive in a folder."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from core.base import paths, settings
from core.base.errors import Cancelled, UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.text import display_path
from core.cli.parsing import check_csv, delimiter_for, format_for
from core.cli.streams import print_message, results_to
from core.jobs.pipeline import LazyClassifier
from core.jobs.queries import ResultStore
from core.jobs.values import JobRequest, Row
from core.jobs.watch import Watch, WatchPhase, WatchState
from core.models.library import open_library
from core.outputs.keywords.from_job import KeywordPolicy
from core.outputs.keywords.values import KeywordRequest, KeywordTarget
from core.outputs.reports.columns import ColumnSet, ReportRow, as_object
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.sorting.values import SortRequest, TransferMode
from core.outputs.watch_outputs import OutputRequest, OutputSinks
from core.prediction import Failure


def run(arguments: argparse.Namespace) -> int:
    """Watch a folder; return 0 after Ctrl+C or SIGTERM.

    Raises:
        FoveaError: watching could not start or continue.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    arguments.format = format_for(arguments.output, arguments.format, "table")
    check_csv(arguments, arguments.format)
    if arguments.format == "csv" and arguments.output is None:
        hint = tr("Add --output with a name such as arrived.csv, or use --format jsonl.")
        raise UsageError(tr("CSV can only be written to a file."), hint=hint)
    chosen = settings.load(paths.settings_file())
    classifier = LazyClassifier(open_library().find(arguments.model or chosen.model), chosen.provider, chosen.precision)
    top_k = min(arguments.top or chosen.top_k, len(classifier.model.card.classes))
    job = JobRequest(
        arguments.folder, arguments.recursive, tuple(arguments.include), tuple(arguments.exclude), top_k=top_k
    )
    token, status = CancelToken(), _StatusPrinter()
    with results_to(None) as stream, OutputSinks(_request(arguments, top_k), warn=_print_failure) as sinks:
        show = _row_printer(arguments, stream, top_k)

        def deliver(results: ResultStore, rows: Sequence[Row]) -> None:
            sinks(results, rows)
            show(rows)

        watch = Watch(job, classifier, deliver, token=token, looked=sinks.bring_late, state=status)
        with _cancel_on_signals(token):
            print_message(tr("Watching {folder}. Press Ctrl+C to stop.", folder=arguments.folder))
            try:
                watch.run()
            except Cancelled:
                print_message(_stopped_text(status.state))
    return 0


def _stopped_text(state: WatchState) -> str:
    return tr_n(
        "Stopped watching. {count:,} image classified, {failed:,} failed.",
        "Stopped watching. {count:,} images classified, {failed:,} failed.",
        state.delivered,
        failed=state.failed,
    )


class _StatusPrinter:
    """Prints changes of the state of the watch."""

    def __init__(self) -> None:
        self.state = WatchState(WatchPhase.WAITING)

    def __call__(self, state: WatchState) -> None:
        before, self.state = self.state, state
        if state.message and state.message != before.message:
            print_message(state.message)
        elif before.phase in (WatchPhase.FOLDER_MISSING, WatchPhase.BUSY) and not state.message:
            print_message(tr("Watching again."))
        if not state.is_watched_by_system and before.is_watched_by_system:
            print_message(tr("This system does not report changes in the folder. Checking it every few seconds."))


def _request(arguments: argparse.Namespace, top_k: int) -> OutputRequest:
    format_ = ReportFormat.JSONL if arguments.format == "table" else ReportFormat(arguments.format)
    mark, delimiter = arguments.bom, delimiter_for(arguments, arguments.output)
    lines = ReportOptions(format_, ColumnSet(top_k), byte_order_mark=mark, delimiter=delimiter)
    keywords = (
        KeywordRequest(KeywordTarget(arguments.keywords), within=arguments.folder) if arguments.keywords else None
    )
    policy = KeywordPolicy(arguments.threshold, arguments.unsure)
    sort = None
    if arguments.sort_to is not None:
        sort = SortRequest(
            arguments.folder, arguments.sort_to, TransferMode(arguments.by), arguments.threshold, flat=arguments.flat
        )
    return OutputRequest(arguments.output, lines, keywords, policy, sort)


def _row_printer(arguments: argparse.Namespace, stream: TextIO, top_k: int) -> Callable[[Sequence[Row]], None]:
    """The function that prints rows to standard output; it does nothing if they go to a file."""
    columns = ColumnSet(top_k)

    def show(rows: Sequence[Row]) -> None:
        for row in rows:
            reported = ReportRow.of(row)
            if reported is not None and arguments.format == "jsonl":
                stream.write(json.dumps(as_object(reported, columns)) + "\n")
            elif reported is not None:
                stream.write(_line(row) + "\n")
        stream.flush()

    return (lambda _: None) if arguments.output is not None else show


def _line(row: Row) -> str:
    if row.failure is not None:
        return display_path(f"{tr('failed'):20} {row.path}  {row.failure.message}")
    mark = "?" if row.unknown else " "
    return display_path(f"{row.final_label or '':20}{mark}{row.confidence or 0:6.1%}  {row.path}")


def _print_failure(failure: Failure) -> None:
    print_message(failure.message, hint=failure.hint)


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
