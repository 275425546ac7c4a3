"""Taking a training image out of the results of jobs, which name the training images that are nearest to each image."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Collection

from core.base.database import erase
from core.base.storage import is_there
from core.jobs.job_list import job_ids
from core.jobs.journal import job_folder
from core.jobs.opinions import without_neighbours
from core.jobs.schema import FILE, journal_errors, open_database


def forget_neighbours(images: Collection[str]) -> None:
    """Remove images by SHA-256 from the nearest training images in the results of all jobs.

    A job whose folder contains such an image keeps its row, without its hash.

    Raises:
        StorageError: a journal cannot be read or written.
    """
    for id_ in job_ids():
        file = job_folder(id_) / FILE
        if is_there(file):
            with contextlib.closing(open_database(file)) as database, journal_errors(file):
                _forget(database, images)


def _forget(database: sqlite3.Connection, images: Collection[str]) -> None:
    query = "SELECT number, scores, sha256 FROM details WHERE instr(scores, ?1) OR sha256 = ?1"
    found = {row[0]: row for image in images for row in database.execute(query, (image,)).fetchall()}
    changed = [
        (_without(scores, images), None if sha256 in images else sha256, number)
        for number, scores, sha256 in found.values()
    ]
    if changed:
        erase(database, "UPDATE details SET scores = ?, sha256 = ? WHERE number = ?", changed)
    query = "SELECT rowid, prediction FROM opinions WHERE instr(prediction, ?)"
    said = {row: text for image in images for row, text in database.execute(query, (image,)).fetchall()}
    if said:
        corrected = [(without_neighbours(text, images), row) for row, text in said.items()]
        erase(database, "UPDATE opinions SET prediction = ? WHERE rowid = ?", corrected)


def _without(scores: str | None, images: Collection[str]) -> str | None:
    """The stored scores and evidence without neighbours that are among the images."""
    content = json.loads(scores or "null")
    if not isinstance(content, dict):
        return scores
    return json.dumps(content | {"nearest": [one for one in content["nearest"] if one[2] not in images]})
