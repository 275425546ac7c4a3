"""Kinds of files that Fovea does not read, told by their content, so that the message can name them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

PREFIX_BYTES: Final = 512

RAW_HINT: Final = "Develop it in a raw converter and save it as JPEG or TIFF."
_PICTURE: Final = "Save it as JPEG or PNG in an image editor."
SAVE_HINT: Final = "Save them as JPEG or PNG; raw photos need a raw converter for that."
_DRAWING: Final = "Export it as PNG in the program that made it."
_FILM: Final = "Save single frames of it as JPEG or PNG."
_PAPER: Final = "Export its pages as PNG or JPEG."
_OTHER: Final = "Choose an image instead."

_TEXT: Final = rb"(?i)(?:\xef\xbb\xbf)?\s*"

_KINDS: Final[tuple[tuple[bytes, str, str], ...]] = (
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image", _PICTURE),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "a JPEG 2000 image", _PICTURE),
    (rb"II\xbc[\0\x01]", "a JPEG XR image", _PICTURE),
    (rb"....ftypcrx ", "a Canon CR3 raw photo", RAW_HINT),
    (rb"II\*\0....CR", "a Canon CR2 raw photo", RAW_HINT),
    (rb"II\x1a\0\0\0HEAPCCDR", "a Canon CRW raw photo", RAW_HINT),
    (rb"FUJIFILMCCD-RAW", "a Fujifilm RAF raw photo", RAW_HINT),
    (rb"IIR[OS]|MMOR", "an Olympus ORF raw photo", RAW_HINT),
    (rb"IIU\0", "a Panasonic RW2 raw photo", RAW_HINT),
    (rb"II\*\0....IIII|MM\0\*....MMMM", "a Phase One IIQ raw photo", RAW_HINT),
    (rb"FOVb", "a Sigma X3F raw photo", RAW_HINT),
    (rb"\0MRM", "a Minolta MRW raw photo", RAW_HINT),
    (rb"8BPS\0[\x01\x02]", "a Photoshop document", _PICTURE),
    (rb"gimp xcf", "a GIMP document", _PICTURE),
    (rb"P[14][\s#]", "a PBM image", _PICTURE),
    (rb"P[25][\s#]", "a PGM image", _PICTURE),
    (rb"P[36][\s#]", "a PPM image", _PICTURE),
    (rb"P7\n", "a PAM image", _PICTURE),
    (rb"P[fF]\n", "a PFM image", _PICTURE),
    (rb"\0\0\x01\0[\x01-\xff]\0", "a Windows icon", _PICTURE),
    (rb"\0\0\x02\0[\x01-\xff]\0", "a Windows cursor", _PICTURE),
    (rb"icns", "a macOS icon", _PICTURE),
    (rb"v/1\x01", "an OpenEXR image", _PICTURE),
    (rb"#\?(?:RADIANCE|RGBE)", "a Radiance HDR image", _PICTURE),
    (rb"DDS ", "a DirectDraw texture", _PICTURE),
    (rb"qoif", "a QOI image", _PICTURE),
    (rb"BPG\xfb", "a BPG image", _PICTURE),
    (rb"FLIF", "a FLIF image", _PICTURE),
    (rb"\x0a[\0-\x05]\x01[\x01\x02\x04\x08]", "a PCX image", _PICTURE),
    (rb"\x8aMNG\r\n|\x8bJNG\r\n", "an MNG or JNG image", _PICTURE),
    (rb"SIMPLE  =", "a FITS image", _PICTURE),
    (rb".{128}DICM", "a DICOM image", _PICTURE),
    (rb"AT&TFORM", "a DjVu document", _PAPER),
    (rb"%PDF-", "a PDF document", _PAPER),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript drawing", _DRAWING),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", "a Windows metafile", _DRAWING),
    (_TEXT + rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!DOCTYPE svg[^>]*>\s*)?<svg\b", "an SVG drawing", _DRAWING),
    (rb"\x1f\x8b", "a compressed file", "Unpack it first."),
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf", "an archive", "Unpack it first."),
    (_TEXT + rb"<(?:!DOCTYPE html|html)", "a web page", "Download the image itself, not the page that shows it."),
    (rb"\x1aE\xdf\xa3", "a Matroska or WebM video", _FILM),
    (rb"RIFF....AVI ", "an AVI video", _FILM),
    (rb"....ftyp(?:qt  |mp4|M4V|isom|iso[2-9]|avc1|3g|MSNV|dash|f4v)|....(?:moov|mdat|wide|free)", "a video", _FILM),
    (rb"\0\0\x01[\xba\xb3]|\x47.{187}\x47", "an MPEG video", _FILM),
    (rb"FLV\x01", "a Flash video", _FILM),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file", _FILM),
    (rb"RIFF....WAVE|ID3|fLaC|OggS", "a sound file", _OTHER),
)  # fmt: skip
"""How files begin, in the order in which they are tried."""

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
"""Lower-case suffixes of pictures that folders may hold and Fovea does not read, with their short names."""


def unread_kind(prefix: bytes, end: bytes, suffix: str) -> tuple[str, str] | None:
    """What a file is that Fovea does not read, and what to do; None where nobody knows.

    Args:
        prefix: its first `PREFIX_BYTES`.
        end: its last bytes.
        suffix: of its name, in lower case; it counts for kinds that nothing in the content names.
    """
    for start, kind, hint in _KINDS:
        if re.match(start, prefix, re.DOTALL):
            return kind, hint
    if end.endswith(_TARGA) or (suffix == ".tga" and _TARGA_HEADER.match(prefix)):
        return "a TGA image", _PICTURE
    return None


def unread_name(name: str) -> str | None:
    """The short name of a kind that Fovea does not read, by a file's name; None for every other file."""
    dot = name.rfind(".")
    return UNREAD_SUFFIXES.get(name[dot:].lower()) if dot > 0 else None


def describe_kinds(skipped: Counter[str]) -> str:
    """How many files of which kinds were skipped; "" for none."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(skipped.items(), key=lambda one: (-one[1], one[0])))
    total = skipped.total()
    files = f"{total:,} files of kinds" if total > 1 else "1 file of a kind"
    return f"Skipped {files} Fovea does not read: {kinds}." if total else ""
