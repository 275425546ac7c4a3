"""The arguments of `fovea evaluate` and `fovea dataset`."""

from __future__ import annotations

import argparse
from typing import Final

from core.base.i18n import mark, tr
from core.cli.parsing import Parser, add_format, parse_path
from core.cli.train_arguments import add_labels

_EVALUATE: Final = mark("""\
Measure how accurate a model is on labelled images.

FOLDER has one subfolder of images per class, or files such as cat.0.jpg. If it is split into train,
validation and test, only test is used. Folders that do not match a class of the model are skipped.
Features are cached per image and backbone, so a second evaluation is fast. If the model was trained
on some of these images, a warning says so and the accuracy on the others is reported as well.

For a model with several classes per image, an image has the classes of all folders that have a copy
of it, or those in a CSV file (--labels) or its keywords (--keywords), as for `fovea train`.

Exit code: 0 all images were evaluated, 1 some could not be read, 2 nothing could start.
""")
_DATASET: Final = mark("""\
Look for what is probably wrong with a folder of labelled images. Nothing is changed.

Lists images whose label is probably wrong: a model that was trained on the other images predicts
another class. The least probable labels come first; some of them are right. Also lists images that
look nearly the same, images that are unlike all others, classes that might be one, and everything
that `fovea train` reports about the folder. Features are cached per image, so a second check, or a
training, is fast.

If images may have several classes (--multi-label, --labels, --keywords, as for `fovea train`), lists
the classes that an image probably has although it is not labelled with them, and the reverse.

Exit code: 0 all images were checked, 1 some could not be read, 2 nothing could start.
""")


def add_evaluate(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea evaluate`."""
    parser = commands.add_parser("evaluate", help=tr("measure the accuracy of a model"), description=tr(_EVALUATE))
    parser.add_argument("folder", metavar="FOLDER", type=parse_path, help=tr("labelled images"))
    parser.add_argument(
        "--model", metavar="M", help=tr("model to evaluate (default: the model in use, see `fovea models`)")
    )
    sources = parser.add_mutually_exclusive_group()
    sources.add_argument(
        "--labels", metavar="FILE", type=parse_path, help=tr("CSV file with the classes of each image, maybe several")
    )
    sources.add_argument("--keywords", action="store_true", help=tr("the keywords in the images are their classes"))
    parser.add_argument("--report", metavar="FILE", type=parse_path, help=tr("also write an HTML report to FILE"))
    add_format(parser, "json")


def add_dataset(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add `fovea dataset`."""
    parser = commands.add_parser("dataset", help=tr("find wrong labels in a folder of labelled images"))
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help=tr("find what is probably wrong"), description=tr(_DATASET))
    check.add_argument("folder", metavar="FOLDER", type=parse_path, help=tr("labelled images"))
    add_labels(check)
    add_format(check, "json")
