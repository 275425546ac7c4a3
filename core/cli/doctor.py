"""`fovea doctor`: what works on this machine and why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from core.app.diagnostics import DiagnosticReport, Issue, run_diagnostics
from core.base.providers import TITLES
from core.cli import tables
from core.cli.streams import results_to


def run(*, as_json: bool) -> int:
    """Examine and tell; 0 if images can be classified here, otherwise 2."""
    findings = run_diagnostics()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps(_as_json(findings), indent=2) + "\n")
        else:
            tables.show(stream, *_report(findings))
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
    verdict = "Images can be classified here." if findings.can_classify else "Images cannot be classified here."
    yield tables.cell(verdict, "bold green" if findings.can_classify else "bold red")


def _machine(findings: DiagnosticReport) -> Table:
    result = tables.facts()
    for name, version in findings.versions.items():
        result.add_row(tables.cell(name), tables.cell(version))
    result.add_row("system", tables.cell(findings.system))
    result.add_row("processor", tables.cell(f"{findings.processor}, {findings.cores} threads"))
    result.add_row("reads", ", ".join(name for name, reads in findings.decoders.items() if reads))
    lacks = [name for name, reads in findings.decoders.items() if not reads]
    if lacks:
        result.add_row("does not read", ", ".join(lacks))
    for name, missing in (("trainer", findings.trainer), ("keywords", findings.keywords)):
        result.add_row(name, tables.cell(f"no: {missing.what} {missing.hint}" if missing else "found"))
    return result


def _providers(findings: DiagnosticReport) -> Table:
    tried_on = f" (tried on {findings.tried_on})" if findings.tried_on else ""
    result = tables.table(
        ("provider", "works", "agreement", "ms per image", "why not"), numbers=("agreement", "ms per image")
    )
    result.title = tables.cell(f"Providers{tried_on}", "bold")
    for finding in findings.providers:
        agreement = "" if finding.agreement is None else f"{finding.agreement:.5f}"
        milliseconds = "" if finding.milliseconds is None else f"{finding.milliseconds:.1f}"
        result.add_row(TITLES[finding.provider], *_verdict(finding.trouble, agreement, milliseconds))
    return result


def _models(findings: DiagnosticReport) -> Table:
    result = tables.table(("model", "opens", "", "why not"))
    result.title = tables.cell("Models", "bold")
    for finding in findings.models:
        note = "backbone" if finding.is_backbone else "in use" if finding.in_use else ""
        result.add_row(tables.cell(finding.name), *_verdict(finding.trouble, note))
    return result


def _verdict(issue: Issue | None, *between: str) -> tuple[Text, ...]:
    works = tables.cell("no", "red") if issue else tables.cell("yes", "green")
    reason = f"{issue.what} {issue.hint}" if issue else ""
    return (works, *map(tables.cell, between), tables.cell(reason))


def _folders(findings: DiagnosticReport) -> Table:
    result = tables.table(("folder for", "may be written", "free", "where"), numbers=("free",))
    for finding in findings.folders:
        writable = tables.cell("yes", "green") if finding.is_writable else tables.cell("no", "red")
        free = "" if finding.free_bytes is None else tables.size(finding.free_bytes)
        result.add_row(finding.purpose, writable, free, tables.cell(str(finding.folder)))
    return result
