"""`fovea classify`: files and folders in, one result for each image out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from core import paths, settings
from core.classifier import Classifier, open_classifier
from core.cli.arguments import ClassifyRequest
from core.cli.progress import bar
from core.cli.results import open_results
from core.cli.streams import is_terminal, tell
from core.errors import ImageError, UsageError
from core.images.folders import IMAGE_SUFFIXES, find_images
from core.library.library import InstalledModel, open_library
from core.prediction import Failure, Outcome
from core.providers import TITLES
from core.reports.columns import Reported, Shape
from core.reports.plan import Form, Plan
from core.reports.write import Writer, refuse_image

_PATHS_TOLD: Final = 5


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
    _check(request)
    chosen, tally = settings.load(paths.settings_file()), _Tally()
    images = _find(request, tally)
    model = open_library().find(chosen.model if request.model is None else request.model)
    top_k = min(request.top or chosen.top_k, len(model.card.classes))
    with open_results(_plan(request, model, top_k), request.output) as results:
        classifier = open_classifier(model, request.provider or chosen.provider, request.precision or chosen.precision)
        with _progress(request) as advance:
            started = time.perf_counter()
            _classify(classifier.classify(images, top_k=top_k), results, tally, advance)
            seconds = time.perf_counter() - started
    _sum_up(tally, classifier, seconds)
    return 1 if tally.failed or tally.unreadable_folders else 0


def _check(request: ClassifyRequest) -> None:
    """Refuse what cannot be written, before any work."""
    if request.output is not None:
        refuse_image(request.output)
    elif request.format != "table" and not Form(request.format).is_text:
        hint = f"Add --output with a name such as results.{request.format}."
        raise UsageError(f"{request.format} is no text and goes into a file alone.", hint=hint)
    if request.byte_order_mark and request.format != Form.CSV:
        raise UsageError("Only CSV can begin with a byte-order mark.", hint="Leave --bom out, or add --format csv.")


def _plan(request: ClassifyRequest, model: InstalledModel, top_k: int) -> Plan | None:
    if request.format == "table":
        return None
    card = model.card
    about = (("model", f"{card.title} ({model.name})"), ("backbone", model.backbone.name))
    asked = ("images", ", ".join(str(path) for path in request.paths[:_PATHS_TOLD]))
    folder = request.paths[0] if len(request.paths) == 1 else None
    form, mark = Form(request.format), request.byte_order_mark
    return Plan(form, Shape(top_k), byte_order_mark=mark, about=(*about, asked), folder=folder)


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


def _classify(outcomes: Iterator[Outcome], results: Writer, tally: _Tally, advance: Callable[[], None]) -> None:
    for outcome in outcomes:
        results.add(Reported(outcome))
        tally.count(outcome)
        advance()


def _sum_up(tally: _Tally, classifier: Classifier, seconds: float) -> None:
    images = "1 image" if tally.images == 1 else f"{tally.images:,} images"
    provider = TITLES[classifier.engine.provider]
    rate = tally.images / seconds
    tell(f"{images}, {tally.failed:,} failed, {rate:.1f} images/s, {classifier.model.name} on {provider}")
