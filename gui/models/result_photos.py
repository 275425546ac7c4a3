"""Photos with their labels and predictions; wrong labels can be corrected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout

from core.base.i18n import tr
from core.datasets.labels import LEFT_OUT, OverriddenImage
from core.evaluation.values import LabelledPrediction
from core.prediction import Prediction, Score, Timing
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import Panel, label, link
from gui.widgets.files import open_file
from gui.widgets.formats import confidence
from gui.widgets.layouts import SPACE, add, fill, hbox
from gui.widgets.lazy import Lazy
from gui.widgets.photo_panel import PhotoPanel
from gui.widgets.thumbnails import PhotoWall

_CLOSER_WIDTH: Final = 280


class ResultPhotos(Panel):
    """Shows photos with their labels and predictions.

    Attributes:
        overridden: change labels: a mapping from path to class or LEFT_OUT.
        class_wanted: ask for the class of these photos; the photos, and the likely classes.
        map_created: a map was created, whose questions are to be answered.
        why: shows where the model saw the class of the selected photo.
    """

    overridden = Signal(object)
    class_wanted = Signal(object, object)
    map_created = Signal(object)

    def __init__(self, pictures: PictureClient, name: str, *, can_correct: bool) -> None:
        """`name` is that of the photos for screen readers; `can_correct` says whether wrong labels can be corrected."""
        super().__init__("")
        self._pictures, self._model = pictures, ""
        self._shown: tuple[LabelledPrediction, ...] = ()
        self._overrides: dict[Path, str | None] = {}
        self._confirmed: frozenset[Path] = frozenset()
        self.wall = PhotoWall(pictures, name)
        self.wall.setSelectionMode(PhotoWall.SelectionMode.ExtendedSelection)
        self.wall.opened.connect(open_file)
        self.wall.itemSelectionChanged.connect(self._show_actions)
        self._closer = Lazy(self._make_closer)
        self._beside = hbox(fill(self.wall), spacing=theme.GRID)
        add(self.body, self._make_actions(can_correct=can_correct), self._beside)
        if can_correct:
            self.wall.naming_asked.connect(self._ask_class)
            self.wall.removal_asked.connect(self._exclude_selected)
        self._show_actions()

    def _make_actions(self, *, can_correct: bool) -> QHBoxLayout:
        about = label(tr("If a label is wrong, select the photo, correct it, and train again."), "muted", wrap=True)
        self.accept = link(
            tr("The model is right"),
            self._accept_predictions,
            hint=tr("Label the selected photos as the model predicted (A)"),
        )
        self.confirm = link(
            tr("The label is right"), self._confirm_labels, hint=tr("Don't ask about the selected photos again (R)")
        )
        self.relabel = link(
            tr("Choose class…"), self._ask_class, hint=tr("Choose the class of the selected photos (F2)")
        )
        self.exclude = link(tr("Exclude"), self._exclude_selected, hint=tr("Don't train on the selected photos (Del)"))
        self.why = link(tr("Show why"), self._toggle_map, hint=tr("Show where the model saw the class (M)"))
        for key, action in (("A", self.accept), ("R", self.confirm), ("M", self.why)):
            shortcut = QShortcut(QKeySequence(key), self, action.click)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)  # there may be two such walls
        correcting = self.accept, self.confirm, self.relabel, self.exclude
        for one in (about, *correcting):
            one.setVisible(can_correct)
        return hbox(fill(about), SPACE, self.why, *correcting)

    def show_photos(self, title: str, photos: Sequence[LabelledPrediction], model: str) -> None:
        """Show these photos under a title; `model` is the version that predicted, `name@version`."""
        self._model = model
        self.heading.setText(title)
        self._shown = tuple(photos)
        self.wall.show_photos([(one.path, self._photo_text(one)) for one in photos])
        self._show_actions()

    def show_overrides(self, overridden: Sequence[OverriddenImage], confirmed: frozenset[Path]) -> None:
        """Show which labels were changed or confirmed."""
        self._confirmed = confirmed
        self._overrides = {one.path: one.label for one in overridden}
        self.wall.show_texts([self._photo_text(one) for one in self._shown])

    def _photo_text(self, one: LabelledPrediction) -> str:
        if one.path in self._overrides:
            now = self._overrides[one.path]
            if now is None:
                return tr("excluded\nwas {label}", label=one.label)
            return tr("now {now}\nwas {label}", now=now, label=one.label)
        if one.path in self._confirmed:
            return tr("{label}\nconfirmed", label=one.label)
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
        self._show_closer()
        self.why.setEnabled(bool(self._shown))
        self.confirm.setEnabled(bool(selected))
        self.accept.setEnabled(any(one.label != one.predicted for one in selected))
        self.relabel.setEnabled(bool(selected))
        self.exclude.setEnabled(bool(selected))

    @property
    def closer(self) -> PhotoPanel | None:
        """One photo with its map beside the others; None until the user asks for it."""
        return self._closer.made

    def _make_closer(self) -> PhotoPanel:
        result = PhotoPanel(self._pictures, ())
        result.setFixedWidth(_CLOSER_WIDTH)
        result.map.turn(on=True)
        self._beside.addWidget(result)
        self.map_created.emit(result.map)
        return result

    def _toggle_map(self) -> None:
        is_shown = self.closer is not None and self.closer.isVisibleTo(self)
        self._closer.get().setVisible(not is_shown)
        self.why.setText(tr("Show why") if is_shown else tr("Hide map"))
        self._show_closer()

    def _show_closer(self) -> None:
        """Show the selected photo, or else the first one, with its map."""
        one = next(iter(self._selected()), self._shown[0] if self._shown else None)
        if self.closer is None or not self.closer.isVisibleTo(self) or one is None:
            return
        sure = {one.label: one.probability, one.predicted: one.confidence}
        scores = tuple(Score(name, sure[name]) for name in dict.fromkeys((one.predicted, one.label)))
        outcome = Prediction(one.path, scores, None, self._model, "", Timing(0, 0, 0))
        self.closer.show_photo(one.path, outcome, about_label=self._photo_text(one).replace("\n", " · "))

    def _accept_predictions(self) -> None:
        wrong = {one.path: one.predicted for one in self._selected() if one.label != one.predicted}
        if wrong:
            self.overridden.emit(wrong)

    def _confirm_labels(self) -> None:
        if selected := self._selected():
            self.overridden.emit({one.path: one.label for one in selected})

    def _exclude_selected(self) -> None:
        if selected := self._selected():
            self.overridden.emit({one.path: LEFT_OUT for one in selected})

    def _ask_class(self) -> None:
        if selected := self._selected():
            likely = list(dict.fromkeys(name for one in selected for name in (one.predicted, one.label)))
            self.class_wanted.emit([one.path for one in selected], likely)
