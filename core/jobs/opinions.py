"""What the further models of a job say of its images, in its journal.

Earlier versions of Fovea disregard these tables; the trigger deletes what was said of an image that has changed since.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.database import transaction
from core.jobs.details import encode_details, parse_details
from core.prediction import Prediction, Timing

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS further (place INTEGER PRIMARY KEY, model INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS opinions (
        number INTEGER NOT NULL, model INTEGER NOT NULL, prediction TEXT NOT NULL, PRIMARY KEY (number, model)
    )""",
    """CREATE TRIGGER IF NOT EXISTS outdated_opinions AFTER UPDATE OF answered ON images
    WHEN new.answered = 0 AND old.answered <> 0 BEGIN DELETE FROM opinions WHERE number = new.number; END""",
)
"""`further` has the further models of the last run, in order; `opinions` the prediction of each, without its path."""
OPINIONS: Final = """
    (SELECT group_concat(coalesce(prediction, ''), char(10)) FROM (
        SELECT prediction FROM further LEFT JOIN opinions
        ON opinions.number = images.number AND opinions.model = further.model ORDER BY further.place
    ))
"""
"""A column of `images`: a line for each further model, empty where it has not been asked."""
IS_COMPLETE: Final = """
    NOT EXISTS (SELECT 1 FROM further WHERE NOT EXISTS (
        SELECT 1 FROM opinions WHERE opinions.number = images.number AND opinions.model = further.model
    ))
"""
"""The condition on `images` that every further model was asked."""


def migrate(database: sqlite3.Connection) -> None:
    """Add the tables to a journal that was made without them."""
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'outdated_opinions'").fetchone() is None:
        with transaction(database):
            for table in _TABLES:
                database.execute(table)


def choose_models(database: sqlite3.Connection, models: Sequence[int]) -> None:
    """Record the further models of a run by their ids, within a transaction.

    What models said that are no longer asked is dropped, unless none is asked: sorting or writing keywords, which needs
    none, must not cost what was computed.
    """
    database.execute("DELETE FROM further")
    database.executemany("INSERT INTO further (place, model) VALUES (?, ?)", list(enumerate(models)))
    if models:
        database.execute("DELETE FROM opinions WHERE model NOT IN (SELECT model FROM further)")


def further_models(database: sqlite3.Connection) -> tuple[str, ...]:
    """The further models of the last run, as `name@version`, or the name of a built-in one."""
    query = "SELECT name, version FROM further JOIN models ON models.id = further.model ORDER BY place"
    return tuple(f"{name}@{version}" if version else str(name) for name, version in database.execute(query))


def record(
    database: sqlite3.Connection, models: Sequence[int], said: Iterable[tuple[int, Sequence[Prediction]]]
) -> None:
    """Store what the further models, by their ids, say of images by their numbers, within a transaction."""
    rows = [
        (number, model, encode(one))
        for number, predictions in said
        for model, one in zip(models, predictions, strict=False)
    ]
    database.executemany("INSERT OR REPLACE INTO opinions VALUES (?, ?, ?)", rows)


def encode(prediction: Prediction) -> str:
    """A prediction as a line of JSON; what is in the image is stored with the prediction of the first model."""
    timing = prediction.timing
    content = {
        "model": prediction.model,
        "provider": prediction.provider,
        "precision": prediction.precision,
        "unknown": prediction.unknown,
        "times": [timing.decode_ms, timing.preprocess_ms, timing.inference_ms],
        "details": json.loads(encode_details(replace(prediction, detections=None))),
    }
    return json.dumps(content)


def parse_all(lines: str | None, path: Path) -> tuple[Prediction, ...]:
    """The predictions for an image from `OPINIONS`; none unless every further model was asked.

    Raises:
        ValueError, TypeError or LookupError: a line is invalid.
    """
    each = (lines or "").split("\n")
    return tuple(_parse(line, path) for line in each) if all(each) else ()


def _parse(line: str, path: Path) -> Prediction:
    content = json.loads(line)
    found, unknown = parse_details(json.dumps(content["details"])), content["unknown"]
    names = [content[name] for name in ("model", "provider", "precision")]
    if not found.scores or not isinstance(unknown, bool | None) or not all(isinstance(name, str) for name in names):
        raise ValueError("invalid prediction of a further model")
    model, provider, precision = names
    timing = Timing(*map(float, content["times"]))
    return Prediction(
        path, found.scores, unknown, model, provider, timing, precision=precision, evidence=found.evidence,
        crop=found.crop, labels=found.labels,
    )  # fmt: skip


def without_neighbours(line: str, images: Iterable[str]) -> str:
    """A stored prediction without these training images, by their SHA-256."""
    content, forgotten = json.loads(line), set(images)
    with suppress(KeyError, TypeError):
        near = content["details"]["nearest"]
        content["details"]["nearest"] = [one for one in near if one[2] not in forgotten]
    return json.dumps(content)
