"""Queries on the results of a job, running or not: counting, filtering, sorting and grouping; and storing reviews.

The rows of a view are sorted once, as one number each (8 bytes), and keep this order until `refresh` is called: rows do
not move under the user's pointer while the job runs, and any page of 100,000 rows loads as fast as the first.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from core.base.database import chunks, transaction
from core.base.errors import ImageErrorKind
from core.base.label_sets import classes_of
from core.base.recovery import as_path
from core.datasets import label_file
from core.jobs.job_list import read_summary
from core.jobs.journal import job_folder
from core.jobs.listing import Listing, read_listing
from core.jobs.places import Place, write_places
from core.jobs.rows import COLUMNS, TABLES, review_columns, row_of
from core.jobs.schema import DONE, FAILED, FILE, journal_errors, open_database
from core.jobs.selection import condition
from core.jobs.values import Filter, Group, JobSummary, Order, Review, Row, Verdict, View
from core.prediction import Failure

ReviewsByNumber: TypeAlias = dict[int, Review | None]
"""Earlier reviews by the numbers of their rows, as needed for undo."""

_SHARED: Final = "CREATE TABLE IF NOT EXISTS shared (number INTEGER PRIMARY KEY)"
"""Rows whose reviews say what the label store says; earlier versions of Fovea disregard this table."""
_MAX_LISTINGS: Final = 4


class SharedReview(NamedTuple):
    """The review of a row that a label elsewhere makes; None where there is none any more."""

    number: int
    before: Review | None
    after: Review | None


class ResultStore(AbstractContextManager["ResultStore"]):
    """Access to the results of a job; several can be open, also while the job runs. Not thread-safe.

    Every method raises StorageError if the journal cannot be read or written any more.
    """

    def __init__(self, id_: str) -> None:
        """Open the journal of a job (`core.jobs.journal.job_id`).

        Raises:
            StorageError: it is missing, cannot be read, or was written by a later version of Fovea.
        """
        self._id = id_
        self._file = job_folder(id_) / FILE
        self._database = open_database(self._file)
        self._listings: dict[View, Listing] = {}
        with self._reading() as database:
            self._top = as_path(database.execute("SELECT folder FROM job").fetchone()[0])

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the journal."""
        self._database.close()

    # ---- a view's rows

    def data_version(self) -> int:
        """A number that changes whenever another program or thread has changed the journal."""
        with self._reading() as database:
            return int(database.execute("PRAGMA data_version").fetchone()[0])

    def refresh(self) -> None:
        """Recompute views when they are next used, because results or reviews were added."""
        self._listings.clear()

    def listing(self, view: View) -> Listing:
        """The rows of a view, by their numbers, and its groups."""
        if view not in self._listings:
            while len(self._listings) >= _MAX_LISTINGS:
                del self._listings[next(iter(self._listings))]
            with self._reading() as database:
                self._listings[view] = read_listing(database, view)
        return self._listings[view]

    def count(self, view: View) -> int:
        """The number of rows of a view."""
        return len(self.listing(view).numbers)

    def each(self, view: View) -> Iterator[Row]:
        """Iterate over all rows of a view, with a few hundred in memory at a time."""
        for some in chunks(self.listing(view).numbers):
            yield from self.rows_of(some)

    def rows_of(self, numbers: Sequence[int]) -> list[Row]:
        """The rows with these numbers, in this order; unknown numbers are skipped. Paths are below the job's resolved
        folder.
        """
        found: dict[int, Row] = {}
        for some in chunks(numbers):
            marks = ", ".join("?" * len(some))
            query = f"SELECT {COLUMNS} FROM {TABLES} WHERE images.number IN ({marks})"
            with self._reading() as database:
                found |= {record[0]: row_of(record, self._top) for record in database.execute(query, some)}
        return [found[number] for number in numbers if number in found]

    def finished_after(self, moment: float, number: int, limit: int) -> list[Row]:
        """At most `limit` rows that were classified or failed after a time (seconds since 1970), in order of time and
        number; rows of exactly that time follow `number`.
        """
        query = (
            f"SELECT {COLUMNS} FROM {TABLES} WHERE images.state IN ({DONE}, {FAILED})"
            " AND (images.finished, images.number) > (?, ?) ORDER BY images.finished, images.number LIMIT ?"
        )
        with self._reading() as database:
            return [row_of(record, self._top) for record in database.execute(query, (moment, number, limit))]

    # ---- figures

    def summary(self) -> JobSummary:
        """The summary of the job."""
        with self._reading() as database:
            return read_summary(database, self._id)

    def unreadable_folders(self) -> tuple[Failure, ...]:
        """The folders that could not be read."""
        with self._reading() as database:
            rows = database.execute("SELECT folder, message, hint FROM troubles ORDER BY folder").fetchall()
        return tuple(
            Failure(self._top / os.fsdecode(folder), ImageErrorKind.NO_ACCESS, *texts) for folder, *texts in rows
        )

    def histogram(self, chosen: Filter, bins: int = 50) -> tuple[int, ...]:
        """The number of rows in each of `bins` equal bins of confidence 0..1; 1 belongs to the last bin."""
        with self._reading() as database:
            where = condition(chosen, database)
            query = f"SELECT min(CAST(confidence * ? AS INTEGER), ? - 1), count(*) FROM images WHERE {where.sql}"
            rows = database.execute(
                f"{query} AND confidence IS NOT NULL GROUP BY 1", (bins, bins, *where.values)
            ).fetchall()
        counts = dict(rows)
        return tuple(counts.get(each, 0) for each in range(bins))

    def unknown_scores(self, chosen: Filter, most: int) -> tuple[float, ...]:
        """The scores as unknown of at most `most` rows, spread over all; rows of earlier versions have none."""
        step = -(-max(1, self.count(View(filter=chosen))) // most)
        with self._reading() as database:
            where = condition(chosen, database)
            query = f"SELECT number FROM images WHERE {where.sql} AND number % ? = 0"
            scores = f"SELECT json_extract(scores, '$.unknown') FROM details WHERE number IN ({query})"
            rows = database.execute(f"{scores} AND json_valid(scores)", (*where.values, step))
            return tuple(float(score) for (score,) in rows if score is not None)

    def class_counts(self, chosen: Filter) -> dict[str, int]:
        """The number of rows of each class by their final labels, the most frequent first; failures have none."""
        with self._reading() as database:
            where = condition(chosen, database)
            query = f"SELECT answer, count(*) FROM images WHERE {where.sql} AND answer IS NOT NULL"
            rows = database.execute(f"{query} GROUP BY answer ORDER BY 2 DESC, answer COLLATE NOCASE", where.values)
            counts = Counter[str]()
            for label, count in rows:
                counts.update(dict.fromkeys(classes_of(label), count))
            return dict(counts.most_common())

    def folder_counts(self, chosen: Filter) -> dict[Path, int]:
        """The number of rows directly in each folder, relative to the job's, in input order."""
        with self._reading() as database:
            where = condition(chosen, database)
            query = f"SELECT folder, count(*) AS count FROM images WHERE {where.sql} GROUP BY folder"
            rows = database.execute(
                f"SELECT path, count FROM ({query}) JOIN folders ON folders.id = folder ORDER BY rank", where.values
            )
            return {Path(os.fsdecode(path)): count for path, count in rows}

    # ---- reviews

    def set_reviews(self, reviews: Mapping[int, Review | None]) -> ReviewsByNumber:
        """Store reviews by the numbers of their rows, and return the earlier ones for undo; None removes a review.

        ACCEPTED without a label takes the label of the prediction; an unknown prediction cannot be accepted, and its
        row keeps its review. Image files are not changed; views stay as they are until `refresh`.
        """
        before: ReviewsByNumber = {}
        with self._writing() as database:
            for number, review in reviews.items():
                record = database.execute(
                    "SELECT verdict, said, label, unknown FROM images WHERE number = ?", (number,)
                ).fetchone()
                if record is None:
                    continue
                verdict, label_before, label, unknown = record
                # Unknown predictions cannot be accepted; nor does undo restore such a review of an earlier version.
                is_guess = unknown and classes_of(label)  # unlike “none of the classes” by a multi-label model
                if is_guess and review in (Review(Verdict.ACCEPTED), Review(Verdict.ACCEPTED, label)):
                    continue
                before[number] = Review(Verdict(verdict), label_before) if verdict else None
                database.execute(
                    "UPDATE images SET verdict = ?, said = ? WHERE number = ?",
                    (*review_columns(review, label), number),
                )
        return before

    def rows_with_sizes(self, sizes: Iterable[int | None]) -> Sequence[int]:
        """The numbers of the classified rows whose files have one of these sizes in bytes, or whose reviews are shared
        (`share_reviews`).
        """
        query = (
            f"SELECT number FROM images WHERE state = {DONE} AND"
            " (size IN (SELECT value FROM json_each(?)) OR number IN shared)"
        )
        with self._writing() as database:
            database.execute(_SHARED)
            return [number for (number,) in database.execute(query, (json.dumps(list(sizes)),)).fetchall()]

    def share_reviews(self, reviews: Iterable[SharedReview]) -> int:
        """Store reviews that say what labels elsewhere say, and return how many changed.

        Where a label was removed elsewhere, the review that had said it is removed. Rows that the user has reviewed
        meanwhile stay.
        """
        is_same = "number = ? AND verdict IS ? AND said IS ?"
        changed = 0
        with self._writing() as database:
            for number, before, after in reviews:
                known = (number, *review_columns(before, None))
                if after is None:
                    query = f"UPDATE images SET verdict = NULL, said = NULL WHERE {is_same} AND number IN shared"
                    changed += database.execute(query, known).rowcount
                    database.execute("DELETE FROM shared WHERE number = ?", (number,))
                    continue
                database.execute("INSERT OR IGNORE INTO shared VALUES (?)", (number,))
                if after != before:
                    query = f"UPDATE images SET verdict = ?, said = ? WHERE {is_same}"
                    changed += database.execute(query, (*review_columns(after, None), *known)).rowcount
        return changed

    def set_places(self, kind: Order | Group, places: Mapping[int, Place]) -> None:
        """Store the places of rows by their numbers, see `core.jobs.arrangements`; views use them after `refresh`."""
        with self._writing() as database:
            write_places(database, kind, places)

    def note_written(self, numbers: Sequence[int]) -> None:
        """Record that Fovea itself changed these files, for example their keywords: results and labels stay valid."""
        changed, rows = [], self.rows_of(numbers)
        for row in rows:
            status = row.path.stat()
            changed.append((status.st_size, status.st_mtime_ns, row.number))
        with self._writing() as database:
            database.executemany("UPDATE images SET size = ?, mtime_ns = ? WHERE number = ?", changed)
        label_file.note_written([row.path for row in rows])

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with journal_errors(self._file):
            yield self._database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with journal_errors(self._file), transaction(self._database):
            yield self._database
