"""What can be asked of `fovea keywords`. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Final

from core.cli.parsing import Parser, add_format, parse_loss, parse_path
from core.jobs.values import THRESHOLD

_KEYWORDS: Final = """\
Write what is in the photos of FOLDER into their metadata, as keywords that photo managers read.

FOLDER is classified first, by the same job as `fovea classify FOLDER`: only what is new or changed.
A label you put right counts; a photo below the threshold T gets no keyword, or with --unsure the
keyword "unsure".

--sidecar   into photo.jpg.xmp beside photo.jpg, which stays byte for byte as it is. digiKam,
            darktable, Immich and PhotoPrism read that; Lightroom does not for JPEG (default).
            It begins as a copy of photo.xmp or of what is in the photo, so that nothing vanishes
            from programs that let sidecars win
--in-place  into the photo: JPEG, PNG, WebP, TIFF, GIF, AVIF and HEIC. Its pixels stay as they are.
            What takes no keywords, or is read-only, gets a sidecar, and the reason is shown

A bird becomes bird in dc:subject, Fovea|bird in lr:hierarchicalSubject and Fovea/bird in
digiKam:TagsList. What Fovea wrote is noted in the file itself, so that a later run replaces that and
nothing else: your own keywords stay, also where they are the same word. --remove takes out all of it.

exiftool writes: the package libimage-exiftool-perl, or https://exiftool.org.

Exit code: 0 all is written, 1 some photos could not be read or written, 2 nothing could start.
"""


def add_keywords(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea keywords`."""
    parser = commands.add_parser("keywords", help="write keywords into photos' metadata", description=_KEYWORDS)
    parser.add_argument("folder", metavar="FOLDER", type=parse_path, help="photos")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--sidecar", dest="place", action="store_const", const="sidecar", help="beside each photo")
    place.add_argument("--in-place", dest="place", action="store_const", const="in-place", help="into each photo")
    parser.set_defaults(place="sidecar")
    parser.add_argument(
        "--threshold", metavar="T", type=parse_loss, default=THRESHOLD, help="least confidence (default: %(default)s)"
    )
    parser.add_argument("--unsure", action="store_true", help="mark what is below the threshold")
    parser.add_argument("--keep-time", action="store_true", help="keep the time of last change of photos written into")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    parser.add_argument("--remove", action="store_true", help="take out what Fovea wrote, and classify nothing")
    parser.add_argument("--model", metavar="M", help="model to ask (default: the one in use)")
    parser.add_argument("--recursive", action="store_true", help="look into subfolders")
    parser.add_argument("--include", metavar="PATTERN", action="append", default=[], help="only what matches")
    parser.add_argument("--exclude", metavar="PATTERN", action="append", default=[], help="not what matches")
    add_format(parser, ("table", "jsonl"))
