"""What the window and its batch process say about reviews; light values, part of `core.services.batch_messages`."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.errors import FoveaError
from core.jobs.values import Review


@dataclass(frozen=True, slots=True)
class SetReviews:
    """Note what the person said about rows, by their numbers; None takes back what they said. Last: `ReviewsSet`."""

    ticket: int
    job: str
    reviews: tuple[tuple[int, Review | None], ...]


@dataclass(frozen=True, slots=True)
class ReviewMarked:
    """Note the same about many rows of what is looked at. Last: `TaskDone` or `TaskFailed`; `UndoReviews` undoes it.

    Attributes:
        ticket: of the request.
        number: of who looks.
        job: what is looked at.
        version: of the view, told last.
        spans: first places and counts of the rows that are marked.
        review: what is said, see `core.jobs.reviewing.review_of`; None takes back what was said.
    """

    ticket: int
    number: int
    job: str
    version: int
    spans: tuple[tuple[int, int], ...]
    review: Review | None


@dataclass(frozen=True, slots=True)
class UndoReviews:
    """Have said about many rows again what was said before a `ReviewMarked`. Last: `TaskDone` or `TaskFailed`."""

    ticket: int
    undone: int


@dataclass(frozen=True, slots=True)
class ReviewsSet:
    """What the person said is kept, or why not."""

    ticket: int
    error: FoveaError | None
