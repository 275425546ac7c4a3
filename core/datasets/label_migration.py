"""Labels in the files of Fovea 0.1, which stay where they are so that it can still read them.

Corrections: one JSON Lines file per model, found by path. Label overrides: one JSON file per folder of labelled photos,
found by content.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from core.base import paths
from core.base.salvage import members
from core.base.storage import reading_errors
from core.base.text import display_path
from core.datasets.labels import LEFT_OUT, Label, Source

_FORMAT: Final = 1
_HEX: Final = frozenset("0123456789abcdef")
_INVALID: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)

_log = logging.getLogger(__name__)


def old_labels() -> Iterator[Label]:
    """All labels that can be read, per file from the oldest to the most recent; what is damaged is logged and skipped.

    Raises:
        StorageError: a file cannot be read at the moment.
    """
    for file in sorted(paths.label_overrides().glob("*.json")):
        with reading_errors(file):
            data, changed_at = file.read_bytes(), datetime.fromtimestamp(file.stat().st_mtime, UTC)
        for sha256, value in _overrides(file, data):
            label = LEFT_OUT if value["label"] is None else value["label"]
            size, folder = value["size"], file.stem
            yield Label(Path(), label, Source.WIZARD, folder=folder, created_at=changed_at, sha256=sha256, size=size)
    for file in sorted(paths.corrections().glob("*.jsonl")):
        with reading_errors(file):
            data = file.read_bytes()
        yield from _corrections(file, data)


def _corrections(file: Path, data: bytes) -> Iterator[Label]:
    foreign = 0
    for line in filter(None, data.split(b"\n")):
        try:
            yield replace(_correction(json.loads(line)), model=file.stem)
        except _INVALID:
            foreign += 1
    if foreign:
        _log.warning("%s lines of the corrections in %s cannot be read. They are kept there.", foreign, file)


def _correction(content: dict[str, Any]) -> Label:
    texts = [content[name] for name in ("path", "said", "label", "model")]
    path, predicted, label, _ = texts
    confidence, trained_in = float(content["confidence"]), tuple(content["learnt"])
    created_at, unknown = datetime.fromisoformat(content["made"]).astimezone(UTC), content.get("unknown")
    if not all(isinstance(text, str) for text in (*texts, *trained_in)) or not (
        path and label and 0 <= confidence <= 1
    ):
        raise ValueError("not a correction")
    if unknown not in (None, True, False):
        raise ValueError("not a correction")
    return Label(Path(path), label, Source.GALLERY, "", "", predicted, confidence, unknown, created_at, trained_in)


def _overrides(file: Path, data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """The valid overrides in a file; those of a later format are left for the version that wrote them."""
    try:
        content = json.loads(data)
        format_, photos = content["format"], dict(content["photos"])
    except _INVALID:
        _log.warning("The label changes in %s are damaged. They are kept there.", display_path(file))
        yield from _salvaged(data)
        return
    if format_ != _FORMAT:
        _log.warning("The label changes in %s were written by another version of Fovea.", display_path(file))
        return
    yield from ((key, value) for key, value in photos.items() if _is_valid(key, value))


def _salvaged(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in members(data):
        found = value.items() if key == "photos" and isinstance(value, dict) else [(key, value)]
        yield from ((name, decided) for name, decided in found if _is_valid(name, decided))


def _is_valid(key: str, value: object) -> bool:
    return (
        len(key) == 64 and _HEX.issuperset(key) and isinstance(value, dict)
        and isinstance(value.get("size"), int) and isinstance(value.get("label"), str | None)
    )  # fmt: skip
