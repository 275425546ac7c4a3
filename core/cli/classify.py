"""`fovea classify`: files and folders in, one result for each image out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import chain
from pathlib import Path
from typing import Final

from core import paths, settings
from core.batch.pipeline import Answering
from core.classifier import Classifier
from core.cli import classify_folders
from core.cli.classify_arguments import ClassifyRequest
from core.cli.classify_folders import Outcomes, Tally, no_image, shows_progress, where_else
from core.cli.progress import bar
from core.cli.results import open_results
from core.cli.streams import tell
from core.cluster.addresses import Address
from core.errors import ImageError, UsageError
from core.images.folders import find_images, folder_name
from core.images.kinds import SAVE_HINT, in_words
from core.library.library import InstalledModel, open_library
from core.reports.columns import Reported, Shape
from core.reports.plan import Form, Plan
from core.reports.write import refuse_image

_PATHS_TOLD: Final = 5


def run(request: ClassifyRequest) -> int:
    """Classify all images; 0 if every one was, 1 if some could not be.

    Raises:
        FoveaError: nothing could start, or the provider or the output failed under way.
        ReaderGoneError: nobody reads standard output any more.
    """
    check(request)
    if request.engine == "ray":
        from core.cli import classify_cluster

        return classify_cluster.run(request)
    chosen, tally = settings.load(paths.settings_file()), Tally()
    by_jobs = classify_folders.is_possible(request)
    images = iter(()) if by_jobs else _find(request, tally)
    if by_jobs:
        classify_folders.look(request)
    model = open_library().find(chosen.model if request.model is None else request.model)
    top_k = min(request.top or chosen.top_k, len(model.card.classes))
    with open_results(plan(request, model, top_k), request.output) as results:
        asked = Answering(model, request.provider or chosen.provider, request.precision or chosen.precision)
        if by_jobs:
            outcomes = classify_folders.outcomes(request, asked, top_k, tally)
        else:
            outcomes = _outcomes(request, asked.open(), images, top_k)
        with closing(outcomes):
            for outcome in outcomes:
                results.add(Reported(outcome))
                tally.count(outcome)
    tell(tally.sum(asked))
    if tally.skipped:
        tell(in_words(tally.skipped), hint=SAVE_HINT)
    return 1 if tally.failed or tally.unreadable_folders else 0


def check(request: ClassifyRequest) -> None:
    """Refuse what cannot be written, before any work."""
    if request.engine == "local" and any(isinstance(path, Address) for path in (*request.paths, request.output)):
        raise UsageError("Addresses of stores are read and written by --engine ray alone.", hint="Add --engine ray.")
    if request.output is not None:
        refuse_image(request.output)
    elif request.format != "table" and not Form(request.format).is_text:
        hint = f"Add --output with a name such as results.{request.format}."
        raise UsageError(f"{request.format} is no text and goes into a file alone.", hint=hint)
    asks_jobs = request.include or request.exclude or request.fresh or request.keep_features
    if asks_jobs and not all(map(os.path.isdir, request.paths)):
        what = "--include, --exclude, --fresh and --keep-features are about folders, and not only folders are named."
        raise UsageError(what, hint="Name folders alone.")


def plan(request: ClassifyRequest, model: InstalledModel, top_k: int) -> Plan | None:
    """How the report is to be; None for a table to read."""
    if request.format == "table":
        return None
    card = model.card
    about = (("model", f"{card.title} ({model.name})"), ("backbone", model.backbone.name))
    asked = ("images", ", ".join(_name(path) for path in request.paths[:_PATHS_TOLD]))
    folder = request.paths[0] if len(request.paths) == 1 else None
    return Plan(
        Form(request.format),
        Shape(top_k),
        byte_order_mark=request.byte_order_mark,
        delimiter=request.delimiter,
        about=(*about, asked),
        folder=folder,
    )


def _name(path: Path | Address) -> str:
    """What was asked for, without the way to it: reports are sent to other people."""
    return str(path) if isinstance(path, Address) else folder_name(path)


def _find(request: ClassifyRequest, tally: Tally) -> Iterator[Path]:
    """The images asked for; at least one, or it is an error at once."""

    def on_error(folder: Path, error: ImageError) -> None:  # noqa: ARG001 - the message names the folder
        tally.unreadable_folders += 1
        tell(error.what, hint=error.hint)

    images = find_images(request.paths, recursive=request.recursive, on_error=on_error, skipped=tally.skipped)
    first = next(images, None)
    if first is None:
        raise no_image(request, tally.skipped)
    for folder in request.paths:
        if _is_empty(folder, recursive=request.recursive):
            tell(f"No image was found in {str(folder)!r}.", hint=where_else(request))
    return chain([first], images)


def _is_empty(folder: Path, *, recursive: bool) -> bool:
    """Whether a folder can be read and gives no image."""
    unreadable: list[Path] = []
    images = find_images([folder], recursive=recursive, on_error=lambda where, _: unreadable.append(where))
    return next(images, None) is None and not unreadable


def _outcomes(request: ClassifyRequest, model: Classifier, images: Iterator[Path], top_k: int) -> Outcomes:
    with _progress(request) as advance:
        for outcome in model.classify(images, top_k=top_k):
            yield outcome
            advance()


def _progress(request: ClassifyRequest) -> AbstractContextManager[Callable[[], None]]:
    if not shows_progress(request):
        return nullcontext(lambda: None)
    return bar(find_images(request.paths, recursive=request.recursive, on_error=lambda *_: None))
