"""Open views of jobs: each is computed again when its journal changes, and serves rows in between."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from core.base.errors import FoveaError
from core.base.progress import CancelToken
from core.jobs.acceptance import acceptance
from core.jobs.listing import Listing
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, Group, View
from core.services.job_values import (
    UNKNOWN_GROUP,
    FetchedRows,
    RowGroup,
    SelectedRows,
    ViewRequest,
    ViewSummary,
    ViewUpdate,
)

BINS: Final = 20
"""Number of bins of the confidence histogram."""

_MIN_INTERVAL_S: Final = 0.4
_CPU_FRACTION: Final = 8
"""A view of a running job waits this many times its last computing time before the next: the job has priority."""
_VERSION_BITS: Final = 62
"""No two views have the same version, even after a restart of the process."""
_TICK_S: Final = 0.1
"""How often an open view checks whether its journal has changed."""

_State: TypeAlias = tuple[int, Sequence[int], tuple[RowGroup, ...]]
"""The version of a view, the numbers of its rows in order, and its groups."""
_NOT_COMPUTED: Final[_State] = (0, array("q"), ())

_views: Final[set[OpenView]] = set()
_querying: Final = threading.Lock()
"""One view is computed at a time; those that were superseded while they waited are not computed at all."""


def track(name: str, row: int | None) -> None:
    """Report the place of this row with every update of an open view from now on."""
    for view in tuple(_views):
        if view.name == name:
            view.request = replace(view.request, tracked=row)


def view_of(version: int) -> OpenView | None:
    """The open view that has this version; None if it has changed since."""
    return next((view for view in tuple(_views) if view.version == version), None)


class OpenView(contextlib.AbstractContextManager["OpenView"]):
    """An open view.

    Attributes:
        name: the name under which its tracked row is changed; a view is closed before its name is used again.
        request: the request that opened it.
    """

    def __init__(self, name: str, request: ViewRequest) -> None:
        """Open the journal; StorageError if it cannot be read."""
        self.name, self.request = name, request
        self._state: _State = _NOT_COMPUTED
        self._results, self._fetched = ResultStore(request.job), ResultStore(request.job)
        self._fetching = threading.Lock()
        _views.add(self)

    @property
    def version(self) -> int:
        """The version, which no other view ever has; 0 before the view is computed."""
        return self._state[0]

    def __exit__(self, *_: object) -> None:
        """Close the journal: Windows cannot remove a folder with open files."""
        _views.discard(self)
        self._results.close()
        with self._fetching:
            self._state = _NOT_COMPUTED
            self._fetched.close()

    def serve(self, report: Callable[[ViewUpdate], None], token: CancelToken) -> None:
        """Report the view, and unless it is frozen again whenever its journal has changed.

        Raises:
            StorageError: the journal cannot be read; later the job itself reports what is wrong with it.
            Cancelled: the token was cancelled, which is the only normal end.
        """
        results, seen, pause = self._results, -1, _MIN_INTERVAL_S
        while True:
            try:
                while (self.request.is_frozen and self.version) or results.data_version() == seen:
                    token.wait(_TICK_S)
                with _querying:
                    token.check()
                    started, seen = time.monotonic(), results.data_version()
                    results.refresh()
                    listing = results.listing(self.request.view)
                    grew = self._put(listing)
                    summary = None if self.request.counted_by is Group.NONE else _summary(results, self.request)
                    tracked = _position(listing.numbers, self.request.tracked)
                report(ViewUpdate(self.version, len(listing.numbers), grew, tracked, summary))
                pause = max(_MIN_INTERVAL_S, _CPU_FRACTION * (time.monotonic() - started))
            except FoveaError:
                if not self.version:
                    raise
            token.wait(pause)

    def _put(self, listing: Listing) -> bool:
        """Serve these rows from now on; return whether all earlier rows have kept their places."""
        version, before, _ = self._state
        is_plain = self.request.view.group is Group.NONE and self.request.view.arranged_by is None
        grew = version > 0 and listing.numbers[: len(before)] == before and is_plain
        version = version if grew else secrets.randbits(_VERSION_BITS)
        groups = enumerate(listing.groups)
        self._state = version, listing.numbers, tuple(RowGroup(at, group.first, group.count) for at, group in groups)
        return grew

    def fetch(self, version: int, first: int, count: int) -> FetchedRows | None:
        """`count` rows from `first` on; None if the view has changed since that version.

        Raises StorageError if the journal cannot be read.
        """
        with self._fetching:
            current, numbers, groups = self._state
            if current != version:
                return None
            rows = tuple(self._fetched.rows_of(numbers[first : first + count]))
        places = range(first, first + len(rows)) if groups else ()
        return FetchedRows(rows, tuple(_group_at(place, groups) for place in places))

    def find_selected(self, selected: SelectedRows) -> tuple[str, Sequence[int]] | None:
        """The job, and the numbers, of these rows; None if the view has changed since they were selected."""
        current, numbers, _ = self._state
        if current != selected.version:
            return None
        spans = (numbers[first : first + count] for first, count in selected.spans)
        return self.request.job, array("q", itertools.chain.from_iterable(spans))


def _group_at(place: int, groups: Sequence[RowGroup]) -> RowGroup:
    """The group of the row in a place; a row after the last group is a group of its own."""
    group = groups[bisect_right(groups, place, key=lambda one: one.first) - 1]
    return group if place < group.first + group.count else RowGroup(len(groups), place, 1)


def _position(numbers: Sequence[int], tracked: int | None) -> int | None:
    with contextlib.suppress(ValueError):
        return None if tracked is None else numbers.index(tracked)
    return None


def _summary(journal: ResultStore, request: ViewRequest) -> ViewSummary:
    any_confidence = replace(request.view.filter, confidence_low=0.0, confidence_high=1.0)
    excluded = journal.count(View(filter=request.view.filter)) - journal.count(request.view)
    counts = tuple(_group_counts(journal, request))
    accepted = acceptance(journal, Filter(), *(percent / 100 for percent in range(101)))
    total = sum(journal.folder_counts(request.unfiltered).values())
    return ViewSummary(journal.histogram(any_confidence, BINS), counts, excluded, accepted, total)


def _group_counts(journal: ResultStore, request: ViewRequest) -> Iterator[tuple[str, int]]:
    if request.counted_by is Group.FOLDER:
        for folder, count in journal.folder_counts(request.unfiltered).items():
            yield ("" if folder == Path() else str(folder)), count
        return
    if request.unfiltered.unknown is not True:
        yield from journal.class_counts(replace(request.unfiltered, unknown=False)).items()
    unknown = _unknown(journal, request.unfiltered)
    if unknown:
        yield UNKNOWN_GROUP, unknown
    failed = _failures(journal, request.unfiltered)
    if failed:
        yield "", failed


def _unknown(journal: ResultStore, around: Filter) -> int:
    if around.unknown is False or around.failed is True:
        return 0
    return journal.count(View(filter=replace(around, unknown=True)))


def _failures(journal: ResultStore, around: Filter) -> int:
    if around.failed is False:
        return 0
    return journal.count(View(filter=replace(around, failed=True)))
