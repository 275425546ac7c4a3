"""Photos with their labels and predictions; wrong labels can be corrected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.datasets.labels import LEFT_OUT, OverriddenImage
from core.evaluation.values import LabelledPrediction
from gui.tasks.picture_client import PictureClient
from gui.widgets.basic import Panel, button, label
from gui.widgets.files import open_file
from gui.widgets.formats import confidence
from gui.widgets.layouts import add, fill, hbox
from gui.widgets.thumbnails import PhotoWall


class ResultPhotos(Panel):
    """Shows photos with their labels and predictions.

    Attributes:
        overridden: change labels: a mapping from path to class or LEFT_OUT.
        class_wanted: ask for the class of these photos; the photos, and the likely classes.
    """

    overridden = Signal(object)
    class_wanted = Signal(object, object)

    def __init__(self, pictures: PictureClient, name: str, *, can_correct: bool) -> None:
        """`name` is that of the photos for screen readers; `can_correct` says whether wrong labels can be corrected."""
        super().__init__("")
        self._shown: tuple[LabelledPrediction, ...] = ()
        self._overrides: dict[Path, str | None] = {}
        self.wall = PhotoWall(pictures, name)
        self.wall.setSelectionMode(PhotoWall.SelectionMode.ExtendedSelection)
        self.wall.opened.connect(open_file)
        self.wall.itemSelectionChanged.connect(self._show_actions)
        self._about = label(
            tr("If a label is wrong, select the photo, correct it, and train again."), "muted", wrap=True
        )
        self.accept = button(
            tr("The model is right"),
            self._accept_predictions,
            kind="link",
            hint=tr("Label the selected photos as the model predicted (A)"),
        )
        self.relabel = button(
            tr("Choose class…"), self._ask_class, kind="link", hint=tr("Choose the class of the selected photos (F2)")
        )
        self.exclude = button(
            tr("Exclude"), self._exclude_selected, kind="link", hint=tr("Don't train on the selected photos (Del)")
        )
        accept = QShortcut(QKeySequence("A"), self, self.accept.click)
        accept.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)  # there may be two such walls
        correcting = QWidget()
        hbox(fill(self._about), self.accept, self.relabel, self.exclude, parent=correcting)
        add(self.body, correcting, self.wall)
        correcting.setVisible(can_correct)
        if can_correct:
            self.wall.naming_asked.connect(self._ask_class)
            self.wall.removal_asked.connect(self._exclude_selected)
        self._show_actions()

    def show_photos(self, title: str, photos: Sequence[LabelledPrediction]) -> None:
        """Show these photos under a title."""
        self.heading.setText(title)
        self._shown = tuple(photos)
        self.wall.show_photos([(one.path, self._photo_text(one)) for one in photos])
        self._show_actions()

    def show_overrides(self, overridden: Sequence[OverriddenImage]) -> None:
        """Show which labels were changed."""
        self._overrides = {one.path: one.label for one in overridden}
        self.wall.show_texts([self._photo_text(one) for one in self._shown])

    def _photo_text(self, one: LabelledPrediction) -> str:
        if one.path in self._overrides:
            now = self._overrides[one.path]
            if now is None:
                return tr("excluded\nwas {label}", label=one.label)
            return tr("now {now}\nwas {label}", now=now, label=one.label)
        if one.predicted == one.label:
            return f"{one.label}\n{confidence(one.confidence)}"
        return tr(
            "Label: {label}\nModel: {predicted} {confidence}",
            label=one.label,
            predicted=one.predicted,
            confidence=confidence(one.confidence),
        )

    def _selected(self) -> list[LabelledPrediction]:
        chosen = set(self.wall.chosen())
        return [one for one in self._shown if one.path in chosen]

    def _show_actions(self) -> None:
        selected = self._selected()
        self.accept.setEnabled(any(one.label != one.predicted for one in selected))
        self.relabel.setEnabled(bool(selected))
        self.exclude.setEnabled(bool(selected))

    def _accept_predictions(self) -> None:
        wrong = {one.path: one.predicted for one in self._selected() if one.label != one.predicted}
        if wrong:
            self.overridden.emit(wrong)

    def _exclude_selected(self) -> None:
        if selected := self._selected():
            self.overridden.emit({one.path: LEFT_OUT for one in selected})

    def _ask_class(self) -> None:
        if selected := self._selected():
            likely = list(dict.fromkeys(name for one in selected for name in (one.predicted, one.label)))
            self.class_wanted.emit([one.path for one in selected], likely)
