"""Predictions that the user corrected or confirmed, kept before and after the model is retrained on them.

There is one JSON Lines file per model name, written atomically. A writer holds a lock, reads the file again and changes
only its own entries, so two windows never overwrite each other's changes. An unreadable line is skipped and kept.

Whether a correction is pending is not stored. A correction records the fingerprints of the training data of the
versions trained on it, and each version records those of its predecessors (its lineage). So for any version in use, by
whatever way it was made, the corrections outside its lineage are pending.

The window imports this module, so it imports nothing heavy.
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
from core.base.i18n import tr, tr_n
from core.base.locks import try_lock
from core.base.storage import storage_errors, write_atomically
from core.base.text import display_path
from core.prediction import Prediction

TRAINED_CORRECTIONS: Final = "corrections"
"""The key of a card's `training` that records corrections, see `lineage`."""

_log = logging.getLogger(__name__)
_reported: set[Path] = set()
_LOCK: Final = ".lock"
_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Correction:
    """A corrected or confirmed prediction; either way a label to train on.

    Attributes:
        path: the image.
        predicted: the class that the model predicted.
        confidence: its confidence, 0..1.
        label: the class that the user chose; equal to `predicted` if they confirmed it.
        model: the model's name.
        created_at: when.
        trained_in: fingerprints of the training data of the versions trained on it; empty if there are none.
        unknown: whether the model predicted “unknown” and `predicted` was only its best guess; None if not recorded,
            as by earlier versions of Fovea.
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
        """Make a correction from a prediction and the user's label."""
        best, unknown = prediction.best, bool(prediction.unknown)
        confidence = min(max(best.probability, 0.0), 1.0)
        return cls(prediction.path, best.label, confidence, label, prediction.model, unknown=unknown)

    @property
    def is_confirmation(self) -> bool:
        """Whether the prediction was right; “unknown” never is, even if its best guess was."""
        return self.label == self.predicted and not self.unknown

    def is_ambiguous(self, unknown_below: float | None) -> bool:
        """Whether it may have been stored unintentionally, so that no model must be trained on it.

        In earlier versions of Fovea, Enter on “unknown” stored the best guess as confirmed. That cannot be
        distinguished from an explicit choice, but the user can choose again.

        Args:
            unknown_below: the confidence below which the model predicts “unknown”, see `ModelCard`.
        """
        is_old_confirmation = self.unknown is None and self.is_confirmation
        return is_old_confirmation and unknown_below is not None and self.confidence < unknown_below

    def is_pending(self, lineage: Collection[str]) -> bool:
        """Whether no version of that lineage was trained on it."""
        return not any(version in lineage for version in self.trained_in)


def ambiguous_text(count: int) -> str:
    """The message about that many ambiguous corrections; empty if there are none."""
    if not count:
        return ""
    return tr_n(
        "{count:,} photo was left out: an earlier version of Fovea stored an unsure guess as confirmed. "
        "Choose its class again to include it.",
        "{count:,} photos were left out: an earlier version of Fovea stored unsure guesses as confirmed. "
        "Choose their classes again to include them.",
        count,
    )


Corrections = Mapping[Path, Correction]
"""Corrections by image path."""


def lineage(training: Mapping[str, Any]) -> tuple[str, ...]:
    """Fingerprints of the training data of a version and its predecessors, from its card's `training`."""
    recorded = training.get(TRAINED_CORRECTIONS)
    known = recorded.get("lineage") if isinstance(recorded, dict) else None
    return tuple(one for one in known if isinstance(one, str)) if isinstance(known, list) else ()


def load(model: str) -> dict[Path, Correction]:
    """Load the corrections of a model, oldest first.

    Raises:
        StorageError: the file exists but cannot be read.
    """
    kept, foreign = _parse(_read(model))
    if foreign and (file := _file(model)) not in _reported:
        _reported.add(file)
        _log.warning("%s lines of the corrections in %s cannot be read. They are kept there.", len(foreign), file)
    return kept


def change(model: str, *, add: Iterable[Correction] = (), remove: Iterable[Path] = ()) -> dict[Path, Correction]:
    """Remove corrections, add others (replacing earlier ones of the same image), and return the result.

    Raises:
        StorageError: they cannot be written; nothing was changed.
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
    """Record that a version with this fingerprint was trained on corrections, except on those changed meanwhile.

    Raises:
        StorageError: they cannot be written; nothing was changed.
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
        reason = error.strerror or type(error).__name__
        what = tr("Couldn't read the corrections in “{file}”: {reason}.", file=display_path(file), reason=reason)
        raise StorageError(what, hint=tr("Check the file's permissions.")) from error


def _write(model: str, kept: Corrections, foreign: Iterable[bytes]) -> None:
    lines = [*foreign, *(_line(correction) for correction in kept.values())]
    write_atomically(_file(model), b"".join(line + b"\n" for line in lines))


def _parse(data: bytes) -> tuple[dict[Path, Correction], list[bytes]]:
    """The corrections in a file, and its unreadable lines."""
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
        raise ValueError("not a correction")
    if unknown not in (None, True, False):
        raise ValueError("not a correction")
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
    return json.dumps(content).encode()  # ASCII: undecodable bytes of a file name survive as escapes


@contextmanager
def _locked(model: str) -> Iterator[None]:
    """Keep other processes from changing corrections in the meantime."""
    folder = _file(model).parent
    with storage_errors(folder / _LOCK):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("ab")
    with file:
        deadline = time.monotonic() + _TIMEOUT_S
        with storage_errors(folder / _LOCK):
            while not try_lock(file):
                if time.monotonic() > deadline:
                    shown = display_path(folder)
                    what = tr("Couldn't change the corrections in “{folder}”: another program uses them.", folder=shown)
                    raise StorageError(what, hint=tr("Close other Fovea windows and try again."))
                time.sleep(_POLL_S)
        yield
