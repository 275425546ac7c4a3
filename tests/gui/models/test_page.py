"""The place Models: versions, removal and undo, export and import, and changes by other programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from core.base import paths
from core.exporting.formats import ExportFormat
from core.models.library import open_library
from core.models.onnx_import_values import ImportQuestions, Scaling
from core.models.trash import list_removed
from gui.models.page import ModelsPage
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.core.models.test_onnx_import import classifier
from tests.core.models.test_onnx_import_kinds import changed, two_answers, written
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS


def install(name: str, title: str) -> None:
    open_library().install(*tiny.packaged_model(name, title=title), trained_on=["0" * 64] * 3)


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot) -> ModelsPage:
    """The page, with a model of two versions that other programs installed while the window was open."""
    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    for title in ("Hues one", "Hues two"):
        install("hues", title)

    def is_listed() -> bool:  # the library may be read after version 2 was installed and before it is active
        hues = window.pages.models.names.get("hues")
        return hues is not None and hues.active is not None and hues.active.number == 2

    qtbot.waitUntil(is_listed, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "hues" in window.session.models.installed, timeout=PATIENCE_MS)
    window.pages.models.choices.select("hues")
    return window.pages.models


def click(qtbot: QtBot, button: QPushButton) -> None:
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def rows(page: ModelsPage) -> list[list[str]]:
    tree = page.versions.list
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return [[item.text(column) for column in range(tree.columnCount())] for item in items if item is not None]


def undo(window: MainWindow, qtbot: QtBot) -> None:
    def buttons() -> list[QPushButton]:
        return [one for one in window.notices.findChildren(QPushButton) if one.text() == "Undo" and one.isVisible()]

    qtbot.waitUntil(lambda: bool(buttons()), timeout=PATIENCE_MS)
    click(qtbot, buttons()[0])


def test_versions_are_listed_with_the_newest_first(page: ModelsPage) -> None:
    first, second = rows(page)
    assert (first[0], second[0]) == ("2 (active)", "1")
    assert len(first[1]) == len("2026-01-01 12:00")
    assert page.versions.back.text() == "Go back to version 1"
    assert not page.versions.result.isEnabled(), "nothing was saved with it"
    assert not page.versions.remove.isEnabled()
    assert "Hues two" in page.details.heading.text()


def test_another_version_is_used_and_rolled_back_by_keyboard(
    page: ModelsPage, window: MainWindow, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    window.session.photo_list.add([solids["red"]])
    photos = window.session.photos
    qtbot.waitUntil(lambda: photos.rowCount() == 1 and photos.photo(0).outcome is not None, timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    page.choices.select("hues")
    page.versions.list.setFocus()
    qtbot.keyClick(page.versions.list, Qt.Key.Key_Down)
    assert page.versions.number == 1
    assert "Hues one" in page.details.heading.text()
    qtbot.keyClick(page.versions.list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: used(window) == ("hues", 1), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: rows(page)[1][0] == "1 (in use)", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: photos.photo(0).outcome.model == "hues", timeout=PATIENCE_MS)  # type: ignore[union-attr]
    window.actions_by_id[ActionId.ROLL_BACK].trigger()
    qtbot.waitUntil(lambda: used(window) == ("hues", 2), timeout=PATIENCE_MS)
    assert any(" now uses version 2 again." in text for text in window.notices.texts())


def used(window: MainWindow) -> tuple[str, int]:
    opened = window.session.models.in_use
    return (opened.name, opened.version) if opened else ("", -1)


def test_a_version_is_removed_and_restored_with_undo(page: ModelsPage, window: MainWindow, qtbot: QtBot) -> None:
    page.versions.list.setCurrentIndex(page.versions.list.model().index(1, 0))
    click(qtbot, page.versions.remove)
    qtbot.waitUntil(lambda: len(rows(page)) == 1, timeout=PATIENCE_MS)
    assert any(
        "Removed version 1 of “Hues two”. You can restore it for 7 days." in one for one in window.notices.texts()
    )
    undo(window, qtbot)
    qtbot.waitUntil(lambda: len(rows(page)) == 2, timeout=PATIENCE_MS)
    assert open_library().numbers("hues") == (1, 2)


def test_a_model_in_use_is_removed_and_restored(page: ModelsPage, window: MainWindow, qtbot: QtBot) -> None:
    page.choices.select("colours")
    window.actions_by_id[ActionId.REMOVE_MODEL].trigger()
    qtbot.waitUntil(lambda: used(window)[0] not in ("colours", ""), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "colours" not in page.names, timeout=PATIENCE_MS)
    assert [one.name for one in list_removed(paths.user_models())] == ["colours"]
    assert any("Now using “General" in one.notice.text for one in window.notices.kept)
    undo(window, qtbot)
    qtbot.waitUntil(lambda: "colours" in page.names, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: used(window) == ("colours", 1), timeout=PATIENCE_MS)


def test_a_damaged_model_is_marked_and_another_version_offered(
    page: ModelsPage, window: MainWindow, qtbot: QtBot
) -> None:
    (paths.user_models() / "hues" / "2" / tiny.HEAD_FILE).write_bytes(b"damaged")
    page.refresh()
    qtbot.waitUntil(lambda: "Damaged · 2 versions" in page.choices.currentItem().text(), timeout=PATIENCE_MS)
    assert not page.buttons.use.isVisible()
    assert not page.buttons.export.isEnabled()
    assert "damaged" in "".join(label.text() for label in page.details.findChildren(QLabel))
    assert page.buttons.remove.isEnabled()
    assert page.buttons.repair.text() == "Use version 1"
    click(qtbot, page.buttons.repair)
    qtbot.waitUntil(lambda: used(window) == ("hues", 1), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: rows(page)[1][0] == "1 (in use)", timeout=PATIENCE_MS)


def test_no_selection_is_no_empty_library(page: ModelsPage) -> None:
    page.choices.setCurrentRow(-1)
    assert "No model selected." in [one.text() for one in page.details.findChildren(QLabel) if one.isVisible()]


def test_built_in_models_cannot_be_removed(page: ModelsPage, window: MainWindow, qtbot: QtBot) -> None:
    page.choices.select("general")
    qtbot.waitUntil(lambda: not page.buttons.remove.isEnabled(), timeout=PATIENCE_MS)
    assert page.classes.list.isVisible()
    page.classes.search.setFocus()
    qtbot.keyClicks(page.classes.search, "ostr")
    model = page.classes.list.model()
    assert [model.index(row, 0).data() for row in range(model.rowCount())] == ["ostrich"]


def test_a_model_is_exported_and_a_dropped_file_imported(
    page: ModelsPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.actions_by_id[ActionId.EXPORT_MODEL].trigger()
    panel = page.export_panel
    assert panel.isVisible()
    assert "Hues two · v2" in panel.heading.text()
    panel.form.setCurrentIndex(panel.form.findData(ExportFormat.ONNX_INT8))
    assert not panel.save.isEnabled()
    assert panel.photos.isVisible()
    panel.form.setCurrentIndex(panel.form.findData(ExportFormat.ONNX))
    file = tmp_path / "hues.onnx"
    panel.write(file)
    assert [one.text() for one in panel.findChildren(QPushButton) if one.isVisible()] == ["Save as…", "Cancel"]
    assert not panel.form.isEnabled(), "the format of the file that is being written"
    qtbot.waitUntil(
        lambda: any("Exported “Hues two · v2” to" in text for text in window.notices.texts()), timeout=PATIENCE_MS
    )
    assert file.stat().st_size
    assert not panel.isVisible()
    open_library().remove("hues")
    qtbot.waitUntil(lambda: "hues" not in page.names, timeout=PATIENCE_MS)
    assert dragging.drop(window, dragging.files([file]))
    qtbot.waitUntil(
        lambda: any("Imported “hues.onnx” as “hues”." in one for one in window.notices.texts()), timeout=PATIENCE_MS
    )
    assert window.session.photos.rowCount() == 0
    qtbot.waitUntil(lambda: page.choices.name == "hues", timeout=PATIENCE_MS)


def test_escape_closes_the_forms_as_cancel_does(
    page: ModelsPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.actions_by_id[ActionId.EXPORT_MODEL].trigger()
    file = tmp_path / "other.onnx"
    page.questions.open(file, [ImportQuestions(3, (), None, reads_bytes=False, output_kind="logits")])
    for panel, field in ((page.export_panel, page.export_panel.form), (page.questions, page.questions.classes)):
        assert panel.isVisible()
        field.setFocus()
        qtbot.keyClick(field, Qt.Key.Key_Escape)
        assert not panel.isVisible()


def test_a_failed_import_shows_the_reason(page: ModelsPage, window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    page.imports.import_file(tmp_path / "bad.onnx")
    assert "Importing “bad.onnx”…" in window.notices.texts()
    qtbot.waitUntil(
        lambda: any("Couldn't import “bad.onnx”." in text for text in window.notices.texts()), timeout=PATIENCE_MS
    )
    offered = [one.text() for one in window.notices.findChildren(QPushButton) if one.isVisible()]
    assert "Statistics" not in offered, "there is nothing to count in it"
    assert "Importing “bad.onnx”…" not in window.notices.texts()


def test_the_detector_is_listed(page: ModelsPage) -> None:
    assert "SSD on MobileNetV2, 80 kinds of things (16.3 MB; Apache-2.0)" in page.detector.text()


def test_an_older_version_has_its_own_title(page: ModelsPage, window: MainWindow) -> None:
    title_of = window.session.models.title_of
    assert [title_of(f"hues@{number}") for number in (1, 2)] == ["Hues one · v1", "Hues two · v2"]


@pytest.mark.qt_log_ignore("does not support raise")
def test_statistics_of_the_selected_version_and_of_a_file_that_was_refused(
    page: ModelsPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.actions_by_id[ActionId.STATISTICS].trigger()
    shown = page.statistics
    assert shown.windowTitle() == "Statistics of Hues two · v2"
    file = tmp_path / "odd.onnx"
    model = classifier()
    model.graph.node[-1].domain = "com.example"
    file.write_bytes(model.SerializeToString())
    assert dragging.drop(window, dragging.files([file]))

    def buttons() -> list[QPushButton]:
        found = window.notices.findChildren(QPushButton)
        return [one for one in found if one.text() == "Statistics" and one.isVisible()]

    qtbot.waitUntil(lambda: bool(buttons()), timeout=PATIENCE_MS)
    click(qtbot, buttons()[0])
    qtbot.waitUntil(lambda: shown.measure.isEnabled(), timeout=PATIENCE_MS)
    assert shown.windowTitle() == "Statistics of odd.onnx"
    assert "1 operator “com.example.Softmax”" in shown.view.notes.text()


def test_models_removed_by_another_program_disappear(page: ModelsPage, window: MainWindow, qtbot: QtBot) -> None:
    open_library().remove("hues")
    qtbot.waitUntil(lambda: "hues" not in page.names, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: window.top_bar.switcher.findData("hues") < 0, timeout=PATIENCE_MS)


def test_the_user_chooses_one_of_several_outputs(page: ModelsPage, qtbot: QtBot, tmp_path: Path) -> None:
    file = written(tmp_path, changed(two_answers))
    page.imports.import_file(file)
    form = page.questions
    qtbot.waitUntil(form.isVisible, timeout=PATIENCE_MS)
    assert [form.output.itemText(row) for row in range(2)] == ["y (3 classes)", "other (5 classes)"]
    assert "3 classes" in form._about.text()
    form.output.setCurrentIndex(1)
    assert "5 classes" in form._about.text()
    form.set_names("a, b, c, d, e")
    form.scaling.setCurrentIndex(form.scaling.findData(Scaling.RAW))
    click(qtbot, form.add)
    qtbot.waitUntil(lambda: page.choices.name == "theirs", timeout=PATIENCE_MS)
    assert open_library().find("theirs").card.classes == ("a", "b", "c", "d", "e")


def test_a_classifier_of_another_program_opens_the_import_form(
    page: ModelsPage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.actions_by_id[ActionId.SHOW_PHOTOS].trigger()
    file = tmp_path / "theirs.onnx"
    file.write_bytes(classifier().SerializeToString())
    assert dragging.drop(window, dragging.files([file]))
    form = page.questions
    qtbot.waitUntil(form.isVisible, timeout=PATIENCE_MS)
    assert window.pages.currentWidget() is page
    assert "Importing “theirs.onnx”…" not in window.notices.texts(), "it waits for the answers"
    assert not form.output.isVisible()
    assert not form.side.isEnabled()
    assert not form.add.isEnabled()
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    assert dragging.drop(window, dragging.files([tmp_path / "bad.onnx"]))
    qtbot.waitUntil(lambda: "Couldn't import “bad.onnx”" in " ".join(window.notices.texts()), timeout=PATIENCE_MS)
    assert not form.error_text.isVisible(), "it is about another file"
    for name in tiny.CLASSES:
        qtbot.keyClicks(form.classes, name)
        qtbot.keyClick(form.classes, Qt.Key.Key_Return)
    form.scaling.setCurrentIndex(form.scaling.findData(Scaling.RAW))
    form.preview_on(tiny.write_solid(tmp_path / "photo.png", "red"))
    assert not form.add.isEnabled()
    qtbot.waitUntil(lambda: "“photo.png”: red " in form.preview.text(), timeout=PATIENCE_MS)
    assert "theirs" not in page.names
    click(qtbot, form.add)
    qtbot.waitUntil(lambda: page.choices.name == "theirs", timeout=PATIENCE_MS)
    assert not form.isVisible()
    assert open_library().find("theirs").card.classes == ("red", "green", "blue")


def test_the_model_in_use_is_selected_when_the_page_is_shown(
    page: ModelsPage, window: MainWindow, qtbot: QtBot
) -> None:
    window.actions_by_id[ActionId.SHOW_PHOTOS].trigger()
    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    page.choices.select("colours")
    window.actions_by_id[ActionId.SHOW_PHOTOS].trigger()
    window.session.models.open(model="hues")
    qtbot.waitUntil(lambda: window.session.models.name == "hues", timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    assert page.choices.name == "hues"
    assert page.versions.number == 2
