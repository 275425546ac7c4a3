"""Cards for other people: what they say about the computer that a model was trained on is removed."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Final

from core.card import ModelCard

_TRAINING_FOLDER: Final = re.compile(r"^(fovea train )('(?:[^']|'\"'\"')*'|[^-'\s]\S*)")
"""The folder in a training command as `shlex.join` quotes it: its name may be private, too."""
_PATH_SEPARATOR: Final = re.compile(r"[/\\]")


def shareable(card: ModelCard) -> ModelCard:
    """The card for sharing: the training command names neither the user's folder nor any path."""
    command = card.training.get("command")
    if not isinstance(command, str):
        return card
    shared = _TRAINING_FOLDER.sub(r"\1FOLDER", without_paths(command))
    return replace(card, training={**card.training, "command": shared})


def without_paths(command: str) -> str:
    """A command line in which each path is reduced to its last name; empty if it cannot be parsed."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return shlex.join(_PATH_SEPARATOR.split(word.rstrip("/\\"))[-1] or "." for word in words)
