"""The inspector of the current row: its photo, prediction, label and properties."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.base.i18n import tr
from core.base.providers import TITLES, Provider
from core.base.text import display_path
from core.jobs.reviewing import can_be_accepted
from core.jobs.values import Review, Row, State, Verdict
from core.prediction import Prediction
from gui.folders.row_text import folder_text, name_text, prediction_text, time_text
from gui.photos.inspector import ScoreBars
from gui.tasks.picture_client import PREVIEW_SIDE, THUMBNAIL_SIDE, PictureClient
from gui.widgets import theme
from gui.widgets.basic import Panel, PhotoView, PropertyList, label

_ROWS: Final = 5
"""How many scores and properties a prediction usually has."""


class RowInspector(QScrollArea):
    """Shows one row.

    Attributes:
        accepted: the user confirmed the prediction.
        other_wanted: the user wants to choose another class.
        review_removed: the user removed the label.
    """

    accepted = Signal()
    other_wanted = Signal()
    review_removed = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Selected photo"))
        self._pictures, self._row = pictures, None
        pictures.rendered.connect(self._on_drawn)
        self._view = PhotoView()
        self._view.setAccessibleName(tr("Photo preview"))
        self._answer = label(kind="title", wrap=True)
        self._note = label(kind="muted", wrap=True)
        self._scores = ScoreBars(_ROWS)
        self._review = label(wrap=True)
        self._name = label(kind="muted", wrap=True)
        self._properties = PropertyList(rows=_ROWS)
        self.right = self._button(tr("Confirm"), tr("Confirm the prediction"), self.accepted)
        self.other = self._button(tr("Other class…"), tr("Choose another class for this photo"), self.other_wanted)
        self.back = self._button(tr("Remove label"), tr("Remove your label from this photo"), self.review_removed)
        self._place()
        self.show_row(None)

    _row: Row | None

    def _button(self, text: str, title: str, signal: object) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(title)
        button.setAccessibleName(title)
        button.clicked.connect(signal)
        return button

    def _place(self) -> None:
        body = QWidget()
        body.setObjectName("inspector")
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, theme.GRID, 0)
        panel = Panel(tr("Photo"))
        panel.heading.hide()
        for widget in (self._view, self._name, self._answer, self._note, self._scores, self._review):
            panel.body.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.GRID)
        for button in (self.right, self.other, self.back):
            buttons.addWidget(button)
        buttons.addStretch()
        panel.body.addLayout(buttons)
        panel.body.addWidget(self._properties)
        show = QPushButton(tr("Show in folder"))
        show.setProperty("kind", "link")
        show.clicked.connect(self._show_in_folder)
        panel.body.addWidget(show, alignment=Qt.AlignmentFlag.AlignLeft)
        self._show = show
        column.addWidget(panel)
        column.addStretch()
        self.setWidget(body)

    def show_row(self, row: Row | None) -> None:
        """Show this row; None shows a placeholder."""
        is_same_photo = row is not None and self._row is not None and row.path == self._row.path
        self._row = row
        self._name.setText("" if row is None else name_text(row))
        self._name.setToolTip("" if row is None else display_path(row.path))
        self._answer.setText(tr("No photo selected") if row is None else _headline(row))
        note = "" if row is None else _note(row)
        self._note.setText(note)
        self._note.setVisible(bool(note))
        outcome = None if row is None else row.outcome
        scores = outcome.scores if isinstance(outcome, Prediction) else ()
        self._scores.show_scores(scores, is_strong=row is not None and not row.unknown)
        self._show_review(row)
        self._properties.show_properties([] if row is None else _properties(row))
        self._show.setVisible(row is not None)
        if not is_same_photo:
            self._show_picture()

    def _show_review(self, row: Row | None) -> None:
        review = row.review if row is not None else None
        self._review.setText(_review_text(review) if review else "")
        self._review.setVisible(review is not None)
        is_answered = row is not None and row.state is State.DONE
        self.right.setVisible(row is not None and can_be_accepted(row) and review is None)
        self.other.setVisible(is_answered or review is not None)
        self.back.setVisible(review is not None)

    def _show_picture(self) -> None:
        if self._row is None:
            self._view.show_picture(None)
            return
        picture = self._pictures.picture(self._row.path, PREVIEW_SIDE)
        if picture is None:  # show the thumbnail until the preview is rendered
            picture = self._pictures.picture(self._row.path, THUMBNAIL_SIDE)
        self._view.show_picture(picture)

    def _on_drawn(self, path: object, side: object) -> None:
        if self._row is not None and path == self._row.path and self.isVisible():
            self._show_picture()

    def _show_in_folder(self) -> None:
        if self._row is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._row.path.parent)))


def _headline(row: Row) -> str:
    return tr("Couldn't read this photo") if row.failure is not None else prediction_text(row)


def _note(row: Row) -> str:
    if row.failure is not None:
        return f"{row.failure.message} {row.failure.hint}"
    if row.warnings:
        return " ".join(row.warnings)
    if row.unknown and row.review is None:
        return tr("Low confidence: the photo may show none of the model's classes. Choose its class.")
    if row.unknown:
        return tr("Low confidence: the photo may show none of the model's classes.")
    return ""


def _review_text(review: Review) -> str:
    match review.verdict:
        case Verdict.ACCEPTED:
            return tr("You: confirmed")
        case Verdict.CORRECTED:
            return tr("You: {label}", label=review.label)
        case Verdict.SKIPPED:
            return tr("You: skipped")


def _properties(row: Row) -> list[tuple[str, str]]:
    properties = [
        (tr("Folder"), folder_text(row)),
        (tr("Modified"), time_text(row)),
        (tr("Model"), row.model),
    ]
    if row.provider in TITLES:
        properties.append((tr("Provider"), TITLES[Provider(row.provider)]))
    if row.timing.total_ms:
        properties.append((tr("Time"), tr("{time:.1f} ms", time=row.timing.total_ms)))
    return [(name, value) for name, value in properties if value]
