"""The cards of jobs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.jobs.values import JobCounts, JobState, JobSummary
from gui.folders.job_text import started_text
from gui.folders.jobs_page import started_within

JOB = JobSummary("1", Path("photos"), True, (), (), "general", 0, 1.7e9, JobState.FINISHED, JobCounts(done=31))


@pytest.mark.parametrize(("beside", "text"), [(-1, ""), (0, "{time}"), (50, "{time}"), (400, "{time} · General")])
def test_a_narrow_card_leaves_out_the_model_before_the_time(qtbot: QtBot, beside: int, text: str) -> None:
    font, time = QFontMetrics(QApplication.font()), started_text(JOB)
    assert started_within(font, font.horizontalAdvance(time) + beside, JOB, "General") == text.format(time=time)


def test_a_long_title_is_elided_at_its_end(qtbot: QtBot) -> None:
    font, time = QFontMetrics(QApplication.font()), started_text(JOB)
    text = started_within(font, font.horizontalAdvance(time) + 100, JOB, "General " * 20)
    assert text.startswith(f"{time} · Gen")
    assert text.endswith("…")
