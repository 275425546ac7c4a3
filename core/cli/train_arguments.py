"""The arguments of `fovea train`, and those of a network that it can add."""

from __future__ import annotations

import argparse
from typing import Final

from core.base.i18n import mark, tr
from core.cli.parsing import (
    Parser,
    add_choice,
    add_format,
    parse_count,
    parse_fraction_or_count,
    parse_path,
    parse_rate,
    parse_seed,
    parse_side,
)
from core.datasets.label_source import LabelSource
from core.training.request import Depth, FitChoice, Recipe

_TRAIN: Final = mark("""\
Train a model on a folder of labelled images and add it to the library as NAME, or as the next
version of NAME.

FOLDER has one subfolder of images per class, or files such as cat.0.jpg. An existing split into
train, validation and test is kept. Unreadable files are reported and skipped. The model in use does
not change; `fovea models use NAME` switches to the new one.

quick      logistic regression on features of the backbone xception-lite0-imagenet, or of
           xception-imagenet if cross-validation says that it is better; takes seconds. The
           features of each image are computed once and cached.
dense      two hidden layers on the same features, for classes that are hard to separate; about a
           minute.
fine-tune  starts from the quick head on xception-imagenet, then also trains the last layers of that
           backbone (all of them with --depth whole) on augmented images (not with
           --no-augmentation); takes many minutes. The result is used only if it is better than the
           quick head.

--head prototype makes quick learn a point per class; the class of the nearest point is the
prediction. --head dense is the recipe dense.

--backbone chooses another network: one that is installed, or one of those that `fovea models fetch`
adds, with --weights. fine-tune trains these as a whole (--depth whole), from scratch with
--weights none.

--fit says how images are made square: stretch, pad (the whole image on a grey square) or
centre-crop. auto tries all three, which takes three times as long for features; by cross-validation
on the training images, it chooses another than the backbone's only if the log loss is lower by more
than two standard errors. What was measured is on the card.

With --multi-label, an image may have several classes: all those whose folders have a copy of it.
--labels takes them from a CSV file instead: with columns path (relative to FOLDER) and classes,
with semicolons between the classes of an image and nothing for none, or with a column of 0 and 1
for each class. --keywords takes the keywords in the images and their sidecars (XMP, IPTC) that at
least 10 images have. The recipes are quick and dense.

With --keep-classes-of, the classes of FOLDER are added to those of a model, such as the 1000 of
general, whose weights stay as they are. Images of FOLDER in a class of that name serve as examples
of what is not new.

dense and fine-tune need the extra `train` (TensorFlow). If training is interrupted, run the same
command again to resume from the last epoch, or add --restart to start over.

S is a fraction below 1, such as 0.15, or a number of images, such as 2000. Validation images
select the best epoch and, with cross-validation, calibrate the model; test images measure its
accuracy. If the split is by fractions, the head of quick and dense is finally refitted to all
images; if you give counts or an existing split, only the training images are used.

jsonl reports stages and epochs as they happen, one JSON object per line, with the result last.

Exit code: 0 the model was added, 2 training failed.
""")


