"""Messages about reviews between the window and the batch process; part of `core.services.batch_messages`."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.errors import FoveaError
from core.jobs.values import Review


@dataclass(frozen=True, slots=True)
class SetReviews:
    """Store reviews by the numbers of their rows; None removes a review. Last reply: `ReviewsSet`."""

    ticket: int
    job: str
    reviews: tuple[tuple[int, Review | None], ...]


@dataclass(frozen=True, slots=True)
class ReviewMarked:
    """Apply one review to many rows of a view. Last reply: `TaskDone` or `TaskFailed`; `UndoReviews` undoes it.

    Attributes:
        ticket: of the request.
        number: of the view.
        job: the job of the view.
        version: the last version of the view received.
        spans: the selected rows, as (first place, count) pairs.
        review: the review, see `core.jobs.reviewing.review_of`; None removes reviews.
    """

    ticket: int
    number: int
    job: str
    version: int
    spans: tuple[tuple[int, int], ...]
    review: Review | None


@dataclass(frozen=True, slots=True)
class UndoReviews:
    """Restore the reviews from before a `ReviewMarked`. Last reply: `TaskDone` or `TaskFailed`."""

    ticket: int
    undone: int


@dataclass(frozen=True, slots=True)
class ReviewsSet:
    """Reviews were stored; otherwise, the error."""

    ticket: int
    error: FoveaError | None
