"""The tags read and written with exiftool, and the parsing of its output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from core.base.i18n import tr
from core.outputs.keywords.exiftool import ExifTool, ExifToolReply, run
from core.outputs.keywords.merging import FoundKeywords, KeywordDiff, KeywordLists, Words

_TAGS: Final = ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList")
_NOTES: Final = ("XMP-fovea:Subject", "XMP-fovea:HierarchicalSubject", "XMP-fovea:TagsList")
_BEGUN: Final = "XMP-fovea:Begun"
_IPTC: Final = "IPTC:Keywords"
_WINDOWS: Final = "IFD0:XPKeywords"
_MICROSOFT: Final = "XMP-microsoft:LastKeywordXMP"
_MEDIA_PRO: Final = "XMP-mediapro:CatalogSets"
_PACKET: Final = "XMP:XMP"
_AS_TEXT: Final = 'Filter=$_="=$_"'
"""Prefixes every value with =, so that JSON contains only strings: otherwise the keyword 2024 becomes a number."""
_ASKED: Final = ("-File:FileType", "-Warning", "-XMP", "-XMP:all", f"-{_IPTC}", f"-{_WINDOWS}")
_READ: Final = ("-j", "-G1", "-api", _AS_TEXT, *_ASKED)

SUFFIXES: Final = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "APNG": ".png",
    "WEBP": ".webp",
    "Extended WEBP": ".webp",
    "TIFF": ".tif",
    "GIF": ".gif",
    "HEIC": ".heic",
    "HEIF": ".heif",
    "AVIF": ".avif",
}
"""The file types to which keywords may be written, with the suffix that exiftool expects; raw files of cameras are
never changed, whatever their name."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a file.

    Attributes:
        kind: the type of its content, as exiftool names it.
        warning: the warning of exiftool, which may refuse to write to such a file.
        rest: a hash of all XMP except Fovea's.
        begun: `rest` when Fovea created this sidecar; empty for other files.
    """

    found: FoundKeywords = field(default_factory=FoundKeywords)
    kind: str = ""
    warning: str = ""
    has_xmp: bool = False
    rest: str = ""
    begun: str = ""


NOTHING: Final = Metadata(kind="XMP", rest=hashlib.sha256(b"{}").hexdigest()[:16])
"""The metadata of a sidecar without content."""


def read(tool: ExifTool, files: Sequence[Path]) -> list[Metadata | ExifToolReply]:
    """Read the metadata of files; an `ExifToolReply` for each that cannot be read."""
    answers = run(tool, [[*_READ, file] for file in files])
    return [_metadata(answer) if answer.status == 0 else answer for answer in answers]


def packets(tool: ExifTool, photos: Sequence[Path]) -> list[bytes]:
    """The raw XMP packets in photos; empty if there is none."""
    return [
        answer.stdout if answer.status == 0 else b"" for answer in run(tool, [["-b", "-XMP", one] for one in photos])
    ]


def arguments(planned: KeywordDiff, started: str | None, file: Path) -> list[str | Path]:
    """The command that applies a planned change to a file; exiftool replaces the file, so it must be a copy.

    `started` is the marker that Fovea created this sidecar; "" removes it, None leaves it as it is.
    """
    result: list[str | Path] = ["-overwrite_original"]
    for tags, removed, new in ((_TAGS, planned.removed, planned.added), (_NOTES, planned.forgotten, planned.recorded)):
        for tag, gone, come in zip(tags, removed, new, strict=True):
            result += [f"-{tag}-={word}" for word in gone]
            result += [f"-{tag}+={word}" for word in come]
    if started is not None:
        result.append(f"-{_BEGUN}={started}")
    return [*result, file]


def _metadata(answer: ExifToolReply) -> Metadata | ExifToolReply:
    try:
        (content,) = json.loads(answer.stdout.decode(errors="replace"))
    except ValueError:
        return ExifToolReply(-1, b"", tr("exiftool's output is invalid"))
    ours = KeywordLists(*(_lines(content, tag) for tag in _NOTES))
    found = FoundKeywords(KeywordLists(*(_values(content, tag) for tag in _TAGS)), ours, _elsewhere(content))
    return Metadata(
        found,
        kind=_value(content, "File:FileType"),
        warning=_value(content, "ExifTool:Warning"),
        has_xmp=_PACKET in content,
        rest=_rest(content, found.own),
        begun=_value(content, _BEGUN),
    )


def _elsewhere(content: dict[str, Any]) -> KeywordLists:
    """What readers use if there is no dc:subject, or no TagsList."""
    windows = tuple(word.strip() for word in "".join(_lines(content, _WINDOWS)).split(";") if word.strip())
    sets = tuple(path.replace("/", "∕").replace("|", "/") for path in _lines(content, _MEDIA_PRO))
    return KeywordLists(
        subject=tuple(map(_as_utf8, _lines(content, _IPTC))) or windows, tags=_lines(content, _MICROSOFT) or sets
    )


def _as_utf8(word: str) -> str:
    """Decode an undeclared UTF-8 IPTC keyword, which exiftool reads as Latin; MWG readers try UTF-8 first."""
    try:
        return word.encode("cp1252").decode()
    except UnicodeError:
        return word


def _rest(content: dict[str, Any], own: KeywordLists) -> str:
    rest = {
        tag: value
        for tag, value in content.items()
        if tag.startswith("XMP-") and not tag.startswith(("XMP-fovea:", "XMP-x:")) and tag not in _TAGS
    }
    rest |= {tag: words for tag, words in zip(_TAGS, own, strict=True) if words}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


def _lines(content: dict[str, Any], tag: str) -> Words:
    """The values that can be written: exiftool takes one line for each."""
    return tuple(word for word in _values(content, tag) if "\n" not in word and "\r" not in word)


def _value(content: dict[str, Any], tag: str) -> str:
    return next(iter(_values(content, tag)), "")


def _values(content: dict[str, Any], tag: str) -> Words:
    value = content.get(tag, [])
    return tuple(str(one).removeprefix("=") for one in (value if isinstance(value, list) else [value]))
