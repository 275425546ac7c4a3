"""The window as a whole: keyboard, accessible names, colours, memory, and imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QListView, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.base.settings import Settings, Theme
from gui.__main__ import main
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.widgets import theme
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


def test_shortcuts_are_unique_and_none_types_a_character_with_altgr(window: MainWindow) -> None:
    shortcuts = [action.shortcut().toString() for action in window.actions_by_id.values()]
    given = [shortcut for shortcut in shortcuts if shortcut]
    assert len(set(given)) == len(given) > 40
    assert not any("Ctrl+Alt" in shortcut for shortcut in given)
    assert set(window.actions_by_id) == set(ActionId)


def test_every_control_has_an_accessible_name(window: MainWindow) -> None:
    assert all((window.pages.folders, window.pages.models, window.pages.training)), "all pages are created"
    controls = [
        control
        for kind in (QAbstractButton, QComboBox, QLineEdit, QListView)
        for control in window.findChildren(kind)
        if not control.objectName().startswith("qt_") and "Private" not in type(control).__name__
    ]
    assert len(controls) > 10
    unnamed = [
        control
        for control in controls
        if not control.accessibleName()
        and not (isinstance(control, QAbstractButton) and control.text())
        and not isinstance(control.parent(), QComboBox)
        and not isinstance(control.parentWidget().parentWidget(), QComboBox)  # type: ignore[union-attr]
    ]
    assert unnamed == []


def test_an_action_is_found_by_typing(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_by_id[ActionId.PALETTE].trigger()
    assert window.commands.palette.isVisible()
    line = window.commands.palette.findChild(QLineEdit)
    assert line is not None
    qtbot.keyClicks(line, "dark")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert not window.commands.palette.isVisible()
    assert window.session.settings.value.theme is Theme.DARK
    qtbot.waitUntil(lambda: settings.load(paths.settings_file()).theme is Theme.DARK, timeout=PATIENCE_MS)


def test_escape_closes_the_palette_without_an_action(window: MainWindow, qtbot: QtBot) -> None:
    before = window.session.settings.value
    window.actions_by_id[ActionId.PALETTE].trigger()
    line = window.commands.palette.findChild(QLineEdit)
    assert line is not None
    qtbot.keyClick(line, Qt.Key.Key_Down)
    qtbot.keyClick(line, Qt.Key.Key_Escape)
    assert not window.commands.palette.isVisible()
    assert window.session.settings.value == before


def test_notices_are_copied_and_dismissed(window: MainWindow, qtbot: QtBot) -> None:
    window.notices.show_notice("first")
    window.notices.show_notice("second")
    window.notices.show_notice("first")
    assert window.notices.texts() == ["second", "first"]
    qtbot.waitUntil(lambda: any(b.isVisible() for b in window.notices.findChildren(QAbstractButton)))
    buttons = [button for button in window.notices.findChildren(QAbstractButton) if button.isVisible()]
    copy = next(button for button in buttons if button.accessibleName() == "Copy this notice")
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() in ("first", "second")
    dismiss = next(button for button in buttons if button.accessibleName() == "Dismiss this notice")
    qtbot.mouseClick(dismiss, Qt.MouseButton.LeftButton)
    assert len(window.notices.texts()) == 1


def test_clearing_offers_undo_in_the_notice(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    window.session.photo_list.add(list(solids.values()))
    qtbot.waitUntil(lambda: window.session.photos.rowCount() == 3, timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.CLEAR].trigger()
    undo = next(b for b in window.notices.findChildren(QPushButton) if b.text() == "Undo")
    qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert window.session.photos.rowCount() == 3
    assert window.notices.texts() == []


def test_the_window_geometry_is_restored(qtbot: QtBot, tiny_model: str) -> None:
    first = show_window(qtbot)
    first.resize(740, 520)
    first.close()
    second = show_window(qtbot)
    second.restore_geometry()
    assert (second.width(), second.height()) == (740, 520)
    second.close()


def test_the_first_time_the_window_fits_the_screen(qtbot: QtBot, tiny_model: str) -> None:
    window = show_window(qtbot)
    room = window.screen().availableGeometry().size()
    window.resize(2 * room)
    window.restore_geometry()
    assert window.size().boundedTo(room) == window.size()
    window.close()
    QSettings(str(paths.window_file()), QSettings.Format.IniFormat).setValue(
        "geometry", QByteArray(b"another screen's")
    )
    again = show_window(qtbot)
    again.resize(2 * room)
    again.restore_geometry()
    assert again.size().boundedTo(room) == again.size(), "a size that was saved for a larger screen"
    again.close()


def test_the_window_follows_the_theme_of_the_desktop(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    assert theme.current() is theme.LIGHT
    hints = QGuiApplication.styleHints()
    monkeypatch.setattr(theme, "is_dark", lambda theme: True)  # offscreen there is no desktop theme
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.current() is theme.DARK
    assert window.palette().window().color().name() == theme.DARK.window
    monkeypatch.undo()
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.current() is theme.LIGHT


def test_a_dark_window_starts_dark_and_can_switch_the_theme(qtbot: QtBot, home: Path) -> None:
    settings.save(Settings(theme=Theme.DARK), paths.settings_file())
    window = show_window(qtbot)
    window.notices.show_notice("Something happened.")
    icons = [window.rail, window.top_bar.chip, window.photos_page.empty, *window.notices.findChildren(QToolButton)]
    for colours, other in ((theme.DARK, theme.LIGHT), (theme.LIGHT, theme.DARK)):
        assert theme.current() is colours
        for widget in icons:
            painted = colours_in(widget)
            assert painted & {colours.accent, colours.text}, widget
            assert not painted & {other.accent, other.muted, other.window, other.surface}, widget
        window.actions_by_id[ActionId.THEME_LIGHT].trigger()
    window.close()


def colours_in(widget: QWidget) -> set[str]:
    """The colours of all pixels as #rrggbb, except rare or translucent ones from blended edges."""
    image = widget.grab().toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    counted = Counter(pixel.name() for pixel in pixels if pixel.alpha() == 255)
    return {colour for colour, count in counted.items() if count > 3}


