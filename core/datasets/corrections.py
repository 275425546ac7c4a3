"""Answers of a model that the person put right or confirmed, kept until the model learns from them, and afterwards.

One file for each model's name, one JSON object a line, written whole or not at all. Whoever changes it holds a lock,
reads it anew and changes only what is meant, so two windows lose nothing to each other. A line that cannot be read
costs itself alone, and stays where it is.

Whether a correction still waits is not written down: it says only what the version that learnt it was made of, and each
version says what those before it were made of. So whichever version is in use, by whatever way it came to be, what it
has not learnt waits.

The window imports this: nothing heavy is needed for it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from core.base import paths
from core.base.errors import StorageError
from core.base.locks import try_lock
from core.base.storage import storage_errors, write_atomically
from core.prediction import Prediction

TRAINED_CORRECTIONS: Final = "corrections"
"""What a card's `training` says of them, see `lineage`."""

_log = logging.getLogger(__name__)
_reported: set[Path] = set()
_LOCK: Final = ".lock"
_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Correction:
    """An answer put right, or confirmed: a label to learn from either way.

    Attributes:
        path: the image.
        predicted: what the model named it.
        confidence: how sure it was of that, 0..1.
        label: what the person says it is; the same as `predicted` where they confirm it.
        model: the model's name.
        created_at: when.
        trained_in: fingerprints of what the versions that learnt it were made of; none while none has.
        unknown: whether the model answered “unknown”, and `predicted` was only its guess; None where nobody noted that,
            as in what earlier versions of Fovea wrote.
    """

    path: Path
    predicted: str
    confidence: float
    label: str
    model: str
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    trained_in: tuple[str, ...] = ()
    unknown: bool | None = None

    @classmethod
    def of(cls, prediction: Prediction, label: str) -> Correction:
        """What a person says an image is, instead of what a prediction says."""
        best, unknown = prediction.best, bool(prediction.unknown)
        confidence = min(max(best.probability, 0.0), 1.0)
        return cls(prediction.path, best.label, confidence, label, prediction.model, unknown=unknown)

    @property
    def is_confirmation(self) -> bool:
        """Whether the answer was right; “unknown” never is, even where its guess was."""
        return self.label == self.predicted and not self.unknown

    def is_ambiguous(self, unknown_below: float | None) -> bool:
        """Whether nobody may have meant it, so that nothing must learn from it.

        In earlier versions of Fovea, Enter on “unknown” stored the guess as confirmed; what a person chose explicitly
        cannot be told apart from that, but can be chosen again.

        Args:
            unknown_below: the confidence below which the model answers “unknown”, see `ModelCard`.
        """
        is_old_confirmation = self.unknown is None and self.is_confirmation
        return is_old_confirmation and unknown_below is not None and self.confidence < unknown_below

    def is_pending(self, lineage: Collection[str]) -> bool:
        """Whether a version of that lineage has not learnt it."""
        return not any(version in lineage for version in self.trained_in)


def ambiguous_text(count: int) -> str:
    """What a person reads where so many corrections are doubtful; empty where none is."""
    reason = "Fovea was unsure, and an earlier version stored its guess as confirmed."
    if count == 1:
        return f"1 photo is left out: {reason} Choose its class again to include it."
    return f"{count:,} photos are left out: {reason} Choose their classes again to include them." if count else ""


Corrections = Mapping[Path, Correction]
"""By their image."""


def lineage(training: Mapping[str, Any]) -> tuple[str, ...]:
    """Fingerprints of what a version and those it was corrected from were made of, as its card's `training` says."""
    recorded = training.get(TRAINED_CORRECTIONS)
    known = recorded.get("lineage") if isinstance(recorded, dict) else None
    return tuple(one for one in known if isinstance(one, str)) if isinstance(known, list) else ()


def load(model: str) -> dict[Path, Correction]:
    """The corrections of a model, in the order in which they were made.

    Raises:
        StorageError: there are some, and they cannot be read.
    """
    kept, foreign = _parse(_read(model))
    if foreign and (file := _file(model)) not in _reported:
        _reported.add(file)
        _log.warning("%s lines of the corrections in %s cannot be read. They are kept there.", len(foreign), file)
    return kept


