"""The arguments of `fovea classify` and `fovea jobs`. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Final

from core.base.i18n import mark, tr
from core.cli.parsing import Commands, add_command, parse_count, parse_location

_CLASSIFY: Final = mark("""\
Classify images.

For a folder, all images in it are classified; with --recursive also those in its subfolders. Results
are written to standard output or to FILE, which is replaced only when everything is done.

Each folder has a journal of paths and predictions (no images) on this computer, in FOVEA_HOME. If the
command is interrupted, run it again to resume. A second run reports every prediction but computes
only those of new or changed images; with another model or precision, or with --fresh, it computes all
of them. `fovea jobs` lists and removes journals.

With several models, as in --model everyday,general, each image is decoded once, and each backbone runs
once for all models on it. The results have columns of each further model, such as general_label; in
jsonl these are in `others`. The journal keeps the predictions of all of them; labels, sorting and
keywords go by the first one.

PATTERN is, for example, *.jpg, raw or 2024/**/raw. Without a slash it is matched against the names of
files and folders, with a slash against the path inside the folder. Case is ignored.

--crop subject finds the most prominent thing in each image, of 80 kinds such as person, bird, cat, cup
and car, and classifies a crop around it. Without such a thing, the whole image is classified. --count
counts these things. Both need about 60 ms more for each image on one core.

A multi-label model finds none, one or several classes in an image: those whose probability reaches the
threshold of the class. They are in `labels`, the most likely first; `label` is the most likely one, and
`unknown` says that there is none. --crop does not apply, as a crop would lose the other classes.

jsonl is one object per line: path, label, confidence, labels, scores, unknown, unknown_score, set,
set_coverage, nearest, model, provider, precision, decode_ms, preprocess_ms, inference_ms; or path and
error (kind, message, hint). With --crop or --count also objects (label, score, box), counts, crop (box,
subject) and whole (the prediction for the whole image); a box is left, top, right, bottom in fractions
of the image. It is plain ASCII. Bytes of a path that are not UTF-8 are escaped as in Python:
os.fsencode(path) returns the name on disk.
Without --format, the suffix of FILE decides: .csv, .tsv, .jsonl, .xlsx, .parquet or .html.

csv is UTF-8 according to RFC 4180. Text that a spreadsheet would treat as a formula is prefixed with
', and control characters are escaped. For spreadsheets that use a decimal comma, as in Germany or
France, add --delimiter semicolon (numbers are then written with a decimal comma) and --bom.
xlsx (Excel) and parquet have the same content and need --output; parquet needs the extra `parquet`.
html is a page for reading and sharing, with embedded thumbnails of up to 200 images; with --maps, it
also shows where the model saw the class of each (its class activation map).

--engine ray distributes the work over the Ray cluster that RAY_ADDRESS names, or starts one on this
computer that others cannot reach. PATH and FILE can then be addresses that fsspec supports, such as
s3://bucket/photos, and FILE can be a folder. No journal is kept. Needs the extra `cluster`.

Exit code: 0 all images were classified, 1 some failed, 2 nothing could start.
""")
_JOBS: Final = mark("""\
List and manage jobs. A job is one classified folder; its journal of paths and predictions is kept on
this computer, in FOVEA_HOME, and lets `fovea classify` resume after an interruption.
""")


def add_classify(commands: Commands) -> None:
    """Add `fovea classify`."""
    parser = commands.add_parser("classify", help=tr("classify images"), description=tr(_CLASSIFY), intermixed=True)
    parser.add_value("paths", "PATH", tr("image files and folders"), parse_location, nargs="+")
    parser.add_value(
        "--model", "M", tr("model, or several with commas (default: the model in use, see `fovea models`)")
    )
    parser.add_value("--top", "K", tr("number of classes to report for each image"), parse_count)
    parser.add_provider()
    parser.add_flag("--recursive", tr("include subfolders"))
    parser.add_patterns(tr("in folders, only matching images"), tr("in folders, skip matching images"))
    parser.add_flag("--fresh", tr("discard earlier results and start over; your labels are kept"))
    parser.add_flag(
        "--keep-features", tr("store features for other models with the same backbone; not used with --crop or --count")
    )
    parser.add_detection()
    parser.add_value("--output", "FILE", tr("write the results to FILE"), parse_location)
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help=tr("ray: run on a cluster, see above")
    )
    parser.add_flag("--maps", tr("in html, show where the model saw the class"))
    parser.add_report_format("table", "jsonl", "csv", "xlsx", "parquet", "html")


def add_jobs(commands: Commands) -> None:
    """Add `fovea jobs`."""
    parser = add_command(commands, "jobs", tr("list, remove and restore jobs"), tr(_JOBS))
    parser.add_format("json")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = add_command(actions, "show", tr("show the details of a job"), tr("Show the details of a job."))
    show.add_format("json", default=argparse.SUPPRESS)
    remove = add_command(
        actions,
        "remove",
        tr("remove a job"),
        tr(
            "Remove a job with its predictions and your labels. The images are not changed. `fovea jobs restore` can "
            "bring it back for 7 days."
        ),
    )
    restore = add_command(
        actions,
        "restore",
        tr("restore a removed job"),
        tr(
            "Restore a job that was removed within the last 7 days, on the command line or in the window. Without an "
            "ID, list what can be restored."
        ),
    )
    restore.add_format("json", default=argparse.SUPPRESS)
    restore.add_value("id", "ID", tr("ID from `fovea jobs restore`"), nargs="?")
    for action in (show, remove):
        action.add_value("id", "ID", tr("ID from `fovea jobs`"))
