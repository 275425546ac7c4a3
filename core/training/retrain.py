"""Retraining with corrections, in seconds: training data of a version + corrections -> quick -> library.

The folder of the training data is not read again and may be missing: its images are known by content hash, and their
features are cached. Validation and test images keep their role, so that the metrics of both versions are comparable.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from core.base.errors import DatasetError, ModelError, ProviderError, StorageError
from core.base.i18n import mark, tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.providers import Precision
from core.base.text import natural_sort_key
from core.card import BackboneCard, write_card
from core.datasets.dataset import Dataset
from core.datasets.label_file import open_labels
from core.datasets.labelled_image import LabelledImage
from core.datasets.labels import ambiguous_text
from core.datasets.problems import Problem, ProblemKind, format_path
from core.datasets.scan import scan_images
from core.datasets.scan_cache import ScanCache
from core.datasets.subsets import Subset
from core.engine.feature_store import FeatureKind, FeatureStore, Rows
from core.engine.features import FeatureExtractor, FeatureTable, compute_features
from core.evaluation.comparison import compare_with_baseline
from core.evaluation.kept import serialize_evaluation
from core.evaluation.metrics import evaluate
from core.evaluation.values import BaselineComparison, Evaluation
from core.models.bundled_features import bundled_features
from core.models.heads import Head, LinearHead, read_head, softmax
from core.models.installed import backbone_files, load_examples, load_files, load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.prediction import Failure
from core.training import quick
from core.training.cards import HEAD, THUMBNAILS, corrected_card
from core.training.evaluated_head import EvaluatedHead, evaluate_head
from core.training.extension import extend, extended_data, kept_before, without_unused
from core.training.recipes import kind_of, train_quick
from core.training.request import RetrainRequest
from core.training.retraining_notes import retraining_notes
from core.training.thumbnails import make_thumbnails
from core.training.training_data import LabelledFeatures, TrainingData
from core.training.values import CorrectionResult, RetrainingResult
from core.training.variant_check import measure_variants, must_retrain_in_float32, variant_of

_MAX_SKIPPED: Final = 1000
_TRAIN_HINT: Final = mark("Train a new model instead; its training data will be saved.")


@dataclass(frozen=True, slots=True, eq=False)
class _Retraining:
    """A retraining in progress.

    Attributes:
        request: the request without ambiguous corrections.
        ambiguous: the number of ambiguous corrections, see `Label.is_ambiguous`.
        base: the version that is corrected.
        kept: its training examples.
    """

    request: RetrainRequest
    ambiguous: int
    base: InstalledModel
    kept: tuple[LabelledImage, ...]
    library: Library
    report: ProgressCallback
    token: CancelToken


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
    kept = load_examples(base)
    if kept is None:
        what = tr("“{name}” can't be retrained: its training data was not saved.", name=request.name)
        raise ModelError(what, hint=tr(_TRAIN_HINT))
    intended = tuple(one for one in request.corrections if not one.is_ambiguous(base.card.unknown_below))
    ambiguous = len(request.corrections) - len(intended)
    retraining = _Retraining(replace(request, corrections=intended), ambiguous, base, kept, library, report, token)
    scanned = _scan(retraining)
    data, head = _trained(retraining, scanned)
    before, leaked = _evaluate_base(retraining, data)
    results = _correction_results(retraining, data, head, scanned)
    token.check()
    model = _install(retraining, data, head, len(results), before)
    notes = (
        *retraining_notes(base.card, ambiguous, scanned.images, scanned.hashes, data),
        *_mark_trained(results, data),
    )
    return RetrainingResult(
        name=model.name,
        version=model.version,
        from_version=base.version,
        computed=data.computed,
        corrections=results,
        tests=_compare_tests(base, before, head.evaluation, leaked),
        notes=notes,
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


# ---- training data


def _changed(image: LabelledImage) -> Problem:
    what = tr("“{name}” has changed since you labelled it.", name=format_path(image.path))
    return Problem(ProblemKind.SKIPPED, (image.path,), what, tr("Label it again to include it."))


def _scan(retraining: _Retraining) -> _Scanned:
    """Scan the corrected photos in the same way as those of a folder."""
    photos = [LabelledImage(one.path, one.label) for one in retraining.request.corrections]
    with ScanCache() as cache:
        results = list(scan_images(photos, cache, retraining.report, retraining.token))
    labelled = {one.path: one.sha256 for one in retraining.request.corrections}
    readable = [one for one in results if isinstance(one, LabelledImage) and labelled[one.path] in ("", one.sha256)]
    given_at = {one.path: one.created_at for one in retraining.request.corrections}
    readable.sort(key=lambda image: given_at[image.path])
    images = {image.sha256: image for image in readable}  # of copies, the latest label counts
    problems = tuple(one if isinstance(one, Problem) else _changed(one) for one in results if one not in readable)
    if not images:
        unusable = problems[0].message if problems else ambiguous_text(retraining.ambiguous)
        hint = unusable or tr("Correct a prediction first.")
        raise DatasetError(tr("There are no corrections to train on."), hint=hint)
    hashes = {one.path: one.sha256 for one in readable if one.label == images[one.sha256].label}
    return _Scanned(images, hashes, problems)


def _load_training_data(retraining: _Retraining, scanned: _Scanned, card: BackboneCard) -> TrainingData:
    """The earlier training data with the corrections applied, and features from the variant with this card."""
    images = _merged(retraining.kept, scanned.images)
    table = _features(retraining, images, card)
    available = [images[row] for row in table.rows.tolist()]
    learnable = {one.label for one in available if one.subset == Subset.TRAIN}
    kept = kept_before(retraining.base)
    if len(learnable) < 2 and kept is None:
        raise DatasetError(tr("Fewer than two classes have photos left to train on."), hint=tr(_TRAIN_HINT))
    classes = tuple(sorted(learnable, key=natural_sort_key))
    rows = [row for row, one in enumerate(available) if one.label in learnable]
    dataset = Dataset(retraining.base.folder, classes, tuple(available[row] for row in rows), ())
    everything = LabelledFeatures(dataset.examples, table.features[rows], dataset.labels())
    train, validation, test = (_part(everything, part) for part in Subset)
    is_random, backbone = _is_random_split(retraining.base), retraining.base.backbone
    split = train, validation, test, is_random
    data = TrainingData(dataset, backbone, card, *split, table.computed, table.failures)
    return data if kept is None else extended_data(data, kept)


def _merged(kept: Sequence[LabelledImage], scanned: Mapping[str, LabelledImage]) -> list[LabelledImage]:
    """The earlier examples with corrected labels, and the new photos as training images.

    A validation or test image becomes a training image if its class has no other.
    """
    known = {one.sha256 for one in kept}
    images = [replace(one, label=scanned[one.sha256].label) if one.sha256 in scanned else one for one in kept]
    new = [image for sha256, image in scanned.items() if sha256 not in known]
    images += [replace(image, subset=Subset.TRAIN) for image in new]
    learnable = {one.label for one in images if one.subset == Subset.TRAIN}
    return [one if one.label in learnable else replace(one, subset=Subset.TRAIN) for one in images]


def _features(retraining: _Retraining, images: Sequence[LabelledImage], card: BackboneCard) -> FeatureTable:
    """Features of the images in the precision that the version was trained with: bundled, cached, or computed."""
    recorded = retraining.base.card.training.get("precision")
    precision = Precision.EXACT if recorded == Precision.EXACT else Precision.AUTO
    files = backbone_files(retraining.base.backbone).only(card)
    source = FeatureExtractor.select(files, retraining.request.provider, precision)
    bundled, report, token = _bundled(retraining, source.kind), retraining.report, retraining.token
    with FeatureStore() as store:
        return compute_features(images, source, store, bundled=bundled, report=report, token=token)


def _bundled(retraining: _Retraining, kind: FeatureKind) -> Rows:
    return bundled_features(retraining.library.builtin.glob("*"), kind)


def _part(images: LabelledFeatures, part: Subset) -> LabelledFeatures:
    return images.select([row for row, example in enumerate(images.examples) if example.subset is part])


def _is_random_split(base: InstalledModel) -> bool:
    """Whether the version's installed head was fitted to all images, as it is after a random split."""
    training = base.card.training
    match training.get("fitted_to"), training.get("images"):
        case int(fitted), {"train": int(count)}:
            return fitted > count
    return False


