"""Help > Licences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from core.app import licences
from core.app.licences import Component, ComponentKind, LicenceText
from gui.shell.actions import ActionId
from gui.shell.licences_dialog import LicencesDialog
from gui.shell.main_window import MainWindow
from tests.gui.conftest import PATIENCE_MS

LONG = "".join(f"line {number} of very many\n" for number in range(20_000))
LIST = (
    Component("Fovea", "1", ComponentKind.PROGRAM, "Apache-2.0", texts=(LicenceText("LICENSE", "ours\n"),)),
    Component(
        "alpha",
        "2",
        ComponentKind.LIBRARY,
        "MIT",
        "https://a.example",
        "a note",
        (LicenceText("A", "one"), LicenceText("B", "Zwei")),
    ),
    Component("beta", "", ComponentKind.MODEL, "", texts=(LicenceText("NOTICES", LONG),)),
    Component("gamma", "3", ComponentKind.LIBRARY, "BSD-3-Clause"),
)


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle with the list of components above."""
    monkeypatch.setattr(licences, "_ROOT", tmp_path)
    file = tmp_path / licences.FILE_NAME
    file.write_bytes(licences.serialize(LIST))
    return file


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def dialog(qtbot: QtBot, bundle: Path, parent: QWidget) -> Iterator[LicencesDialog]:
    made = LicencesDialog(parent)
    made.show()
    qtbot.waitUntil(lambda: made.choices.count() == len(LIST), timeout=PATIENCE_MS)
    yield made
    made.close()


def shown(dialog: LicencesDialog) -> list[str]:
    rows = range(dialog.choices.count())
    return [dialog.choices.item(row).text().split("\n")[0] for row in rows if not dialog.choices.isRowHidden(row)]


def test_components_are_listed_and_the_first_is_shown(dialog: LicencesDialog) -> None:
    assert shown(dialog) == ["Fovea 1", "alpha 2", "beta", "gamma 3"]
    assert dialog.heading.text() == "Fovea 1"
    assert dialog.text.toPlainText() == "ours\n"
    assert dialog.note.isHidden()


def test_arrow_keys_move_between_components(dialog: LicencesDialog, qtbot: QtBot) -> None:
    qtbot.keyClick(dialog.choices, Qt.Key.Key_Down)
    assert dialog.terms.text() == "MIT  ·  https://a.example"
    assert dialog.note.text() == "a note"
    assert dialog.text.toPlainText() == "──── A ────\n\none\n\n──── B ────\n\nZwei"


def test_a_missing_text_is_reported(dialog: LicencesDialog) -> None:
    dialog.choices.setCurrentRow(3)
    assert "Every packaged version of Fovea includes it" in dialog.text.toPlainText()


def test_a_long_text_is_inserted_in_chunks(dialog: LicencesDialog, qtbot: QtBot) -> None:
    dialog.choices.setCurrentRow(2)
    assert dialog.terms.text() == "see licence text"
    assert 0 < len(dialog.text.toPlainText()) < len(LONG)
    qtbot.waitUntil(lambda: dialog.text.toPlainText() == LONG, timeout=PATIENCE_MS)


def test_selecting_another_component_stops_inserting_a_long_text(dialog: LicencesDialog, qtbot: QtBot) -> None:
    dialog.choices.setCurrentRow(2)
    dialog.choices.setCurrentRow(0)
    qtbot.wait(50)
    assert dialog.text.toPlainText() == "ours\n"


def test_names_licences_and_texts_are_searched(dialog: LicencesDialog, qtbot: QtBot) -> None:
    for typed, found in [("ALPHA", ["alpha 2"]), ("bsd", ["gamma 3"]), ("zwei", ["alpha 2"]), ("none such", [])]:
        dialog.search.setText(typed)
        assert shown(dialog) == found
    dialog.search.clear()
    assert len(shown(dialog)) == len(LIST)


def test_the_first_match_in_a_text_is_selected_even_far_down(dialog: LicencesDialog, qtbot: QtBot) -> None:
    qtbot.keyClicks(dialog.search, "LINE 19999")
    assert shown(dialog) == ["beta"]
    qtbot.waitUntil(lambda: dialog.text.textCursor().selectedText() == "line 19999", timeout=PATIENCE_MS)
    dialog.search.clear()
    assert not dialog.text.textCursor().hasSelection()


def test_every_control_has_a_name_and_is_reachable_by_keyboard(dialog: LicencesDialog, qtbot: QtBot) -> None:
    parts = [dialog.search, dialog.choices, dialog.text]
    assert all(part.accessibleName() for part in parts)
    reached = []
    for _ in range(4):
        reached.append(dialog.focusWidget())
        qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
    assert all(part in reached for part in parts)
    qtbot.keyClick(dialog.search, Qt.Key.Key_Escape)
    assert dialog.isHidden()


def test_a_damaged_list_is_reported(qtbot: QtBot, bundle: Path, parent: QWidget) -> None:
    bundle.write_bytes(b"{}")
    dialog = LicencesDialog(parent)
    qtbot.waitUntil(lambda: "Install Fovea again" in dialog.heading.text(), timeout=PATIENCE_MS)
    dialog.search.setText("a")
    assert dialog.choices.count() == 0


def test_closing_the_window_while_reading_is_safe(qtbot: QtBot, bundle: Path, parent: QWidget) -> None:
    LicencesDialog(parent).deleteLater()
    qtbot.wait(100)


@pytest.mark.qt_log_ignore("does not support raise")  # which the offscreen platform does not need
def test_the_menu_opens_a_single_non_modal_window(window: MainWindow, qtbot: QtBot) -> None:
    for _ in range(2):
        window.actions_by_id[ActionId.LICENCES].trigger()
    (dialog,) = window.findChildren(LicencesDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    qtbot.waitUntil(lambda: any(name.startswith("numpy ") for name in shown(dialog)), timeout=PATIENCE_MS)
