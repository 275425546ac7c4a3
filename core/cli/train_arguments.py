"""The arguments of `fovea train`, `evaluate` and `dataset`, and those of a network that training can add."""

from __future__ import annotations

import argparse
from typing import Final

from core.base.i18n import mark, tr
from core.cli.parsing import (
    Commands,
    Parser,
    add_command,
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


def add_train(commands: Commands) -> None:
    """Add the command `train`."""
    parser = add_command(commands, "train", tr("train a model on labelled images"), tr(_TRAIN))
    parser.add_value("folder", "FOLDER", tr("labelled images"), parse_path)
    parser.add_value("--name", "NAME", tr("name of the model"), required=True)
    parser.add_choice("--recipe", Recipe, tr("training recipe (default: quick)"))
    text = tr("linear or prototype: of quick (default: linear); dense: the recipe dense")
    parser.add_argument("--head", choices=("linear", "dense", "prototype"), help=text)
    text = tr("an installed backbone, or a network to add with --weights (default: the best for the recipe)")
    parser.add_value("--backbone", "B", text, default="")
    add_variant(parser)
    text = tr("how images are made square (default: backbone, as the backbone was trained)")
    parser.add_choice("--fit", FitChoice, text, FitChoice.BACKBONE)
    text = tr("keep all classes of this model, such as general, and add those of FOLDER (recipe quick)")
    parser.add_value("--keep-classes-of", "M", text, default="")
    _add_hierarchy(parser)
    add_labels(parser)
    _add_split(parser)
    parser.add_value("--epochs", "N", tr("number of epochs of dense and fine-tune"), parse_count)
    parser.add_value("--learning-rate", "R", tr("learning rate of dense and fine-tune"), parse_rate)
    parser.add_choice("--depth", Depth, tr("layers to fine-tune (default: exit-flow)"), Depth.EXIT_FLOW)
    parser.add_flag("--no-augmentation", tr("fine-tune without augmenting the images"))
    parser.add_flag("--no-thumbnails", tr("keep no thumbnails of the training images with the model"))
    parser.add_flag("--restart", tr("start over instead of resuming an interrupted training"))
    parser.add_format("json", "jsonl")


def _add_hierarchy(parser: Parser) -> None:
    groups = parser.add_mutually_exclusive_group()
    parser.add_flag("--nested", tr("folders inside a class are classes, too: animal/bird/owl"), group=groups)
    parser.add_value(
        "--hierarchy", "FILE", tr("text file with a line such as animal/bird/owl per class"), parse_path, group=groups
    )


def add_labels(parser: Parser) -> None:
    """Add the options for images that may have several classes."""
    sources = parser.add_mutually_exclusive_group()
    parser.add_flag(
        "--multi-label", tr("an image has the classes of all folders that have a copy of it"), group=sources
    )
    parser.add_value(
        "--labels", "FILE", tr("CSV file with the classes of each image, maybe several"), parse_path, group=sources
    )
    parser.add_flag("--keywords", tr("the keywords in the images are their classes, maybe several"), group=sources)


def label_source(arguments: argparse.Namespace) -> LabelSource:
    """Where the classes of images come from, by these options, or those of `fovea evaluate`."""
    if arguments.labels is not None:
        return LabelSource.FILE
    if arguments.keywords:
        return LabelSource.KEYWORDS
    return LabelSource.FOLDERS if getattr(arguments, "multi_label", False) else LabelSource.FOLDER


def _add_split(parser: Parser) -> None:
    parser.add_value("--train", "N", tr("number of training images (default: all others)"), parse_count)
    for option, text in (
        ("--validation", tr("fraction or number of validation images (default: 0.15)")),
        ("--test", tr("fraction or number of test images (default: 0.15)")),
    ):
        parser.add_argument(option, metavar="S", type=parse_fraction_or_count, default=0.15, help=text)
    parser.add_value("--seed", "N", tr("random seed of the split (default: 0)"), parse_seed, default=0)


def add_variant(parser: Parser) -> None:
    """Add the options that say how a network is made."""
    parser.add_value(
        "--weights", "W", tr("imagenet (downloaded by Keras), a file of weights, or none to train from scratch")
    )
    parser.add_value("--alpha", "A", tr("width of a MobileNet (default: 1.0)"), parse_rate)
    parser.add_value("--image-size", "N", tr("input size in pixels (default: the network's own)"), parse_side)
    parser.add_value("--middle-blocks", "N", tr("middle blocks of an untrained Xception (default: 8)"), parse_count)
    parser.add_flag("--pointwise-first", tr("separable convolutions of an untrained Xception in reverse"))
    parser.add_flag("--factorised", tr("1x3 and 3x1 kernels instead of 3x3 in an untrained Xception"))


def add_evaluate(commands: Commands) -> None:
    """Add `fovea evaluate`."""
    parser = add_command(commands, "evaluate", tr("measure the accuracy of a model"), tr(_EVALUATE))
    parser.add_value("folder", "FOLDER", tr("labelled images"), parse_path)
    parser.add_value("--model", "M", tr("model to evaluate (default: the model in use, see `fovea models`)"))
    sources = parser.add_mutually_exclusive_group()
    parser.add_value(
        "--labels", "FILE", tr("CSV file with the classes of each image, maybe several"), parse_path, group=sources
    )
    parser.add_flag("--keywords", tr("the keywords in the images are their classes"), group=sources)
    parser.add_value("--report", "FILE", tr("also write an HTML report to FILE"), parse_path)
    parser.add_format("json")


def add_dataset(commands: Commands) -> None:
    """Add `fovea dataset`."""
    parser = commands.add_parser("dataset", help=tr("find wrong labels in a folder of labelled images"))
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = add_command(actions, "check", tr("find what is probably wrong"), tr(_DATASET))
    check.add_value("folder", "FOLDER", tr("labelled images"), parse_path)
    add_labels(check)
    check.add_format("json")
