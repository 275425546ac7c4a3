"""Keywords from the results of a job, with the changed photos recorded in its journal."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from core.base.errors import ModelError
from core.base.progress import CancelToken
from core.jobs.queries import ResultStore
from core.jobs.values import THRESHOLD, Row, State
from core.models.library import open_library
from core.outputs.keywords.exiftool import ExifTool
from core.outputs.keywords.record import SidecarRecord
from core.outputs.keywords.values import (
    UNSURE,
    KeywordAssignment,
    KeywordChange,
    KeywordOutcome,
    KeywordRequest,
    KeywordResult,
    KeywordTarget,
)
from core.outputs.keywords.writing import write

_BATCH_SIZE: Final = 32

RowAssignment: TypeAlias = tuple[int, KeywordAssignment]
"""The number of a row of a job, and the keyword for its photo."""


@dataclass(frozen=True, slots=True)
class KeywordPolicy:
    """Which results become keywords.

    Of a model with a hierarchy, a photo below the minimum confidence gets the keyword of the narrowest group that
    reaches it. By a multi-label model, a photo gets a keyword for each class that it has.

    Attributes:
        threshold: the minimum confidence, 0..1; labels by the user always count.
    """

    threshold: float = THRESHOLD
    unsure: bool = False

    def assign(self, rows: Iterable[Row]) -> Iterator[RowAssignment]:
        """The keywords for the photos of rows; those that are not classified are skipped."""
        levels_of = cache(_levels_of)
        for row in rows:
            if row.state is State.DONE:
                path = self._path(row, levels_of)
                assigned = KeywordAssignment(row.path, path[-1] if path else None, path[:-1], row.final_classes[1:])
                yield row.number, assigned

    def _path(self, row: Row, levels_of: Callable[[str], Mapping[str, tuple[str, ...]]]) -> tuple[str, ...]:
        """The levels of a row's keyword; empty for none."""
        if not row.is_unsure(self.threshold):
            return next((levels_of(row.model).get(name, (name,)) for name in row.final_classes), ())
        if row.review and row.review.label:
            return ()
        evidence = row.prediction.evidence if row.prediction and not row.is_unknown else None
        levels = evidence.levels if evidence else ()
        sure = [level.path for level in levels if level.probability >= self.threshold]
        return sure[-1] if sure else (UNSURE,) if self.unsure else ()


def _levels_of(model: str) -> Mapping[str, tuple[str, ...]]:
    """The levels of each class and group in a model's hierarchy; empty if there is none, or the model was removed."""
    with contextlib.suppress(ModelError):
        hierarchy = open_library().find(model).card.hierarchy
        return hierarchy.levels if hierarchy else {}
    return {}


def write_assigned(
    results: ResultStore,
    assigned: Iterable[RowAssignment],
    request: KeywordRequest,
    tool: ExifTool,
    record: SidecarRecord,
    *,
    token: CancelToken,
) -> Iterator[KeywordOutcome]:
    """Write the keywords of a job's rows, with one outcome for each.

    Changed photos are recorded in the journal, so that they are not classified again. Raises StorageError if the record
    or the journal cannot be written.
    """
    source = iter(assigned)
    while group := list(islice(source, _BATCH_SIZE)):
        outcomes = list(write((assignment for _, assignment in group), request, tool, record, token=token))
        if not request.dry_run:
            results.note_written(_written_into(group, outcomes, request))
        yield from outcomes


def _written_into(
    assigned: Sequence[RowAssignment], outcomes: Sequence[KeywordOutcome], request: KeywordRequest
) -> list[int]:
    """The numbers of the rows whose photo itself was changed, or may have been."""
    return [
        number
        for (number, assignment), outcome in zip(assigned, outcomes, strict=True)
        if isinstance(outcome, KeywordResult)
        and outcome.change is not KeywordChange.UNCHANGED
        and (request.place is KeywordTarget.PHOTO or outcome.file == Path(os.path.realpath(assignment.photo)))
        and assignment.photo.exists()
    ]