# ---- training


def _trained(retraining: _Retraining, scanned: _Scanned) -> tuple[TrainingData, EvaluatedHead]:
    """The training data and the head; in float32 if the version's variant does not work here or changes predictions."""
    own, card = retraining.base.backbone.card, variant_of(retraining.base)
    if card.sha256 != own.sha256:
        with contextlib.suppress(ProviderError, ModelError):
            data = _load_training_data(retraining, scanned, card)
            head = _train(retraining, data)
            if not must_retrain_in_float32(data, head.variants):
                return data, head
    data = _load_training_data(retraining, scanned, own)
    return data, _train(retraining, data)


def _train(retraining: _Retraining, data: TrainingData) -> EvaluatedHead:
    report, token = retraining.report, retraining.token
    if kept := kept_before(retraining.base):
        return extend(data, kept, report=report, token=token)
    seed, kind = retraining.base.card.training.get("seed"), kind_of(load_head(retraining.base))
    trained = train_quick(data, seed if isinstance(seed, int) else 0, report=report, token=token, kind=kind)
    if isinstance(retraining.base.card.backbone, BackboneCard):
        trained = replace(trained, backbone=retraining.base.backbone)
    fitted, bundled = data.fitted(trained.fitted), partial(_bundled, retraining)
    head = evaluate_head(trained, fitted, data.validation, data.test, data.dataset.classes)
    variants = measure_variants(trained.evaluated, data, bundled=bundled, report=report, token=token)
    return replace(head, variants=variants)


