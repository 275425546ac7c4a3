"""Which keywords are ours and which the person's, and what must change for a photo to say what it is to say.

Three lists hold keywords: dc:subject, flat, is read by everything; lr:hierarchicalSubject (levels divided by |) by
Lightroom, darktable and others; digiKam:TagsList (levels divided by /) by digiKam, Immich and others. darktable reads
the flat list only where there is no hierarchical one, digiKam takes the first of TagsList, hierarchicalSubject and
subject that holds anything. So a list that we begin must also say what the person's list behind it says, or the
person's keywords would vanish from view; such copies count as ours and go with ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from core.keywords.values import ROOT

_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LEVELS: Final = str.maketrans({"/": "∕", "|": "¦"})
"""A label is one level of a hierarchy, whatever is in it."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Keywords, list by list, each in its order."""

    subject: tuple[str, ...] = ()
    hierarchy: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def without(self, other: Lists) -> Lists:
        """What is here and not there."""
        return Lists(
            _without(self.subject, other.subject),
            _without(self.hierarchy, other.hierarchy),
            _without(self.tags, other.tags),
        )

    @property
    def is_empty(self) -> bool:
        """Whether no list holds anything."""
        return not (self.subject or self.hierarchy or self.tags)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file says now.

    Attributes:
        present: all its keywords.
        ours: those that we wrote, as it says itself in our namespace.
    """

    present: Lists = Lists()
    ours: Lists = Lists()


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done to a file: keywords that go and come, and what our namespace forgets and notes."""

    gone: Lists
    new: Lists
    forgotten: Lists
    noted: Lists

    @property
    def is_empty(self) -> bool:
        """Whether the file is as it is to be."""
        return all(lists.is_empty for lists in (self.gone, self.new, self.forgotten, self.noted))


def changes(found: Found, label: str | None) -> Changes:
    """What must be done to a file so that of ours it has `label` and nothing else; None: nothing of ours."""
    own = found.present.without(found.ours)
    wanted = Lists() if label is None else _wanted(own, keyword(label))
    forgotten = found.ours.without(wanted)
    return Changes(
        gone=forgotten,
        new=wanted.without(found.present),
        forgotten=forgotten,
        noted=wanted.without(found.ours),
    )


def keyword(label: str) -> str:
    """A class's label as one line that any photo manager takes."""
    return _BLANK.sub(" ", label).strip() or "?"


def _wanted(own: Lists, word: str) -> Lists:
    """What of ours is to be there, beside what is the person's own."""
    level = word.translate(_LEVELS)
    hierarchy, tag = f"{ROOT}|{level}", f"{ROOT}/{level}"
    has_word = word.casefold() in map(str.casefold, own.subject)
    behind_tags = tuple(path.replace("/", "∕").replace("|", "/") for path in own.hierarchy)
    return Lists(
        subject=() if has_word else (word,),
        hierarchy=_list(own.hierarchy, _flat(own.subject), hierarchy),
        tags=_list(own.tags, behind_tags or _flat(own.subject), tag),
    )


def _list(own: tuple[str, ...], behind: tuple[str, ...], ours: str) -> tuple[str, ...]:
    """Our entry, before it copies of what the list hides if we begin it."""
    wanted = (ours,) if own else (*behind, ours)
    return _without(tuple(dict.fromkeys(wanted)), own)


def _flat(words: tuple[str, ...]) -> tuple[str, ...]:
    """Flat keywords as entries of a hierarchy: one level each; a line break in one is nothing a line can say."""
    return tuple(word.translate(_LEVELS) for word in words if "\n" not in word and "\r" not in word)


def _without(these: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in these if word not in others)
