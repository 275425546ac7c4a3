"""The photos in the gallery and what the model said about each, as a Qt list model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, QUrl

from core.images.folders import printable
from core.prediction import Failure, Outcome, Prediction
from gui.picture_client import THUMBNAIL_SIDE, PictureClient

Index = QModelIndex | QPersistentModelIndex


class Role(IntEnum):
    """What the gallery's delegate asks for beyond Qt's own roles."""

    PATH = Qt.ItemDataRole.UserRole + 1
    OUTCOME = Qt.ItemDataRole.UserRole + 2


@dataclass(slots=True, eq=False)
class Photo:
    """A row: the number it is asked under, the image, and its outcome once there is one."""

    number: int
    path: Path
    outcome: Outcome | None = None


class PhotosModel(QAbstractListModel):
    """Rows in the order they came; an image is there once, however often it is dropped."""

    def __init__(self, pictures: PictureClient, parent: QObject) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self._pictures.drawn.connect(self._on_drawn)
        self._photos: list[Photo] = []
        self._rows: dict[int, int] = {}
        self._numbers: dict[Path, int] = {}
        self._next = count(1)
        self.failed_count = 0

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._photos)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        photo = self._photos[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return answer_text(photo.outcome)
            case Qt.ItemDataRole.DecorationRole:
                return self._pictures.picture(photo.path, THUMBNAIL_SIDE)
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip_text(photo)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{printable(photo.path.name)}: {answer_text(photo.outcome)}"
            case Role.PATH:
                return photo.path
            case Role.OUTCOME:
                return photo.outcome
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Photos can be dragged out of the window, to whatever takes files."""
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        mime = QMimeData()
        paths = [self._photos[index.row()].path for index in indexes]
        mime.setUrls([QUrl.fromEncoded(path.absolute().as_uri().encode()) for path in paths])
        return mime

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction

    def photo(self, row: int) -> Photo:
        """The photo in this row."""
        return self._photos[row]

    def photos(self) -> Sequence[Photo]:
        """All photos, in the order of the rows."""
        return self._photos

    def row_of(self, path: Path) -> int | None:
        """The row of an image, if it is there."""
        number = self._numbers.get(path)
        return None if number is None else self._rows[number]

    def add(self, paths: Iterable[Path]) -> list[Photo]:
        """Append images that are not there yet; returns the new rows."""
        fresh = [Photo(next(self._next), path) for path in dict.fromkeys(paths) if path not in self._numbers]
        self._insert(len(self._photos), fresh)
        return fresh

    def restore(self, rows: Sequence[tuple[int, Photo]]) -> None:
        """Put removed photos back where they were, unless they have been added again meanwhile."""
        for row, photo in sorted(rows, key=lambda pair: pair[0]):
            if photo.path not in self._numbers:
                self._insert(min(row, len(self._photos)), [photo])

    def remove(self, rows: Iterable[int]) -> list[tuple[int, Photo]]:
        """Take rows out of the list (the files stay); returns what `restore` needs."""
        chosen = set(rows)
        removed = [(row, photo) for row, photo in enumerate(self._photos) if row in chosen]
        self.beginResetModel()
        self._photos = [photo for row, photo in enumerate(self._photos) if row not in chosen]
        self._numbers = {photo.path: photo.number for photo in self._photos}
        self._rows = {photo.number: row for row, photo in enumerate(self._photos)}
        self.failed_count -= sum(isinstance(photo.outcome, Failure) for _, photo in removed)
        self.endResetModel()
        return removed

    def set_outcome(self, number: int, outcome: Outcome) -> int | None:
        """Note an answer; returns its row, or None if the photo is gone."""
        row = self._rows.get(number)
        if row is None:
            return None
        photo = self._photos[row]
        self.failed_count += isinstance(outcome, Failure) - isinstance(photo.outcome, Failure)
        photo.outcome = outcome
        index = self.index(row)
        self.dataChanged.emit(index, index, [Role.OUTCOME, Qt.ItemDataRole.DisplayRole])
        return row

    def _insert(self, row: int, photos: Sequence[Photo]) -> None:
        if not photos:
            return
        self.beginInsertRows(QModelIndex(), row, row + len(photos) - 1)
        self._photos[row:row] = photos
        for photo in photos:
            self._numbers[photo.path] = photo.number
            self.failed_count += isinstance(photo.outcome, Failure)
        self._renumber(row)
        self.endInsertRows()

    def _renumber(self, start: int) -> None:
        for row in range(start, len(self._photos)):
            self._rows[self._photos[row].number] = row

    def _on_drawn(self, path: Path, side: int) -> None:
        row = self.row_of(path)
        if row is not None and side == THUMBNAIL_SIDE:
            index = self.index(row)
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])


def answer_text(outcome: Outcome | None) -> str:
    """What a person reads under a photo, in one line."""
    match outcome:
        case Prediction(unknown=True):
            return f"Unknown, perhaps {outcome.best.label}  {outcome.best.probability:.0%}"
        case Prediction():
            return f"{outcome.best.label}  {outcome.best.probability:.0%}"
        case Failure():
            return outcome.message
        case None:
            return "Waiting"


def tooltip_text(photo: Photo) -> str:
    """The file's whole name and, for a failure, what to do."""
    hint = f"\n{photo.outcome.message} {photo.outcome.hint}" if isinstance(photo.outcome, Failure) else ""
    return f"{printable(photo.path)}{hint}"
