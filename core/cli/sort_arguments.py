"""The arguments of `fovea sort`. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Final

from core.base.i18n import mark, tr
from core.base.providers import Precision, ProviderPreference
from core.cli.parsing import Parser, add_format, parse_loss, parse_path
from core.jobs.values import THRESHOLD
from core.outputs.sorting.values import TransferMode

_SORT: Final = mark("""\
Sort the photos of a folder and its subfolders into DEST, with one subfolder per class.

New and changed photos are classified first (see `fovea classify`). Your labels take precedence over
predictions. Photos below the minimum confidence and unknown photos go to DEST/unsure; unreadable ones
stay where they are. The subfolders of FOLDER are recreated in each class folder, unless --flat is
given.

Nothing in DEST is overwritten: if a name is taken, the photo is named "photo (2).jpg"; if DEST
already has an identical copy, the photo stays. --dry-run shows every step and changes nothing.

Files that belong to a photo go with it and get its new name: sidecars (photo.jpg.xmp, photo.xmp), the
movie of a Live Photo (photo.mov, photo.mp4), Apple's edits (photo.aae) and the raw file next to it. A
file that several photos share, such as photo.jpg and photo.heic, stays and is reported.

copy      keeps times and permissions (default)
hardlink  a second name for the same file, on the same disk
symlink   a link to the photo; relative if both are on the same disk and in the same parent folder
move      to another disk: copied, compared, and only then removed

Every step is recorded in FOVEA_HOME before and after it is done. An interrupted sorting can be
resumed with --continue or undone with --undo. --undo also works later; it leaves files that have
changed since and reports them. Without an ID, both apply to the latest sorting; --list shows all.

Exit code: 0 everything was sorted or undone, or there was nothing to sort, 1 some photos were not,
2 nothing could start.
""")


def add_sort(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea sort`."""
    parser = commands.add_parser("sort", help=tr("sort photos into class folders, or undo that"), description=tr(_SORT))
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=parse_path, help=tr("folder of photos"))
    parser.add_argument(
        "--to", metavar="DEST", type=parse_path, help=tr("folder for the class folders; created if missing")
    )
    parser.add_argument(
        "--by",
        choices=list(map(str, TransferMode)),
        default=str(TransferMode.COPY),
        help=tr("how to transfer photos (default: copy)"),
    )
    parser.add_argument(
        "--threshold",
        metavar="P",
        type=parse_loss,
        default=THRESHOLD,
        help=tr("minimum confidence, 0 to 1 (default: %(default)s)"),
    )
    parser.add_argument("--flat", action="store_true", help=tr("do not recreate subfolders"))
    parser.add_argument("--dry-run", action="store_true", help=tr("show every step, change nothing"))
    parser.add_argument(
        "--model",
        metavar="M",
        help=tr("model to use (default: the one that classified the folder, otherwise the model in use)"),
    )
    parser.add_argument("--provider", choices=list(map(str, ProviderPreference)), help=tr("provider to run the model"))
    parser.add_argument("--precision", choices=list(map(str, Precision)), help=tr("exact: float32 only"))
    parser.add_argument("--include", metavar="PATTERN", action="append", default=[], help=tr("only matching images"))
    parser.add_argument("--exclude", metavar="PATTERN", action="append", default=[], help=tr("skip matching images"))
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--undo", metavar="ID", nargs="?", const="", help=tr("undo a sorting"))
    action.add_argument(
        "--continue", dest="resume", metavar="ID", nargs="?", const="", help=tr("resume an interrupted sorting")
    )
    action.add_argument("--list", action="store_true", help=tr("list all sortings"))
    add_format(parser, ("table", "json"))
