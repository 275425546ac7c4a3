"""What can be asked on the command line, and how a mistake is told. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from core.cli.classify_arguments import add_classify, add_jobs
from core.cli.keywords_arguments import add_keywords
from core.cli.parsing import (
    Parser,
    Version,
    add_format,
    parse_count,
    parse_crop,
    parse_fraction_or_count,
    parse_loss,
    parse_path,
    parse_rate,
    parse_seed,
    parse_side,
)
from core.cli.sort_arguments import add_sort
from core.cli.watch_arguments import add_watch
from core.models.onnx_import_values import ChannelOrder, Scaling

_EPILOG: Final = """\
`fovea --install`, nothing else with it, puts Fovea into the menus of your Linux desktop and into
"Open with" of images, `fovea --uninstall` takes it out again. Elsewhere the installer does that.
`fovea --self-check` proves that this installation works, part by part.
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
Add the model in an .onnx file: one that `fovea models export` wrote, or a classifier of another program.

Another program's file leaves questions open, which the options answer. Classes may also stand in the
file, or in labels.txt (or the like) beside it; weights may lie in a file beside it, as PyTorch keeps
them. --preview PHOTO shows what the model says about a photo and adds nothing.

--classes   a text file with one class a line ("cat", "0 cat"), commas between, or JSON (a list, or
            id2label), in the order of the model's outputs
--scaling   which numbers the network reads: imagenet (mean and deviation, most of PyTorch), unit (0 to
            1), signed (-1 to 1, much of TensorFlow), raw (0 to 255), caffe (0 to 255 less the mean)
--crop      what it sees of an image: centre (the middle square, 0.875 of it; the default), a share
            such as 1, or stretch (all of it, made square)

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
    parser = Parser(
        prog="fovea",
        description="Tells what is in a photo, on your own machine. Without a command the window opens.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add_classify(commands)
    add_jobs(commands)
    add_sort(commands)
    add_keywords(commands)
    add_watch(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_models(commands)
    doctor = commands.add_parser(
        "doctor",
        help="tell what works on this machine, and why not",
        description="Tell what works on this machine, and why not. Exit code: 0 if images can be classified, else 2.",
    )
    add_format(doctor, ("table", "json"))
    benchmark = commands.add_parser(
        "benchmark",
        help="tell how fast this machine is",
        description="Tell how fast this machine is: every network on every provider that works, and reading photos.",
    )
    add_format(benchmark, ("table", "json"))
    return parser


def _add_train(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("train", help="teach a new model from labelled images", description=_TRAIN)
    parser.add_argument("folder", metavar="FOLDER", type=parse_path, help="labelled images")
    parser.add_argument("--name", metavar="NAME", required=True, help="the model's name")
    recipes = ("quick", "dense", "fine-tune")
    parser.add_argument("--recipe", choices=recipes, default="quick", help="how it is trained (default: quick)")
    parser.add_argument(
        "--train", metavar="N", type=parse_count, help="how many images to learn from (default: the rest)"
    )
    parser.add_argument(
        "--validation", metavar="S", type=parse_fraction_or_count, default=0.15, help="to calibrate with: 0.15"
    )
    parser.add_argument("--test", metavar="S", type=parse_fraction_or_count, default=0.15, help="to judge by: 0.15")
    parser.add_argument("--seed", metavar="N", type=parse_seed, default=0, help="another one draws other parts: 0")
    parser.add_argument(
        "--epochs", metavar="N", type=parse_count, help="of dense and fine-tune, instead of the recipe's own"
    )
    parser.add_argument("--learning-rate", metavar="R", type=parse_rate, help="likewise")
    parser.add_argument("--depth", choices=("exit-flow", "whole"), default="exit-flow", help="what fine-tune trains")
    parser.add_argument(
        "--no-augmentation", action="store_true", help="fine-tune learns from the images as they are, each time alike"
    )
    parser.add_argument("--restart", action="store_true", help="do not go on with an interrupted training")
    add_format(parser, ("table", "json", "jsonl"))


def _add_evaluate(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("evaluate", help="tell how good a model is", description=_EVALUATE)
    parser.add_argument("folder", metavar="FOLDER", type=parse_path, help="labelled images")
    parser.add_argument("--model", metavar="M", help="model to judge (default: the one in use, see `fovea models`)")
    parser.add_argument("--report", metavar="FILE", type=parse_path, help="write a report there too, as one HTML file")
    add_format(parser, ("table", "json"))


def _add_models(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "models", help="list, compare, import, export, remove and choose models", description=_MODELS
    )
    add_format(parser, ("table", "json"))
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = actions.add_parser("show", help="tell all about a model", description="Tell all about a model or backbone.")
    add_format(show, ("table", "json"), default=argparse.SUPPRESS)
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
    add = actions.add_parser("import", help="add a model from an .onnx file", description=_IMPORT)
    _add_import(add)
    for action in (export, add):
        action.add_argument("file", metavar="FILE", type=parse_path, help="the model's file")


def _add_import(parser: Parser) -> None:
    parser.add_argument("--classes", metavar="FILE", type=parse_path, help="names of its classes")
    parser.add_argument("--size", metavar="N", type=parse_side, help="side of the square it reads, in pixels")
    parser.add_argument("--scaling", choices=[*Scaling], help="of the pixels")
    parser.add_argument("--order", choices=[*ChannelOrder], help="of the colours (default: rgb)")
    parser.add_argument("--crop", metavar="C", type=parse_crop, help="what it sees of an image (default: centre)")
    parser.add_argument("--name", metavar="NAME", help="what to call the model (default: as the file)")
    parser.add_argument("--preview", metavar="PHOTO", type=parse_path, help="only show what it says about a photo")


def _add_export(parser: Parser) -> None:
    parser.add_argument("--storage", choices=("float32", "float16", "int8"), help="how weights are stored")
    parser.add_argument("--images", metavar="FOLDER", type=parse_path, help="labelled images, for int8")
    parser.add_argument(
        "--most-lost", metavar="L", type=parse_loss, default=0.01, help="accuracy that int8 may lose (default: 0.01)"
    )
    add_format(parser, ("table", "json"), default=argparse.SUPPRESS)


def _add_versions(actions: argparse._SubParsersAction[Parser]) -> tuple[Parser, ...]:
    """Add what is done with versions; returned are the actions that take a model's name."""
    versions = actions.add_parser(
        "versions", help="list the versions of a model", description="List the versions of a model."
    )
    activate = actions.add_parser("activate", help="choose the version that a name means", description=_ACTIVATE)
    rollback = actions.add_parser("rollback", help="go back to the version active before", description=_ROLLBACK)
    compare = actions.add_parser("compare", help="compare two models or versions", description=_COMPARE)
    compare.add_argument("a", metavar="A", help="a model; NAME@N is version N of one")
    compare.add_argument("b", metavar="B", help="another one")
    compare.add_argument("folder", metavar="FOLDER", type=parse_path, help="photos, labelled or not")
    for action in (versions, compare):
        add_format(action, ("table", "json"), default=argparse.SUPPRESS)
    return versions, activate, rollback
