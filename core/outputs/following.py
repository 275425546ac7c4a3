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
from core.outputs.sorting.values import TransferMode

_log = logging.getLogger(__name__)
_ALL: Final = -1
"""No limit, for SQLite."""


def follow_sorting(id_: str) -> None:
    """Update the paths in the record of written keywords after a sorting was run, resumed or undone.

    An error is only logged, as the sorting itself succeeded.
    """
    if not paths.keyword_record().exists():
        return
    try:
        with SortingRecord(id_) as record:
            if record.summary().request.by is not TransferMode.MOVE:
                return
            moved = {move.source: move.target for move in record.moves(MoveState.DONE, limit=_ALL)}
            moved |= {move.target: move.source for move in record.moves(MoveState.UNDONE, limit=_ALL)}
        with open_record(paths.keyword_record()) as keywords:
            keywords.follow(moved)
    except FoveaError as error:
        message = tr("Couldn't update the record of written keywords after sorting {id}: {error}", id=id_, error=error)
        _log.warning("%s", message)
