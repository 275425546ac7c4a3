"""Several selected photos in one line, and what can be done with all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal

from core.base.i18n import tr, tr_n
from core.base.label_sets import classes_of
from core.prediction import Prediction
from gui.session.photo_order import Photo
from gui.session.photos_model import PhotosModel
from gui.widgets import theme
from gui.widgets.basic import Panel, button, label
from gui.widgets.layouts import SPACE, add, hbox

MAX_COUNTED: Final = 2000
"""How many selected photos are counted by class."""
_MAX_LISTED: Final = 5


class SelectionPanel(Panel):
    """Sums up the selected photos; hidden unless there are several.

    Attributes:
        correction_wanted: the user wants to correct all of them.
        removal_wanted: the user wants to remove all of them from the list.
    """

    correction_wanted = Signal()
    removal_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("")
        self.summary = label(wrap=True)
        correct = button(tr("Correct all… (F2)"), self.correction_wanted.emit)
        remove = button(tr("Remove from list"), self.removal_wanted.emit, hint=tr("The files are not deleted (Del)"))
        add(self.body, self.summary, hbox(correct, remove, SPACE, spacing=theme.GRID))
        self.hide()

    def show_photos(self, photos: Sequence[Photo], count: int, model: PhotosModel) -> None:
        """Sum up the selected photos: `count` of them, and as many as are counted by class."""
        self.setVisible(count > 1)
        self.heading.setText(tr_n("{count:,} selected", "{count:,} selected", count))
        self.summary.setText(_summary(photos, model) if photos else "")
        self.summary.setVisible(bool(photos))


def _summary(photos: Sequence[Photo], model: PhotosModel) -> str:
    """The classes of photos with their counts, the most frequent first; the user's labels count before predictions."""
    counts = Counter(name for photo in photos for name in _classes(photo, model)).most_common()
    listed = ", ".join(f"{name} {count:,}" for name, count in counts[:_MAX_LISTED])
    rest = len(counts) - _MAX_LISTED
    if rest <= 0:
        return listed
    return tr_n("{classes} and {count:,} more class", "{classes} and {count:,} more classes", rest, classes=listed)


def _classes(photo: Photo, model: PhotosModel) -> tuple[str, ...]:
    label, outcome = model.correction(photo), photo.outcome
    if label is not None:
        return classes_of(label.label) or (tr("no class"),)
    if not isinstance(outcome, Prediction):
        return (tr("waiting") if outcome is None else tr("unreadable"),)
    if outcome.labels is not None:
        return outcome.labels or (tr("no class"),)
    return (tr("unknown") if outcome.unknown else outcome.best.label,)
