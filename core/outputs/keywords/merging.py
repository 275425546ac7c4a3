"""Separating Fovea's keywords from the user's, and computing the changes that give a photo its keyword.

Three lists contain keywords: dc:subject, flat, is read by everything; lr:hierarchicalSubject (levels divided by |) by
Lightroom, darktable and others; digiKam:TagsList (levels divided by /) by digiKam, Immich and others. Programs read the
first list that is not empty: darktable takes dc:subject only where there is no hierarchical list; digiKam takes
TagsList, then Microsoft's LastKeywordXMP, hierarchicalSubject and dc:subject; readers that follow the Metadata Working
Group (MWG) take IPTC keywords only where there is no dc:subject; and where a sidecar has a list, most programs ignore
that of the photo. So a list that Fovea creates must also contain what readers used instead, or the user's keywords
would disappear. Such copies count as Fovea's and are removed with its keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from core.outputs.keywords.values import ROOT

_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LEVELS: Final = str.maketrans({"/": "∕", "|": "¦"})
"""Separators in a label, which is always a single level of a hierarchy."""

Words: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeywordLists:
    """The three lists of keywords, each in order."""

    subject: Words = ()
    hierarchy: Words = ()
    tags: Words = ()

    def __iter__(self) -> Iterator[Words]:
        yield from (self.subject, self.hierarchy, self.tags)

    def without(self, other: KeywordLists) -> KeywordLists:
        """The keywords that are not in the other lists."""
        return KeywordLists(*map(_without, self, other))

    def or_else(self, other: KeywordLists) -> KeywordLists:
        """These lists, with empty ones replaced by the other's."""
        return KeywordLists(*(own or others for own, others in zip(self, other, strict=True)))

    @property
    def is_empty(self) -> bool:
        """Whether all lists are empty."""
        return not any(self)


@dataclass(frozen=True, slots=True)
class FoundKeywords:
    """The keywords in a file.

    Attributes:
        own_recorded: those written by Fovea, as recorded in Fovea's namespace in the file.
        elsewhere: what readers use instead of an empty list: IPTC and Windows keywords; for a sidecar also those of
            the photo.
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
        """The user's keywords as readers see them."""
        return self.own.or_else(self.elsewhere)


@dataclass(frozen=True, slots=True)
class KeywordDiff:
    """The changes to a file: keywords to remove and add, and entries to remove from and add to Fovea's namespace."""

    removed: KeywordLists
    added: KeywordLists
    forgotten: KeywordLists
    recorded: KeywordLists

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to change."""
        return all(lists.is_empty for lists in (self.removed, self.added, self.forgotten, self.recorded))


class CopyMode(Enum):
    """The lists to which the user's keywords from elsewhere are copied."""

    ALL = auto()
    """All: a new sidecar, of which each list hides what readers used before."""
    EMPTY = auto()
    """Those without keywords of the user."""
    NONE = auto()
    """None: it was done when we created the sidecar, and the user's changes since then count."""


def diff_keywords(
    found: FoundKeywords, label: str | None, copying: CopyMode = CopyMode.EMPTY, groups: Words = (), others: Words = ()
) -> KeywordDiff:
    """The changes after which a file has `label` (None for none), `others` and no other keyword of Fovea.

    `copying` says to which lists hidden keywords are copied. `groups` are the levels above `label` in hierarchical
    lists, from the broadest; `others` are in no group.
    """
    if label is None:
        removed = found.own_recorded.without(_adopted(found))
        return KeywordDiff(removed=removed, added=KeywordLists(), forgotten=found.own_recorded, recorded=KeywordLists())
    wanted = _target_keywords(found, [(*groups, label), *((other,) for other in others)], copying)
    deleted = _common(
        found.own_recorded.without(found.present), _secondary_lists(found)
    )  # by the user, so not to be copied again
    forgotten = found.own_recorded.without(wanted).without(deleted)
    return KeywordDiff(
        removed=forgotten,
        added=wanted.without(found.present),
        forgotten=forgotten,
        recorded=wanted.without(found.own_recorded),
    )


def keyword(label: str) -> str:
    """A label as a single line that any photo manager accepts."""
    return _BLANK.sub(" ", label).strip() or "?"


def _target_keywords(found: FoundKeywords, paths: Sequence[Words], copying: CopyMode) -> KeywordLists:
    """The keywords of Fovea to be present in addition to the user's own, by the levels of each."""
    own, copies = found.own, _copies(found, copying)
    known = set(map(str.casefold, (*own.subject, *copies.subject)))
    words = [word for word in (keyword(path[-1]) for path in paths) if word.casefold() not in known]
    levels = [(ROOT, *(keyword(level).translate(_LEVELS) for level in path)) for path in paths]
    return KeywordLists(
        subject=_unique((*copies.subject, *words)),
        hierarchy=_unique((*copies.hierarchy, *map("|".join, levels))),
        tags=_unique((*copies.tags, *map("/".join, levels))),
    ).without(own)


def _copies(found: FoundKeywords, copying: CopyMode) -> KeywordLists:
    """The hidden keywords to copy to each list: those copied before, or all that the user did not delete."""
    behind, own, kept = _secondary_lists(found), found.own, _kept_keywords(found)
    every = behind.without(found.own_recorded.without(found.present))
    if copying is CopyMode.ALL:
        return every
    if copying is CopyMode.NONE:
        return kept
    return KeywordLists(*(copied if words else hidden for words, copied, hidden in zip(own, kept, every, strict=True)))


def _kept_keywords(found: FoundKeywords) -> KeywordLists:
    """Copies that are present, and still exist elsewhere."""
    return _common(_common(_secondary_lists(found), found.own_recorded), found.present)


def _adopted(found: FoundKeywords) -> KeywordLists:
    """Copies to keep when Fovea's keyword is removed, as a list that the user extended would hide the originals."""
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
    """What readers use if a list is empty: the same list elsewhere, then hierarchical ones, then flat keywords."""
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
    """Paths, and flat keywords that are not a level of any; a path cannot contain a line break."""
    flat = (word.translate(_LEVELS) for word in words if "\n" not in word and "\r" not in word)
    return _unique((*paths, *(word for word in flat if word.casefold() not in levels)))


def _unique(words: Words) -> Words:
    return tuple(dict.fromkeys(words))


def _without(these: Words, others: Words) -> Words:
    return tuple(word for word in these if word not in others)
