"""`fovea classify`: files and folders in, one result for each image out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from core import paths, settings
from core.classifier import Classifier, open_classifier
from core.cli.arguments import ClassifyRequest
from core.cli.progress import bar
from core.cli.results import Results, open_results
from core.cli.streams import is_terminal, results_to, tell
from core.errors import ImageError, UsageError
from core.images.folders import IMAGE_SUFFIXES, find_images
from core.library.library import open_library
from core.prediction import Failure, Outcome
from core.providers import TITLES


@dataclass(slots=True)
class _Tally:
    """What came of the images so far."""

    images: int = 0
    failed: int = 0
    unreadable_folders: int = 0

    def count(self, outcome: Outcome) -> None:
        self.images += 1
        self.failed += isinstance(outcome, Failure)


def run(request: ClassifyRequest) -> int:
    """Classify all images; 0 if every one was, 1 if some could not be.

    Raises:
        FoveaError: nothing could start, or the provider or the output failed under way.
        ReaderGoneError: nobody reads standard output any more.
    """
    _refuse_image_as_output(request.output)
    chosen, tally = settings.load(paths.settings_file()), _Tally()
    images = _find(request, tally)
    model = open_library().find(chosen.model if request.model is None else request.model)
    with results_to(request.output) as stream:
        classifier = open_classifier(model, request.provider or chosen.provider, request.precision or chosen.precision)
        top_k = min(request.top or chosen.top_k, len(model.card.classes))
        results = open_results(request.format, stream, top_k)
        with _progress(request) as advance:
            started = time.perf_counter()
            _classify(classifier.classify(images, top_k=top_k), results, tally, advance)
            seconds = time.perf_counter() - started
        results.close()
    _sum_up(tally, classifier, seconds)
    return 1 if tally.failed or tally.unreadable_folders else 0


def _refuse_image_as_output(output: Path | None) -> None:
    if output is not None and output.suffix.lower() in IMAGE_SUFFIXES:
        raise UsageError(
            f"{str(output)!r} would be written, but that is the name of an image.",
            hint="Write the paths of images before --output, and a name like results.csv after it.",
        )


def _find(request: ClassifyRequest, tally: _Tally) -> Iterator[Path]:
    """The images asked for; at least one, or it is an error at once."""

    def on_error(folder: Path, error: ImageError) -> None:  # noqa: ARG001 - the message names the folder
        tally.unreadable_folders += 1
        tell(error.what, hint=error.hint)

    images = find_images(request.paths, recursive=request.recursive, on_error=on_error)
    first = next(images, None)
    if first is None:
        raise UsageError("No image was found.", hint=_where_else(request))
    for folder in request.paths:
        if _is_empty(folder, recursive=request.recursive):
            tell(f"No image was found in {str(folder)!r}.", hint=_where_else(request))
    return chain([first], images)


def _is_empty(folder: Path, *, recursive: bool) -> bool:
    """Whether a folder can be read and gives no image."""
    unreadable: list[Path] = []
    images = find_images([folder], recursive=recursive, on_error=lambda where, _: unreadable.append(where))
    return next(images, None) is None and not unreadable


def _where_else(request: ClassifyRequest) -> str:
    if not request.recursive:
        return "Add --recursive to look into subfolders, or name image files."
    return f"In folders, images are files that end in {', '.join(sorted(IMAGE_SUFFIXES))}; others can be named."


def _progress(request: ClassifyRequest) -> AbstractContextManager[Callable[[], None]]:
    """A bar where a person waits; none where results themselves run over the same terminal."""
    results_run_by = request.output is None and request.format != "table" and is_terminal(sys.stdout)
    if not is_terminal(sys.stderr) or results_run_by:
        return nullcontext(lambda: None)
    return bar(find_images(request.paths, recursive=request.recursive, on_error=lambda *_: None))


def _classify(outcomes: Iterator[Outcome], results: Results, tally: _Tally, advance: Callable[[], None]) -> None:
    for outcome in outcomes:
        results.add(outcome)
        tally.count(outcome)
        advance()


def _sum_up(tally: _Tally, classifier: Classifier, seconds: float) -> None:
    images = "1 image" if tally.images == 1 else f"{tally.images:,} images"
    provider = TITLES[classifier.engine.provider]
    rate = tally.images / seconds
    tell(f"{images}, {tally.failed:,} failed, {rate:.1f} images/s, {classifier.model.name} on {provider}")
