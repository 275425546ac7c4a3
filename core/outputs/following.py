"""Updates labels and the record of written keywords when sorting moves photos, and when that is undone."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from typing import Final

from core.base import paths
from core.base.errors import FoveaError
from core.base.i18n import mark, tr
from core.datasets.label_file import has_labels, open_labels
from core.datasets.label_store import LabelStore
from core.outputs.keywords.record import SidecarRecord, open_record
from core.outputs.sorting.entries import MoveState
from core.outputs.sorting.record import SortingRecord
from core.outputs.sorting.values import SortingSummary, TransferMode

_log = logging.getLogger(__name__)
_ALL: Final = -1
"""No limit, for SQLite."""


def follow_sorting(sorting: SortingSummary) -> SortingSummary:
    """Update the paths of labels, and those in the record of written keywords, after a sorting was run, resumed or
    undone, and return it.

    An error is only logged, as the sorting itself succeeded.
    """
    if sorting.request.by is TransferMode.MOVE:
        if has_labels():
            message = mark("Couldn't update the paths of labels after sorting {id}: {error}")
            _follow(sorting.id, open_labels(), message)
        if (file := paths.keyword_record()).exists():
            message = mark("Couldn't update the record of written keywords after sorting {id}: {error}")
            _follow(sorting.id, open_record(file), message)
    return sorting


def _follow(sorting: str, opened: AbstractContextManager[LabelStore | SidecarRecord], message: str) -> None:
    try:
        with SortingRecord(sorting) as record:
            moved = {move.source: move.target for move in record.moves(MoveState.DONE, limit=_ALL)}
            moved |= {move.target: move.source for move in record.moves(MoveState.UNDONE, limit=_ALL)}
        with opened as kept:
            kept.follow(moved)
    except FoveaError as error:
        _log.warning("%s", tr(message, id=sorting, error=error))
