"""`fovea models import`: a model that Fovea exported, or a classifier of another program with answers about it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from core.base.errors import FoveaError, UsageError
from core.card import ResizeMode
from core.cli.streams import print_message, results_to
from core.models.class_names import read_names, text_of
from core.models.exchange import Imported, import_model
from core.models.library import Library
from core.models.onnx_import import import_onnx, inspect_model
from core.models.onnx_import_values import DEFAULT_CROP, ChannelOrder, ImportAnswers, ImportQuestions, Scaling
from core.prediction import Failure

_ANSWERS: Final = ("classes", "size", "scaling", "order", "crop", "name", "preview")


def run(library: Library, arguments: argparse.Namespace) -> None:
    """Add a model, or show what it says about a photo.

    Raises:
        FoveaError: it could not be added.
    """
    file: Path = arguments.file
    given = _names_from(arguments.classes)
    questions = inspect_model(file, len(given) or None)
    if questions is None:
        _check_no_answers(arguments)
        _show(file, import_model(file, library))
        return
    answers = _answers(arguments, questions, given)
    if arguments.preview is not None:
        _preview(file, answers, arguments.preview)
    else:
        _show(file, import_onnx(file, answers, library))


def _show(file: Path, imported: Imported) -> None:
    name = imported.model.name
    print_message(
        f"Imported {str(file)!r} as {name!r}." if imported.is_new else f"You already have this model: {name!r}."
    )
    with results_to(None) as stream:
        stream.write(f"{name}\n")


def _check_no_answers(arguments: argparse.Namespace) -> None:
    given = [f"--{name}" for name in _ANSWERS if getattr(arguments, name) is not None]
    if given:
        what = f"Fovea exported this file, which says everything itself: {', '.join(given)} cannot change it."
        raise UsageError(what, hint="Leave these options out.")


def _names_from(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    names = read_names(text_of(file))
    if not names:
        what = f"{str(file)!r} cannot be read, or has no names of classes in it."
        raise UsageError(what, hint="Name a text file with one class a line, or a JSON list.")
    return names


def _answers(arguments: argparse.Namespace, asked: ImportQuestions, given: tuple[str, ...]) -> ImportAnswers:
    """What the options and the file say together.

    Raises:
        UsageError: something is still open; the message names all of it.
    """
    classes = given or asked.classes
    size: int = arguments.size or asked.size or 0
    scaling = Scaling.RAW if asked.reads_bytes else arguments.scaling
    missing = [
        *([] if classes else [f"--classes FILE (names for its {asked.class_count:,} classes)"]),
        *([] if size else ["--size N (pixels; often 224)"]),
        *([] if scaling else [f"--scaling {'|'.join(Scaling)} ({_guess(asked)})"]),
    ]
    if missing:
        what = f"This file was not made by Fovea, and some details are missing: {', '.join(missing)}."
        raise UsageError(what, hint="Look on the model's download page; --preview PHOTO tries your answers out.")
    fit, crop = arguments.crop or (ResizeMode.CENTRE_CROP, DEFAULT_CROP)
    return ImportAnswers(
        title=arguments.name or arguments.file.stem or "imported",
        classes=classes,
        size=size,
        order=ChannelOrder(arguments.order or ChannelOrder.RGB),
        scaling=Scaling(scaling),
        fit=fit,
        crop=crop,
    )


def _guess(asked: ImportQuestions) -> str:
    return "it scales them itself: most likely raw" if asked.scales_inside else "PyTorch: mostly imagenet"


def _preview(file: Path, answers: ImportAnswers, photo: Path) -> None:
    from core.models.import_preview import preview

    outcome = preview(file, answers, photo)
    if isinstance(outcome, Failure):
        raise FoveaError(f"{str(photo)!r}: {outcome.message}", hint=outcome.hint)
    with results_to(None) as stream:
        for score in outcome.scores:
            stream.write(f"{score.probability:6.1%}  {score.label}\n")
    print_message("Nothing was imported yet.", hint="If these answers are right, leave --preview out.")
