"""What can be asked on the command line, and how a mistake is told. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
import importlib.metadata
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from core.errors import UsageError
from core.providers import Precision, ProviderWish

_EPILOG: Final = """\
`fovea --install`, nothing else with it, puts Fovea into the menus of your Linux desktop and into
"Open with" of images, `fovea --uninstall` takes it out again. Elsewhere the installer does that.
`fovea --self-check` proves that this installation works, part by part.
"""
_CLASSIFY: Final = """\
Tell what is in images.

Folders give the images in them, with --recursive those of their subfolders too. Results go to
standard output or to FILE, which is replaced only once everything is done.

jsonl is one object a line: path, label, confidence, scores, unknown, model, provider, decode_ms,
preprocess_ms, inference_ms; or path and error (kind, message, hint). It is plain ASCII. Bytes of a
path that are not UTF-8 are escaped as in Python: os.fsencode(path) gives the name on disk back.
csv is UTF-8 as in RFC 4180; a text that a spreadsheet would take for a formula begins with '.
xlsx (Excel) and parquet hold the same and need --output; parquet needs the extra `parquet`. html is a
page to read and to send on, with thumbnails of up to 200 of the images inside it.

Exit code: 0 all images are classified, 1 some failed, 2 nothing could start.
"""
_EVALUATE: Final = """\
Tell how good a model is on labelled images it has not learnt from.

FOLDER has one subfolder of images for each class, or files such as cat.0.jpg; of the parts train,
validation and test, only test counts. Folders that are no class of the model are left out. Images
that the same backbone has seen before are not computed again. Where images are found that the model
learnt from, that is told, and how good it is on the others.

Exit code: 0 all images were judged by, 1 some could not be read, 2 nothing could start.
"""
_TRAIN: Final = """\
Learn to tell the classes of a folder apart, and add the model as NAME, or as NAME's next version.

FOLDER has one subfolder of images for each class, or files such as cat.0.jpg; where it has parts
train, validation and test, they are kept. A bad file is told and left out. The model in use stays
what it is: `fovea models use NAME` changes it.

quick      logistic regression on the features of the backbone xception-imagenet, in seconds. The
           features of an image are computed once and kept.
dense      two hidden layers on the same features, for classes that no plane divides; a minute.
fine-tune  begins with what quick learns, then trains the end of the backbone too (--depth whole:
           all of it) on augmented images (--no-augmentation: as they are), in many minutes. It is
           used only if it became better.

dense and fine-tune need the extra `train` (TensorFlow). Interrupted, the same command goes on from
the last epoch; --restart begins anew.

S is a share below 1, such as 0.15, or a count of images, such as 2000. Validation images calibrate
the model and choose the best epoch, test images tell how good it is. Where shares are drawn, the
head of quick and dense is then fitted once more to all images; where counts or parts are given,
only training images are learnt from.

jsonl tells stages and epochs as they come, one JSON object a line, the result last.

Exit code: 0 the model is added, 2 it could not be made.
"""
_IMPORT: Final = """\
Add the model in an .onnx file that `fovea models export` wrote.

A model you have already is not added twice. If another model bears its name, that one is left as
it is, and the new one is called NAME-2, NAME-3 and so on.
"""
_EXPORT: Final = """\
Write a model as one file for other programs: pixels (uint8 RGB) in, probabilities, logits and
features out. Nothing is written that does not answer as the model does.

FILE ends in .onnx, which `fovea models import` reads back, or in .tflite (LiteRT, for phones), which
needs the extra `train` and an Xception or EfficientNet-Lite0.

float32, float16  how weights are stored. By default an .onnx stores them as the model does.
int8              convolutions in 8 bits, adjusted with training images of FOLDER and tried on its
                  validation images, both as in the model's training if it is that folder. What is
                  lost is printed. If the share of images named rightly drops by more than
                  --most-lost, nothing is written.

Exit code: 0 the file is written, 2 it is not.
"""
_MODELS: Final = """\
The installed models.

Every training under one name adds a version. Wherever a model is named, NAME means its active
version and NAME@N its version N: `fovea classify --model cats@2 photo.jpg`.
"""
_REMOVE: Final = """\
Remove a model of yours with all its versions, or, as NAME@N, one version that is not active. For
seven days `fovea models restore` brings it back.
"""
_RESTORE: Final = """\
Bring back a model, or, as NAME@N, a version, that was removed within the last seven days. Without a
name, tell what can be brought back.
"""
_ACTIVATE: Final = """\
Choose the version that a model's name means: `fovea models activate NAME@N`.
"""
_ROLLBACK: Final = """\
Have a model's name mean the version again that was active before. The other one stays.
"""
_COMPARE: Final = """\
Compare two models, or two versions of one, by the same photos.

