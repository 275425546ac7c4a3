"""`fovea classify`: files and folders in, one result for each image out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import chain
from pathlib import Path

from core.base import paths, settings
from core.base.errors import ImageError, UsageError
from core.cli import classify_folders
from core.cli.classify_arguments import ClassifyRequest
from core.cli.classify_folders import Outcomes, Tally, no_image, shows_progress, where_else
from core.cli.classify_report import plan
from core.cli.progress import bar
from core.cli.results import open_results
from core.cli.streams import tell
from core.images.kinds import SAVE_HINT, in_words
from core.images.listing import find_images
from core.jobs.cluster.addresses import Address
from core.jobs.pipeline import Answering
from core.models.classifier import Classifier
from core.models.library import open_library
from core.outputs.reports.columns import Reported
from core.outputs.reports.plan import Form
from core.outputs.reports.write import refuse_image


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
