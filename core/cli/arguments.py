"""The arguments of every command. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from core.base.i18n import mark, tr
from core.base.providers import ComputePrecision
from core.cli.classify_arguments import add_classify, add_jobs
from core.cli.evaluate_arguments import add_dataset, add_evaluate
from core.cli.output_arguments import add_keywords, add_sort, add_watch
from core.cli.parsing import (
    Parser,
    Version,
    add_choice,
    add_format,
    parse_crop,
    parse_fraction,
    parse_path,
    parse_side,
)
from core.cli.train_arguments import add_train, add_variant
from core.exporting.values import MAX_LOSS
from core.models.onnx_import_values import ChannelOrder, Scaling
from core.models.statistics_text import LayerOrder
from core.training.networks import NETWORKS

_EPILOG: Final = mark("""\
On Linux, `fovea --install` (with no other arguments) adds Fovea to the application menu and to
"Open with" for images, and `fovea --uninstall` removes it again. On Windows and macOS the installer
does this. `fovea --self-check` verifies every part of this installation.
""")
_IMPORT: Final = mark("""\
Import a model from an .onnx file: one written by `fovea models export`, or a classifier from another
program.

Files from other programs usually lack some details, which you can give as options. Class names are
also read from the file itself, or from labels.txt or a similar file next to it. Weights may be in a
separate file next to it, as PyTorch stores them. --preview PHOTO shows the prediction for a photo
without importing anything.

--classes   a text file with one class per line ("cat" or "0 cat") or separated by commas, or JSON (a
            list or id2label), in the order of the model's outputs
--scaling   pixel values the network expects: imagenet (mean and standard deviation; most PyTorch
            models), unit (0 to 1), signed (-1 to 1; many TensorFlow models), raw (0 to 255), caffe
            (0 to 255 minus the mean)
--crop      part of the image the network sees: centre (the middle 0.875 of the square; default), a
            fraction such as 1, stretch (the whole image, resized to a square), or pad (the whole image on
            a grey square)

A model that is already installed is not added twice. If the name is taken by another model, the new
one is called NAME-2, NAME-3 and so on.
""")
_EXPORT: Final = mark("""\
Export a model as one file for other programs. Its input is pixels (uint8 RGB), its outputs are
probabilities, logits and features. The file is written only if its predictions match the model's.

FILE ends in .onnx, which `fovea models import` can read, or in .tflite (LiteRT, for phones), which
needs the extra `train` and a model based on Xception or EfficientNet-Lite0.

float32, float16  precision of the stored weights. By default, .onnx files keep the model's own.
int8              8-bit convolutions, calibrated with training images from FOLDER and evaluated on
                  its validation images. If the model was trained on FOLDER, its own split is used.
                  The loss of accuracy is printed. If it exceeds --most-lost, nothing is written.

Exit code: 0 the file was written, 2 it was not.
""")
_NETWORKS: Final = mark("""\
List published networks with their weights and multiply-adds, which are computed from their layers, and
with the accuracy on ImageNet that their authors published.""")
_FETCH: Final = mark("""\
Add a published network to the library, as a backbone to train on; xception-1000 is added as a model
with its 1000 classes. Needs the extra `train` (TensorFlow).

Keras downloads the weights that were trained on ImageNet. Without an internet connection, give the
file that Keras would download, for a backbone the one without the classifier ("notop" or "no_top"),
as --weights FILE. With --weights none the weights are random, to be trained from scratch; then an
xception may have any width (--alpha 0.05 to 2), number of middle blocks and kind of separable
convolution.
""")
_MODELS: Final = mark("""\
List and manage installed models.

Training again under the same name adds a version. Wherever a model is expected, NAME means its
active version and NAME@N its version N: `fovea classify --model cats@2 photo.jpg`.
""")
_SHOW: Final = mark("""\
Show the details of a model or backbone.

With --layers, --measure, --sort or --variant, show statistics: weights, file size, multiply-adds,
activation memory, depth and receptive field, each layer, and what separable convolutions save. M may
then also be an .onnx file from anywhere, which is not installed; what cannot be counted is named.

--measure runs the model on the CPU with ONNX Runtime's profiler. Layers that ONNX Runtime fuses into
others have no time of their own.
""")
_REMOVE: Final = mark("""\
Remove one of your models with all its versions or, with NAME@N, a version that is not active.
`fovea models restore` can bring it back for 7 days.
""")
_ADD_CLASS: Final = mark("""\
Teach a model a class: label images with it, as in the window, and retrain the model with them. The
next version becomes active; `fovea models rollback M` goes back.

