"""What a model loses in another form: both named the same images, and what differs is counted."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.progress import CancelToken, Report, StageClock
from core.datasets.problems import Problem
from core.engine import golden
from core.evaluation.comparison import mcnemar
from core.evaluation.plots import percent
from core.exporting.samples import Samples
from core.models.variants import Answers, answers, open_file

MOST_LOST: Final = 0.01
"""Share of the validation images that may be named rightly no more, unless another one is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one file said of n validation images.

    Attributes:
        logits: float32 [n, classes].
        features: float32 [n, d].
        milliseconds: median of one image alone.
        size_bytes: of the file.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    milliseconds: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """How a form does against the exact model on the same images.

    Attributes:
        name: of the form.
        accuracy: share of the images named rightly, 0..1.
        lost: of the exact model's accuracy; below 0 where the form is better.
        only_exact_right: images that only the exact model names rightly.
        only_it_right: images that only the form names rightly.
        p: of McNemar's exact test.
        named_otherwise: images that the two name differently, rightly or not.
        cosine: least similarity of its features with the exact ones.
        milliseconds: median of one image alone.
        size_bytes: of the file.
    """

    name: str
    accuracy: float
    lost: float
    only_exact_right: int
    only_it_right: int
    p: float
    named_otherwise: int
    cosine: float
    milliseconds: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying forms.

    Attributes:
        calibration: how many training images they were adjusted with.
        images: how many validation images they were judged by.
        is_as_trained: whether both are those of the model's own training.
        learnt: how many of the validation images the model learnt from in the end; None where nobody knows.
        exact: the model as it is.
        forms: what was made of it, one or more.
        most_lost: how much of its accuracy may be lost, 0..1.
        problems: what was found wrong with the folder.
    """

    calibration: int
    images: int
    is_as_trained: bool
    learnt: int | None
    exact: Measured
    forms: tuple[Measured, ...]
    most_lost: float
    problems: tuple[Problem, ...]

    @property
    def chosen(self) -> Measured | None:
        """The form that names most images rightly, the faster of two equals; None where all lose too much."""
        allowed = (form for form in self.forms if form.lost <= self.most_lost)
        return min(allowed, key=lambda form: (-form.accuracy, form.milliseconds), default=None)


def loss_in_words(trial: Trial) -> str:
    """What the chosen form loses, in a sentence; empty where none was chosen."""
    if trial.chosen is None:
        return ""
    form = trial.chosen
    return (
        f"In 8 bits it names {percent(form.accuracy)} of {trial.images:,} validation photos rightly, "
        f"exactly it names {percent(trial.exact.accuracy)}; {form.named_otherwise:,} are named otherwise."
    )


class TooMuchLostError(ModelError):
    """No form is as good as was asked for, and so nothing was written.

    Attributes:
        trial: what was found.
    """

    def __init__(self, trial: Trial) -> None:
        least = min(form.lost for form in trial.forms)
        super().__init__(
            f"In 8 bits the model names {least:.2%} of the validation images rightly no more; "
            f"{trial.most_lost:.2%} are allowed. Nothing was written.",
            hint="Export it with --storage float16, or allow more with --most-lost.",
        )
        self.trial = trial


def ask(files: Mapping[str, bytes], images: Iterable[NDArray[np.uint8]]) -> dict[str, Told]:
    """What joined .onnx files say of images uint8 [size, size, 3], one at a time, the files in turns.

    Raises:
        ModelError: a file does not run.
    """
    sessions = {name: open_file(data) for name, data in files.items()}
    found: dict[str, list[Answers]] = {name: [] for name in files}
    times: dict[str, list[float]] = {name: [] for name in files}
    for image in images:
        for name, session in sessions.items():
            started = time.perf_counter()
            found[name].append(answers(session, image[None]))
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: _told(found[name], times[name], len(data)) for name, data in files.items()}


def counted(
    images: Iterable[NDArray[np.uint8]], stage: str, total: int, *, report: Report, token: CancelToken
) -> Iterator[NDArray[np.uint8]]:
    """Images, each reported as done when the next is asked for.

    Raises:
        Cancelled: the token was cancelled.
    """
    clock = StageClock(stage, total, report)
    for image in images:
        token.check()
        yield image
        clock.advance()


def judged(exact: Told, forms: Mapping[str, Told], samples: Samples, most_lost: float) -> Trial:
    """Count what differs between the exact model and forms of it, by their names.

    Raises:
        ModelError: a form's answers are not numbers.
    """
    return Trial(
        calibration=len(samples.calibration),
        images=len(samples.validation),
        is_as_trained=samples.is_as_trained,
        learnt=samples.learnt,
        exact=_measured("exact", exact, exact, samples.labels),
        forms=tuple(_measured(name, form, exact, samples.labels) for name, form in forms.items()),
        most_lost=most_lost,
        problems=samples.problems,
    )


def facts(trial: Trial, form: Measured) -> dict[str, Any]:
    """How good a form was found to be, for the card of the file that holds it."""
    return {
        "kind": form.name,
        "calibration_images": trial.calibration,
        "validation_images": trial.images,
        "images_as_in_training": trial.is_as_trained,
        "validation_images_learnt_from": trial.learnt,
        "exact_accuracy": round(trial.exact.accuracy, 6),
        "accuracy": round(form.accuracy, 6),
        "lost": round(form.lost, 6),
        "most_lost_allowed": trial.most_lost,
        "only_exact_right": form.only_exact_right,
        "only_it_right": form.only_it_right,
        "p": round(form.p, 6),
        "named_otherwise": form.named_otherwise,
        "features_cosine": round(form.cosine, 6),
    }


def _told(found: Sequence[Answers], times: Sequence[float], size_bytes: int) -> Told:
    logits = np.concatenate([answer.logits for answer in found])
    features = np.concatenate([answer.features for answer in found])
    return Told(logits, features, statistics.median(times), size_bytes)


def _measured(name: str, form: Told, exact: Told, labels: NDArray[np.int64]) -> Measured:
    if not np.isfinite(form.logits).all():
        raise ModelError(f"The form {name} answers with what is no number.", hint="Export it with --storage float16.")
    named, named_exactly = form.logits.argmax(axis=1), exact.logits.argmax(axis=1)
    right, exactly_right = named == labels, named_exactly == labels
    return Measured(
        name=name,
        accuracy=float(right.mean()),
        lost=float(exactly_right.mean() - right.mean()),
        only_exact_right=int((exactly_right & ~right).sum()),
        only_it_right=int((right & ~exactly_right).sum()),
        p=mcnemar(exactly_right, right),
        named_otherwise=int((named != named_exactly).sum()),
        cosine=golden.cosine(form.features, exact.features),
        milliseconds=form.milliseconds,
        size_bytes=form.size_bytes,
    )