Told is every photo they name differently, those they differ most about first. Where FOLDER is as for
`fovea evaluate`, told are also the accuracy of both, how many images only one of them names rightly,
and McNemar's exact test; images that are not of a class of both are then left out.

Exit code: 0 all images were compared by, 1 some could not be read, 2 nothing could start.
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
        format: "table" or a form of reports, see `core.reports.plan.Form`.
        output: the file to write instead of standard output.
        byte_order_mark: whether CSV begins with one.
    """

    paths: tuple[Path, ...]
    model: str | None
    top: int | None
    provider: ProviderWish | None
    precision: Precision | None
    recursive: bool
    format: str
    output: Path | None
    byte_order_mark: bool

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> ClassifyRequest:
        """The request that parsed arguments mean."""
        provider, precision = arguments.provider, arguments.precision
        return cls(
            paths=tuple(arguments.paths),
            model=arguments.model,
            top=arguments.top,
            provider=None if provider is None else ProviderWish(provider),
            precision=None if precision is None else Precision(precision),
            recursive=arguments.recursive,
            format=arguments.format,
            output=arguments.output,
            byte_order_mark=arguments.bom,
        )


class _Parser(argparse.ArgumentParser):
    """Raises instead of ending the process, abbreviates nothing, and may take options between its arguments."""

    def __init__(self, *, intermixed: bool = False, **settings: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)
        self._intermixed = intermixed

    def error(self, message: str) -> NoReturn:
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


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print(f"fovea {importlib.metadata.version('fovea')}")
        parser.exit()


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What the arguments after the program's name mean.

    Raises:
        UsageError: they mean nothing.
        SystemExit: help or the version was asked for, and is printed.
    """
    options = list(arguments)
    if "--" in options:  # what follows is no option; argparse loses count of `--` where paths and options are mixed
        end = options.index("--")
        options[end:] = [f"./{name}" if name.startswith("-") else name for name in options[end + 1 :]]
    return _build_parser().parse_args(options)


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="fovea",
        description="Tells what is in a photo, on your own machine. Without a command the window opens.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_classify(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_models(commands)
    doctor = commands.add_parser(
        "doctor",
        help="tell what works on this machine, and why not",
        description="Tell what works on this machine, and why not. Exit code: 0 if images can be classified, else 2.",
    )
    _add_format(doctor, ("table", "json"))
    return parser


