"""The training data of a version, so that it can be retrained without its folder.

Stored next to the card as `EXAMPLES`, one JSON object per line and image. It is not part of an exported model. The card
has a fingerprint of it, so a file that is damaged, truncated or from another version is ignored, and the model can
still be used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from core.base.errors import ModelError
from core.base.i18n import tr
from core.datasets.labelled_image import LabelledImage
from core.datasets.subsets import Subset
from core.models.files import read_file

EXAMPLES: Final = "examples.jsonl"
DATASET: Final = "dataset_sha256"
"""The key of the fingerprint in a card's `training`."""

_log = logging.getLogger(__name__)
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


def fingerprint(images: Iterable[LabelledImage]) -> str:
    """A fingerprint of the images' hashes and classes, independent of their paths."""
    lines = sorted(f"{image.sha256} {image.label_text}\n" for image in images)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def serialize_examples(examples: Iterable[LabelledImage]) -> bytes:
    """Encode images as a file."""
    return "".join(f"{json.dumps(_content(one))}\n" for one in examples).encode()


def read_examples(folder: Path, training: Mapping[str, Any]) -> tuple[LabelledImage, ...] | None:
    """Read the file in a model's folder; None if it is missing or does not match the card's `training`."""
    if not (folder / EXAMPLES).exists():
        return None
    found: tuple[LabelledImage, ...] = ()
    with contextlib.suppress(ModelError, ValueError, TypeError, KeyError, RecursionError):
        found = tuple(_example(json.loads(line)) for line in read_file(folder / EXAMPLES).splitlines())
    if fingerprint(found) == training.get(DATASET):
        return found
    what = tr(
        "{file!r} is damaged, so the model can't be retrained. Restore the file, or train the model again.",
        file=str(folder / EXAMPLES),
    )
    _log.warning("%s", what)
    return None


def _content(example: LabelledImage) -> dict[str, Any]:
    return {
        "path": str(example.path),
        "sha256": example.sha256,
        "label": example.label,
        "part": example.subset,
        "look": example.phash or None,
        **({} if example.labels is None else {"labels": example.labels}),
    }


def _example(content: dict[str, Any]) -> LabelledImage:
    path, sha256, label, part = (content[name] for name in ("path", "sha256", "label", "part"))
    if not (isinstance(path, str) and isinstance(label, str) and _SHA256.match(sha256)):
        raise ValueError("no example")
    phash = content.get("look")
    phash = phash if isinstance(phash, int) and 0 <= phash < 2**64 else 0
    return LabelledImage(Path(path), label, Subset(part), sha256, phash, labels=_labels(content.get("labels")))


def _labels(names: object) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("no labels")
    return tuple(names)
