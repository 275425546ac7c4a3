"""What can be asked of `fovea classify` and `fovea jobs`. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.providers import Precision, ProviderPreference
from core.cli.parsing import (
    Parser,
    add_csv,
    add_format,
    check_csv,
    delimiter_for,
    format_for,
    parse_count,
    parse_location,
)

_CLASSIFY: Final = """\
Tell what is in images.

Folders give the images in them, with --recursive those of their subfolders too. Results go to
standard output or to FILE, which is replaced only once everything is done.

For each folder a journal is kept on this computer, below FOVEA_HOME: paths and answers, no images.
Interrupted in whatever way, the same command goes on where it stopped; run again, it tells all
answers, but computes only those for images that are new or changed, or all if the model or its
precision is another one, or with --fresh. `fovea jobs` lists and forgets journals.

PATTERN is like *.jpg, raw or 2024/**/raw: held against the names of files and of the folders they
lie in, or, with a slash, against the path below the folder. Capital and small letters are the same.

jsonl is one object a line: path, label, confidence, scores, unknown, model, provider, decode_ms,
preprocess_ms, inference_ms; or path and error (kind, message, hint). It is plain ASCII. Bytes of a
path that are not UTF-8 are escaped as in Python: os.fsencode(path) gives the name on disk back.
Without --format, the suffix of FILE decides: .csv, .tsv, .jsonl, .xlsx, .parquet or .html.

csv is UTF-8 as in RFC 4180; a text that a spreadsheet would take for a formula begins with ', and
control characters are escaped. For a spreadsheet in a country with a decimal comma, such as Germany or
France, add --delimiter semicolon (numbers then have a decimal comma) and --bom.
xlsx (Excel) and parquet hold the same and need --output; parquet needs the extra `parquet`. html is a
page to read and to send on, with thumbnails of up to 200 of the images inside it.

--engine ray spreads the work over the machines of the Ray cluster that RAY_ADDRESS names, or starts
one on this computer that nobody else can reach. PATH and FILE may then be addresses that fsspec reads,
such as s3://bucket/photos, and FILE a folder. No journal is kept. It needs the extra `cluster`.

Exit code: 0 all images are classified, 1 some failed, 2 nothing could start.
"""
_JOBS: Final = """\
The classifications of folders. Each keeps a journal of paths and answers, below FOVEA_HOME on this
computer, by which `fovea classify` goes on where it was interrupted.
"""


@dataclass(frozen=True, slots=True)
class ClassifyRequest:
    """What `fovea classify` was asked; None where the person's settings decide.

    Attributes:
        paths: files and folders, at least one.
        model: the model's name.
        top: how many classes to report for each image.
        provider: what is to run the model.
        precision: whether faster, slightly different arithmetic is welcome.
        recursive: whether subfolders count.
        include: patterns of which an image in a folder must match one; none: all of them.
        exclude: patterns of what is passed over in folders.
        fresh: whether all images are classified anew.
        keep_features: whether features are kept for models trained later.
        format: "table" or a form of reports, see `core.outputs.reports.plan.ReportFormat`.
        output: the file to write instead of standard output.
        byte_order_mark: whether CSV begins with one.
        delimiter: what separates the values of CSV.
        engine: "local", or "ray" for a cluster; then paths and output may be addresses (`core.jobs.cluster.addresses`).
    """

    paths: tuple[Path, ...]
    model: str | None
    top: int | None
    provider: ProviderPreference | None
    precision: Precision | None
    recursive: bool
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    fresh: bool
    keep_features: bool
    format: str
    output: Path | None
    byte_order_mark: bool
    delimiter: str = ","
    engine: str = "local"

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> ClassifyRequest:
        """The request that parsed arguments mean.

        Raises:
            UsageError: they contradict each other.
        """
        provider, precision = arguments.provider, arguments.precision
        form = format_for(arguments.output, arguments.format, "table")
        check_csv(arguments, form)
        return cls(
            paths=tuple(arguments.paths),
            model=arguments.model,
            top=arguments.top,
            provider=None if provider is None else ProviderPreference(provider),
            precision=None if precision is None else Precision(precision),
            recursive=arguments.recursive,
            include=tuple(arguments.include),
            exclude=tuple(arguments.exclude),
            fresh=arguments.fresh,
            keep_features=arguments.keep_features,
            format=form,
            output=arguments.output,
            byte_order_mark=arguments.bom,
            delimiter=delimiter_for(arguments, arguments.output),
            engine=arguments.engine,
        )


def add_classify(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea classify`."""
    parser = commands.add_parser("classify", help="tell what is in images", description=_CLASSIFY, intermixed=True)
    parser.add_argument("paths", metavar="PATH", nargs="+", type=parse_location, help="image files and folders")
    parser.add_argument("--model", metavar="M", help="model to ask (default: the one in use, see `fovea models`)")
    parser.add_argument("--top", metavar="K", type=parse_count, help="how many classes to report for each image")
    parser.add_argument("--provider", choices=list(map(str, ProviderPreference)), help="what is to run the model")
    parser.add_argument("--precision", choices=list(map(str, Precision)), help="exact: float32 and nothing faster")
    parser.add_argument("--recursive", action="store_true", help="look into subfolders")
    parser.add_argument(
        "--include", metavar="PATTERN", action="append", default=[], help="of folders, only what matches"
    )
    parser.add_argument(
        "--exclude", metavar="PATTERN", action="append", default=[], help="of folders, not what matches"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="forget what was classified before, and what was said of it"
    )
    parser.add_argument(
        "--keep-features", action="store_true", help="keep what another head over the same backbone answers by at once"
    )
    parser.add_argument(
        "--output", metavar="FILE", type=parse_location, help="write the results there, whole or not at all"
    )
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="ray: on a cluster, see above")
    forms = ("table", "jsonl", "csv", "xlsx", "parquet", "html")
    parser.add_argument("--format", choices=forms, help="default: by the suffix of FILE, else table")
    add_csv(parser)


def add_jobs(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea jobs`."""
    parser = commands.add_parser("jobs", help="list, remove and restore classifications of folders", description=_JOBS)
    add_format(parser, ("table", "json"))
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = actions.add_parser("show", help="tell all about a job", description="Tell all about a job.")
    add_format(show, ("table", "json"), default=argparse.SUPPRESS)
    remove = actions.add_parser(
        "remove",
        help="take a job from the list",
        description=(
            "Remove a job: its answers, and what you said about them. No image is touched. For seven days "
            "`fovea jobs restore` brings it back."
        ),
    )
    restore = actions.add_parser(
        "restore",
        help="bring back what was removed",
        description=(
            "Bring back a job that was removed within the last seven days, here or in the window. Without an ID, tell "
            "what can be brought back."
        ),
    )
    add_format(restore, ("table", "json"), default=argparse.SUPPRESS)
    restore.add_argument("id", metavar="ID", nargs="?", help="as `fovea jobs restore` lists it")
    for action in (show, remove):
        action.add_argument("id", metavar="ID", help="as `fovea jobs` lists it")