@pytest.mark.qt_log_ignore("does not support (raise|grabbing)")
def test_the_popup_of_a_combo_box_shows_all_its_entries(window: MainWindow, qtbot: QtBot) -> None:
    box = window.top_bar.switcher
    for entries in (1, 2, 10):
        box.clear()
        box.addItems([f"Model {number} with a title that is longer than its box" for number in range(entries)])
        qtbot.mouseClick(box, Qt.MouseButton.LeftButton)
        rows = [box.view().visualRect(box.model().index(row, 0)) for row in range(entries)]
        assert all(box.view().viewport().rect().contains(row) for row in rows)
        assert all(row.height() >= box.fontMetrics().height() for row in rows)
        assert box.view().viewport().width() >= box.view().sizeHintForColumn(0)
        box.hidePopup()


def test_the_window_process_loads_nothing_heavy(tiny_model: str, solids: dict[str, Path]) -> None:
    """Images are decoded and models run in other processes; the window does not even import their libraries."""
    code = """
import json, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from gui.app import application
if __name__ == "__main__":
    made, window = application.open_window([Path(sys.argv[1])])
    def end(row):
        heavy = sorted({"numpy", "PIL", "onnx", "onnxruntime", "tensorflow", "rich"} & set(sys.modules))
        print(json.dumps({"prediction": window.session.photos.index(row).data(), "heavy": heavy}), flush=True)
        window.close()
    window.session.photos.outcome_changed.connect(end)
    QTimer.singleShot(60_000, lambda: made.exit(1))
    made.exec()
"""
    script = solids["red"].with_name("program.py")
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, str(script), str(solids["green"])]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    result = json.loads(done.stdout)
    assert result["prediction"].startswith("green")
    assert result["heavy"] == []


def test_a_folder_named_like_a_command_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["models", "--format", "json"]) == 0
    assert "general" in capsys.readouterr().out


def test_every_control_of_the_photos_page_is_reachable_by_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    reached: set[QWidget | None] = set()
    for _ in range(60):
        reached.add(QGuiApplication.focusObject())  # type: ignore[arg-type]
        qtbot.keyClick(window.focusWidget() or window, Qt.Key.Key_Tab)
    buttons = [b for b in window.photos_page.empty.findChildren(QPushButton) if b.isVisible()]
    assert len(buttons) == 6
    assert set(buttons) <= reached
