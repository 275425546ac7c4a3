"""What a version was made of, so that it can learn on without its folder being read again.

Kept beside the card as `EXAMPLES`: one JSON object a line for each image. It is not part of an exported model. The card
holds a fingerprint of the same, so what is damaged, cut or another version's is not believed: then nobody knows, and
the model is as good as before.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.base.errors import ModelError
from core.base.i18n import tr
from core.models.files import read_file

EXAMPLES: Final = "examples.jsonl"
DATASET: Final = "dataset_sha256"
"""What a card's `training` calls the fingerprint."""

_log = logging.getLogger(__name__)
_PARTS: Final = frozenset({"train", "validation", "test"})
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """One image that a version was made of.

    Attributes:
        path: where it lay; a relative one says only what it was called.
        sha256: of its content, in hexadecimal.
        label: its class.
        subset: what it was for: "train", "validation" or "test".
        phash: 64 bits, nearly the same for images that look nearly the same (`core.images.perceptual_hash`); None where
            that was not kept.
    """

    path: Path
    sha256: str
    label: str
    subset: str
    phash: int | None = None


def fingerprint(images: Iterable[tuple[str, str]]) -> str:
    """The same for the same images, given by sha256, in the same classes, wherever they lie."""
    lines = sorted(f"{sha256} {label}\n" for sha256, label in images)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def serialize_examples(examples: Iterable[TrainingExample]) -> bytes:
    """The file for these images."""
    return "".join(f"{json.dumps(_content(one))}\n" for one in examples).encode()


def read_examples(folder: Path, training: Mapping[str, Any]) -> tuple[TrainingExample, ...] | None:
    """What the file in a model's folder says; None where it is missing, or not what the card's `training` means."""
    if not (folder / EXAMPLES).exists():
        return None
    found: tuple[TrainingExample, ...] = ()
    with contextlib.suppress(ModelError, ValueError, TypeError, KeyError, RecursionError):
        found = tuple(_example(json.loads(line)) for line in read_file(folder / EXAMPLES).splitlines())
    if fingerprint((one.sha256, one.label) for one in found) == training.get(DATASET):
        return found
    what = tr(
        "{file!r} is damaged, so the model can't be retrained. Restore the file, or train the model again.",
        file=str(folder / EXAMPLES),
    )
    _log.warning("%s", what)
    return None


def _content(example: TrainingExample) -> dict[str, Any]:
    return {
        "path": str(example.path),
        "sha256": example.sha256,
        "label": example.label,
        "part": example.subset,
        "look": example.phash,
    }


def _example(content: dict[str, Any]) -> TrainingExample:
    path, sha256, label, part = (content[name] for name in ("path", "sha256", "label", "part"))
    if not (isinstance(path, str) and isinstance(label, str) and _SHA256.match(sha256) and part in _PARTS):
        raise ValueError("no example")
    phash = content.get("look")
    is_phash = isinstance(phash, int) and 0 <= phash < 2**64
    return TrainingExample(Path(path), sha256, label, part, phash if is_phash else None)
