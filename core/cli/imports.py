"""`fovea models import`: import a model that Fovea exported, or a classifier from another program."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from core.api import model_files
from core.base.errors import FoveaError, UsageError
from core.base.i18n import tr
from core.card import ResizeMode
from core.cli.streams import print_message, results_to
from core.models.class_names import read_names, text_of
from core.models.onnx_import_values import DEFAULT_CROP, ChannelOrder, ImportAnswers, ImportQuestions, Scaling
from core.prediction import Failure

_ANSWERS: Final = ("classes", "size", "scaling", "order", "crop", "name", "preview")


def run(arguments: argparse.Namespace) -> None:
    """Import a model, or show its prediction for a photo."""
    file: Path = arguments.file
    given = _names_from(arguments.classes)
    answers = None
    for questions in model_files.inspect_model(file, len(given) or None):
        answers = _answers(arguments, questions, given)
    if answers is None:
        _check_no_answers(arguments)
    elif arguments.preview is not None:
        _preview(file, answers, arguments.preview)
        return
    imported = model_files.import_model(file, answers)
    if imported.is_new:
        print_message(tr("Imported {file!r} as {name!r}.", file=str(file), name=imported.name))
    else:
        print_message(tr("You already have this model: {name!r}.", name=imported.name))
    with results_to(None) as stream:
        stream.write(f"{imported.name}\n")


def _check_no_answers(arguments: argparse.Namespace) -> None:
    given = [f"--{name}" for name in _ANSWERS if getattr(arguments, name) is not None]
    if given:
        what = tr(
            "{options} cannot be used here: Fovea exported this file, and it contains all details.",
            options=", ".join(given),
        )
        raise UsageError(what, hint=tr("Remove these options."))


def _names_from(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    names = read_names(text_of(file))
    if not names:
        what = tr("Couldn't read class names from {file!r}.", file=str(file))
        raise UsageError(what, hint=tr("Choose a text file with one class per line, or a JSON list."))
    return names


def _answers(arguments: argparse.Namespace, questions: ImportQuestions, given: tuple[str, ...]) -> ImportAnswers:
    """Combine the options with the details in the file; a UsageError names all that are missing."""
    classes = given or questions.classes
    size: int = arguments.size or questions.size or 0
    scaling = Scaling.RAW if questions.reads_bytes else arguments.scaling
    missing = [
        *([] if classes else [tr("--classes FILE (names of its {count:,} classes)", count=questions.class_count)]),
        *([] if size else [tr("--size N (pixels; often 224)")]),
        *([] if scaling else [f"--scaling {'|'.join(Scaling)} ({_scaling_hint(questions)})"]),
    ]
    if missing:
        what = tr(
            "This file was not made by Fovea, and some details are missing: {options}.", options=", ".join(missing)
        )
        hint = tr("Check the download page of the model. Use --preview PHOTO to try your answers.")
        raise UsageError(what, hint=hint)
    fit, crop = arguments.crop or (ResizeMode.CENTRE_CROP, DEFAULT_CROP)
    return ImportAnswers(
        title=arguments.name or arguments.file.stem or "imported",
        classes=classes,
        size=size,
        order=arguments.order or ChannelOrder.RGB,
        scaling=scaling,
        fit=fit,
        crop=crop,
    )


def _scaling_hint(questions: ImportQuestions) -> str:
    if questions.scales_inside:
        return tr("most likely raw, because the model scales its input")
    return tr("usually imagenet for PyTorch models")


def _preview(file: Path, answers: ImportAnswers, photo: Path) -> None:
    outcome = model_files.preview_import(file, answers, photo)
    if isinstance(outcome, Failure):
        raise FoveaError(f"{str(photo)!r}: {outcome.message}", hint=outcome.hint)
    with results_to(None) as stream:
        for score in outcome.scores:
            stream.write(f"{score.probability:6.1%}  {score.label}\n")
    print_message(tr("Nothing was imported yet."), hint=tr("If this looks right, run the command without --preview."))
