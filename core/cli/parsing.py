"""What every command's arguments are made of: the parser, and the kinds of values."""

from __future__ import annotations

import argparse
import importlib.metadata
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from core.base.errors import UsageError
from core.card import ResizeMode
from core.models.onnx_import_values import DEFAULT_CROP
from core.outputs.reports.plan import ReportFormat, check_suffix, format_of


class Parser(argparse.ArgumentParser):
    """Raises instead of ending the process, abbreviates nothing, and may take options between its arguments."""

    def __init__(self, *, intermixed: bool = False, **settings: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)
        self._intermixed = intermixed

    def error(self, message: str) -> NoReturn:
        """Raise a mistake instead of printing it and ending the process."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", hint=f"`{self.prog} --help` tells how to ask.")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - argparse's own
        """As the base class; `a.jpg --top 3 b.jpg` is two paths where the parser is made `intermixed`."""
        if not self._intermixed:
            return super().parse_known_args(args, namespace)
        self._intermixed = False  # it calls this method again, for each of its two passes
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixed = True


class Version(argparse.Action):
    """Prints the version, which is looked up only now."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it and end."""
        print(f"fovea {importlib.metadata.version('fovea')}")
        parser.exit()


def add_format(parser: argparse.ArgumentParser, formats: Sequence[str], default: str = "table") -> None:
    """Let the person choose the form of what is written."""
    parser.add_argument("--format", choices=formats, default=default, help="default: table")


def parse_delimiter(text: str) -> str:
    """What separates values, as a word or as itself."""
    words = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t"}
    delimiter = words.get(text.casefold(), text)
    if delimiter not in words.values():
        raise argparse.ArgumentTypeError(f"{text!r} is none of comma, semicolon and tab")
    return delimiter


def add_csv(parser: argparse.ArgumentParser) -> None:
    """Let the person choose how CSV is written."""
    parser.add_argument(
        "--delimiter",
        metavar="D",
        type=parse_delimiter,
        help="of CSV: comma (default), semicolon (decimal comma) or tab",
    )
    parser.add_argument("--bom", action="store_true", help="begin CSV with a byte-order mark, for Excel")


def check_csv(arguments: argparse.Namespace, form: str) -> None:
    """Refuse what is about CSV where another form is written.

    Raises:
        UsageError: it is asked for.
    """
    for option, given in (("--bom", arguments.bom), ("--delimiter", arguments.delimiter)):
        if given and form != ReportFormat.CSV:
            raise UsageError(f"{option} is for CSV only.", hint=f"Leave {option} out, or add --format csv.")


def delimiter_for(arguments: argparse.Namespace, output: Path | None) -> str:
    """What separates the values of CSV: as asked for, else a tab in .tsv files and a comma in all others."""
    default = "\t" if output is not None and output.suffix.lower() == ".tsv" else ","
    return arguments.delimiter or default


def format_for(output: Path | None, wanted: str | None, default: str) -> str:
    """The form of results: as asked for, else as the file's suffix says, else `default`.

    Raises:
        UsageError: the suffix says something else than is asked for, or stands for a form that cannot be written.
    """
    if output is not None and wanted is not None:
        check_suffix(output, wanted)
    named = format_of(output) if output is not None and wanted is None else None
    return wanted or named or default


def parse_count(text: str) -> int:
    """A number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def parse_fraction_or_count(text: str) -> float | int:
    """A count where digits alone are written, else a share."""
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    try:
        fraction = float(text)
    except ValueError:
        fraction = math.nan
    if not 0 <= fraction < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a share below 1 nor a count")
    return fraction


def parse_rate(text: str) -> float:
    """A number above 0 and up to 10."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 10")
    return rate


def parse_loss(text: str) -> float:
    """A share from 0 to 1."""
    try:
        loss = float(text)
    except ValueError:
        loss = math.nan
    if not 0 <= loss <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return loss


def parse_seed(text: str) -> int:
    """A number of up to nine digits."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 to 999999999")
    return int(text)


def parse_side(text: str) -> int:
    """A number of pixels from 16 to 2048."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 16 <= int(text) <= 2048):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels from 16 to 2048")
    return int(text)


def parse_crop(text: str) -> tuple[ResizeMode, float]:
    """What of an image a network sees: all of it, stretched, or a share of its middle square."""
    if text == "stretch":
        return ResizeMode.STRETCH, 1.0
    try:
        fraction = DEFAULT_CROP if text == "centre" else float(text)
    except ValueError:
        fraction = math.nan
    if not 0.01 <= fraction <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither stretch, centre nor a share from 0.01 to 1")
    return ResizeMode.CENTRE_CROP, fraction


def parse_path(text: str) -> Path:
    """A path; an empty text would mean the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("an empty text is no path")
    return Path(text)


def parse_location(text: str) -> Path:
    """A path, or the address of a store such as `s3://bucket/photos`, which a path's rules would garble."""
    from core.jobs.cluster.addresses import Address, is_address

    return Address(text) if is_address(text) else parse_path(text)
