"""The arguments of `fovea keywords`. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Final

from core.base.i18n import mark, tr
from core.cli.parsing import Parser, add_format, parse_loss, parse_path
from core.jobs.values import THRESHOLD

_KEYWORDS: Final = mark("""\
Write the class of each photo in FOLDER into its metadata, as a keyword for photo managers.

FOLDER is classified first, as by `fovea classify FOLDER`; only new and changed photos are computed.
Your labels take precedence over predictions. Photos below the minimum confidence T get no keyword or,
with --unsure, the keyword "unsure".

--sidecar   write to photo.jpg.xmp next to photo.jpg, which is not changed (default). digiKam,
            darktable, Immich and PhotoPrism read these files; Lightroom does not for JPEG. A new
            sidecar starts as a copy of photo.xmp or of the photo's own metadata, so that programs
            that prefer sidecars lose nothing
--in-place  write into the photo: JPEG, PNG, WebP, TIFF, GIF, AVIF and HEIC. The pixels do not change.
            Files that cannot store keywords or are read-only get a sidecar, with the reason shown

A bird becomes bird in dc:subject, Fovea|bird in lr:hierarchicalSubject and Fovea/bird in
digiKam:TagsList. Fovea records its keywords in the file, so that a later run replaces only those;
your own keywords are kept, even if they are the same word. --remove removes all keywords of Fovea.

Needs exiftool: install the package libimage-exiftool-perl, or see https://exiftool.org.

Exit code: 0 all keywords were written, 1 some photos could not be read or written, 2 nothing could
start.
""")


def add_keywords(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea keywords`."""
    parser = commands.add_parser(
        "keywords", help=tr("write keywords into the metadata of photos"), description=tr(_KEYWORDS)
    )
    parser.add_argument("folder", metavar="FOLDER", type=parse_path, help=tr("folder of photos"))
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        "--sidecar", dest="target", action="store_const", const="sidecar", help=tr("write next to each photo")
    )
    target.add_argument(
        "--in-place", dest="target", action="store_const", const="in-place", help=tr("write into each photo")
    )
    parser.set_defaults(target="sidecar")
    parser.add_argument(
        "--threshold",
        metavar="T",
        type=parse_loss,
        default=THRESHOLD,
        help=tr("minimum confidence, 0 to 1 (default: %(default)s)"),
    )
    parser.add_argument(
        "--unsure", action="store_true", help=tr('write the keyword "unsure" below the minimum confidence')
    )
    parser.add_argument("--keep-time", action="store_true", help=tr("keep the modification time of photos"))
    parser.add_argument("--dry-run", action="store_true", help=tr("show what would be done, change nothing"))
    parser.add_argument(
        "--remove", action="store_true", help=tr("remove the keywords of Fovea instead; classifies nothing")
    )
    parser.add_argument("--model", metavar="M", help=tr("model to use (default: the model in use)"))
    parser.add_argument("--recursive", action="store_true", help=tr("include subfolders"))
    parser.add_argument("--include", metavar="PATTERN", action="append", default=[], help=tr("only matching images"))
    parser.add_argument("--exclude", metavar="PATTERN", action="append", default=[], help=tr("skip matching images"))
    add_format(parser, ("table", "jsonl"))
