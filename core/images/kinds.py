"""Unsupported file formats, recognized by their content, so that error messages can name them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

from core.base.i18n import mark, tr_n

PREFIX_BYTES: Final = 512

RAW_HINT: Final = mark("Convert it to JPEG or TIFF with a raw converter.")
_PICTURE: Final = mark("Save it as JPEG or PNG in an image editor.")
SAVE_HINT: Final = mark("Save them as JPEG or PNG. Convert raw photos with a raw converter.")
_DRAWING: Final = mark("Export it as PNG from the program that created it.")
_FILM: Final = mark("Save individual frames as JPEG or PNG.")
_PAPER: Final = mark("Export its pages as PNG or JPEG.")
_ARCHIVE: Final = mark("Extract it first.")
_PAGE: Final = mark("Download the image itself, not the page that shows it.")
_OTHER: Final = mark("Choose an image instead.")

_TEXT: Final = rb"(?i)(?:\xef\xbb\xbf)?\s*"

_KINDS: Final[tuple[tuple[bytes, str, str], ...]] = (
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", mark("a JPEG XL image"), _PICTURE),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", mark("a JPEG 2000 image"), _PICTURE),
    (rb"II\xbc[\0\x01]", mark("a JPEG XR image"), _PICTURE),
    (rb"....ftypcrx ", mark("a Canon CR3 raw photo"), RAW_HINT),
    (rb"II\*\0....CR", mark("a Canon CR2 raw photo"), RAW_HINT),
    (rb"II\x1a\0\0\0HEAPCCDR", mark("a Canon CRW raw photo"), RAW_HINT),
    (rb"FUJIFILMCCD-RAW", mark("a Fujifilm RAF raw photo"), RAW_HINT),
    (rb"IIR[OS]|MMOR", mark("an Olympus ORF raw photo"), RAW_HINT),
    (rb"IIU\0", mark("a Panasonic RW2 raw photo"), RAW_HINT),
    (rb"II\*\0....IIII|MM\0\*....MMMM", mark("a Phase One IIQ raw photo"), RAW_HINT),
    (rb"FOVb", mark("a Sigma X3F raw photo"), RAW_HINT),
    (rb"\0MRM", mark("a Minolta MRW raw photo"), RAW_HINT),
    (rb"8BPS\0[\x01\x02]", mark("a Photoshop document"), _PICTURE),
    (rb"gimp xcf", mark("a GIMP document"), _PICTURE),
    (rb"P[14][\s#]", mark("a PBM image"), _PICTURE),
    (rb"P[25][\s#]", mark("a PGM image"), _PICTURE),
    (rb"P[36][\s#]", mark("a PPM image"), _PICTURE),
    (rb"P7\n", mark("a PAM image"), _PICTURE),
    (rb"P[fF]\n", mark("a PFM image"), _PICTURE),
    (rb"\0\0\x01\0[\x01-\xff]\0", mark("a Windows icon"), _PICTURE),
    (rb"\0\0\x02\0[\x01-\xff]\0", mark("a Windows cursor"), _PICTURE),
    (rb"icns", mark("a macOS icon"), _PICTURE),
    (rb"v/1\x01", mark("an OpenEXR image"), _PICTURE),
    (rb"#\?(?:RADIANCE|RGBE)", mark("a Radiance HDR image"), _PICTURE),
    (rb"DDS ", mark("a DirectDraw texture"), _PICTURE),
    (rb"qoif", mark("a QOI image"), _PICTURE),
    (rb"BPG\xfb", mark("a BPG image"), _PICTURE),
    (rb"FLIF", mark("a FLIF image"), _PICTURE),
    (rb"\x0a[\0-\x05]\x01[\x01\x02\x04\x08]", mark("a PCX image"), _PICTURE),
    (rb"\x8aMNG\r\n|\x8bJNG\r\n", mark("an MNG or JNG image"), _PICTURE),
    (rb"SIMPLE  =", mark("a FITS image"), _PICTURE),
    (rb".{128}DICM", mark("a DICOM image"), _PICTURE),
    (rb"AT&TFORM", mark("a DjVu document"), _PAPER),
    (rb"%PDF-", mark("a PDF document"), _PAPER),
    (rb"%!PS|\xc5\xd0\xd3\xc6", mark("a PostScript drawing"), _DRAWING),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", mark("a Windows metafile"), _DRAWING),
    (_TEXT + rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!DOCTYPE svg[^>]*>\s*)?<svg\b",
     mark("an SVG drawing"), _DRAWING),
    (rb"\x1f\x8b", mark("a compressed file"), _ARCHIVE),
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf", mark("an archive"), _ARCHIVE),
    (_TEXT + rb"<(?:!DOCTYPE html|html)", mark("a web page"), _PAGE),
    (rb"\x1aE\xdf\xa3", mark("a Matroska or WebM video"), _FILM),
    (rb"RIFF....AVI ", mark("an AVI video"), _FILM),
    (rb"....ftyp(?:qt  |mp4|M4V|isom|iso[2-9]|avc1|3g|MSNV|dash|f4v)|....(?:moov|mdat|wide|free)",
     mark("a video"), _FILM),
    (rb"\0\0\x01[\xba\xb3]|\x47.{187}\x47", mark("an MPEG video"), _FILM),
    (rb"FLV\x01", mark("a Flash video"), _FILM),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", mark("a Windows Media file"), _FILM),
    (rb"RIFF....WAVE|ID3|fLaC|OggS", mark("a sound file"), _OTHER),
)  # fmt: skip
"""How files begin, in the order they are tried, with the kind and a hint."""

_TARGA: Final = b"TRUEVISION-XFILE.\0"
_TARGA_HEADER: Final = re.compile(rb".[\0\x01][\x01-\x03\x09-\x0b].{13}[\x08\x0f\x10\x18\x20].", re.DOTALL)

UNREAD_SUFFIXES: Final[Mapping[str, str]] = {
    **dict.fromkeys((".jxl",), "JXL"),
    **dict.fromkeys((".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"), "JPEG 2000"),
    **{
        f".{raw}": raw.upper()
        for raw in (
            "3fr", "ari", "arw", "bay", "braw", "cap", "cr2", "cr3", "crw", "dcr", "dcs", "dng", "erf", "fff", "gpr",
            "iiq", "k25", "kdc", "mef", "mos", "mrw", "nef", "nrw", "orf", "ori", "pef", "raf", "raw", "rw2", "rwl",
            "rwz", "sr2", "srf", "srw", "x3f",
        )
    },
    **{
        f".{other}": other.upper()
        for other in (
            "psd", "psb", "xcf", "kra", "tga", "ico", "icns", "ppm", "pgm", "pbm", "pnm", "exr", "hdr", "jxr", "wdp",
            "dds", "qoi", "pcx", "svg", "svgz",
        )
    },
}  # fmt: skip
"""Lower-case suffixes of unsupported images, with short names."""


def unread_kind(prefix: bytes, end: bytes, suffix: str) -> tuple[str, str] | None:
    """The kind of an unsupported file and a hint, both marked for translation; None if unknown.

    `prefix` are its first `PREFIX_BYTES`, `end` its last bytes; the suffix of its name, in lower case, is used for
    kinds that the content does not identify.
    """
    for start, kind, hint in _KINDS:
        if re.match(start, prefix, re.DOTALL):
            return kind, hint
    if end.endswith(_TARGA) or (suffix == ".tga" and _TARGA_HEADER.match(prefix)):
        return mark("a TGA image"), _PICTURE
    return None


def unread_name(name: str) -> str | None:
    """The short name of an unsupported kind by a file's name; None for all other files."""
    dot = name.rfind(".")
    return UNREAD_SUFFIXES.get(name[dot:].lower()) if dot > 0 else None


def describe_kinds(skipped: Counter[str]) -> str:
    """A sentence about skipped files by kind; "" for none."""
    if not skipped.total():
        return ""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(skipped.items(), key=lambda one: (-one[1], one[0])))
    return tr_n(
        "Skipped {count:,} file in an unsupported format: {kinds}.",
        "Skipped {count:,} files in unsupported formats: {kinds}.",
        skipped.total(),
        kinds=kinds,
    )
