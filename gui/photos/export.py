"""Exporting the predictions of the photos in the window."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.base.text import display_path
from gui.session.session import Session
from gui.tasks.notice import Notice, NoticeKind
from gui.widgets.files import ask_where_to_save, show_in_folder

_KINDS = "CSV (*.csv);;Excel (*.xlsx);;HTML (*.html);;JSON lines (*.jsonl);;Parquet (*.parquet)"


def export_photos(session: Session, parent: QWidget) -> None:
    """Ask for a file, and write the predictions and labels of the photos that are shown to it."""
    file = Path.home() / tr("photos.csv")
    ask_where_to_save(parent, tr("Export predictions"), file, partial(_export, session), _KINDS)


def _export(session: Session, file: Path) -> None:
    from core import api  # not needed by the first paint

    photos = [session.photos.photo(row) for row in range(session.photos.rowCount())]
    outcomes = tuple(photo.outcome for photo in photos if photo.outcome is not None)
    labels = {photo.path: label.label for photo in photos if (label := session.photos.correction(photo)) is not None}
    task = session.library.tasks.start(api.export_predictions, outcomes, labels, file)
    task.succeeded.connect(lambda count: session.noticed.emit(_done(count, file)))
    task.failed.connect(lambda error: session.noticed.emit(Notice.of(error)))


def _done(count: int, file: Path) -> Notice:
    text = tr_n(
        "Exported {count:,} photo to {file}.",
        "Exported {count:,} photos to {file}.",
        count,
        file=display_path(file.name),
    )
    return Notice(text, NoticeKind.SUCCESS, actions=((tr("Show in file manager"), partial(show_in_folder, file)),))
