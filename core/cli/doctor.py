"""`fovea doctor`: check what works on this machine, and why other things do not."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from core.api import machine
from core.app.diagnostics import DiagnosticReport, Issue
from core.base.i18n import tr
from core.base.providers import TITLES
from core.cli import tables


def run(arguments: argparse.Namespace) -> int:
    """Check this machine and print the report; return 0 if images can be classified, otherwise 2."""
    findings = machine.diagnose()
    tables.print_result(arguments.format, lambda: _as_json(findings), lambda: _report(findings))
    return 0 if findings.can_classify else 2


def _as_json(findings: DiagnosticReport) -> dict[str, Any]:
    content = {"can_classify": findings.can_classify, **asdict(findings)}
    for part, values in (("providers", findings.providers), ("models", findings.models)):
        content[part] = [{"works": value.works, **asdict(value)} for value in values]
    content["folders"] = [asdict(value) | {"folder": str(value.folder)} for value in findings.folders]
    return content


def _report(findings: DiagnosticReport) -> Iterator[Table | Text]:
    for result in (_machine, _providers, _models, _folders):
        yield result(findings)
        yield Text()
    for issue in findings.troubles:
        yield tables.cell(f"! {issue.what} {issue.hint}", "yellow")
    verdict = (
        tr("Images can be classified on this machine.")
        if findings.can_classify
        else tr("Images cannot be classified on this machine.")
    )
    yield tables.cell(verdict, "bold green" if findings.can_classify else "bold red")


def _machine(findings: DiagnosticReport) -> Table:
    result = tables.facts()
    for name, version in findings.versions.items():
        result.add_row(tables.cell(name), tables.cell(version))
    processor = tr("{name}, {count} threads", name=findings.processor, count=findings.cores)
    result.add_row(tr("system"), tables.cell(findings.system))
    result.add_row(tr("processor"), tables.cell(processor))
    result.add_row(tr("supported formats"), ", ".join(name for name, reads in findings.decoders.items() if reads))
    missing_formats = [name for name, reads in findings.decoders.items() if not reads]
    if missing_formats:
        result.add_row(tr("unsupported formats"), ", ".join(missing_formats))
    for name, issue in ((tr("trainer"), findings.trainer), (tr("keywords"), findings.keywords)):
        found = tr("not available: {reason}", reason=f"{issue.what} {issue.hint}") if issue else tr("available")
        result.add_row(name, tables.cell(found))
    return result


def _providers(findings: DiagnosticReport) -> Table:
    numbers = tr("agreement"), tr("ms per image")
    tested = tr("Providers (tested with {backbone})", backbone=findings.tried_on)
    title = tested if findings.tried_on else tr("Providers")
    result = tables.table((tr("provider"), tr("works"), *numbers, tr("reason")), numbers=numbers, title=title)
    for finding in findings.providers:
        agreement = "" if finding.agreement is None else f"{finding.agreement:.5f}"
        milliseconds = "" if finding.milliseconds is None else f"{finding.milliseconds:.1f}"
        result.add_row(TITLES[finding.provider], *_verdict(finding.trouble, agreement, milliseconds))
    return result


def _models(findings: DiagnosticReport) -> Table:
    result = tables.table((tr("model"), tr("opens"), "", tr("reason")), title=tr("Models"))
    for finding in findings.models:
        note = tr("backbone") if finding.is_backbone else tr("in use") if finding.in_use else ""
        result.add_row(tables.cell(finding.name), *_verdict(finding.trouble, note))
    return result


def _verdict(issue: Issue | None, *between: str) -> tuple[Text, ...]:
    works = tables.cell(tr("no"), "red") if issue else tables.cell(tr("yes"), "green")
    reason = f"{issue.what} {issue.hint}" if issue else ""
    return (works, *map(tables.cell, between), tables.cell(reason))


def _folders(findings: DiagnosticReport) -> Table:
    result = tables.table((tr("folder for"), tr("writable"), tr("free space"), tr("path")), numbers=(tr("free space"),))
    for finding in findings.folders:
        writable = tables.cell(tr("yes"), "green") if finding.is_writable else tables.cell(tr("no"), "red")
        free = "" if finding.free_bytes is None else tables.size(finding.free_bytes)
        result.add_row(finding.purpose, writable, free, tables.cell(str(finding.folder)))
    return result
