"""Which keywords are Fovea's and which the user's, and what must change for a photo to say what it is to say.

Three lists hold keywords: dc:subject, flat, is read by everything; lr:hierarchicalSubject (levels divided by |) by
Lightroom, darktable and others; digiKam:TagsList (levels divided by /) by digiKam, Immich and others. Programs read the
first list that holds anything: darktable takes dc:subject only where there is no hierarchical list; digiKam takes
TagsList, then Microsoft's LastKeywordXMP, hierarchicalSubject and dc:subject; readers that follow the Metadata Working
Group (MWG) take IPTC keywords only where there is no dc:subject; and where a sidecar has a list, most programs ignore
that of the photo. So a list that Fovea begins must also say what readers took instead, or the user's keywords would
vanish from view. Such copies count as Fovea's and are removed with its keyword.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from core.outputs.keywords.values import ROOT

_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LEVELS: Final = str.maketrans({"/": "∕", "|": "¦"})
"""A label is one level of a hierarchy, whatever is in it."""

Words: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeywordLists:
    """Keywords, list by list, each in its order."""

    subject: Words = ()
    hierarchy: Words = ()
    tags: Words = ()

    def without(self, other: KeywordLists) -> KeywordLists:
        """What is here and not there."""
        return KeywordLists(
            _without(self.subject, other.subject),
            _without(self.hierarchy, other.hierarchy),
            _without(self.tags, other.tags),
        )

    def or_else(self, other: KeywordLists) -> KeywordLists:
        """These lists, and the other's where one is empty here."""
        return KeywordLists(self.subject or other.subject, self.hierarchy or other.hierarchy, self.tags or other.tags)

    @property
    def is_empty(self) -> bool:
        """Whether no list holds anything."""
        return not (self.subject or self.hierarchy or self.tags)


@dataclass(frozen=True, slots=True)
class FoundKeywords:
    """What a file says now.

    Attributes:
        present: all its keywords.
        own_recorded: those that Fovea wrote, as the file itself says in Fovea's namespace.
        elsewhere: what readers take instead of a list that is empty: IPTC keywords and those of Windows; for a sidecar
            also what the photo says.
    """

    present: KeywordLists = KeywordLists()
    own_recorded: KeywordLists = KeywordLists()
    elsewhere: KeywordLists = KeywordLists()

    @property
    def own(self) -> KeywordLists:
        """The user's keywords in these lists."""
        return self.present.without(self.own_recorded)

    @property
    def shown(self) -> KeywordLists:
        """What readers take for the user's keywords."""
        return self.own.or_else(self.elsewhere)


@dataclass(frozen=True, slots=True)
class KeywordDiff:
    """What is to be done to a file: keywords that go and come, and what Fovea's namespace forgets and notes."""

    removed: KeywordLists
    added: KeywordLists
    forgotten: KeywordLists
    recorded: KeywordLists

    @property
    def is_empty(self) -> bool:
        """Whether the file is as it is to be."""
        return all(lists.is_empty for lists in (self.removed, self.added, self.forgotten, self.recorded))


class CopyMode(Enum):
    """Into which lists the user's keywords are copied that readers take from elsewhere."""

    ALL = auto()
    """Into all: we begin the file, a sidecar, and each of its lists hides what readers took before."""
    EMPTY = auto()
    """Into those that hold nothing of the user's."""
    NONE = auto()
    """Into none: it was done when we began the sidecar, and what the user changed in it since counts."""


def diff_keywords(found: FoundKeywords, label: str | None, copying: CopyMode = CopyMode.EMPTY) -> KeywordDiff:
    """What must be done to a file so that of Fovea's keywords it has `label` and no other.

    Args:
        found: what the file says.
        label: None: no keyword of Fovea's.
        copying: which lists also get what they hide.
    """
    if label is None:
        removed = found.own_recorded.without(_adopted(found))
        return KeywordDiff(removed=removed, added=KeywordLists(), forgotten=found.own_recorded, recorded=KeywordLists())
    wanted = _target_keywords(found, keyword(label), copying)
    deleted = _common(
        found.own_recorded.without(found.present), _secondary_lists(found)
    )  # by the user, and not to be copied again
    forgotten = found.own_recorded.without(wanted).without(deleted)
    return KeywordDiff(
        removed=forgotten,
        added=wanted.without(found.present),
        forgotten=forgotten,
        recorded=wanted.without(found.own_recorded),
    )


