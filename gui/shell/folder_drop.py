"""A folder dropped on the window: what is in it decides what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject

from core.base.i18n import tr, tr_n
from core.base.text import display_path
from core.prediction import Failure
from gui.session.session import Session
from gui.shell.rail import Page
from gui.tasks.notice import Action, Notice
from gui.widgets.counts import photo_count

_MAX_ADDED: Final = 1000
"""A folder with more photos is added to *Photos* only on request: a job serves it better."""


class FolderDrop(QObject):
    """Does with a dropped folder what the page is for, and offers the rest in one notice.

    The picture process lists the folder, so a sleeping disk never blocks the window.
    """

    def __init__(
        self,
        session: Session,
        classify: Callable[[Path], object],
        train: Callable[[Path], object],
        parent: QObject,
    ) -> None:
        """`classify` receives a folder to classify as a job, `train` one to train a model with."""
        super().__init__(parent)
        self._session, self._classify, self._train = session, classify, train

    def take(self, path: Path, page: Page) -> None:
        """Accept what is probably a folder, dropped on a page; if there are no photos in it, *Photos* reports that."""
        photos: set[Path] = set()
        listing = self._session.pictures.list_images((path,), maximum=_MAX_ADDED + 1)
        listing.progressed.connect(photos.update)
        listing.succeeded.connect(partial(self._on_listed, path, page, photos))

    def _on_listed(self, path: Path, page: Page, photos: Collection[Path], _failures: Sequence[Failure]) -> None:
        if not photos or path in photos:
            self._session.photo_list.add((path,))  # a file, or a folder without photos, which is reported there
        elif page is Page.FOLDERS:
            self._classify(path)
        elif page is Page.TRAINING:
            self._train(path)
        else:
            self._offer(path, photos)

    def _offer(self, folder: Path, photos: Collection[Path]) -> None:
        if len(photos) <= _MAX_ADDED:
            self._session.photo_list.add((folder,))
        actions = tuple(self._actions(folder, photos))
        self._session.noticed.emit(Notice(_text(folder, photos), actions=actions, key=f"folder {folder}"))

    def _actions(self, folder: Path, photos: Collection[Path]) -> Iterator[Action]:
        is_large = len(photos) > _MAX_ADDED
        if is_large:
            yield tr("Add to Photos"), partial(self._session.photo_list.add, (folder,))
        yield tr("Classify as a job"), partial(self._classify, folder)
        classes = {photo.parent for photo in photos if photo.parent.parent == folder}
        if len(classes) > 1 or (classes and is_large):  # of a large folder, not all subfolders were listed
            yield tr("Train a model"), partial(self._train, folder)


def _text(folder: Path, photos: Collection[Path]) -> str:
    name, subfolders = display_path(folder.name), {photo.parent for photo in photos} - {folder}
    if len(photos) > _MAX_ADDED:
        text = "“{folder}” contains more than {count:,} photos. Where do you want to open it?"
        return tr_n(text, text, _MAX_ADDED, folder=name)
    if not subfolders:
        return tr("“{folder}” contains {photos}.", folder=name, photos=photo_count(len(photos)))
    return tr_n(
        "“{folder}” contains {photos} in {count:,} subfolder.",
        "“{folder}” contains {photos} in {count:,} subfolders.",
        len(subfolders),
        folder=name,
        photos=photo_count(len(photos)),
    )
