"""The argument parser of all commands, and the types of its values."""

from __future__ import annotations

import argparse
import importlib.metadata
import math
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

from core.base.errors import UsageError
from core.base.i18n import mark, tr
from core.base.providers import Precision, ProviderPreference
from core.card import ResizeMode
from core.jobs.values import THRESHOLD
from core.models.onnx_import_values import DEFAULT_CROP
from core.outputs.reports.plan import ReportFormat, check_suffix, format_of


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of exiting, allows no abbreviations, and can mix options and arguments."""

    def __init__(self, *, intermixed: bool = False, **settings: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)
        self._intermixed, self._is_parsing = intermixed, False

    def error(self, message: str) -> NoReturn:
        """Raise an error instead of printing it and exiting."""
        hint = tr("Run `{command} --help` for usage.", command=self.prog)
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", hint=hint)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - argparse's own
        """As in the base class, but the parser of the command itself refuses unknown arguments, so that the hint names
        that command; an `intermixed` parser reads `a.jpg --top 3 b.jpg` as two paths.
        """
        if self._is_parsing:  # the intermixed parser calls this method again for each of its two passes
            return super().parse_known_args(args, namespace)
        self._is_parsing = True
        parse = self.parse_known_intermixed_args if self._intermixed else super().parse_known_args
        try:
            namespace, unknown = parse(args, namespace)
        finally:
            self._is_parsing = False
        if unknown:
            self.error(tr("unrecognized arguments: {arguments}", arguments=" ".join(unknown)))
        return namespace, unknown

    def add_flag(self, option: str, text: str, *, group: argparse._MutuallyExclusiveGroup | None = None) -> None:
        """Add an option without a value, perhaps to a group."""
        (group or self).add_argument(option, action="store_true", help=text)

    def add_value(
        self,
        name: str,
        metavar: str,
        text: str,
        parse: Callable[[str], object] = str,
        *,
        group: argparse._MutuallyExclusiveGroup | None = None,
        **more: Any,  # noqa: ANN401 - argparse's own
    ) -> None:
        """Add an argument, or an option with a value, perhaps to a group."""
        (group or self).add_argument(name, metavar=metavar, type=parse, help=text, **more)

    def add_format(self, *others: str, default: str = "table") -> None:
        """Add the option `--format`: a table, or one of the other formats."""
        formats = ("table", *others)
        self.add_argument("--format", choices=formats, default=default, help=tr("output format (default: table)"))

    def add_choice(self, option: str, kind: type[StrEnum], text: str, default: StrEnum | None = None) -> None:
        """Add an option with the values of an enumeration."""

        def parse_choice(value: str) -> str:
            return kind(value) if value in choices else value  # argparse refuses what is not among the choices

        choices = [*map(str, kind)]
        self.add_argument(option, choices=choices, type=parse_choice, default=default, help=text)

    def add_provider(self) -> None:
        """Add the options that choose how a model runs."""
        self.add_choice("--provider", ProviderPreference, tr("provider to run the model"))
        self.add_choice("--precision", Precision, tr("exact: float32 only"))

    def add_patterns(self, include: str = "", exclude: str = "") -> None:
        """Add the options that select images of a folder, with these help texts."""
        for option, text in (
            ("--include", include or tr("only matching images")),
            ("--exclude", exclude or tr("skip matching images")),
        ):
            self.add_argument(option, metavar="PATTERN", action="append", default=[], help=text)

    def add_threshold(self, metavar: str = "T") -> None:
        """Add the minimum confidence of sorting and keywords."""
        text = tr("minimum confidence, 0 to 1 (default: %(default)s)")
        self.add_value("--threshold", metavar, text, parse_fraction, default=THRESHOLD)

    def add_detection(self) -> None:
        """Add what to look for in images, see `fovea classify --help`."""
        text = tr("subject: classify a crop around the most prominent thing")
        self.add_argument("--crop", choices=("subject",), help=text)
        self.add_flag("--count", tr("count what is in each image, such as “2 cats, 1 person”"))

    def add_report_format(self, *formats: str) -> None:
        """Add the options of results that can be written to a file."""
        text = tr("output format (default: by the suffix of FILE, otherwise table)")
        self.add_argument("--format", choices=formats, help=text)
        text = tr("CSV delimiter: comma (default), semicolon (with decimal commas) or tab")
        self.add_value("--delimiter", "D", text, parse_delimiter)
        self.add_flag("--bom", tr("start CSV with a byte-order mark, for Excel"))


class Version(argparse.Action):
    """An option that prints the version, which is looked up only when requested."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print the version and exit."""
        print(f"fovea {importlib.metadata.version('fovea')}")
        parser.exit()


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001 - argparse names it nowhere else