def _add_classify(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser("classify", help="tell what is in images", description=_CLASSIFY, intermixed=True)
    parser.add_argument("paths", metavar="PATH", nargs="+", type=_path, help="image files and folders")
    parser.add_argument("--model", metavar="M", help="model to ask (default: the one in use, see `fovea models`)")
    parser.add_argument("--top", metavar="K", type=_count, help="how many classes to report for each image")
    parser.add_argument("--provider", choices=list(map(str, ProviderWish)), help="what is to run the model")
    parser.add_argument("--precision", choices=list(map(str, Precision)), help="exact: float32 and nothing faster")
    parser.add_argument("--recursive", action="store_true", help="look into subfolders")
    parser.add_argument("--output", metavar="FILE", type=_path, help="write the results there, whole or not at all")
    _add_format(parser, ("table", "jsonl", "csv", "xlsx", "parquet", "html"))
    parser.add_argument("--bom", action="store_true", help="begin CSV with a byte-order mark, for older Excels")


def _add_train(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser("train", help="teach a new model from labelled images", description=_TRAIN)
    parser.add_argument("folder", metavar="FOLDER", type=_path, help="labelled images")
    parser.add_argument("--name", metavar="NAME", required=True, help="the model's name")
    recipes = ("quick", "dense", "fine-tune")
    parser.add_argument("--recipe", choices=recipes, default="quick", help="how it is trained (default: quick)")
    parser.add_argument("--train", metavar="N", type=_count, help="how many images to learn from (default: the rest)")
    parser.add_argument("--validation", metavar="S", type=_share, default=0.15, help="to calibrate with: 0.15")
    parser.add_argument("--test", metavar="S", type=_share, default=0.15, help="to judge by: 0.15")
    parser.add_argument("--seed", metavar="N", type=_seed, default=0, help="another one draws other parts (default: 0)")
    parser.add_argument(
        "--epochs", metavar="N", type=_count, help="of dense and fine-tune, instead of the recipe's own"
    )
    parser.add_argument("--learning-rate", metavar="R", type=_rate, help="likewise")
    parser.add_argument("--depth", choices=("exit-flow", "whole"), default="exit-flow", help="what fine-tune trains")
    parser.add_argument(
        "--no-augmentation", action="store_true", help="fine-tune learns from the images as they are, each time alike"
    )
    parser.add_argument("--restart", action="store_true", help="do not go on with an interrupted training")
    _add_format(parser, ("table", "json", "jsonl"))


def _add_evaluate(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser("evaluate", help="tell how good a model is", description=_EVALUATE)
    parser.add_argument("folder", metavar="FOLDER", type=_path, help="labelled images")
    parser.add_argument("--model", metavar="M", help="model to judge (default: the one in use, see `fovea models`)")
    parser.add_argument("--report", metavar="FILE", type=_path, help="write a report there too, as one HTML file")
    _add_format(parser, ("table", "json"))


def _add_models(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "models", help="list, compare, import, export, remove and choose models", description=_MODELS
    )
    _add_format(parser, ("table", "json"))
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = actions.add_parser("show", help="tell all about a model", description="Tell all about a model or backbone.")
    _add_format(show, ("table", "json"), default=argparse.SUPPRESS)
    export = actions.add_parser("export", help="write a model as one .onnx or .tflite file", description=_EXPORT)
    _add_export(export)
    remove = actions.add_parser("remove", help="delete a model of yours, or a version of it", description=_REMOVE)
    use = actions.add_parser(
        "use", help="make a model the default", description="Make a model the one that is asked if none is named."
    )
    restore = actions.add_parser("restore", help="bring back what was removed", description=_RESTORE)
    restore.add_argument("name", metavar="M", nargs="?", help="the model's name; M@N is its version N")
    for action in (show, export, remove, use, *_add_versions(actions)):
        action.add_argument("name", metavar="M", help="the model's name; M@N is its version N")
    add = actions.add_parser("import", help="add a model from an exported .onnx file", description=_IMPORT)
    for action in (export, add):
        action.add_argument("file", metavar="FILE", type=_path, help="the model's file")


def _add_export(parser: _Parser) -> None:
    parser.add_argument("--storage", choices=("float32", "float16", "int8"), help="how weights are stored")
    parser.add_argument("--images", metavar="FOLDER", type=_path, help="labelled images, for int8")
    parser.add_argument(
        "--most-lost", metavar="L", type=_loss, default=0.01, help="accuracy that int8 may lose (default: 0.01)"
    )
    _add_format(parser, ("table", "json"), default=argparse.SUPPRESS)


def _add_versions(actions: argparse._SubParsersAction[_Parser]) -> tuple[_Parser, ...]:
    """Add what is done with versions; returned are the actions that take a model's name."""
    versions = actions.add_parser(
        "versions", help="list the versions of a model", description="List the versions of a model."
    )
    activate = actions.add_parser("activate", help="choose the version that a name means", description=_ACTIVATE)
    rollback = actions.add_parser("rollback", help="go back to the version active before", description=_ROLLBACK)
    compare = actions.add_parser("compare", help="compare two models or versions", description=_COMPARE)
    compare.add_argument("a", metavar="A", help="a model; NAME@N is version N of one")
    compare.add_argument("b", metavar="B", help="another one")
    compare.add_argument("folder", metavar="FOLDER", type=_path, help="photos, labelled or not")
    for action in (versions, compare):
        _add_format(action, ("table", "json"), default=argparse.SUPPRESS)
    return versions, activate, rollback


def _add_format(parser: argparse.ArgumentParser, formats: Sequence[str], default: str = "table") -> None:
    parser.add_argument("--format", choices=formats, default=default, help="default: table")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def _share(text: str) -> float | int:
    """A count where digits alone are written, else a share."""
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a share below 1 nor a count")
    return share


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 10")
    return rate


def _loss(text: str) -> float:
    try:
        loss = float(text)
    except ValueError:
        loss = math.nan
    if not 0 <= loss <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return loss


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 to 999999999")
    return int(text)


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("an empty text is no path")
    return Path(text)
