"""Updates the record of written keywords when sorting moves photos, and when that is undone."""

from __future__ import annotations

import logging
from typing import Final

from core.base import paths
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.outputs.keywords.record import open_record
from core.outputs.sorting.entries import MoveState
from core.outputs.sorting.record import SortingRecord
from core.outputs.sorting.values import SortingSummary, TransferMode

_log = logging.getLogger(__name__)
_ALL: Final = -1
"""No limit, for SQLite."""


def follow_sorting(sorting: SortingSummary) -> SortingSummary:
    """Update the paths in the record of written keywords after a sorting was run, resumed or undone, and return it.

    An error is only logged, as the sorting itself succeeded.
    """
    if sorting.request.by is not TransferMode.MOVE or not paths.keyword_record().exists():
        return sorting
    try:
        with SortingRecord(sorting.id) as record:
            moved = {move.source: move.target for move in record.moves(MoveState.DONE, limit=_ALL)}
            moved |= {move.target: move.source for move in record.moves(MoveState.UNDONE, limit=_ALL)}
        with open_record(paths.keyword_record()) as keywords:
            keywords.follow(moved)
    except FoveaError as error:
        message = tr(
            "Couldn't update the record of written keywords after sorting {id}: {error}", id=sorting.id, error=error
        )
        _log.warning("%s", message)
    return sorting
