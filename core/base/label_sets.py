"""Labels that stand for several classes, or for none: what an image shows by a multi-label model, or by its user.

Wherever one text says what an image is (a journal, the label store, a review), the label of exactly one class is its
name, and that of several their names in alphabetical order on a line each, as no class name has a line break.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from core.base.i18n import tr

BREAK: Final = "\n"
NO_CLASS: Final = BREAK
"""The label of an image that shows none of the classes."""


def label_of(classes: Collection[str]) -> str:
    """The label of an image that shows exactly these classes."""
    return BREAK.join(sorted(classes)) or NO_CLASS


def classes_of(label: str | None) -> tuple[str, ...]:
    """The classes that a label stands for, in alphabetical order; none without a label."""
    return tuple(filter(None, (label or "").split(BREAK)))


def label_text(label: str) -> str:
    """A label on one line: “fox, snow”."""
    return classes_text(classes_of(label))


def classes_text(classes: Collection[str]) -> str:
    """The classes that an image shows, on one line."""
    return ", ".join(classes) or tr("no class")
