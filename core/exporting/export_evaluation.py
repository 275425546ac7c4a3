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
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.datasets.problems import Problem
from core.engine import golden
from core.evaluation.comparison import mcnemar
from core.evaluation.plots import percent
from core.exporting.samples import Samples
from core.models.variants import Outputs, open_file, run_joined

MAX_LOSS: Final = 0.01
"""Share of the validation images that may be named rightly no more, unless another one is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelOutputs:
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
class VariantMetrics:
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
class ExportEvaluation:
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
    exact: VariantMetrics
    forms: tuple[VariantMetrics, ...]
    most_lost: float
    problems: tuple[Problem, ...]

    @property
    def chosen(self) -> VariantMetrics | None:
        """The form that names most images rightly, the faster of two equals; None where all lose too much."""
        allowed = (form for form in self.forms if form.lost <= self.most_lost)
        return min(allowed, key=lambda form: (-form.accuracy, form.milliseconds), default=None)


def loss_in_words(trial: ExportEvaluation) -> str:
    """What the chosen form loses, in a sentence; empty where none was chosen."""
    if trial.chosen is None:
        return ""
    form = trial.chosen
    return (
        f"In 8 bits it names {percent(form.accuracy)} of {trial.images:,} validation photos rightly, "
        f"exactly it names {percent(trial.exact.accuracy)}; {form.named_otherwise:,} are named otherwise."
    )


class AccuracyLossError(ModelError):
    """No form is as good as was asked for, and so nothing was written.

    Attributes:
        evaluation: what was found.
    """

    def __init__(self, evaluation: ExportEvaluation) -> None:
        minimum = min(form.lost for form in evaluation.forms)
        super().__init__(
            f"In 8 bits the model names {minimum:.2%} of the validation images rightly no more; "
            f"{evaluation.most_lost:.2%} are allowed. Nothing was written.",
            hint="Export it with --storage float16, or allow more with --most-lost.",
        )
        self.evaluation = evaluation


def run_variants(files: Mapping[str, bytes], images: Iterable[NDArray[np.uint8]]) -> dict[str, ModelOutputs]:
    """What joined .onnx files say of images uint8 [size, size, 3], one at a time, the files in turns.

    Raises:
        ModelError: a file does not run.
    """
    sessions = {name: open_file(data) for name, data in files.items()}
    found: dict[str, list[Outputs]] = {name: [] for name in files}
    times: dict[str, list[float]] = {name: [] for name in files}
    for image in images:
        for name, session in sessions.items():
            started = time.perf_counter()
            found[name].append(run_joined(session, image[None]))
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: _outputs(found[name], times[name], len(data)) for name, data in files.items()}


def with_progress(
    images: Iterable[NDArray[np.uint8]], stage: str, total: int, *, report: ProgressCallback, token: CancelToken
) -> Iterator[NDArray[np.uint8]]:
    """Images, each reported as done when the next is asked for.

    Raises:
        Cancelled: the token was cancelled.
    """
    clock = ProgressReporter(stage, total, report)
    for image in images:
        token.check()
        yield image
        clock.advance()


def evaluate_variants(
    exact: ModelOutputs, forms: Mapping[str, ModelOutputs], samples: Samples, max_loss: float
) -> ExportEvaluation:
    """Count what differs between the exact model and forms of it, by their names.

    Raises:
        ModelError: a form's answers are not numbers.
    """
    return ExportEvaluation(
        calibration=len(samples.calibration),
        images=len(samples.validation),
        is_as_trained=samples.is_as_trained,
        learnt=samples.learnt,
        exact=_metrics("exact", exact, exact, samples.labels),
        forms=tuple(_metrics(name, form, exact, samples.labels) for name, form in forms.items()),
        most_lost=max_loss,
        problems=samples.problems,
    )


def facts(evaluation: ExportEvaluation, form: VariantMetrics) -> dict[str, Any]:
    """How good a form was found to be, for the card of the file that holds it."""
    return {
        "kind": form.name,
        "calibration_images": evaluation.calibration,
        "validation_images": evaluation.images,
        "images_as_in_training": evaluation.is_as_trained,
        "validation_images_learnt_from": evaluation.learnt,
        "exact_accuracy": round(evaluation.exact.accuracy, 6),
        "accuracy": round(form.accuracy, 6),
        "lost": round(form.lost, 6),
        "most_lost_allowed": evaluation.most_lost,
        "only_exact_right": form.only_exact_right,
        "only_it_right": form.only_it_right,
        "p": round(form.p, 6),
        "named_otherwise": form.named_otherwise,
        "features_cosine": round(form.cosine, 6),
    }


def _outputs(found: Sequence[Outputs], times: Sequence[float], size_bytes: int) -> ModelOutputs:
    logits = np.concatenate([answer.logits for answer in found])
    features = np.concatenate([answer.features for answer in found])
    return ModelOutputs(logits, features, statistics.median(times), size_bytes)


def _metrics(name: str, form: ModelOutputs, exact: ModelOutputs, labels: NDArray[np.int64]) -> VariantMetrics:
    if not np.isfinite(form.logits).all():
        raise ModelError(f"The form {name} answers with what is no number.", hint="Export it with --storage float16.")
    predicted, exact_predicted = form.logits.argmax(axis=1), exact.logits.argmax(axis=1)
    correct, exact_correct = predicted == labels, exact_predicted == labels
    return VariantMetrics(
        name=name,
        accuracy=float(correct.mean()),
        lost=float(exact_correct.mean() - correct.mean()),
        only_exact_right=int((exact_correct & ~correct).sum()),
        only_it_right=int((correct & ~exact_correct).sum()),
        p=mcnemar(exact_correct, correct),
        named_otherwise=int((predicted != exact_predicted).sum()),
        cosine=golden.cosine(form.features, exact.features),
        milliseconds=form.milliseconds,
        size_bytes=form.size_bytes,
    )
