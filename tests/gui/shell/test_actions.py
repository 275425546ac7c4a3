"""Menus, context menus and the command palette, as the user meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from pytestqt.qtbot import QtBot

from core.base.providers import Provider
from core.prediction import Prediction
from gui.shell.actions import Action, ActionId
from gui.shell.command_palette import CommandPalette
from gui.shell.main_window import MainWindow
from gui.widgets import files
from tests.gui.conftest import PATIENCE_MS
from tests.gui.menus import open_menu

pytestmark = pytest.mark.qt_log_ignore("does not support (raise|grabbing|propagateSizeHints)")


@pytest.fixture
def shown(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> MainWindow:
    """The window with three classified photos."""
    window.session.photo_list.add(list(solids.values()))
    photos = window.session.photos
    qtbot.waitUntil(lambda: photos.rowCount() == 3 and all(p.outcome for p in photos.photos()), timeout=PATIENCE_MS)
    return window


def act(window: MainWindow, id_: ActionId) -> Action:
    return window.actions_by_id[id_]


def test_removing_photos_is_named_undone_and_redone(shown: MainWindow, qtbot: QtBot) -> None:
    undo, redo, photos = act(shown, ActionId.UNDO), act(shown, ActionId.REDO), shown.session.photos
    assert not undo.isEnabled()
    shown.photos_page.gallery.setFocus()
    qtbot.keyClick(shown.photos_page.gallery, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(shown.photos_page.gallery, Qt.Key.Key_Delete)
    assert photos.rowCount() == 0
    assert undo.text() == "&Undo remove 3 photos"
    undo.trigger()
    assert photos.rowCount() == 3
    assert not undo.isEnabled()
    assert redo.text() == "&Redo remove 3 photos"
    qtbot.keyClick(shown, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert photos.rowCount() == 0
    assert not redo.isEnabled()


def test_a_label_is_redone(shown: MainWindow) -> None:
    shown.photos_page.select_row(0)
    shown.photos_page.browser.label_selected("blue")
    undo, redo = act(shown, ActionId.UNDO), act(shown, ActionId.REDO)
    assert undo.text() == "&Undo label “blue”"
    undo.trigger()
    assert "You: blue" not in str(shown.session.photos.index(0).data())
    redo.trigger()
    assert "You: blue" in str(shown.session.photos.index(0).data())


def test_the_context_menu_of_a_photo_concerns_the_one_under_the_pointer(
    shown: MainWindow, monkeypatch: pytest.MonkeyPatch, solids: dict[str, Path]
) -> None:
    gallery, opened = shown.photos_page.gallery, []
    monkeypatch.setattr(files, "open_file", opened.append)
    gallery.select_row(0)
    entries = open_menu(gallery.viewport(), gallery.visualRect(gallery.model().index(1, 0)).center())
    assert list(gallery.selected_rows()) == [1]
    assert {"Show in file manager", "Copy path", "Correct…", "Classify selected again", "Remove from list"} <= set(
        entries
    )
    entries["Copy path"]()
    assert QGuiApplication.clipboard().text() == str(solids["green"])
    entries["Show in file manager"]()
    assert opened == [solids["green"].parent]
    entries["Remove from list"]()
    assert shown.session.photos.rowCount() == 2


def test_a_label_can_be_removed_only_if_there_is_one(shown: MainWindow) -> None:
    shown.photos_page.select_row(0)
    remove = act(shown, ActionId.REMOVE_CORRECTION)
    assert (remove.isEnabled(), remove.toolTip()) == (False, "This photo has no label.")
    shown.photos_page.browser.label_selected("blue")
    assert remove.isEnabled()
    remove.trigger()
    assert not remove.isEnabled()


def test_actions_on_photos_are_disabled_on_other_pages(shown: MainWindow) -> None:
    shown.photos_page.select_row(0)
    assert act(shown, ActionId.REMOVE).isEnabled()
    act(shown, ActionId.SHOW_MODELS).trigger()
    assert act(shown, ActionId.SHOW_MODELS).isChecked()
    assert act(shown, ActionId.REMOVE).toolTip() == "Select a photo first."
    assert not act(shown, ActionId.SELECT_ALL).isEnabled()


def test_a_model_and_its_version_have_the_menu_of_their_buttons(window: MainWindow, qtbot: QtBot) -> None:
    act(window, ActionId.SHOW_MODELS).trigger()
    page = window.pages.models
    qtbot.waitUntil(lambda: bool(page.names), timeout=PATIENCE_MS)
    at = page.choices.visualItemRect(page.choices.currentItem()).center()
    assert "Compare…" in open_menu(page.choices.viewport(), at)
    assert "Use this model" not in open_menu(page.choices.viewport(), at)
    assert act(window, ActionId.ROLL_BACK).toolTip() == "This model has no earlier version."


def test_providers_that_cannot_work_are_disabled_with_the_reason(window: MainWindow, qtbot: QtBot) -> None:
    window.availability._on_checked({Provider.CUDA: "No NVIDIA driver found."})
    cuda = act(window, ActionId.PROVIDER_CUDA)
    assert (cuda.isEnabled(), cuda.toolTip(), cuda.menu_path) == (False, "No NVIDIA driver found.", "Model › Provider")
    act(window, ActionId.PREFERENCES).trigger()
    preferences = window.commands.preferences
    assert preferences is not None
    assert preferences.provider.itemText(1) == "CUDA (No NVIDIA driver found.)"
    preferences.top_k.setValue(2)
    assert window.session.settings.value.top_k == 2
    preferences.close()


def test_the_number_of_classes_applies_to_photos_in_the_window(shown: MainWindow, qtbot: QtBot) -> None:
    def counts() -> set[int]:
        outcomes = [one.outcome for one in shown.session.photos.photos()]
        return {len(one.scores) if isinstance(one, Prediction) else 0 for one in outcomes}

    qtbot.waitUntil(lambda: counts() == {3}, timeout=PATIENCE_MS)
    act(shown, ActionId.PREFERENCES).trigger()
    preferences = shown.commands.preferences
    assert preferences is not None
    for count in (1, 2):
        preferences.top_k.setValue(count)
        qtbot.waitUntil(lambda count=count: counts() == {count}, timeout=PATIENCE_MS)
    preferences.close()


def palette(window: MainWindow, qtbot: QtBot, text: str) -> CommandPalette:
    act(window, ActionId.PALETTE).trigger()
    qtbot.keyClicks(window.commands.palette.line, text)
    return window.commands.palette


def test_the_palette_shows_where_an_action_is_and_why_it_is_disabled(window: MainWindow, qtbot: QtBot) -> None:
    found = palette(window, qtbot, "export")
    assert "Model › Export" in found.texts()
    assert "Folders › Export as CSV" in found.texts()
    row = found.texts().index("Folders › Export as CSV")
    assert found.list.model().index(row, 1).data() == "Open a classified folder first."
    found.list.setCurrentIndex(found.list.model().index(row, 0))
    qtbot.keyClick(found.line, Qt.Key.Key_Return)
    assert found.isVisible(), "what cannot be done does nothing"
    qtbot.keyClick(found.line, Qt.Key.Key_Escape)


def test_a_long_reason_does_not_cut_the_name_of_an_action(window: MainWindow, qtbot: QtBot) -> None:
    act(window, ActionId.CAMERA).set_reason("This cannot be done here, for a reason that takes many words. " * 4)
    found = palette(window, qtbot, "camera").list
    assert found.columnWidth(0) >= found.sizeHintForColumn(0)


def test_the_palette_finds_the_comparison_of_models(window: MainWindow, qtbot: QtBot) -> None:
    assert palette(window, qtbot, "compare models").texts()[0] == "Model › Compare"


def test_the_palette_is_fuzzy_knows_synonyms_and_fits_its_results(window: MainWindow, qtbot: QtBot) -> None:
    assert palette(window, qtbot, "settings").texts()[0] == "File › Preferences"
    high = window.commands.palette.height()
    assert palette(window, qtbot, "clsfold").texts()[0] == "File › Classify folder"
    assert palette(window, qtbot, "use colours").texts()[0] == "Model › Use Colours"
    assert palette(window, qtbot, "xyzzy").texts() == []
    assert window.commands.palette.height() < high
    act(window, ActionId.PALETTE).trigger()
    assert window.commands.palette.height() > high


def test_the_palette_labels_photos_with_a_class(shown: MainWindow, qtbot: QtBot) -> None:
    shown.photos_page.gallery.selectAll()
    found = palette(shown, qtbot, "blue")
    assert found.texts()[0] == "Label 3 photos › blue"
    qtbot.keyClick(found.line, Qt.Key.Key_Return)
    assert "You: blue" in str(shown.session.photos.index(0).data())


def test_recent_folders_can_be_opened_again(shown: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    assert shown.recent.paths() == [], "several files are not remembered"
    shown.session.photo_list.add([tmp_path])
    assert shown.recent.paths() == [tmp_path]
    act(shown, ActionId.CLEAR).trigger()
    menu = shown.recent._menu
    menu.aboutToShow.emit()
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: shown.session.photos.rowCount() == 3, timeout=PATIENCE_MS)
    menu.aboutToShow.emit()
    menu.actions()[-1].trigger()
    assert not menu.isEnabled()


def test_a_problem_is_reported_with_what_this_machine_has(window: MainWindow, qtbot: QtBot) -> None:
    act(window, ActionId.REPORT_PROBLEM).trigger()
    report = window.commands.report
    assert report is not None
    # It opens every built-in backbone in each precision.
    qtbot.waitUntil(lambda: "Model colours: ok" in report.lines.toPlainText(), timeout=PATIENCE_MS)
    assert "CPU, float32: ok" in report.lines.toPlainText()
    report.close()


def test_the_rail_is_a_group_of_radio_buttons_for_screen_readers(window: MainWindow) -> None:
    roles = {QAccessible.queryAccessibleInterface(one).role() for one in window.rail.buttons}
    assert roles == {QAccessible.Role.RadioButton}