def add_train(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command `train`."""
    parser = commands.add_parser("train", help=tr("train a model on labelled images"), description=tr(_TRAIN))
    parser.add_argument("folder", metavar="FOLDER", type=parse_path, help=tr("labelled images"))
    parser.add_argument("--name", metavar="NAME", required=True, help=tr("name of the model"))
    _add_network(parser)
    _add_hierarchy(parser)
    add_labels(parser)
    _add_split(parser)
    _add_steps(parser)
    parser.add_argument(
        "--no-thumbnails", action="store_true", help=tr("keep no thumbnails of the training images with the model")
    )
    parser.add_argument(
        "--restart", action="store_true", help=tr("start over instead of resuming an interrupted training")
    )
    add_format(parser, "json", "jsonl")


def _add_network(parser: Parser) -> None:
    add_choice(parser, "--recipe", Recipe, tr("training recipe (default: quick)"))
    parser.add_argument(
        "--head",
        choices=("linear", "dense", "prototype"),
        help=tr("linear or prototype: of quick (default: linear); dense: the recipe dense"),
    )
    parser.add_argument(
        "--backbone",
        metavar="B",
        default="",
        help=tr("an installed backbone, or a network to add with --weights (default: the best for the recipe)"),
    )
    add_variant(parser)
    add_choice(
        parser,
        "--fit",
        FitChoice,
        tr("how images are made square (default: backbone, as the backbone was trained)"),
        FitChoice.BACKBONE,
    )
    parser.add_argument(
        "--keep-classes-of",
        metavar="M",
        default="",
        help=tr("keep all classes of this model, such as general, and add those of FOLDER (recipe quick)"),
    )


def _add_steps(parser: Parser) -> None:
    parser.add_argument("--epochs", metavar="N", type=parse_count, help=tr("number of epochs of dense and fine-tune"))
    parser.add_argument(
        "--learning-rate", metavar="R", type=parse_rate, help=tr("learning rate of dense and fine-tune")
    )
    add_choice(parser, "--depth", Depth, tr("layers to fine-tune (default: exit-flow)"), Depth.EXIT_FLOW)
    parser.add_argument("--no-augmentation", action="store_true", help=tr("fine-tune without augmenting the images"))


def _add_hierarchy(parser: Parser) -> None:
    groups = parser.add_mutually_exclusive_group()
    groups.add_argument(
        "--nested", action="store_true", help=tr("folders inside a class are classes, too: animal/bird/owl")
    )
    groups.add_argument(
        "--hierarchy",
        metavar="FILE",
        type=parse_path,
        help=tr("text file with a line such as animal/bird/owl per class"),
    )


def add_labels(parser: Parser) -> None:
    """Add the options for images that may have several classes."""
    sources = parser.add_mutually_exclusive_group()
    sources.add_argument(
        "--multi-label",
        action="store_true",
        help=tr("an image has the classes of all folders that have a copy of it"),
    )
    sources.add_argument(
        "--labels", metavar="FILE", type=parse_path, help=tr("CSV file with the classes of each image, maybe several")
    )
    sources.add_argument(
        "--keywords", action="store_true", help=tr("the keywords in the images are their classes, maybe several")
    )


def label_source(arguments: argparse.Namespace) -> LabelSource:
    """Where the classes of images come from, by these options."""
    if arguments.labels is not None:
        return LabelSource.FILE
    if arguments.keywords:
        return LabelSource.KEYWORDS
    return LabelSource.FOLDERS if arguments.multi_label else LabelSource.FOLDER


def _add_split(parser: Parser) -> None:
    parser.add_argument(
        "--train", metavar="N", type=parse_count, help=tr("number of training images (default: all others)")
    )
    for option, text in (
        ("--validation", tr("fraction or number of validation images (default: 0.15)")),
        ("--test", tr("fraction or number of test images (default: 0.15)")),
    ):
        parser.add_argument(option, metavar="S", type=parse_fraction_or_count, default=0.15, help=text)
    parser.add_argument(
        "--seed", metavar="N", type=parse_seed, default=0, help=tr("random seed of the split (default: 0)")
    )


def add_variant(parser: Parser) -> None:
    """Add the options that say how a network is made."""
    parser.add_argument(
        "--weights",
        metavar="W",
        help=tr("imagenet (downloaded by Keras), a file of weights, or none to train from scratch"),
    )
    parser.add_argument("--alpha", metavar="A", type=parse_rate, help=tr("width of a MobileNet (default: 1.0)"))
    parser.add_argument(
        "--image-size", metavar="N", type=parse_side, help=tr("input size in pixels (default: the network's own)")
    )
    parser.add_argument(
        "--middle-blocks", metavar="N", type=parse_count, help=tr("middle blocks of an untrained Xception (default: 8)")
    )
    parser.add_argument(
        "--pointwise-first", action="store_true", help=tr("separable convolutions of an untrained Xception in reverse")
    )
    parser.add_argument(
        "--factorised", action="store_true", help=tr("1x3 and 3x1 kernels instead of 3x3 in an untrained Xception")
    )
