"""What to include in a report of a problem: the diagnostics of this machine and the last crash, ready to be copied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from core.api import machine
from core.base import crash_log
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.providers import TITLES
from gui.shell.report_window import ReportWindow
from gui.tasks.task import Tasks

if TYPE_CHECKING:
    from core.app.diagnostics import DiagnosticReport, Issue, ProviderCheck


def open_report(tasks: Tasks, window: QWidget) -> ReportWindow:
    """Show the window, and fill it once this machine was checked in a helper process."""
    explanation = tr(
        "Copy this text and add what you did and what happened. It doesn't contain the names of your photos. Fovea "
        "sends nothing: you decide where you report the problem."
    )
    shown = ReportWindow(tr("Report a problem"), tr("What to include in your report"), explanation, window)
    shown.lines.setPlainText(tr("Checking this computer…"))
    task = tasks.start(machine.diagnose)
    shown.destroyed.connect(task.abandon)
    task.succeeded.connect(lambda found: shown.lines.setPlainText("\n".join(report_lines(found))))
    task.failed.connect(lambda error: shown.lines.setPlainText("\n".join(_without_check(error))))
    shown.show()
    return shown


def report_lines(found: DiagnosticReport) -> Iterator[str]:
    """The report, in the fixed words of a log: those who read it may not share the user's language."""
    yield from (f"{name} {version}" for name, version in found.versions.items())
    yield from (f"System: {found.system}", f"Processor: {found.processor}, {found.cores} threads", "")
    yield from (f"{_tried(one)}: {_verdict(one.trouble)}" for one in found.providers)
    yield from (f"Model {one.name}: {_verdict(one.trouble)}" for one in found.models)
    yield from (f"Folder for {one.purpose}: {'ok' if one.is_writable else 'not writable'}" for one in found.folders)
    yield from (f"Training: {_verdict(found.trainer)}", f"Keywords: {_verdict(found.keywords)}")
    yield from (f"! {issue.what}" for issue in found.troubles)
    yield from _last_crash()


def _tried(one: ProviderCheck) -> str:
    provider = TITLES[one.provider]
    return f"{one.backbone}, {provider}, {one.precision}" if one.backbone else provider


def _without_check(error: FoveaError) -> Iterator[str]:
    yield f"The check failed: {error.what}"
    yield from _last_crash()


def _verdict(issue: Issue | None) -> str:
    return issue.what if issue else "ok"


def _last_crash() -> Iterator[str]:
    text = crash_log.last_report()
    if text:
        yield from ("", "Last crash", text)
