"""Files and folders are asked for without blocking the event loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.files import ask_for_file, ask_for_files, ask_for_folder, ask_where_to_save

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")  # the file dialog sets its own size

Ask = Callable[[QWidget, Path, Callable[[Path], object]], None]


@pytest.mark.parametrize(
    "ask",
    [
        lambda parent, start, on_chosen: ask_for_folder(parent, "Which?", on_chosen, start),
        lambda parent, start, on_chosen: ask_for_file(parent, "Which?", "All files (*)", on_chosen, start),
        lambda parent, start, on_chosen: ask_where_to_save(parent, "Where?", start / "a.csv", on_chosen),
    ],
)
def test_the_chosen_path_is_passed_on(ask: Ask, tmp_path: Path, qtbot: QtBot) -> None:
    parent, chosen = QWidget(), list[Path]()
    qtbot.addWidget(parent)
    ask(parent, tmp_path, chosen.append)
    (dialog,) = parent.findChildren(QFileDialog)
    assert dialog.isVisible()
    assert Path(dialog.directory().absolutePath()) == tmp_path
    dialog.fileSelected.emit(str(tmp_path / "b"))
    dialog.reject()
    assert chosen == [tmp_path / "b"]


def test_a_saved_file_gets_the_suffix_of_the_suggestion(tmp_path: Path, qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    ask_where_to_save(parent, "Where?", tmp_path / "a.csv", lambda _: None)
    (dialog,) = parent.findChildren(QFileDialog)
    assert (dialog.acceptMode(), dialog.defaultSuffix()) == (QFileDialog.AcceptMode.AcceptSave, "csv")
    dialog.reject()


def test_several_files_are_passed_on_together(tmp_path: Path, qtbot: QtBot) -> None:
    parent, chosen = QWidget(), list[list[Path]]()
    qtbot.addWidget(parent)
    ask_for_files(parent, "Which?", ["Text (*.txt)", "All files (*)"], chosen.append)
    (dialog,) = parent.findChildren(QFileDialog)
    assert dialog.nameFilters() == ["Text (*.txt)", "All files (*)"]
    dialog.filesSelected.emit([str(tmp_path / "a"), str(tmp_path / "b")])
    dialog.reject()
    assert chosen == [[tmp_path / "a", tmp_path / "b"]]
