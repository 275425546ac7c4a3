"""The inspector of the current row: its photo, prediction, label and properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.base.label_sets import label_text
from core.base.providers import TITLES, Provider, provider_text
from core.jobs.reviewing import can_be_accepted
from core.jobs.values import Row, State
from gui.folders.other_models import OtherModels
from gui.folders.row_text import folder_text, review_text, time_text
from gui.tasks.picture_client import PictureClient
from gui.widgets.basic import ScrollColumn, button, link
from gui.widgets.files import show_in_folder
from gui.widgets.formats import milliseconds
from gui.widgets.layouts import LEFT, SPACE, Placed, add
from gui.widgets.photo_panel import PhotoPanel, about_label_text

_ROWS: Final = 5
"""How many scores and properties a prediction usually has."""
_WIDTH: Final = 112
"""The maximum width of the text of the button that confirms, in pixels."""


class RowInspector(ScrollColumn):
    """Shows one row.

    Attributes:
        accepted: the user confirmed the prediction.
        other_wanted: the user wants to choose another class.
        review_removed: the user removed the label.
        photo: the photo with its prediction.
        map: where the model saw a class.
        neighbours: the most similar training photos.
        others: what further models say.
    """

    accepted = Signal()
    other_wanted = Signal()
    review_removed = Signal()

    def __init__(self, pictures: PictureClient, title_of: Callable[[str], str], parent: QWidget) -> None:
        """`title_of` is the title of the model of a name."""
        super().__init__(tr("Selected photo"), parent)
        self._title_of = title_of
        self._row: Row | None = None
        choose = tr("Choose another class for this photo")
        remove = tr("Remove your label from this photo")
        self.right = button(tr("Confirm"), self.accepted.emit, hint=tr("Confirm the prediction"))
        self.other = button(tr("Other class…"), self.other_wanted.emit, hint=choose, name=choose)
        self.back = button(tr("Remove label"), self.review_removed.emit, hint=remove, name=remove)
        self._show = link(tr("Show in file manager"), self._show_in_folder)
        self.photo = PhotoPanel(pictures, (self.right, self.other, self.back), _ROWS)
        self.map, self.neighbours = self.photo.map, self.photo.neighbours
        add(self.photo.body, Placed(self._show, alignment=LEFT))
        self.others = OtherModels(title_of)
        self.show_column(self.photo, self.others, SPACE)
        self.show_row(None)

    def show_row(self, row: Row | None, selected: int = 1) -> None:
        """Show this row; None shows a placeholder. The buttons apply to all selected rows."""
        self._row = row
        review = None if row is None else row.review
        if row is None:
            self.photo.show_photo(None, None)
        else:
            label = review.label or "" if review is not None else ""
            properties = self._properties(row)
            self.photo.show_photo(row.path, row.outcome, label, _review_text(row), properties, row.model_version)
            self._name_button(row, selected)
        self.others.show_predictions(() if row is None else row.others)
        self.right.setVisible(row is not None and can_be_accepted(row) and review is None)
        self.other.setVisible(review is not None or (row is not None and row.state is State.DONE))
        self.back.setVisible(review is not None)
        self._show.setVisible(row is not None)

    def _properties(self, row: Row) -> list[tuple[str, str]]:
        properties = [
            (tr("Folder"), folder_text(row)),
            (tr("Modified"), time_text(row)),
            (tr("Model"), self._title_of(row.model) if row.model else ""),
        ]
        found = row.prediction
        if found and found.counts is not None:
            properties.append((tr("Objects"), found.counts or tr("None")))
        if found and found.provider in TITLES:
            properties.append((tr("Provider"), provider_text(Provider(found.provider), found.precision)))
        if found and found.timing.total_ms:
            properties.append((tr("Time per photo"), milliseconds(found.timing.total_ms)))
        return [(name, value) for name, value in properties if value]

    def _name_button(self, row: Row, selected: int) -> None:
        """Have the button say what it confirms."""
        many = tr_n("Confirm {count:,} photo", "Confirm {count:,} photos", selected)
        text = many if selected > 1 else tr("Confirm {label}", label=label_text(row.label or ""))
        short = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, _WIDTH)
        self.right.setText(short.replace("&", "&&"))
        self.right.setAccessibleName(text)

    def _show_in_folder(self) -> None:
        if self._row is not None:
            show_in_folder(self._row.path)


def _review_text(row: Row) -> str:
    """What the user said of the row, and what the model did."""
    if row.review is None or not row.review.label:
        return review_text(row.review)
    return about_label_text(row.outcome, row.review.label)
