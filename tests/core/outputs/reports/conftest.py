"""Rows for reports: every kind of outcome, and names with special meanings to shells, terminals and spreadsheets."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.jobs.values import Review, Verdict
from core.outputs.reports.columns import ReportRow
from core.prediction import Failure, Prediction, Score, Timing
from tests import tiny

HOSTILE = (
    *("=1+2.png", "+1.png", "-rf.png", "@SUM(A1).png", "\tcell\r.png", 'two\nlines, "quoted".png'),
    *("<script>alert(1)</script>.png", '"><img src=x onerror=alert(1)>.png', "a & b; \u202egnp.\x1b[31m.png"),
    *("caf\udce9.png", "Ünïcödé.png", "http://example.invalid/x.png", "{=cmd|' /C calc'!A0}.png"),
)


def predicted(path: Path | str, *scores: tuple[str, float], unknown: bool | None = None) -> Prediction:
    """A prediction with these classes, most likely first."""
    made = tuple(Score(*score) for score in scores or (("red", 0.75), ("green", 0.125), ("blue", 0.0625)))
    return Prediction(Path(path), made, unknown, "colours", "cpu", Timing(1.5, 0.25, 3.125))


def failed(path: Path | str) -> Failure:
    """A failure."""
    return Failure(Path(path), "damaged", "It is damaged.", "Take another copy.")


@pytest.fixture
def rows(tmp_path: Path) -> list[ReportRow]:
    """A red image, a blue one corrected to green, a grey unknown one, and a missing one."""
    red, blue, grey = (tiny.write_solid(tmp_path / f"{name}.png", name) for name in ("red", "blue", "grey"))
    return [
        ReportRow(predicted(red, unknown=False), Review(Verdict.ACCEPTED, "red")),
        ReportRow(predicted(blue, ("blue", 0.6), ("green", 0.4), unknown=False), Review(Verdict.CORRECTED, "green")),
        ReportRow(predicted(grey, ("red", 0.34), ("green", 0.33), ("blue", 0.33), unknown=True)),
        ReportRow(failed(tmp_path / "torn.png")),
    ]


@pytest.fixture
def hostile() -> list[ReportRow]:
    """Predictions and failures with malicious texts only."""
    good = [ReportRow(predicted(name, (name, 0.5), (name, 0.25))) for name in HOSTILE]
    return [*good, *(ReportRow(Failure(Path(name), "damaged", name, name)) for name in HOSTILE)]
