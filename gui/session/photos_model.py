"""The photos in the gallery and their predictions, as a Qt list model."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from operator import attrgetter
from pathlib import Path
from typing import Final

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, Qt, QUrl, Signal

from core.base.i18n import tr
from core.base.text import display_path
from core.datasets.labels import Label
from core.detection import NO_DETECTION, DetectionOptions
from core.prediction import Failure, Outcome, Prediction
from gui.session.correction_store import CorrectionStore
from gui.session.photo_order import Photo, known_labels, ordered
from gui.session.photo_text import outcome_text, tooltip_text
from gui.session.photo_view import Counts, Kind, PhotoView, Steps, count_views, in_steps, is_long
from gui.tasks.idle_steps import run_when_idle
from gui.tasks.picture_client import PREVIEW_SIDE, PictureClient
from gui.widgets.indexes import NOWHERE, Index

_NOT_SHOWN: Final = -1
_FEW: Final = 100
"""So many photos are deleted from a long list one by one, which is faster than making the list again."""
_NUMBER: Final = attrgetter("number")


class Role(IntEnum):
    """Data roles of the gallery beyond Qt's own."""

    PATH = Qt.ItemDataRole.UserRole + 1
    OUTCOME = Qt.ItemDataRole.UserRole + 2
    CORRECTION = Qt.ItemDataRole.UserRole + 3
    STALE = Qt.ItemDataRole.UserRole + 4
    """Whether the prediction is that of another model or version than the one in use, or of another crop."""


