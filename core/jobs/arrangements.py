"""Orders of a job's rows that are computed from the features of their photos: what looks alike, what to label next.

The features come from the store, or else from the engine, and stay in the store, so that an order is computed again
within a second. `core.jobs.places` keeps the result in the journal.

What looks alike is grouped by average linkage of centred features (`core.engine.clusters`). Measured on our 196 photos
and 12 unknown ones, each time three of eight classes held out and mixed with the unknown ones (20 draws): groups of
three or more have 95% photos of one class, and the largest group of a class has 78% of its photos (features centred at
the training photos; centred at the photos themselves, 94% and 82%).

What to label next represents many uncertain photos that no labelled one is near to (`core.engine.facilities`, weighted
by the probability of the second class relative to the first). Measured by `tests/benchmarks/label_next.py` on the same
photos, 20 times with three labels of each class at the start: with 16 and 32 more, 93.1% and 94.5% of other photos are
right; in random order 91.4% and 92.2%, by the smallest margin alone 91.3% and 94.2%. Unknown photos are left out. By a
multi-label model, a photo is uncertain if one of its classes is near its threshold; this was not measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.base.hashing import file_sha256
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.engine.clusters import group_alike
from core.engine.facilities import most_useful
from core.engine.feature_store import FeatureStore
from core.engine.features import compute_features
from core.engine.near_duplicates import normalize
from core.evaluation.sources import feature_extractor
from core.jobs.places import Place
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, JobRequest, Order, Row, View
from core.models.feature_bank import FeatureBank
from core.models.installed import load_bank
from core.models.library import open_library
from core.models.values import InstalledModel

MAX_COMPARED: Final = 2000
"""The most photos that are compared with each other, the least confident ones; their features take a minute or two."""
_COSINE: Final = 0.2
_OWN_COSINE: Final = 0.1
"""The least mean cosine within a group: of features centred at the training photos, or else at the photos."""

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _HashedRow:
    """A row as it was when its file was hashed."""

    row: Row
    sha256: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.row.path


def arrange(
    store: ResultStore, view: View, request: JobRequest, *, report: ProgressCallback, token: CancelToken
) -> None:
    """Compute the places of the rows of a view, if it needs any, with the model of a request, and store them.

    Raises:
        ModelError: the model is gone or damaged.
        ProviderError: the engine cannot be opened or failed while running.
        DatasetError: no photo could be read.
        StorageError: the journal cannot be read or written.
        Cancelled: the token was cancelled; the places are as before.
    """
    kind = view.arranged_by
    if kind is None:
        return
    model = open_library().find(request.model)
    useful, places = kind is Order.USEFULNESS, _ranks if kind is Order.USEFULNESS else _groups
    unknown = None if model.card.is_multi_label else False  # a photo without any class may lack one
    chosen = replace(view.filter, reviewed=False, unknown=unknown) if useful else view.filter
    rows, features = _features(_compared(store, chosen), model, request, report, token)
    store.set_places(kind, dict(places(rows, features, model, token)) if rows else {})


def _compared(store: ResultStore, chosen: Filter) -> list[Row]:
    """The rows to compare: the least confident ones that have a prediction."""
    numbers = store.listing(View(Order.CONFIDENCE, filter=replace(chosen, failed=False))).numbers
    return store.rows_of(numbers[:MAX_COMPARED])


def _features(
    rows: Sequence[Row], model: InstalledModel, request: JobRequest, report: ProgressCallback, token: CancelToken
) -> tuple[list[Row], Features]:
    """The rows whose photos can be read, and their features [n, d]."""
    hashed = list(_hashed(rows, token))
    extractor = feature_extractor(model, request.provider, request.precision)
    with FeatureStore() as features:
        table = compute_features(hashed, extractor, features, report=report, token=token)
    if rows and not len(table.rows):
        what = tr("None of the photos could be read.")
        raise DatasetError(what, hint=tr("Reconnect their drive, or look for new photos in the folder."))
    return [hashed[at].row for at in table.rows.tolist()], table.features


def _hashed(rows: Sequence[Row], token: CancelToken) -> Iterator[_HashedRow]:
    for row in rows:
        token.check()
        try:
            yield _HashedRow(row, file_sha256(row.path))
        except OSError:  # removed since
            continue


def _groups(
    rows: Sequence[Row], features: Features, model: InstalledModel, token: CancelToken
) -> Iterator[tuple[int, Place]]:
    """The place of each row in a group of two or more, the largest group first, the most typical photo first."""
    bank = load_bank(model)
    centred = _centred(features, bank)
    found = group_alike(centred, _OWN_COSINE if bank is None else _COSINE, token=token)
    names, sizes = np.unique(found, return_counts=True)
    largest = names[np.argsort(-sizes, kind="stable")][: np.count_nonzero(sizes > 1)]
    for part, name in enumerate(largest.tolist(), start=1):
        (members,) = np.nonzero(found == name)
        typical = centred[members] @ centred[members].mean(axis=0)
        for place, row in enumerate(members[np.argsort(-typical, kind="stable")].tolist()):
            yield rows[row].number, Place(part, place)


def _ranks(
    rows: Sequence[Row], features: Features, model: InstalledModel, token: CancelToken
) -> Iterator[tuple[int, Place]]:
    """The place of each row, the most useful first."""
    bank = load_bank(model)
    directions = normalize(_centred(features, bank))
    known = np.full(len(rows), -1, np.float32) if bank is None else bank.cosines(features).max(axis=1)
    weights = np.array([_ambiguity(row) for row in rows], np.float32)
    for place, at in enumerate(most_useful(directions @ directions.T, known, weights, token=token)):
        yield rows[at].number, Place(0, place)


def _ambiguity(row: Row) -> float:
    """The probability of the second class relative to the first, 0..1.

    By a multi-label model, it is how near the least certain class is to its threshold.
    """
    if row.prediction is not None and row.prediction.labels is not None:
        return 1 - row.prediction.certainty
    second = row.scores[1].probability if len(row.scores) > 1 else 0.0
    return second / max(row.scores[0].probability, 1e-9)


def _centred(features: Features, bank: FeatureBank | None) -> Features:
    return features - (features.mean(axis=0) if bank is None else bank.centre)
