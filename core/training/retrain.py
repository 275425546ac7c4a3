"""Retraining with corrections, in seconds: training data of a version + corrections -> quick -> library."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from core.base.errors import DatasetError, StorageError
from core.base.i18n import tr
from core.base.label_sets import classes_of, label_of
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import natural_sort_key
from core.card import ModelCard
from core.datasets.label_file import open_labels
from core.datasets.labelled_image import LabelledImage
from core.datasets.labels import Label, ambiguous_text
from core.datasets.problems import Problem, ProblemKind, format_path
from core.datasets.scan import scan_images
from core.datasets.scan_cache import ScanCache
from core.datasets.subsets import Subset
from core.evaluation.comparison import compare_with_baseline
from core.evaluation.values import BaselineComparison, Evaluation
from core.models.heads import Head, class_probabilities, read_head
from core.models.installed import load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.prediction import Failure
from core.training import quick
from core.training.evaluated_head import EvaluatedHead
from core.training.next_version import (
    NextVersion,
    evaluate_base,
    in_order,
    install_next,
    learnable_classes,
    saved_examples,
    train_next,
)
from core.training.request import RetrainRequest
from core.training.retraining_notes import retraining_notes
from core.training.training_data import TrainingData
from core.training.values import CorrectionResult, RetrainingResult

_MAX_SKIPPED: Final = 1000


def retrain(
    request: RetrainRequest, library: Library, *, report: ProgressCallback, token: CancelToken
) -> RetrainingResult:
    """Make the next version of a model from its training data and corrections, by the recipe quick.

    A corrected photo becomes a training image, unless it is a validation or test image: those keep their role, with
    the label that the user gave. The corrections used are marked as trained, see `core.datasets.labels`.

    Raises:
        ModelError: there is no such version, it is broken, or its training data was not saved.
        DatasetError: none of the corrections can be used, or too few images are left to train on.
        ProviderError: the engine cannot be opened or failed while running.
        StorageError: the version cannot be written; nothing of it is left.
        Cancelled: the token was cancelled; nothing has changed.
    """
    started, base = time.perf_counter(), library.find(f"{request.name}@{request.version}")
    kept = saved_examples(base)
    intended = tuple(one for one in request.corrections if not one.is_ambiguous(base.card.unknown_below))
    ambiguous = len(request.corrections) - len(intended)
    with ScanCache() as cache:
        found = list(scan_images([_labelled(one, base.card) for one in intended], cache, report, token))
    scanned = _usable(intended, found, ambiguous)
    images = tuple(in_order(_merged(kept, scanned.images)))
    following = NextVersion(base, kept, images, request.provider, library, report, token)
    data, head = train_next(following)
    before, leaked = evaluate_base(following, data)
    results = _correction_results(intended, base, data, head, scanned)
    token.check()
    model = install_next(following, data, head, len(results), before)
    notes = list(retraining_notes(base.card, ambiguous, scanned.images, scanned.hashes, data))
    try:
        with open_labels() as store:
            store.mark_trained([one.correction for one in results], data.fingerprint())
    except StorageError as error:  # they stay pending, which is harmless
        notes.append(tr("The corrections were used but couldn't be marked as used. {reason}", reason=error))
    return RetrainingResult(
        name=model.name,
        version=model.version,
        from_version=base.version,
        computed=data.computed,
        corrections=results,
        tests=_compare_tests(base, before, head.evaluation, leaked),
        notes=tuple(notes),
        skipped=_skipped(scanned, data),
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True, slots=True)
class _Scanned:
    """The corrected photos.

    Attributes:
        images: the images that can be used, by sha256.
        hashes: sha256 of each photo that is one of these, or a copy with the same label.
        problems: why the others cannot be used.
    """

    images: Mapping[str, LabelledImage]
    hashes: Mapping[Path, str]
    problems: tuple[Problem, ...]


# ---- the photos


def _changed(image: LabelledImage) -> Problem:
    what = tr("“{name}” has changed since you labelled it.", name=format_path(image.path))
    return Problem(ProblemKind.SKIPPED, (image.path,), what, tr("Label it again to include it."))


def _labelled(correction: Label, card: ModelCard) -> LabelledImage:
    if not card.is_multi_label:
        return LabelledImage(correction.path, correction.label)
    classes = sorted(classes_of(correction.label), key=natural_sort_key)
    return LabelledImage(correction.path, labels=tuple(classes))


def _usable(corrections: Sequence[Label], results: Sequence[LabelledImage | Problem], ambiguous: int) -> _Scanned:
    """What was found of the corrected photos; `ambiguous` is how many others there were."""
    labelled = {one.path: one.sha256 for one in corrections}
    readable = [one for one in results if isinstance(one, LabelledImage) and labelled[one.path] in ("", one.sha256)]
    given_at = {one.path: one.created_at for one in corrections}
    readable.sort(key=lambda image: given_at[image.path])
    images = {image.sha256: image for image in readable}  # of copies, the latest label counts
    problems = tuple(one if isinstance(one, Problem) else _changed(one) for one in results if one not in readable)
    if not images:
        unusable = problems[0].message if problems else ambiguous_text(ambiguous)
        hint = unusable or tr("Correct a prediction first.")
        raise DatasetError(tr("There are no corrections to train on."), hint=hint)
    hashes = {one.path: one.sha256 for one in readable if one.classes == images[one.sha256].classes}
    return _Scanned(images, hashes, problems)


def _merged(kept: Sequence[LabelledImage], scanned: Mapping[str, LabelledImage]) -> list[LabelledImage]:
    """The earlier examples with corrected labels, and the new photos as training images.

    A validation or test image becomes a training image if its class has no other.
    """
    known = {one.sha256 for one in kept}
    corrected = ((one, scanned.get(one.sha256, one)) for one in kept)
    images = [replace(one, label=now.label, labels=now.labels) for one, now in corrected]
    new = [image for sha256, image in scanned.items() if sha256 not in known]
    images += [replace(image, subset=Subset.TRAIN) for image in new]
    learnable = learnable_classes(images)
    return [one if learnable.issuperset(one.classes) else replace(one, subset=Subset.TRAIN) for one in images]


# ---- results


def _compare_tests(
    base: InstalledModel, before: Evaluation | None, now: Evaluation | None, leaked: int
) -> BaselineComparison | None:
    if before is None or now is None:
        return None
    return compare_with_baseline(base.name, base.version, before, now, training_overlap=leaked)


def _skipped(scanned: _Scanned, data: TrainingData) -> tuple[Failure, ...]:
    corrected = (Failure(one.paths[0], one.kind, one.message, one.hint) for one in scanned.problems)
    return (*corrected, *data.failures)[:_MAX_SKIPPED]


def _correction_results(
    corrections: Sequence[Label], base: InstalledModel, data: TrainingData, head: EvaluatedHead, scanned: _Scanned
) -> tuple[CorrectionResult, ...]:
    """The predictions of both versions for the corrected photos, except for files that changed meanwhile."""
    everything = data.everything()
    rows = {example.sha256: row for row, example in enumerate(everything.examples)}
    pairs = [(one, rows.get(scanned.hashes.get(one.path, ""))) for one in corrections]
    results = [(one, row) for one, row in pairs if row is not None]
    features = everything.features[[row for _, row in results]]
    following = replace(
        base.card, classes=data.dataset.classes, temperature=head.temperature, thresholds=head.thresholds
    )
    before = _predictions(load_head(base), features, base.card)
    now = _predictions(read_head(head.trained.head), features, following)
    return tuple(
        CorrectionResult(one, *was, *is_now) for (one, _), was, is_now in zip(results, before, now, strict=True)
    )


def _predictions(head: Head, features: quick.Features, card: ModelCard) -> list[tuple[str, float]]:
    """The most likely class of each image, or the label of those that it has, and the highest probability."""
    probabilities, classes = class_probabilities(card, head.logits(features)), np.array(card.classes, object)
    highest = probabilities.max(axis=1).tolist()
    if card.is_multi_label:
        labels = [label_of(classes[row].tolist()) for row in probabilities >= np.array(card.thresholds, np.float32)]
    else:
        labels = classes[probabilities.argmax(axis=1)].tolist()
    return list(zip(labels, highest, strict=True))