def add_command(commands: Commands, name: str, text: str, description: str) -> Parser:
    """Add a command or action with its line in the list of all, and the description in its own help."""
    return commands.add_parser(name, help=text, description=description)


def parse_delimiter(text: str) -> str:
    """Parse a delimiter, given as a word or as the character itself."""
    words = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t"}
    delimiter = words.get(text.casefold(), text)
    if delimiter not in words.values():
        raise argparse.ArgumentTypeError(tr("{text!r} is not comma, semicolon or tab", text=text))
    return delimiter


def check_csv(arguments: argparse.Namespace, form: str) -> None:
    """Refuse CSV options for other formats, by a UsageError."""
    for option, given in (("--bom", arguments.bom), ("--delimiter", arguments.delimiter)):
        if given and form != ReportFormat.CSV:
            hint = tr("Remove {option}, or add --format csv.", option=option)
            raise UsageError(tr("{option} works only with CSV.", option=option), hint=hint)


def delimiter_for(arguments: argparse.Namespace, output: Path | None) -> str:
    """The CSV delimiter: as requested, otherwise a tab for .tsv files and a comma for all others."""
    default = "\t" if output is not None and output.suffix.lower() == ".tsv" else ","
    return arguments.delimiter or default


def format_for(output: Path | None, wanted: str | None) -> str:
    """The output format: as requested, otherwise by the suffix of the file, otherwise a table.

    Raises UsageError if the suffix contradicts the requested format, or its format is not supported.
    """
    if output is not None and wanted is not None:
        check_suffix(output, wanted)
    named = format_of(output) if output is not None and wanted is None else None
    return wanted or named or "table"


def parse_count(text: str) -> int:
    """Parse a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(tr("{text!r} is not a whole number of at least 1", text=text))
    return int(text)


def _number(text: str) -> float:
    """Parse a number; NaN, which is in no range, for any other text."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _whole(text: str) -> float:
    """As `_number`, for whole numbers of up to nine digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else math.nan


def _parser(read: Callable[[str], float], accepts: Callable[[float], bool], message: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        number = read(text)
        if not accepts(number):
            raise argparse.ArgumentTypeError(tr(message, text=text))
        return number

    return parse


parse_rate: Final = _parser(_number, lambda rate: 0 < rate <= 10, mark("{text!r} is not a number above 0 and up to 10"))
parse_fraction: Final = _parser(_number, lambda part: 0 <= part <= 1, mark("{text!r} is not a number from 0 to 1"))
parse_seed: Final = _parser(_whole, lambda seed: seed >= 0, mark("{text!r} is not a whole number from 0 to 999999999"))
parse_side: Final = _parser(
    _whole, lambda side: 16 <= side <= 2048, mark("{text!r} is not a number of pixels from 16 to 2048")
)


def parse_fraction_or_count(text: str) -> float:
    """Parse a count (digits only) or a fraction from 0 to below 1."""
    count, fraction = _whole(text), _number(text)
    if math.isnan(count) and not 0 <= fraction < 1:
        raise argparse.ArgumentTypeError(tr("{text!r} is not a fraction below 1 or a whole number", text=text))
    return fraction if math.isnan(count) else count


def parse_crop(text: str) -> tuple[ResizeMode, float]:
    """Parse the cropping: the whole image, stretched or padded, or a fraction of its central square."""
    if text in (ResizeMode.STRETCH, ResizeMode.PAD):
        return ResizeMode(text), 1.0
    fraction = DEFAULT_CROP if text == "centre" else _number(text)
    if not 0.01 <= fraction <= 1:
        what = tr("{text!r} is not stretch, pad, centre or a number from 0.01 to 1", text=text)
        raise argparse.ArgumentTypeError(what)
    return ResizeMode.CENTRE_CROP, fraction


def parse_path(text: str) -> Path:
    """Parse a path; an empty one, which would mean the current folder, is refused."""
    if not text:
        raise argparse.ArgumentTypeError(tr("a path must not be empty"))
    return Path(text)


def parse_location(text: str) -> Path:
    """Parse a path, or an address such as `s3://bucket/photos`, which a path would normalize wrongly."""
    from core.jobs.cluster.addresses import Address, is_address

    return Address(text) if is_address(text) else parse_path(text)
