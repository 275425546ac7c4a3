"""From a job's answers to keywords: which photo is to have which, and the journal told what was written into photos."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from core.base.progress import CancelToken
from core.jobs.queries import Answers
from core.jobs.values import THRESHOLD, Row
from core.outputs.keywords.exiftool import ExifTool
from core.outputs.keywords.record import Record
from core.outputs.keywords.values import UNSURE, Done, Kept, KeywordOutcome, KeywordRequest, Place, Wish
from core.outputs.keywords.writing import write

_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True)
class Choice:
    """Which answers become keywords.

    Attributes:
        threshold: the least confidence, 0..1; what a person said counts whatever the model's confidence.
        unsure: whether the others are marked as `UNSURE` instead of getting no keyword.
    """

    threshold: float = THRESHOLD
    unsure: bool = False

    def wish(self, row: Row) -> Wish:
        """What an answered row's photo is to have."""
        if row.is_unsure(self.threshold):
            return Wish(row.path, UNSURE if self.unsure else None)
        return Wish(row.path, row.answer)


def write_answers(
    answers: Answers,
    rows: Iterable[Row],
    choice: Choice,
    request: KeywordRequest,
    tool: ExifTool,
    record: Record,
    *,
    token: CancelToken,
) -> Iterator[KeywordOutcome]:
    """Write the keywords of a job's rows; one outcome for each that is answered, the others are left as they are.

    The journal is told which photos were written into: they show what they showed, so they are not classified anew.

    Raises:
        Cancelled: as `core.outputs.keywords.writing.write`.
        StorageError: the record or the journal cannot be written.
    """
    source = (row for row in rows if row.answer is not None and row.failure is None)
    while group := list(islice(source, _AT_ONCE)):
        outcomes = list(write(map(choice.wish, group), request, tool, record, token=token))
        if not request.dry_run:
            answers.note_written(_written_into(group, outcomes, request))
        yield from outcomes


def _written_into(rows: Sequence[Row], outcomes: Sequence[KeywordOutcome], request: KeywordRequest) -> list[int]:
    """The numbers of rows whose photo itself was changed, or may have been."""
    return [
        row.number
        for row, outcome in zip(rows, outcomes, strict=True)
        if isinstance(outcome, Kept)
        and outcome.done is not Done.UNCHANGED
        and (request.place is Place.PHOTO or outcome.file == Path(os.path.realpath(row.path)))
        and row.path.exists()
    ]
