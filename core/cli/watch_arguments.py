"""What can be asked of `fovea watch`. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Final

from core.cli.parsing import Parser, add_csv, parse_count, parse_loss, parse_path
from core.jobs.values import THRESHOLD

_WATCH: Final = """\
Classify what arrives in FOLDER, until Ctrl+C.

It is the job of `fovea classify FOLDER`: what arrived while nobody watched is caught up with, and
what was classified before FOLDER was watched for the first time is not told again. A photo is taken
once it is whole: not changed for two seconds, or for 30 if it is empty or ends too early. If FOLDER is
gone, its disk or its network share, that is told, and the watch goes on once it is back.

Each answer is a line on standard output, or is appended to FILE: as CSV if its name ends in .csv or
.tsv, else as JSON lines. With --keywords the photo gets its
keyword, as by `fovea keywords`. With --sort-to it comes into the folder of its class below DEST, or
into "unsure" if it is below the threshold; each burst of photos is a sorting that can be undone.
Interrupted between a photo and the note that it is done, the photo is told again by the next start;
none is left out.

Exit code: 0 ended by Ctrl+C, 2 it could not start or go on.
"""


def add_watch(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea watch`."""
    parser = commands.add_parser("watch", help="classify what arrives in a folder", description=_WATCH)
    parser.add_argument("folder", metavar="FOLDER", type=parse_path, help="where photos arrive")
    parser.add_argument("--recursive", action="store_true", help="look into subfolders")
    parser.add_argument("--include", metavar="PATTERN", action="append", default=[], help="only what matches")
    parser.add_argument("--exclude", metavar="PATTERN", action="append", default=[], help="not what matches")
    parser.add_argument("--model", metavar="M", help="model to ask (default: the one in use)")
    parser.add_argument("--top", metavar="K", type=parse_count, help="how many classes to report for each image")
    parser.add_argument("--output", metavar="FILE", type=parse_path, help="append lines there")
    parser.add_argument("--keywords", choices=("sidecar", "in-place"), help="write keywords too")
    parser.add_argument("--sort-to", metavar="DEST", type=parse_path, help="sort into class folders there too")
    ways = ("copy", "hardlink", "symlink", "move")
    parser.add_argument("--by", choices=ways, default="copy", help="how photos are sorted (default: copy)")
    parser.add_argument("--flat", action="store_true", help="sort without the subfolders they arrived in")
    parser.add_argument(
        "--threshold", metavar="T", type=parse_loss, default=THRESHOLD, help="least confidence (default: %(default)s)"
    )
    parser.add_argument("--unsure", action="store_true", help="mark with a keyword what is below the threshold")
    formats = ("table", "jsonl", "csv")
    parser.add_argument("--format", choices=formats, help="default: by the suffix of FILE, else table")
    add_csv(parser)
