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
    processor = tr("{name}, {count} threads", name=findings.processor, count=findings.cores)
    missing_formats = ", ".join(name for name, reads in findings.decoders.items() if not reads)
    rows = [
        *findings.versions.items(),
        (tr("system"), findings.system),
        (tr("processor"), processor),
        (tr("supported formats"), ", ".join(name for name, reads in findings.decoders.items() if reads)),
        *([(tr("unsupported formats"), missing_formats)] if missing_formats else []),
    ]
    for name, issue in ((tr("trainer"), findings.trainer), (tr("keywords"), findings.keywords)):
        found = tr("not available: {reason}", reason=f"{issue.what} {issue.hint}") if issue else tr("available")
        rows.append((name, found))
    return tables.facts(rows)


def _providers(findings: DiagnosticReport) -> Table:
    numbers = tr("agreement"), tr("ms per image")
    rows = []
    for finding in findings.providers:
        agreement = "" if finding.agreement is None else f"{finding.agreement:.5f}"
        milliseconds = "" if finding.milliseconds is None else f"{finding.milliseconds:.1f}"
        precision = finding.precision.value if finding.backbone else ""
        verdict = _verdict(finding.trouble, agreement, milliseconds)
        rows.append((finding.backbone, TITLES[finding.provider], precision, *verdict))
    columns = tr("backbone"), tr("provider"), tr("precision"), tr("works"), *numbers, tr("reason")
    return tables.table(columns, rows, numbers=numbers, title=tr("Providers"))


def _models(findings: DiagnosticReport) -> Table:
    rows = []
    for finding in findings.models:
        note = tr("backbone") if finding.is_backbone else tr("in use") if finding.in_use else ""
        rows.append((finding.name, *_verdict(finding.trouble, note)))
    return tables.table((tr("model"), tr("opens"), "", tr("reason")), rows, title=tr("Models"))


def _verdict(issue: Issue | None, *between: str) -> tuple[str | Text, ...]:
    return (_yes_or_no(issue is None), *between, f"{issue.what} {issue.hint}" if issue else "")


def _yes_or_no(is_right: bool) -> Text:  # noqa: FBT001 - the only argument
    return tables.cell(tr("yes"), "green") if is_right else tables.cell(tr("no"), "red")


def _folders(findings: DiagnosticReport) -> Table:
    rows = []
    for finding in findings.folders:
        free = "" if finding.free_bytes is None else tables.size(finding.free_bytes)
        rows.append((finding.purpose, _yes_or_no(finding.is_writable), free, str(finding.folder)))
    columns = tr("folder for"), tr("writable"), tr("free space"), tr("path")
    return tables.table(columns, rows, numbers=(tr("free space"),))
