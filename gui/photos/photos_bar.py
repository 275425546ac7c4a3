"""The bar above the photos: which are shown, their order, and export."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import mark, tr
from gui.session.photo_view import Counts, Kind, PhotoView, Sort, Steps, is_long
from gui.session.photos_model import PhotosModel
from gui.tasks.idle_steps import run_when_idle
from gui.widgets import theme
from gui.widgets.basic import Choice, button, label, link, show_text
from gui.widgets.counts import photo_count
from gui.widgets.flow import FlowRow
from gui.widgets.layouts import TOP, Placed, fill, hbox

_MAX_WIDTH: Final = 240
_SORTS: Final = {
    Sort.ADDED: mark("In the order added"),
    Sort.CONFIDENCE: mark("Lowest confidence first"),
    Sort.CLASS: mark("By class"),
    Sort.NAME: mark("By name"),
}
_KINDS: Final = {
    Kind.UNKNOWN: mark("Unknown ({count:,})"),
    Kind.UNREADABLE: mark("Unreadable ({count:,})"),
    Kind.LABELLED: mark("Labelled by you ({count:,})"),
}


class PhotosBar(QWidget):
    """Shows and changes the view of a `PhotosModel`; hidden while there are fewer than two photos.

    Attributes:
        export_wanted: the user wants to export the photos that are shown.
        removal_wanted: the user wants to remove the photos that are shown, which are unreadable, from the list.
        filter: which photos are shown.
        sort: their order.
    """

    export_wanted = Signal()
    removal_wanted = Signal()

    def __init__(self, photos: PhotosModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._photos = photos
        self._views: list[PhotoView] = []
        self.filter, self.sort = _Filter(self._fill, photos), Choice(tr("Sort order"), _SORTS)
        self.filter.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToContents)
        self.filter.setMaximumWidth(_MAX_WIDTH)
        self.count = label(kind="muted")
        self.clear = link(tr("Show all"), self._show_all)
        self.remove = link(tr("Remove from list"), self._remove)
        export = button(tr("Export…"), self.export_wanted.emit, hint=tr("Save the predictions of these photos"))
        self.count.setMinimumHeight(self.clear.sizeHint().height())  # centred beside the buttons
        choices = FlowRow(self.filter, self.sort, self.count, self.clear, self.remove)
        margins = (theme.GRID // 2, 0, theme.GRID, 0)
        hbox(fill(choices), Placed(export, alignment=TOP), parent=self, margins=margins, spacing=theme.GRID)
        self.filter.activated.connect(self._on_filter)
        self.sort.activated.connect(self._on_sort)
        photos.arranged.connect(self._show_view)
        for changed in (photos.rowsInserted, photos.modelReset, photos.listed):
            changed.connect(self._show_count)
        deque(self._fill(), maxlen=0)

    def _fill(self) -> Steps[None]:
        """List what can be shown, with the numbers of photos."""
        counts = yield from self._photos.counts()
        view, found = self._photos.view, dict(self._possible_views(counts))
        self._views = list(found)
        self.filter.clear()
        self.filter.addItems([_title(one, count) for one, count in found.items()])
        self.filter.setCurrentIndex(self._views.index(view))
        self.sort.setCurrentIndex(list(_SORTS).index(view.sort))
        self._show_count()

    def _show_view(self) -> None:
        """Show which view is shown; the list, which takes looking at all photos, is filled when it opens."""
        view = self._photos.view
        self._views = [replace(one, sort=view.sort) for one in self._views]
        if view not in self._views:
            self._views.append(view)
            self.filter.addItem("")
        index = self._views.index(view)
        self.filter.setCurrentIndex(index)
        self.filter.setItemText(index, _title(view, self._photos.rowCount()))  # of the current item, so that it fits
        self.sort.setCurrentIndex(list(_SORTS).index(view.sort))
        self._show_count()

    def _possible_views(self, counts: Counts) -> Iterator[tuple[PhotoView, int]]:
        """Yield the views that show a photo, and the current one, with the numbers of their photos."""
        view = self._photos.view
        yield PhotoView(sort=view.sort), len(self._photos.photos())
        if view.kind is Kind.PENDING:
            yield view, self._photos.rowCount()
        for kind, count in counts.kinds.items():
            one = PhotoView(kind, sort=view.sort)
            if count or view == one:
                yield one, count
        yield from ((PhotoView(Kind.CLASS, name, sort=view.sort), count) for name, count in counts.classes.items())
        if view.kind is Kind.CLASS and view.name not in counts.classes:
            yield view, 0

    def _show_count(self) -> None:
        shown, total = self._photos.rowCount(), len(self._photos.photos())
        some = tr("{shown:,} of {photos}", shown=shown, photos=photo_count(total))
        show_text(self.count, some if self._photos.view.kind is not Kind.ALL else "")
        self.clear.setVisible(self._photos.view.kind is not Kind.ALL)
        self.remove.setVisible(self._photos.view.kind is Kind.UNREADABLE and shown > 0)
        self.setVisible(total > 1 or self._photos.view.kind is not Kind.ALL)

    def _show_all(self) -> None:
        self._photos.arrange_soon(PhotoView(sort=self._photos.view.sort))

    def _remove(self) -> None:
        self.removal_wanted.emit()
        self._show_all()  # as nothing is left to show

    def _on_filter(self, index: int) -> None:
        self._photos.arrange_soon(self._views[index])

    def _on_sort(self, index: int) -> None:
        self._photos.arrange_soon(replace(self._photos.view, sort=list(_SORTS)[index]))


def _title(view: PhotoView, count: int) -> str:
    match view.kind:
        case Kind.ALL:
            return tr("All photos")
        case Kind.PENDING:
            return tr("Labels not learned yet ({count:,})", count=count)
        case Kind.CLASS:
            return tr("{label} ({count:,})", label=view.name, count=count)
    return tr(_KINDS[view.kind], count=count)


class _Filter(Choice):
    """A list that is brought up to date before it opens."""

    def __init__(self, fill: Callable[[], Iterator[None]], photos: PhotosModel) -> None:
        super().__init__(tr("Photos shown"))
        self._fill, self._photos = fill, photos

    def showPopup(self) -> None:
        """Open the list; after counting many photos, which takes some turns of the event loop."""
        opening = self._open()
        if is_long(len(self._photos.photos())):
            run_when_idle(self, opening)
        else:
            deque(opening, maxlen=0)

    def _open(self) -> Iterator[None]:
        yield from self._fill()
        super().showPopup()
