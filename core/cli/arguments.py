"""The arguments of every command. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from core.base.i18n import mark, tr
from core.base.providers import ComputePrecision
from core.cli.classify_arguments import add_classify, add_jobs
from core.cli.output_arguments import add_keywords, add_sort, add_watch
from core.cli.parsing import Commands, Parser, Version, add_command, parse_crop, parse_fraction, parse_path, parse_side
from core.cli.train_arguments import add_dataset, add_evaluate, add_train, add_variant
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

    Raises UsageError if they are not valid; SystemExit if help or the version was requested, and has been printed.
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
    for add in (add_classify, add_jobs, add_sort, add_keywords, add_watch, add_train, add_evaluate, add_dataset):
        add(commands)
    _add_models(commands)
    about = tr(
        "Check which providers, models and folders work on this machine, and why others do not. Exit code: 0 if "
        "images can be classified, otherwise 2."
    )
    add_command(commands, "doctor", tr("check this installation"), about).add_format("json")
    about = tr("Measure the speed of this machine: every backbone on every provider, and decoding of photos.")
    benchmark = add_command(commands, "benchmark", tr("measure the speed of this machine"), about)
    benchmark.add_flag("--litert", tr("measure LiteRT files; needs TensorFlow"))
    benchmark.add_format("json")
    return parser


def _add_models(commands: Commands) -> None:
    parser = add_command(commands, "models", tr("list, compare, import, export, remove and choose models"), tr(_MODELS))
    parser.add_format("json")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = add_command(actions, "show", tr("show the details of a model"), tr(_SHOW))
    show.add_flag("--layers", tr("count weights and multiply-adds of every layer"))
    show.add_flag("--measure", tr("also measure how long each layer takes on the CPU"))
    show.add_choice("--sort", LayerOrder, tr("order of the layers (default: depth)"))
    show.add_choice("--variant", ComputePrecision, tr("variant to count (default: the backbone's own file)"))
    export = add_command(actions, "export", tr("export a model as one .onnx or .tflite file"), tr(_EXPORT))
    export.add_argument("--storage", choices=("float32", "float16", "int8"), help=tr("precision of the weights"))
    export.add_value("--images", "FOLDER", tr("labelled images, for int8"), parse_path)
    lost = tr("largest loss of accuracy allowed for int8 (default: 0.01)")
    export.add_value("--most-lost", "L", lost, parse_fraction, default=MAX_LOSS)
    remove = add_command(actions, "remove", tr("remove one of your models or versions"), tr(_REMOVE))
    use = add_command(actions, "use", tr("choose the model in use"), tr("Choose the model that is used by default."))
    restore = add_command(actions, "restore", tr("restore a removed model or version"), tr(_RESTORE))
    restore.add_value("name", "M", tr("name of the model; M@N is its version N"), nargs="?")
    for action in (show, export, remove, use, *_add_versions(actions)):
        action.add_value("name", "M", tr("name of the model; M@N is its version N"))
    forget = add_command(actions, "forget", tr("forget training images"), tr(_FORGET))
    forget.add_value("name", "M", tr("name of the model"))
    forget.add_value("photos", "PHOTO", tr("image to forget"), parse_path, nargs="+")
    add = add_command(actions, "import", tr("import a model from an .onnx file"), tr(_IMPORT))
    _add_import(add)
    fetch = add_command(actions, "fetch", tr("add a published network as a backbone"), tr(_FETCH))
    fetch.add_value("network", "NETWORK", tr("one of {names}", names=", ".join(NETWORKS)))
    add_variant(fetch)
    teach = add_command(actions, "add-class", tr("teach a model a class"), tr(_ADD_CLASS))
    teach.add_value("name", "M", tr("name of the model; M@N is its version N"))
    teach.add_value("label", "CLASS", tr("the class"))
    teach.add_value("images", "IMAGE", tr("image, or folder of images"), parse_path, nargs="+")
    networks = add_command(actions, "networks", tr("compare published networks"), tr(_NETWORKS))
    for action in (export, add):
        action.add_value("file", "FILE", tr("model file"), parse_path)
    for action in (show, export, forget, teach, networks):
        action.add_format("json", default=argparse.SUPPRESS)


def _add_import(parser: Parser) -> None:
    parser.add_value("--classes", "FILE", tr("file with the class names"), parse_path)
    parser.add_value("--size", "N", tr("input size in pixels"), parse_side)
    parser.add_choice("--scaling", Scaling, tr("pixel scaling"))
    parser.add_choice("--order", ChannelOrder, tr("colour channel order (default: rgb)"))
    parser.add_value("--crop", "C", tr("cropping of the image (default: centre)"), parse_crop)
    parser.add_value("--name", "NAME", tr("name of the model (default: the file name)"))
    parser.add_value("--preview", "PHOTO", tr("show the prediction for PHOTO, import nothing"), parse_path)


def _add_versions(actions: Commands) -> tuple[Parser, ...]:
    """Add the actions on versions; return those that take the name of a model."""
    versions = add_command(actions, "versions", tr("list the versions of a model"), tr("List the versions of a model."))
    activate = add_command(actions, "activate", tr("choose the active version"), tr(_ACTIVATE))
    rollback = add_command(actions, "rollback", tr("go back to the previously active version"), tr(_ROLLBACK))
    compare = add_command(actions, "compare", tr("compare two models or versions"), tr(_COMPARE))
    compare.add_value("a", "A", tr("a model, or NAME@N for its version N"))
    compare.add_value("b", "B", tr("another model or version"))
    compare.add_value("folder", "FOLDER", tr("images, labelled or not"), parse_path)
    for action in (versions, compare):
        action.add_format("json", default=argparse.SUPPRESS)
    return versions, activate, rollback
