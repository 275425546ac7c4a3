"""The options of the form for sorting, in the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from core.card_rules import Hierarchy
from core.models.library import open_library
from gui.folders.page import FoldersPage
from gui.folders.plan_forms import SortForm
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import Classify, press, sorting_of


def test_photos_are_sorted_by_groups_if_the_model_has_some(
    page: FoldersPage, classify: Classify, window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    photo = tiny.write_solid(tmp_path / "photos" / "a.png", "red")
    classify(photo.parent)
    window.actions_by_id[ActionId.SORT_INTO_FOLDERS].trigger()
    plan = sorting_of(page)
    form = plan.form
    assert isinstance(form, SortForm)
    assert form.way.isVisible()
    assert not form.groups.isVisible()
    groups = Hierarchy((("warm", "red"), ("cold", "green"), ("cold", "blue")), 0.7)
    open_library().install(*tiny.packaged_model("colours", hierarchy=groups))
    window.session.models.refresh()
    models = window.session.models
    qtbot.waitUntil(lambda: models.installed["colours"].card.hierarchy is not None, timeout=PATIENCE_MS)
    classify(photo.parent)
    window.actions_by_id[ActionId.SORT_INTO_FOLDERS].trigger()
    assert form.groups.isVisible()
    form.sort_to(tmp_path / "sorted")
    qtbot.mouseClick(form.groups, Qt.MouseButton.LeftButton, pos=QPoint(8, form.groups.height() // 2))
    press(plan, "Preview steps", qtbot)
    qtbot.waitUntil(plan.execute.isEnabled, timeout=PATIENCE_MS)
    press(plan, "Sort", qtbot)
    qtbot.waitUntil(lambda: (tmp_path / "sorted" / "warm" / "red" / "a.png").exists(), timeout=PATIENCE_MS)
    qtbot.waitUntil(plan.show_made.isVisible, timeout=PATIENCE_MS)
