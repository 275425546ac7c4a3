"""Cards for other people: what they say about the computer that a model was trained on is removed."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Final

from core.card import ModelCard

_PATH_SEPARATOR: Final = re.compile(r"[/\\]")


def shareable(card: ModelCard) -> ModelCard:
    """The card for sharing: the training command names neither the user's folder nor any path."""
    command = card.training.get("command")
    if not isinstance(command, str):
        return card
    words = _words_without_paths(command)
    if words[:2] == ["fovea", "train"] and words[2:] and not words[2].startswith("-"):
        words[2] = "FOLDER"  # its name may be private, too
    return replace(card, training={**card.training, "command": shlex.join(words)})


def without_paths(command: str) -> str:
    """A command line in which each path is reduced to its last name; empty if it cannot be parsed."""
    return shlex.join(_words_without_paths(command))


def _words_without_paths(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    return [_PATH_SEPARATOR.split(word.rstrip("/\\"))[-1] or "." for word in words]