class PhotosModel(QAbstractListModel):
    """Photos, each image listed once; its rows are those of a view, in the order they were added unless sorted.

    Photos that come into the view by being classified are appended; none leaves it before the view changes, so that a
    photo that was just corrected does not vanish.

    Attributes:
        listed: photos were added to or removed from the list.
        arranged: another view is shown.
        view: the view.
        outcome_changed: the photo in this row was classified.
        failed_count: the number of photos that could not be read.
        version: the version of the model that classifies now.
        detection: what is looked for in photos now.
        top_k: the number of classes that the model reports now.
        _positions: of each photo, by its number. They ascend with the rows of the view, with gaps, so that the rows
            below a removed one keep theirs; `_NOT_SHOWN` outside the view. Another view replaces them as a whole.
    """

    listed = Signal()
    arranged = Signal()
    outcome_changed = Signal(int)

    def __init__(self, pictures: PictureClient, corrections: CorrectionStore, parent: QObject) -> None:
        super().__init__(parent)
        self._pictures, self._corrections = pictures, corrections
        self._corrections.changed.connect(self._on_corrected)
        self._pictures.rendered.connect(self._on_rendered)
        self.view = PhotoView()
        self._all: list[Photo] = []
        self._by_path: dict[Path, Photo] = {}
        self._photos: list[Photo] = []
        self._positions: list[int] = []
        self._in_use: tuple[str, int, DetectionOptions] | None = None
        self._arranging: Steps[None] | None = None
        self.failed_count = self.version = self.top_k = 0
        self.detection = NO_DETECTION

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._photos)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        photo = self._photos[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return outcome_text(photo.outcome, self.correction(photo))
            case Qt.ItemDataRole.DecorationRole:
                return self._pictures.thumbnail(photo.path)
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip_text(photo, self.correction(photo))
            case Qt.ItemDataRole.AccessibleTextRole:
                outcome = outcome_text(photo.outcome, self.correction(photo))
                return tr("{file}: {prediction}", file=display_path(photo.path.name), prediction=outcome)
            case _:
                return self._own_data(photo, role)

    def _own_data(self, photo: Photo, role: int) -> object:
        match role:
            case Role.PATH:
                return photo.path
            case Role.OUTCOME:
                return photo.outcome
            case Role.CORRECTION:
                return self.correction(photo)
            case Role.STALE:
                return self.is_stale(photo)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Photos can be dragged as files to other programs."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else flags

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        mime = QMimeData()
        paths = [self._photos[index.row()].path for index in indexes]
        mime.setUrls([QUrl.fromEncoded(path.absolute().as_uri().encode()) for path in paths])
        return mime

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction

    def show_in_use(self, model: str, version: int | None, detection: DetectionOptions | None = None) -> None:
        """Mark the predictions of other models as stale; by default, the version and the crop stay as they are."""
        now = self.version if version is None else version, self.detection if detection is None else detection
        in_use = (model, *now)
        if in_use != self._in_use:
            self._in_use = in_use
            if self._photos:
                self.dataChanged.emit(self.index(0), self.index(len(self._photos) - 1), [Role.STALE])

    def is_stale(self, photo: Photo) -> bool:
        """Whether its prediction is that of another model or version than the one in use, or of another crop."""
        outcome = photo.outcome
        if not isinstance(outcome, Prediction) or self._in_use is None:
            return False
        return (outcome.model, photo.version, photo.detection) != self._in_use

    def correction(self, photo: Photo) -> Label | None:
        """The user's correction of a photo's prediction, if any."""
        outcome = photo.outcome
        return self._corrections.of(photo.path, outcome.model) if isinstance(outcome, Prediction) else None

    def counts(self) -> Steps[Counts]:
        """How many photos there are of each kind that can be shown."""
        photos = self._all[:]
        labels = yield from known_labels(photos, self._corrections)
        return (yield from count_views([photo.outcome for photo in photos], labels))

    def photo(self, row: int) -> Photo:
        """The photo in this row."""
        return self._photos[row]

    def photos_in(self, rows: Iterable[int]) -> list[Photo]:
        """The photos in these rows."""
        if isinstance(rows, range) and rows.step == 1:
            return self._photos[rows.start : rows.stop]
        return list(map(self._photos.__getitem__, rows))

    def photos(self) -> Sequence[Photo]:
        """All photos, shown or not, in the order they were added."""
        return self._all

    def row_of(self, path: Path) -> int | None:
        """The row of an image; None if it is not shown."""
        photo = self._by_path.get(path)
        return None if photo is None else self._row(photo)

    def _row(self, photo: Photo) -> int | None:
        position = self._positions[photo.number]
        by_position = _position_in(self._positions)
        return None if position == _NOT_SHOWN else bisect_left(self._photos, position, key=by_position)

    def arrange(self, view: PhotoView) -> None:
        """Show this view at once."""
        self.view = view
        for _ in self._arrange():
            pass

    def arrange_soon(self, view: PhotoView) -> None:
        """Show this view; a long list is arranged in steps, and shown as before until then."""
        if not is_long(len(self._all)):
            self.arrange(view)
            return
        self.view, self._arranging = view, (steps := self._arrange())
        run_when_idle(self, self._advance(steps))

    def _advance(self, steps: Steps[None]) -> Iterator[None]:
        """Continue to arrange the photos, unless they were arranged otherwise in the meantime."""
        while self._arranging is steps:
            yield next(steps, None)

    def add(self, paths: Iterable[Path]) -> list[Photo]:
        """Append images that are not in the list yet, and return them."""
        new = (path for path in dict.fromkeys(paths) if path not in self._by_path)
        fresh = [Photo(path, number) for number, path in enumerate(new, len(self._positions))]
        self._positions += [_NOT_SHOWN] * len(fresh)
        self._all += fresh
        self._by_path |= {photo.path: photo for photo in fresh}
        self._append([photo for photo in fresh if self._is_shown(photo)])
        if fresh:
            self.listed.emit()
        return fresh

    def restore(self, removed: Sequence[Photo]) -> None:
        """Reinsert removed photos at their old places, unless they have been added again."""
        for photo in removed:
            if self._by_path.setdefault(photo.path, photo) is photo:
                photo.is_listed = True
                self.failed_count += isinstance(photo.outcome, Failure)
        self._all = sorted(self._by_path.values(), key=_NUMBER)
        self.arrange(self.view)
        self.listed.emit()

    def remove(self, chosen: Sequence[Photo]) -> list[Photo]:
        """Remove images from the list, shown or not, without touching the files, and return what `restore` needs.

        There may be 100,000 of them: looking up paths is slow, as is numbering the rows below them again.
        """
        removed = [photo for photo in chosen if photo.is_listed]
        if len(removed) < len(chosen):  # those whose images have been added again since
            removed = [self._by_path[photo.path] for photo in chosen if photo.path in self._by_path]
        self.beginResetModel()
        is_arranging, self._arranging = self._arranging is not None, None
        if len(removed) == len(self._all):
            self._all, self._photos, self._by_path, self.failed_count = [], [], {}, 0
        else:
            self._drop(removed)
        for photo in removed:
            photo.is_listed = False
        self.endResetModel()
        if is_arranging:
            self.arrange_soon(self.view)
        self.listed.emit()
        return removed

    def _drop(self, removed: Sequence[Photo]) -> None:
        for photo in removed:
            del self._by_path[photo.path]
            self.failed_count -= isinstance(photo.outcome, Failure)
        if len(removed) > _FEW:
            gone = set(map(_NUMBER, removed))
            self._all, self._photos = (
                [photo for photo in photos if photo.number not in gone] for photos in (self._all, self._photos)
            )
            return
        for photo in removed:
            del self._all[bisect_left(self._all, photo.number, key=_NUMBER)]
            row = self._row(photo)
            if row is not None:
                del self._photos[row]

    def set_outcome(self, outcome: Outcome) -> None:
        """Store the outcome of a photo, unless the photo was removed."""
        photo = self._by_path.get(outcome.path)
        if photo is None:
            return
        self.failed_count += isinstance(outcome, Failure) - isinstance(photo.outcome, Failure)
        photo.outcome, photo.version, photo.detection = outcome, self.version, self.detection
        photo.top_k = self.top_k
        row = self._row(photo)
        if row is None:
            self._append([photo] if self._is_shown(photo) else [])
            return
        index = self.index(row)
        self.dataChanged.emit(index, index, [Role.OUTCOME, Qt.ItemDataRole.DisplayRole])
        self.outcome_changed.emit(row)

    def _is_shown(self, photo: Photo) -> bool:
        return self.view.kind is Kind.ALL or self.view.has(photo.path, photo.outcome, self.correction(photo))

    def _arrange(self) -> Steps[None]:
        """Arrange the photos as they are now; those that come into the view in the meantime are appended."""
        last = self._positions[self._photos[-1].number] if self._photos else _NOT_SHOWN
        shown = yield from ordered(self._all[:], self.view, self._corrections)
        positions = [_NOT_SHOWN] * len(self._positions)
        numbers = yield from in_steps(_NUMBER, shown)
        yield from in_steps(positions.__setitem__, numbers, range(len(shown)))
        positions += [_NOT_SHOWN] * (len(self._positions) - len(positions))
        for photo in self._photos[bisect_right(self._photos, last, key=_position_in(self._positions)) :]:
            if positions[photo.number] == _NOT_SHOWN and self._is_shown(photo):
                positions[photo.number] = len(shown)
                shown.append(photo)
        self._arranging = None
        self.beginResetModel()
        self._photos, self._positions = shown, positions
        self.endResetModel()
        self.arranged.emit()

    def _append(self, photos: Sequence[Photo]) -> None:
        if not photos:
            return
        first = len(self._photos)
        after = self._positions[self._photos[-1].number] + 1 if self._photos else 0
        for position, photo in enumerate(photos, after):
            self._positions[photo.number] = position
        self.beginInsertRows(NOWHERE, first, first + len(photos) - 1)
        self._photos += photos
        self.endInsertRows()

    def _on_corrected(self) -> None:
        if self._photos:
            roles = [Role.CORRECTION, Qt.ItemDataRole.DisplayRole]
            self.dataChanged.emit(self.index(0), self.index(len(self._photos) - 1), roles)

    def _on_rendered(self, path: Path, side: int) -> None:
        row = self.row_of(path)
        if row is not None and side != PREVIEW_SIDE:
            index = self.index(row)
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])


def _position_in(positions: Sequence[int]) -> Callable[[Photo], int]:
    return lambda photo: positions[photo.number]
