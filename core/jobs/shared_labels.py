"""Labels that were given elsewhere, as reviews of a job's rows.

The label store (`core.datasets.labels`) is the truth. A journal keeps the label of each row to filter and sort by it;
here the two are brought together: when a job has run, and when the window shows it. A review of which the store knows
nothing stays, such as one of a photo without a prediction.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from core.base.database import chunks
from core.base.errors import ModelError, StorageError
from core.base.progress import CancelToken
from core.datasets.label_file import has_labels, open_labels
from core.datasets.label_store import LabelStore
from core.datasets.labels import Label, Scope, shared_classes
from core.jobs.queries import ResultStore, SharedReview
from core.jobs.reviewing import review_of
from core.jobs.values import Review, Row, Verdict
from core.models.library import open_library

_log = logging.getLogger(__name__)


def share_labels(id_: str, token: CancelToken) -> bool:
    """Show the labels of the store in a job; return whether any of its rows changed.

    If the store cannot be used, the job stays as it is, which is logged.

    Raises:
        StorageError: the journal cannot be read or written.
        Cancelled: the token was cancelled; the rows so far are up to date.
    """
    if not has_labels():
        return False
    with ResultStore(id_) as results:
        try:
            with open_labels() as store:
                scopes: dict[str, Scope] = {}
                changed = 0
                for some in chunks(results.rows_with_sizes(store.sizes())):
                    token.check()
                    rows = results.rows_of(some)
                    scopes |= {model: scope_of(model) for model in {row.model for row in rows} - scopes.keys()}
                    changed += results.share_reviews(_reviews(store, rows, scopes))
                return changed > 0
        except StorageError as error:
            _log.warning("The labels of photos were not applied to the job. %s", error)
            return False


def scope_of(model: str) -> Scope:
    """The view of labels by predictions of a model; without its classes if it is gone."""
    try:
        return Scope(model, "", shared_classes(open_library().find(model).card))
    except ModelError:
        return Scope(model)


def _reviews(store: LabelStore, rows: Sequence[Row], scopes: dict[str, Scope]) -> list[SharedReview]:
    found = store.find([row.path for row in rows])
    reviews = []
    for row in rows:
        label = _newest(row, found.get(row.path, ()), scopes[row.model])
        after = None if label is None else review_of(row, Review(Verdict.CORRECTED, label.label))
        if after is not None or _is_unchanged(row):  # a changed photo keeps what it was called
            reviews.append(SharedReview(row.number, row.review, after))
    return reviews


def _newest(row: Row, labels: Sequence[Label], scope: Scope) -> Label | None:
    """The most recent label that a row can show; what it shows already stays valid for a model without that class."""
    current = row.review.label if row.review else None
    shown = (one for one in labels if scope.applies(one) or one.label == current)
    return max(shown, key=lambda one: one.created_at, default=None)


def _is_unchanged(row: Row) -> bool:
    try:
        return row.path.stat().st_mtime_ns / 1e9 == row.modified
    except OSError:
        return False