def keyword(label: str) -> str:
    """A class's label as one line that any photo manager takes."""
    return _BLANK.sub(" ", label).strip() or "?"


def _target_keywords(found: FoundKeywords, word: str, copying: CopyMode) -> KeywordLists:
    """What of ours is to be there, beside what is the user's own."""
    level, own, copies = word.translate(_LEVELS), found.own, _copies(found, copying)
    has_word = word.casefold() in map(str.casefold, (*own.subject, *copies.subject))
    return KeywordLists(
        subject=copies.subject if has_word else (*copies.subject, word),
        hierarchy=_unique((*copies.hierarchy, f"{ROOT}|{level}")),
        tags=_unique((*copies.tags, f"{ROOT}/{level}")),
    ).without(own)


def _copies(found: FoundKeywords, copying: CopyMode) -> KeywordLists:
    """Of what each list hides, what it also says: what we copied before, or all that the user did not delete."""
    behind, own, kept = _secondary_lists(found), found.own, _kept_keywords(found)
    every = behind.without(found.own_recorded.without(found.present))
    if copying is CopyMode.ALL:
        return every
    if copying is CopyMode.NONE:
        return kept
    return KeywordLists(
        kept.subject if own.subject else every.subject,
        kept.hierarchy if own.hierarchy else every.hierarchy,
        kept.tags if own.tags else every.tags,
    )


def _kept_keywords(found: FoundKeywords) -> KeywordLists:
    """Copies that are there, and still said elsewhere."""
    return _common(_common(_secondary_lists(found), found.own_recorded), found.present)


def _adopted(found: FoundKeywords) -> KeywordLists:
    """Copies that stay without us: the user went on with a list that we began, which would hide them otherwise."""
    own, kept = found.own, _kept_keywords(found)
    return KeywordLists(
        kept.subject if own.subject else (),
        _foreign(kept.hierarchy, "|") if own.hierarchy else (),
        _foreign(kept.tags, "/") if own.tags else (),
    )


def _common(these: KeywordLists, others: KeywordLists) -> KeywordLists:
    return these.without(these.without(others))


def _foreign(paths: Words, separator: str) -> Words:
    return tuple(path for path in paths if not path.startswith(f"{ROOT}{separator}"))


def _secondary_lists(found: FoundKeywords) -> KeywordLists:
    """What readers take where a list is empty: the list itself elsewhere, then deeper ones, then flat keywords."""
    elsewhere, own = found.elsewhere, found.own
    flat = _unique((*own.subject, *elsewhere.subject))
    slashed = tuple(path.replace("/", "∕").replace("|", "/") for path in found.shown.hierarchy)
    return KeywordLists(
        subject=elsewhere.subject,
        hierarchy=_with_flat(elsewhere.hierarchy, flat, _levels("|", elsewhere.hierarchy, own.hierarchy)),
        tags=_with_flat((*elsewhere.tags, *slashed), flat, _levels("/", elsewhere.tags, slashed, own.tags)),
    )


def _levels(separator: str, *lists: Words) -> set[str]:
    return {level.casefold() for paths in lists for path in paths for level in path.split(separator)}


def _with_flat(paths: Words, words: Words, levels: set[str]) -> Words:
    """Paths, and flat keywords that are a level of none; a line break in one is nothing a path can say."""
    flat = (word.translate(_LEVELS) for word in words if "\n" not in word and "\r" not in word)
    return _unique((*paths, *(word for word in flat if word.casefold() not in levels)))


def _unique(words: Words) -> Words:
    return tuple(dict.fromkeys(words))


def _without(these: Words, others: Words) -> Words:
    return tuple(word for word in these if word not in others)
