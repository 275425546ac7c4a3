"""The arguments of `fovea watch`. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Final

from core.base.i18n import mark, tr
from core.cli.parsing import Parser, add_csv, parse_count, parse_loss, parse_path
from core.jobs.values import THRESHOLD

_WATCH: Final = mark("""\
Classify photos as they arrive in FOLDER, until you press Ctrl+C.

This uses the same job as `fovea classify FOLDER`: photos that arrived while nothing was watching are
classified at the start; those classified before FOLDER was first watched are not reported again. A
photo is classified once it is complete: unchanged for 2 seconds, or for 30 seconds if it is empty or
truncated. If FOLDER, its disk or its network share disappears, a message says so, and watching
resumes when it is back.

Each prediction is printed as one line, or appended to FILE: as CSV if its name ends in .csv or .tsv,
otherwise as JSON lines. With --keywords the class is also written as a keyword (see `fovea
keywords`). With --sort-to the photo is sorted into a class folder in DEST, or into "unsure" below the
minimum confidence; each batch of photos is a sorting that you can undo. If watching is interrupted
before a photo is marked as done, the next run reports that photo again; none is skipped.

Exit code: 0 stopped with Ctrl+C, 2 watching could not start or continue.
""")


def add_watch(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea watch`."""
    parser = commands.add_parser("watch", help=tr("classify photos as they arrive in a folder"), description=tr(_WATCH))
    parser.add_argument("folder", metavar="FOLDER", type=parse_path, help=tr("folder to watch"))
    parser.add_argument("--recursive", action="store_true", help=tr("include subfolders"))
    parser.add_argument("--include", metavar="PATTERN", action="append", default=[], help=tr("only matching images"))
    parser.add_argument("--exclude", metavar="PATTERN", action="append", default=[], help=tr("skip matching images"))
    parser.add_argument("--model", metavar="M", help=tr("model to use (default: the model in use)"))
    parser.add_argument("--top", metavar="K", type=parse_count, help=tr("number of classes to report for each image"))
    parser.add_argument("--output", metavar="FILE", type=parse_path, help=tr("append the results to FILE"))
    parser.add_argument("--keywords", choices=("sidecar", "in-place"), help=tr("also write keywords"))
    parser.add_argument("--sort-to", metavar="DEST", type=parse_path, help=tr("also sort into class folders in DEST"))
    modes = ("copy", "hardlink", "symlink", "move")
    parser.add_argument("--by", choices=modes, default="copy", help=tr("how to transfer photos (default: copy)"))
    parser.add_argument("--flat", action="store_true", help=tr("sort without recreating subfolders"))
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
    formats = ("table", "jsonl", "csv")
    parser.add_argument(
        "--format", choices=formats, help=tr("output format (default: by the suffix of FILE, otherwise table)")
    )
    add_csv(parser)
