"""Reviews of many rows of an open view, which can be undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.base.database import chunks
from core.base.errors import UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.datasets.label_file import open_labels
from core.datasets.label_store import LabelsByPath
from core.datasets.labels import Label
from core.jobs.queries import ResultStore, ReviewsByNumber
from core.jobs.reviewing import correction_of, is_left_open, left_open_text, review_of
from core.jobs.shared_labels import scope_of
from core.jobs.values import Review, Row
from core.services import views
from core.services.job_values import SelectedRows

_MAX_UNDO: Final = 20
"""The number of reviews of many rows that can be undone."""


@dataclass(slots=True, eq=False)
class _ReviewBatch:
    """A review of many rows: the job, the earlier reviews of the rows, and the earlier labels of their photos."""

    job: str
    before: ReviewsByNumber = field(default_factory=dict)
    labels: list[LabelsByPath] = field(default_factory=list)


_batches: Final[dict[int, _ReviewBatch]] = {}
"""The last reviews of many rows, by the numbers under which they are undone."""


def review_selected(
    number: int, selected: SelectedRows, review: Review | None, *, report: ProgressCallback, token: CancelToken
) -> str:
    """Apply one review, or None to remove reviews, to many rows, store their corrections, and return a message.

    It is undone under this number, even if it was cancelled or failed. The rows are of an open view; the review is
    as for `core.jobs.reviewing.review_of`.

    Raises:
        UsageError: the view has changed since the rows were selected; nothing was stored.
        StorageError: the reviews or corrections cannot be stored.
    """
    view = views.view_of(selected.version)
    found = view and view.find_selected(selected)
    if not found:
        what = tr("The list has changed, so nothing was saved.")
        raise UsageError(what, hint=tr("Select the photos again."))
    while len(_batches) >= _MAX_UNDO:
        del _batches[next(iter(_batches))]
    job, numbers = found
    batch = _batches[number] = _ReviewBatch(job)
    left_open = 0

    def intended(row: Row) -> Review | None:
        nonlocal left_open
        left_open += is_left_open(row, review)
        return review_of(row, review)

    by_model: dict[str, dict[Path, Label | None]] = defaultdict(dict)
    try:
        for row, given in _apply(batch, numbers, intended, report, token):
            by_model[row.model][row.path] = correction_of(row, given)
    finally:
        _change_labels(batch, by_model)
    count = sum(map(len, by_model.values()))
    labelled = tr_n(
        "Labelled {count:,} photo. Press Ctrl+Z to undo.", "Labelled {count:,} photos. Press Ctrl+Z to undo.", count
    )
    return f"{labelled} {left_open_text(left_open)}".strip()


def undo(number: int, *, report: ProgressCallback) -> None:
    """Restore the reviews from before a review of many rows.

    Raises UsageError if it can no longer be undone; StorageError if the reviews or corrections cannot be stored.
    """
    batch = _batches.pop(number, None)
    if batch is None:
        raise UsageError(
            tr("These labels can no longer be undone."), hint=tr("Select the photos, then remove their labels.")
        )
    before = batch.before
    for _ in _apply(_ReviewBatch(batch.job), list(before), lambda row: before[row.number], report, CancelToken()):
        pass
    with open_labels() as store:
        for labels in batch.labels:
            store.restore(labels)


def _apply(
    batch: _ReviewBatch,
    numbers: Sequence[int],
    intended: Callable[[Row], Review | None],
    report: ProgressCallback,
    token: CancelToken,
) -> Iterator[tuple[Row, Review | None]]:
    """Store the intended reviews in batches, keep the earlier ones, and yield the rows that changed."""
    clock = ProgressReporter(tr("Labelling photos"), len(numbers), report)
    with ResultStore(batch.job) as results:
        for some in chunks(numbers):
            token.check()
            rows = [(row, intended(row)) for row in results.rows_of(some)]
            others = [(row, review) for row, review in rows if review != row.review]
            batch.before |= results.set_reviews({row.number: review for row, review in others})
            yield from others
            clock.advance(len(some))


def _change_labels(batch: _ReviewBatch, by_model: Mapping[str, Mapping[Path, Label | None]]) -> None:
    """Label the photos of reviewed rows, by the model that made the prediction; None removes labels."""
    with open_labels() as store:
        batch.labels += [store.change(changed, scope_of(model)) for model, changed in by_model.items() if model]
