"""What can be asked of `fovea sort`. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Final

from core.base.providers import Precision, ProviderPreference
from core.cli.parsing import Parser, add_format, parse_loss, parse_path
from core.jobs.values import THRESHOLD
from core.outputs.sorting.values import TransferMode

_SORT: Final = """\
Sort the photos of a folder and its subfolders into DEST, in which each class gets a folder.

What is not classified yet is classified first, by the journal of the folder (see `fovea classify`).
What you said about a photo counts over the model. Photos below the threshold, and those likely of
none of the classes, come into DEST/unsure; those that cannot be read stay. Subfolders are kept
below each class, or, with --flat, left out.

Nothing in DEST is ever replaced: a photo whose name is taken becomes "photo (2).jpg", and one that
is there already, byte for byte, stays. --dry-run shows every step and changes nothing.

What belongs to a photo goes along under its new name: sidecars (photo.jpg.xmp, photo.xmp), the movie
of a Live Photo (photo.mov, photo.mp4), Apple's edits (photo.aae) and the raw file beside it. Where
several photos share such a file, as photo.jpg and photo.heic do, it stays, and that is reported.

copy      the default; times and permissions are kept
hardlink  a second name of the same file, on the same disk
symlink   a link to the photo; relative if both are on one disk below one folder
move      to another disk: copied, compared, and only then removed

Every step is recorded below FOVEA_HOME before and after it is done. Interrupted in whatever way,
--continue goes on and --undo puts everything back; --undo does so later too, and leaves what was
changed since, and says so. Without an ID both mean the latest sorting; --list lists them.

Exit code: 0 all is sorted or put back, or there is nothing left to sort, 1 some photos are not, 2 nothing could start.
"""


def add_sort(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea sort`."""
    parser = commands.add_parser("sort", help="sort photos into class folders, or put them back", description=_SORT)
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=parse_path, help="the photos")
    parser.add_argument("--to", metavar="DEST", type=parse_path, help="folder for the class folders; made if need be")
    parser.add_argument(
        "--by", choices=list(map(str, TransferMode)), default=str(TransferMode.COPY), help="default: copy"
    )
    parser.add_argument(
        "--threshold",
        metavar="P",
        type=parse_loss,
        default=THRESHOLD,
        help="least confidence, 0 to 1 (default: %(default)s)",
    )
    parser.add_argument("--flat", action="store_true", help="leave subfolders out")
    parser.add_argument("--dry-run", action="store_true", help="show every step, change nothing")
    parser.add_argument(
        "--model", metavar="M", help="model to ask (default: the one that classified the folder, else the one in use)"
    )
    parser.add_argument("--provider", choices=list(map(str, ProviderPreference)), help="what is to run the model")
    parser.add_argument("--precision", choices=list(map(str, Precision)), help="exact: float32 and nothing faster")
    parser.add_argument("--include", metavar="PATTERN", action="append", default=[], help="only what matches")
    parser.add_argument("--exclude", metavar="PATTERN", action="append", default=[], help="not what matches")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--undo", metavar="ID", nargs="?", const="", help="put the photos of a sorting back")
    instead.add_argument(
        "--continue", dest="go_on", metavar="ID", nargs="?", const="", help="go on with one that was interrupted"
    )
    instead.add_argument("--list", action="store_true", help="list all sortings")
    add_format(parser, ("table", "json"))
