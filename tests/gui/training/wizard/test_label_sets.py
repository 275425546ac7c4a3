"""The wizard with several classes per photo: from a table to the result."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from core.datasets.label_source import LabelSource
from core.models.library import open_library
from core.training.request import Recipe
from gui.training.wizard.window import TrainingWizard, WizardStep
from tests import teaching
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS
from tests.gui.training.wizard.walking import click, texts

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


def choose(wizard: TrainingWizard, source: LabelSource) -> None:
    """Choose an entry as a user does."""
    choice = wizard.photos.step.found.labels.source
    row = list(LabelSource).index(source)
    choice.setCurrentIndex(row)
    choice.activated.emit(row)


def test_a_table_gives_photos_several_classes(qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path) -> None:
    folder = tmp_path / "mixed colours"
    labels = teaching.write_label_sets(folder, 90)
    wrong = next(name for name, classes in labels.items() if classes == ("green",))
    table = teaching.write_table(tmp_path / "labels.csv", labels | {wrong: ("green", "red")})
    assert dragging.drop(wizard, dragging.files([folder]))
    qtbot.waitUntil(lambda: wizard.photos.read is not None, timeout=PATIENCE_MS)
    assert not wizard.photos.can_continue, "the photos are in no class folders"
    choose(wizard, LabelSource.FILE)
    assert wizard.photos.step.found.labels.source.currentIndex() == 0, "until a file was chosen"
    (dialog,) = wizard.photos.step.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(table))
    dialog.reject()
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
    found = wizard.photos.step.found
    assert found.labels.source.currentData() == LabelSource.FILE
    assert "From “labels.csv”" in texts(found)
    assert "red" in texts(found)
    assert not found.class_photos.exclude.isVisible()
    click(qtbot, wizard.next)
    cards = wizard.method.step.cards
    qtbot.waitUntil(lambda: not cards[Recipe.FINE_TUNE].can_run, timeout=PATIENCE_MS)
    assert cards[Recipe.QUICK].can_run
    request = wizard.method.request()
    assert (request.labels, request.labels_file) == (LabelSource.FILE, table)
    wizard.method.step.name.setText("mixed")
    click(qtbot, wizard.next)
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
    shown = texts(wizard.result.step)
    assert wizard.result.step.headline.text().startswith("F1 ")
    assert "of the photos have exactly the right classes" in shown
    assert "A photo has a class from this probability on" in shown
    assert "may lack a class, or have a wrong one" in shown
    assert wizard.result.step.result is not None
    suspects = wizard.result.step.result.class_suspects
    assert wizard.result.step.result.subsets["test"] + len(suspects) > 0
    assert wizard.result.step.view.matrix is None
    click(qtbot, wizard.result.step.export)
    formats = wizard.result.step.exporting.form
    assert "LiteRT, int8 (only for models with one class per photo)" in [formats.itemText(row) for row in range(8)]
    assert open_library().find("mixed").card.is_multi_label


def test_a_table_that_is_none_is_said(qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "colours", 4)
    (tmp_path / "labels.csv").write_text("nothing of use\n")
    assert dragging.drop(wizard, dragging.files([folder]))
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
    wizard.photos.step.found.labels.changed.emit(LabelSource.FILE, tmp_path / "labels.csv")
    qtbot.waitUntil(lambda: "no column is named “path”" in texts(wizard.photos.step), timeout=PATIENCE_MS)
    assert not wizard.photos.can_continue
    choose(wizard, LabelSource.FOLDER)
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
