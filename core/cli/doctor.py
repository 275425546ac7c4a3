"""`fovea doctor`: what works on this machine and why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from core.app.diagnostics import Findings, Trouble, examine
from core.base.providers import TITLES
from core.cli import tables
from core.cli.streams import results_to


def run(*, as_json: bool) -> int:
    """Examine and tell; 0 if images can be classified here, otherwise 2."""
    findings = examine()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps(_as_json(findings), indent=2) + "\n")
        else:
            tables.show(stream, *_report(findings))
    return 0 if findings.can_classify else 2


def _as_json(findings: Findings) -> dict[str, Any]:
    content = {"can_classify": findings.can_classify, **asdict(findings)}
    for part, values in (("providers", findings.providers), ("models", findings.models)):
        content[part] = [{"works": value.works, **asdict(value)} for value in values]
    content["folders"] = [asdict(value) | {"folder": str(value.folder)} for value in findings.folders]
    return content


def _report(findings: Findings) -> Iterator[Table | Text]:
    for made in (_machine, _providers, _models, _folders):
        yield made(findings)
        yield Text()
    for trouble in findings.troubles:
        yield tables.cell(f"! {trouble.what} {trouble.hint}", "yellow")
    verdict = "Images can be classified here." if findings.can_classify else "Images cannot be classified here."
    yield tables.cell(verdict, "bold green" if findings.can_classify else "bold red")


def _machine(findings: Findings) -> Table:
    made = tables.facts()
    for name, version in findings.versions.items():
        made.add_row(tables.cell(name), tables.cell(version))
    made.add_row("system", tables.cell(findings.system))
    made.add_row("processor", tables.cell(f"{findings.processor}, {findings.cores} threads"))
    made.add_row("reads", ", ".join(name for name, reads in findings.decoders.items() if reads))
    lacks = [name for name, reads in findings.decoders.items() if not reads]
    if lacks:
        made.add_row("does not read", ", ".join(lacks))
    for name, lacking in (("trainer", findings.trainer), ("keywords", findings.keywords)):
        made.add_row(name, tables.cell(f"no: {lacking.what} {lacking.hint}" if lacking else "found"))
    return made


def _providers(findings: Findings) -> Table:
    tried_on = f" (tried on {findings.tried_on})" if findings.tried_on else ""
    made = tables.table(
        ("provider", "works", "agreement", "ms per image", "why not"), numbers=("agreement", "ms per image")
    )
    made.title = tables.cell(f"Providers{tried_on}", "bold")
    for finding in findings.providers:
        agreement = "" if finding.agreement is None else f"{finding.agreement:.5f}"
        milliseconds = "" if finding.milliseconds is None else f"{finding.milliseconds:.1f}"
        made.add_row(TITLES[finding.provider], *_verdict(finding.trouble, agreement, milliseconds))
    return made


def _models(findings: Findings) -> Table:
    made = tables.table(("model", "opens", "", "why not"))
    made.title = tables.cell("Models", "bold")
    for finding in findings.models:
        remark = "backbone" if finding.is_backbone else "in use" if finding.in_use else ""
        made.add_row(tables.cell(finding.name), *_verdict(finding.trouble, remark))
    return made


def _verdict(trouble: Trouble | None, *between: str) -> tuple[Text, ...]:
    works = tables.cell("no", "red") if trouble else tables.cell("yes", "green")
    reason = f"{trouble.what} {trouble.hint}" if trouble else ""
    return (works, *map(tables.cell, between), tables.cell(reason))


def _folders(findings: Findings) -> Table:
    made = tables.table(("folder for", "may be written", "free", "where"), numbers=("free",))
    for finding in findings.folders:
        writable = tables.cell("yes", "green") if finding.is_writable else tables.cell("no", "red")
        free = "" if finding.free_bytes is None else tables.size(finding.free_bytes)
        made.add_row(finding.purpose, writable, free, tables.cell(str(finding.folder)))
    return made