CLASS may be new, or one of the model's own. IMAGE is an image, or a folder of images of the class. Ten
different images or more work well. The images stay where they are, and are labelled until you change
that in the window.

A model whose training data was not saved, such as general, can't be retrained: `fovea train
--keep-classes-of general` makes a new model that keeps its classes.

Exit code: 0 the version was added, 1 it was, without some of the images, 2 it was not.
""")
_FORGET: Final = mark("""\
Forget images that one of your models was trained on, calibrated with or tested on: for example those
of a person who asks for it.

The next version is trained from the start on the other images, each in the set in which it was. Every
version that was made with the images is then deleted and can't be restored. Their features, thumbnails,
hashes, paths and labels are removed from Fovea's folders. The files themselves and exported models are
not changed: remove the files before you train on their folder again.

PHOTO is a file as it was when the model was trained, or its path if it was deleted or changed.
""")
_RESTORE: Final = mark("""\
Restore a model or, with NAME@N, a version that was removed within the last 7 days. Without a name,
list what can be restored.
""")
_ACTIVATE: Final = mark("""\
Choose the active version of a model: `fovea models activate NAME@N`.
""")
_ROLLBACK: Final = mark("""\
Go back to the version that was active before. The current version is kept.
""")
_COMPARE: Final = mark("""\
Compare two models, or two versions of one model, on the same images.

Lists every image for which their predictions differ, largest difference first. If FOLDER is labelled
(see `fovea evaluate`), also reports the accuracy of both, how many images only one of them classifies
correctly, and McNemar's exact test; images of classes that only one model knows are then skipped.

Exit code: 0 all images were compared, 1 some could not be read, 2 nothing could start.
""")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments after the program's name.

    Raises:
        UsageError: they are not valid.
        SystemExit: help or the version was requested, and has been printed.
    """
    options = list(arguments)
    if "--" in options:  # argparse miscounts `--` where paths and options are mixed, so names become `./-name`
        end = options.index("--")
        options[end:] = [f"./{name}" if name.startswith("-") else name for name in options[end + 1 :]]
    return _build_parser().parse_args(options)


def _build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="fovea",
        description=tr("Recognize what is in photos, on your own computer. Without a command, the window opens."),
        epilog=tr(_EPILOG),
    )
    parser.add_argument("--version", action=Version, nargs=0, help=tr("print the version"))
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add_classify(commands)
    add_jobs(commands)
    add_sort(commands)
    add_keywords(commands)
    add_watch(commands)
    add_train(commands)
    add_evaluate(commands)
    add_dataset(commands)
    _add_models(commands)
    _add_machine(commands)
    return parser


def _add_machine(commands: argparse._SubParsersAction[Parser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help=tr("check this installation"),
        description=tr(
            "Check which providers, models and folders work on this machine, and why others do not. Exit code: 0 if "
            "images can be classified, otherwise 2."
        ),
    )
    add_format(doctor, "json")
    benchmark = commands.add_parser(
        "benchmark",
        help=tr("measure the speed of this machine"),
        description=tr("Measure the speed of this machine: every backbone on every provider, and decoding of photos."),
    )
    benchmark.add_argument("--litert", action="store_true", help=tr("measure LiteRT files; needs TensorFlow"))
    add_format(benchmark, "json")


def _add_models(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "models", help=tr("list, compare, import, export, remove and choose models"), description=tr(_MODELS)
    )
    add_format(parser, "json")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = actions.add_parser("show", help=tr("show the details of a model"), description=tr(_SHOW))
    _add_show(show)
    export = actions.add_parser(
        "export", help=tr("export a model as one .onnx or .tflite file"), description=tr(_EXPORT)
    )
    _add_export(export)
    remove = actions.add_parser("remove", help=tr("remove one of your models or versions"), description=tr(_REMOVE))
    use = actions.add_parser(
        "use", help=tr("choose the model in use"), description=tr("Choose the model that is used by default.")
    )
    restore = actions.add_parser("restore", help=tr("restore a removed model or version"), description=tr(_RESTORE))
    restore.add_argument("name", metavar="M", nargs="?", help=tr("name of the model; M@N is its version N"))
    for action in (show, export, remove, use, *_add_versions(actions)):
        action.add_argument("name", metavar="M", help=tr("name of the model; M@N is its version N"))
    _add_images(actions)
    add = actions.add_parser("import", help=tr("import a model from an .onnx file"), description=tr(_IMPORT))
    _add_import(add)
    fetch = actions.add_parser("fetch", help=tr("add a published network as a backbone"), description=tr(_FETCH))
    fetch.add_argument("network", metavar="NETWORK", help=tr("one of {names}", names=", ".join(NETWORKS)))
    add_variant(fetch)
    networks = actions.add_parser("networks", help=tr("compare published networks"), description=tr(_NETWORKS))
    add_format(networks, "json", default=argparse.SUPPRESS)
    for action in (export, add):
        action.add_argument("file", metavar="FILE", type=parse_path, help=tr("model file"))


def _add_images(actions: argparse._SubParsersAction[Parser]) -> None:
    teach = actions.add_parser("add-class", help=tr("teach a model a class"), description=tr(_ADD_CLASS))
    teach.add_argument("name", metavar="M", help=tr("name of the model; M@N is its version N"))
    teach.add_argument("label", metavar="CLASS", help=tr("the class"))
    teach.add_argument("images", metavar="IMAGE", nargs="+", type=parse_path, help=tr("image, or folder of images"))
    add_format(teach, "json", default=argparse.SUPPRESS)
    forget = actions.add_parser("forget", help=tr("forget training images"), description=tr(_FORGET))
    forget.add_argument("name", metavar="M", help=tr("name of the model"))
    forget.add_argument("photos", metavar="PHOTO", nargs="+", type=parse_path, help=tr("image to forget"))
    add_format(forget, "json", default=argparse.SUPPRESS)


def _add_show(parser: Parser) -> None:
    parser.add_argument("--layers", action="store_true", help=tr("count weights and multiply-adds of every layer"))
    parser.add_argument("--measure", action="store_true", help=tr("also measure how long each layer takes on the CPU"))
    add_choice(parser, "--sort", LayerOrder, tr("order of the layers (default: depth)"))
    add_choice(parser, "--variant", ComputePrecision, tr("variant to count (default: the backbone's own file)"))
    add_format(parser, "json", default=argparse.SUPPRESS)


def _add_import(parser: Parser) -> None:
    parser.add_argument("--classes", metavar="FILE", type=parse_path, help=tr("file with the class names"))
    parser.add_argument("--size", metavar="N", type=parse_side, help=tr("input size in pixels"))
    add_choice(parser, "--scaling", Scaling, tr("pixel scaling"))
    add_choice(parser, "--order", ChannelOrder, tr("colour channel order (default: rgb)"))
    parser.add_argument("--crop", metavar="C", type=parse_crop, help=tr("cropping of the image (default: centre)"))
    parser.add_argument("--name", metavar="NAME", help=tr("name of the model (default: the file name)"))
    parser.add_argument(
        "--preview", metavar="PHOTO", type=parse_path, help=tr("show the prediction for PHOTO, import nothing")
    )


def _add_export(parser: Parser) -> None:
    parser.add_argument("--storage", choices=("float32", "float16", "int8"), help=tr("precision of the weights"))
    parser.add_argument("--images", metavar="FOLDER", type=parse_path, help=tr("labelled images, for int8"))
    parser.add_argument(
        "--most-lost",
        metavar="L",
        type=parse_fraction,
        default=MAX_LOSS,
        help=tr("largest loss of accuracy allowed for int8 (default: 0.01)"),
    )
    add_format(parser, "json", default=argparse.SUPPRESS)


def _add_versions(actions: argparse._SubParsersAction[Parser]) -> tuple[Parser, ...]:
    """Add the actions on versions; return those that take the name of a model."""
    versions = actions.add_parser(
        "versions", help=tr("list the versions of a model"), description=tr("List the versions of a model.")
    )
    activate = actions.add_parser("activate", help=tr("choose the active version"), description=tr(_ACTIVATE))
    rollback = actions.add_parser(
        "rollback", help=tr("go back to the previously active version"), description=tr(_ROLLBACK)
    )
    compare = actions.add_parser("compare", help=tr("compare two models or versions"), description=tr(_COMPARE))
    compare.add_argument("a", metavar="A", help=tr("a model, or NAME@N for its version N"))
    compare.add_argument("b", metavar="B", help=tr("another model or version"))
    compare.add_argument("folder", metavar="FOLDER", type=parse_path, help=tr("images, labelled or not"))
    for action in (versions, compare):
        add_format(action, "json", default=argparse.SUPPRESS)
    return versions, activate, rollback