def change(model: str, *, add: Iterable[Correction] = (), remove: Iterable[Path] = ()) -> dict[Path, Correction]:
    """Add corrections, each instead of an earlier one of the same image, and take back others; what there is then.

    Raises:
        StorageError: the disk does not allow it; the corrections are as they were.
    """
    with _locked(model):
        kept, foreign = _parse(_read(model))
        for path in remove:
            kept.pop(path, None)
        for correction in add:
            kept.pop(correction.path, None)
            kept[correction.path] = correction
        _write(model, kept, foreign)
    return kept


def mark_trained(model: str, trained: Iterable[Correction], fingerprint: str) -> None:
    """Note what learnt these corrections; those that the person changed meanwhile are left as they are.

    Raises:
        StorageError: the disk does not allow it; the corrections are as they were.
    """
    with _locked(model):
        kept, foreign = _parse(_read(model))
        for correction in trained:
            if kept.get(correction.path) == correction and fingerprint not in correction.trained_in:
                kept[correction.path] = replace(correction, trained_in=(*correction.trained_in, fingerprint))
        _write(model, kept, foreign)


def _file(model: str) -> Path:
    return paths.corrections() / f"{model}.jsonl"


def _read(model: str) -> bytes:
    file = _file(model)
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        what = f"The corrections in {str(file)!r} cannot be read: {error.strerror or type(error).__name__}."
        raise StorageError(what, hint="Check the permissions of that file; it is left as it is.") from error


def _write(model: str, kept: Corrections, foreign: Iterable[bytes]) -> None:
    lines = [*foreign, *(_line(correction) for correction in kept.values())]
    write_atomically(_file(model), b"".join(line + b"\n" for line in lines))


def _parse(data: bytes) -> tuple[dict[Path, Correction], list[bytes]]:
    """The corrections in a file, and the lines that are none."""
    kept: dict[Path, Correction] = {}
    foreign = []
    for line in filter(None, data.split(b"\n")):
        try:
            correction = _correction(json.loads(line))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            foreign.append(line)
        else:
            kept.pop(correction.path, None)
            kept[correction.path] = correction
    return kept, foreign


def _correction(content: dict[str, Any]) -> Correction:
    texts = [content[name] for name in ("path", "said", "label", "model")]
    path, predicted, label, model = texts
    confidence, trained_in = float(content["confidence"]), tuple(content["learnt"])
    created_at, unknown = datetime.fromisoformat(content["made"]), content.get("unknown")
    if not all(isinstance(text, str) for text in (*texts, *trained_in)) or not (
        path and label and 0 <= confidence <= 1
    ):
        raise ValueError("no correction")
    if unknown not in (None, True, False):
        raise ValueError("no correction")
    return Correction(Path(path), predicted, confidence, label, model, created_at, trained_in, unknown)


def _line(correction: Correction) -> bytes:
    content = {
        "path": str(correction.path),
        "said": correction.predicted,
        "confidence": correction.confidence,
        "label": correction.label,
        "model": correction.model,
        "made": correction.created_at.isoformat(),
        "learnt": correction.trained_in,
        "unknown": correction.unknown,
    }
    return json.dumps(content).encode()  # what is no text in a file's name survives as an escape


@contextmanager
def _locked(model: str) -> Iterator[None]:
    """Keep every other program from changing corrections meanwhile."""
    place = _file(model).parent
    with storage_errors(place / _LOCK):
        place.mkdir(parents=True, exist_ok=True)
        file = (place / _LOCK).open("ab")
    with file:
        deadline = time.monotonic() + _TIMEOUT_S
        with storage_errors(place / _LOCK):
            while not try_lock(file):
                if time.monotonic() > deadline:
                    what = f"The corrections in {str(place)!r} cannot be changed: another program holds them."
                    raise StorageError(what, hint="Close other windows of Fovea, then try again.")
                time.sleep(_POLL_S)
        yield
