"""Every control of the wizard has an accessible name."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractScrollArea, QWidget
from pytestqt.qtbot import QtBot

from core.training.request import Depth, HeadKind
from gui.shell.main_window import MainWindow
from gui.training.wizard.window import TrainingWizard, WizardStep
from tests.gui.conftest import PATIENCE_MS
from tests.gui.training.wizard.walking import click, read, texts

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


def nameless(wizard: TrainingWizard) -> list[str]:
    """The focusable controls without an accessible name."""
    return [
        f"{type(one).__name__} {one.objectName()} in {type(one.parentWidget()).__name__}"
        for one in wizard.findChildren(QWidget)
        if one.isVisible() and one.focusPolicy() & Qt.FocusPolicy.TabFocus and not _is_part(one) and not _name(one)
    ]


def _name(control: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(control)
    return interface.text(QAccessible.Text.Name) if interface is not None else ""


def _is_part(control: QWidget) -> bool:
    """Whether it is part of another control, which has the name."""
    parent = control.parentWidget()
    return isinstance(parent, QAbstractScrollArea) or control.objectName().startswith("qt_")


def test_every_control_has_a_name(qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, folder: Path) -> None:
    assert nameless(wizard) == []
    read(qtbot, wizard, folder)
    qtbot.wait(200)
    assert nameless(wizard) == []
    click(qtbot, wizard.next)
    wizard.method.step.options.toggle.setChecked(True)
    qtbot.waitUntil(lambda: len(wizard.method.step.options.fields.preview.samples.pictures) == 9, timeout=PATIENCE_MS)
    assert nameless(wizard) == []
    click(qtbot, wizard.next)
    wizard.close()
    assert nameless(wizard) == []
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: wizard.result.step.view.matrix is not None, timeout=PATIENCE_MS)
    qtbot.wait(300)
    assert nameless(wizard) == []
    wizard.build("Set", {"red": (folder / "red",)})
    qtbot.waitUntil(lambda: wizard.photos.read is not None and wizard.photos.read.is_custom, timeout=PATIENCE_MS)
    qtbot.wait(200)
    assert nameless(wizard) == []


def test_the_preview_shows_nine_augmentations_and_other_photos(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    read(qtbot, wizard, folder)
    click(qtbot, wizard.next)
    preview = wizard.method.step.options.fields.preview
    wizard.method.step.options.toggle.click()
    qtbot.waitUntil(
        lambda: (len(preview.samples.pictures), len(preview.originals.paths)) == (9, 3), timeout=PATIENCE_MS
    )
    before = preview.originals.paths
    click(qtbot, preview.others)
    qtbot.waitUntil(lambda: preview.originals.paths != before, timeout=PATIENCE_MS)
    assert preview.originals.paths[0].parent.name in {"red", "green", "blue"}
    fields = wizard.method.step.options.fields
    fields.augment.setChecked(False)
    assert not wizard.method.request().augment
    qtbot.waitUntil(lambda: fields.backbone.count() > 1, timeout=PATIENCE_MS)
    request = wizard.method.request()
    assert request.backbone == ""
    assert (request.head, request.depth) == (HeadKind.LINEAR, Depth.EXIT_FLOW)
    assert type(request.head) is HeadKind, "a plain text would train the other head"
    assert type(request.depth) is Depth
    fields.backbone.setCurrentIndex(1)
    fields.head.setCurrentIndex(1)
    assert wizard.method.request().backbone == fields.backbone.currentText() != ""
    assert wizard.method.request().head is HeadKind.PROTOTYPE
    assert "billion multiply-adds" in texts(fields)