def _evaluate_base(retraining: _Retraining, data: TrainingData) -> tuple[Evaluation | None, int]:
    """Evaluate the corrected version on the test images, if possible with a head that was not trained on them.

    Returns:
        The evaluation, and how many of the test images the head was trained on.
    """
    old = retraining.base.card.classes
    known = [row for row, one in enumerate(data.test.examples) if one.label in old]
    if not known:
        return None, 0
    test = data.test.select(known)
    head, is_held_out = _head_before(retraining, data)
    labels = np.array([old.index(one.label) for one in test.examples], np.int64)
    temperature = retraining.base.card.temperature
    found = evaluate(head.logits(test.features), labels, old, temperature=temperature, paths=test.paths)
    return without_unused(found), 0 if is_held_out else len(test)


def _head_before(retraining: _Retraining, data: TrainingData) -> tuple[Head, bool]:
    """A head of the corrected version, and whether it was not trained on the test images.

    The evaluated head of the recipe quick is fitted again, because all its training images are known.
    """
    base, installed = retraining.base, load_head(retraining.base)
    c = base.card.training.get("C")
    if not data.is_random_split:
        return installed, True
    if not isinstance(installed, LinearHead) or not isinstance(c, float):
        return installed, False
    old = base.card.classes
    labels_before = {one.sha256: old.index(one.label) for one in retraining.kept if one.subset == Subset.TRAIN}
    rows = [row for row, one in enumerate(data.train.examples) if one.sha256 in labels_before]
    labels = np.array([labels_before[data.train.examples[row].sha256] for row in rows], np.int64)
    if len(set(labels.tolist())) < len(old):  # a class has lost its images
        return installed, False
    clock = ProgressReporter(tr("evaluating the previous version"), 1, retraining.report)
    head = quick.fit(data.train.features[rows], labels, c, token=retraining.token)
    clock.advance()
    return head, True


def _install(
    retraining: _Retraining, data: TrainingData, head: EvaluatedHead, corrected: int, before: Evaluation | None
) -> InstalledModel:
    base, trained = retraining.base, head.trained
    card = corrected_card(base, data, head, corrected, before)
    own = load_files(base.backbone) if trained.backbone else {}
    thumbnails = {}
    if base.card.training.get(THUMBNAILS, True):
        shown = head.compared_with(data.everything().examples)
        thumbnails = make_thumbnails(shown, base.folder, report=retraining.report, token=retraining.token)
    return retraining.library.install(
        write_card(card),
        {HEAD: trained.head, **head.bank_file, **own},
        trained_on=[example.sha256 for example in data.fitted(trained.fitted).examples],
        examples=data.training_examples(),
        evaluation=serialize_evaluation(head.evaluation) if head.evaluation is not None else None,
        thumbnails=thumbnails,
    )


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
    retraining: _Retraining, data: TrainingData, head: EvaluatedHead, scanned: _Scanned
) -> tuple[CorrectionResult, ...]:
    """The predictions of both versions for the corrected photos, except for files that changed meanwhile."""
    everything, base = data.everything(), retraining.base
    rows = {example.sha256: row for row, example in enumerate(everything.examples)}
    pairs = [(one, rows.get(scanned.hashes.get(one.path, ""))) for one in retraining.request.corrections]
    results = [(one, row) for one, row in pairs if row is not None]
    features = everything.features[[row for _, row in results]]
    before = _predictions(load_head(base), features, base.card.classes, base.card.temperature)
    now = _predictions(read_head(head.trained.head), features, data.dataset.classes, head.temperature)
    return tuple(
        CorrectionResult(one, *was, *is_now) for (one, _), was, is_now in zip(results, before, now, strict=True)
    )


def _predictions(
    head: Head, features: quick.Features, classes: Sequence[str], temperature: float
) -> list[tuple[str, float]]:
    """The most likely class of each image, and its probability."""
    probabilities = softmax(head.logits(features), temperature)
    best = zip(probabilities.argmax(axis=1).tolist(), probabilities.max(axis=1).tolist(), strict=True)
    return [(classes[index], confidence) for index, confidence in best]


def _mark_trained(results: Sequence[CorrectionResult], data: TrainingData) -> Iterator[str]:
    """Mark the corrections as trained; if that fails, they stay pending, which is harmless."""
    try:
        with open_labels() as store:
            store.mark_trained((one.correction for one in results), data.fingerprint())
    except StorageError as error:
        yield tr("The corrections were used but couldn't be marked as used. {reason}", reason=error)
