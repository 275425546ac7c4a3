"""A new class from photos that look alike: what a strip offers, and how the class is named and its photos labelled."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QWidget

from core.base.i18n import tr, tr_n
from core.datasets.values import FEW_IMAGES
from core.jobs.values import Group, Review, Verdict, View
from gui.folders.row_selection import RowSelection
from gui.widgets import theme
from gui.widgets.basic import button, label
from gui.widgets.class_chooser import ClassChooser
from gui.widgets.layouts import Placed, fill, hbox

LOOK_ALIKES: Final = View(group=Group.LIKENESS)


class LearningStrip(QFrame):
    """Shown below unknown photos, groups of photos that look alike, and predictions of an earlier version.

    Attributes:
        together_wanted: show look-alikes together.
        again_wanted: classify the photos again.
    """

    together_wanted = Signal()
    again_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self.words = label(wrap=True)
        self.together = button(tr("Look-alikes together"), self.together_wanted.emit)
        self.again = button(tr("Classify again"), self.again_wanted.emit)
        self.new_class = button(tr("New class from these…"), kind="primary")
        margins = (2 * theme.GRID, theme.GRID, theme.GRID, theme.GRID)
        buttons = self.together, self.again, self.new_class
        centred = (Placed(one, alignment=Qt.AlignmentFlag.AlignVCenter) for one in buttons)
        hbox(fill(self.words), *centred, parent=self, margins=margins, spacing=theme.GRID)
        self.hide()

    def fill(self, new_class: QAction) -> None:
        """Have the button trigger the window's action."""
        self.new_class.clicked.connect(new_class.trigger)
        self.new_class.setToolTip(new_class.shortcut().toString())

    def show_state(self, view: View, count: int, chosen: int, *, is_outdated: bool) -> None:
        """Show what can be done with the rows of a view, of which so many would become a class."""
        is_grouped = view.group is Group.LIKENESS
        can_teach = count > 0 and (is_grouped or view.filter.unknown is True)
        self.setVisible(can_teach or is_outdated)
        self.together.setVisible(can_teach and not is_grouped and count > 1)
        self.again.setVisible(is_outdated)
        self.new_class.setVisible(can_teach)
        self.new_class.setEnabled(chosen > 0)
        self.new_class.setText(tr_n("New class from this photo…", "New class from these {count:,} photos…", chosen))
        self.words.setText(_words(view, count, is_outdated=is_outdated))


def _words(view: View, count: int, *, is_outdated: bool) -> str:
    if is_outdated:
        return tr("The model has learned since these photos were classified.")
    if view.group is Group.LIKENESS:
        return tr("Select a photo to make a class of all that look like it, or select photos yourself.")
    return tr_n("{count:,} unknown photo", "{count:,} unknown photos", count)


class NewClass(QObject):
    """Asks for the name of a class, and labels the selected photos with it.

    Attributes:
        given: photos were labelled, to be learned: the class and the files; no files if they are too many to load.
        chooser: asks for the name; created on first use.
    """

    given = Signal(str, object)

    def __init__(self, selection: RowSelection, parent: QWidget) -> None:
        super().__init__(parent)
        self._selection, self._page = selection, parent
        self.chooser: ClassChooser | None = None

    def begin(self) -> None:
        """Ask for the class of the selected photos, or of those that look like the current one."""
        self._selection.select_group()
        count = self._selection.count
        if not count:
            return
        if self.chooser is None:
            self.chooser = ClassChooser(self._page.window())
            self.chooser.chosen.connect(self._label)
        title = tr_n("New class from this photo", "New class from these {count:,} photos", count)
        self.chooser.open(self._selection.classes, title=title, about=_about(count))

    def _label(self, name: str) -> None:
        rows = self._selection.loaded() or ()
        self._selection.review(Review(Verdict.CORRECTED, name))
        self._selection.select(self._selection.place, alone=True)  # others may move up to the selected places
        self.given.emit(name, tuple(row.path for row in rows))


def _about(count: int) -> str:
    how = tr("Type a name and press Enter. The photos are labelled, and the model learns the class.")
    if count >= FEW_IMAGES:
        return how
    few = tr_n(
        "{count:,} photo is few: the model may miss others of this class. Try to have {minimum} or more.",
        "{count:,} photos are few: the model may miss others of this class. Try to have {minimum} or more.",
        count,
        minimum=FEW_IMAGES,
    )
    return f"{how} {few}"
