"""What Fovea remembers of photos follows them when sorting moves them, and when that is undone."""

from __future__ import annotations

import logging
from typing import Final

from core.base import paths
from core.base.errors import FoveaError
from core.outputs.keywords.record import open_record
from core.outputs.sorting.entries import MoveState
from core.outputs.sorting.record import SortingRecord
from core.outputs.sorting.values import TransferMode

_log = logging.getLogger(__name__)
_ALL: Final = -1
"""SQLite's limit of no limit."""


def follow_sorting(id_: str) -> None:
    """Have the record of written keywords say where photos are since a sorting was done, continued or undone.

    It is no reason for the sorting to fail that this cannot be written.
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
        _log.warning("the record of written keywords does not follow the sorting %s: %s", id_, error)
