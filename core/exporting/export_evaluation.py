"""Evaluation of exported variants of a model against the original on the same images."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.engine import golden
from core.evaluation.comparison import mcnemar
from core.exporting.samples import Samples
from core.exporting.values import ExportEvaluation, VariantMetrics
from core.models.variants import Outputs, open_file, run_joined


@dataclass(frozen=True, slots=True, eq=False)
class ModelOutputs:
    """The outputs of one file for n validation images, and its size.

    Logits are float32 [n, classes], features float32 [n, d]; the milliseconds are the median time for a batch of
    one.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    milliseconds: float
    size_bytes: int


def run_variants(files: Mapping[str, bytes], images: Iterable[NDArray[np.uint8]]) -> dict[str, ModelOutputs]:
    """Run joined .onnx files on images uint8 [size, size, 3], one image at a time, alternating between the files.

    Raises ModelError if a file does not run.
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
    """Yield images, reporting each as done when the next is requested."""
    clock = ProgressReporter(stage, total, report)
    for image in images:
        token.check()
        yield image
        clock.advance()


def evaluate_variants(
    exact: ModelOutputs, forms: Mapping[str, ModelOutputs], samples: Samples, max_loss: float
) -> ExportEvaluation:
    """Compare the outputs of variants, by name, with those of the exact model.

    Raises ModelError if an output of a variant is not a number.
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
    """The metrics of a variant, for the card of its file."""
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
    logits = np.concatenate([outputs.logits for outputs in found])
    features = np.concatenate([outputs.features for outputs in found])
    return ModelOutputs(logits, features, statistics.median(times), size_bytes)


def _metrics(name: str, form: ModelOutputs, exact: ModelOutputs, labels: NDArray[np.int64]) -> VariantMetrics:
    if not np.isfinite(form.logits).all():
        what = tr("The outputs of the variant {name} are not numbers.", name=name)
        raise ModelError(what, hint=tr("Export it with --storage float16."))
    predicted, exact_predicted = form.logits.argmax(axis=1), exact.logits.argmax(axis=1)
    correct, exact_correct = predicted == labels, exact_predicted == labels
    only_exact, only_form = int((exact_correct & ~correct).sum()), int((correct & ~exact_correct).sum())
    return VariantMetrics(
        name=name,
        accuracy=float(correct.mean()),
        lost=float(exact_correct.mean() - correct.mean()),
        only_exact_right=only_exact,
        only_it_right=only_form,
        p=mcnemar(only_exact, only_form),
        named_otherwise=int((predicted != exact_predicted).sum()),
        cosine=golden.cosine(form.features, exact.features),
        milliseconds=form.milliseconds,
        size_bytes=form.size_bytes,
    )
