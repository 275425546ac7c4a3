"""What is probably wrong with labelled images, by their features: labels, copies, outliers, confused classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.providers import Precision, ProviderPreference
from core.base.text import percent
from core.datasets import checks
from core.datasets.dataset import Dataset, read_dataset
from core.datasets.multi_label import LabelsFrom, read_multi_label
from core.datasets.problems import Problem, ProblemKind, format_paths
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureTable, compute_features
from core.engine.near_duplicates import DUPLICATE_COSINE, near_duplicates, normalize
from core.evaluation.calibration import fit_temperature
from core.evaluation.values import LabelledPrediction
from core.models.library import Library
from core.training import multi_label, quick
from core.training.backbones import default_backbone
from core.training.evaluated_head import Predictions, find_suspects, undecided
from core.training.prefetch import FeaturePrefetcher
from core.training.training_data import LabelledFeatures, extractor_of
from core.training.values import DatasetCheck

_MAX_FITTED: Final = 5000
"""The most images that are cross-validated; others are compared with the prediction of a head fitted to these."""
_NEAREST: Final = 5
_MIN_IMAGES: Final = 20
"""The fewest images among which one can be an outlier, or may have several classes that are checked."""
_MIN_Z: Final = 3.0
"""The robust z-score of an outlier.

None of 196 photos in 8 classes reaches it; added to them, an image of noise and one of six photos of other things do.
Centred features, which serve to recognise unknown photos, separate these less well from photos rare in a class.
"""
_MIN_SPREAD: Final = 0.02
"""The least standard deviation of the cosines, for images that are all very similar; that of photos is 0.07."""
_MIN_CONFUSED: Final = 0.25
"""The least fraction of each of two classes that is predicted as the other, if they might be one.

A class divided at random has 0.5.
"""
_MIN_CONFUSED_IMAGES: Final = 3
_BLOCK: Final = 512


def check_dataset(
    folder: Path,
    library: Library,
    provider: ProviderPreference,
    precision: Precision,
    labels: LabelsFrom | None = None,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> DatasetCheck:
    """Look for what is wrong with the labelled images of a folder; no model is made, and the folder stays as it is.

    Args:
        folder: of labelled images, as `core.datasets.dataset.read_dataset` reads it.
        library: the library with the backbone.
        provider: the preferred provider for the backbone.
        precision: whether faster, slightly different arithmetic is allowed.
        labels: where the classes come from if images may have several; None if each has exactly one.
        report: called for each stage.
        token: checked frequently; features computed before it is cancelled are kept.

    Raises:
        FolderError: there are no images, no labels, or too few usable classes.
        DatasetError: there are too many classes.
        ProviderError: the engine cannot be opened or failed while running.
        ModelError: the backbone is missing or damaged.
        Cancelled: the token was cancelled.
    """
    backbone = default_backbone(library)
    with FeatureStore() as store, FeaturePrefetcher(extractor_of(backbone, provider, precision), store) as prefetcher:
        if labels:
            dataset = read_multi_label(folder, labels, report=report, token=token, on_decoded=prefetcher.on_decoded)
        else:
            dataset = read_dataset(folder, report=report, token=token, on_decoded=prefetcher.on_decoded)
        table = compute_features(dataset.examples, prefetcher.source, store, report=report, token=token)
    images = _with_features(dataset, table)
    problems = [*dataset.problems, *_near_duplicates(dataset, images, token), *_outliers(folder, images, token)]
    found = DatasetCheck(
        folder, dataset.classes, len(dataset.examples), 0, backbone.name, table.computed, (), tuple(problems),
        table.failures,
    )  # fmt: skip
    check_labels = _check_label_sets if dataset.is_multi_label else _check_labels
    return check_labels(found, dataset, images, report=report, token=token)


def _with_features(dataset: Dataset, table: FeatureTable) -> LabelledFeatures:
    """The images that could still be read."""
    examples = tuple(dataset.examples[row] for row in table.rows.tolist())
    return LabelledFeatures(examples, table.features, dataset.labels()[table.rows])


# ---- labels


def _check_labels(
    found: DatasetCheck, dataset: Dataset, images: LabelledFeatures, *, report: ProgressCallback, token: CancelToken
) -> DatasetCheck:
    out_of_sample = predict_out_of_sample(images, report=report, token=token)
    errors = undecided(_label_errors(out_of_sample, dataset.classes), dataset.decided)
    problems = (*found.problems, *confused_classes(out_of_sample, dataset.classes))
    return replace(found, checked=len(out_of_sample.paths), label_errors=errors, problems=problems)


def _check_label_sets(
    found: DatasetCheck, dataset: Dataset, images: LabelledFeatures, *, report: ProgressCallback, token: CancelToken
) -> DatasetCheck:
    if len(images) < _MIN_IMAGES:
        return found
    chosen = multi_label.cross_validate(images.features, images.labels, seed=0, report=report, token=token)
    clock = ProgressReporter(tr("checking the labels"), 1, report)
    rows, logits = multi_label.out_of_fold(images.features, images.labels, chosen.best_c, token=token)
    clock.advance()
    paths = [images.examples[row].path for row in rows.tolist()]
    suspects = multi_label.find_class_suspects(paths, logits, images.labels[rows], dataset.classes)
    return replace(found, checked=len(rows), class_suspects=suspects)


def predict_out_of_sample(images: LabelledFeatures, *, report: ProgressCallback, token: CancelToken) -> Predictions:
    """The logits of every image by a head that was not trained on it, unless there are too few images for one.

    Raises:
        DatasetError: there are too many classes.
        Cancelled: the token was cancelled.
    """
    features, labels = images.features, images.labels
    chosen = quick.cross_validate(features, labels, seed=0, report=report, token=token)
    clock = ProgressReporter(tr("checking the labels"), 1, report)
    rows, logits = quick.out_of_fold(features, labels, chosen.best_c, most=_MAX_FITTED, token=token)
    if len(rows) and len(images) > _MAX_FITTED:
        rest = np.setdiff1d(np.flatnonzero(np.isin(labels, labels[rows])), rows)
        head = quick.fit(features[rows], labels[rows], chosen.best_c, token=token)
        others = np.full((len(rest), logits.shape[1]), logits.min(), np.float32)  # classes without images in `rows`
        others[:, : head.bias.size] = head.logits(features[rest])
        rows, logits = np.append(rows, rest), np.concatenate([logits, others])
    clock.advance()
    return Predictions([images.examples[row].path for row in rows.tolist()], labels[rows], logits)


def _label_errors(out_of_sample: Predictions, classes: Sequence[str]) -> tuple[LabelledPrediction, ...]:
    if not out_of_sample.paths:
        return ()
    temperature = fit_temperature(out_of_sample.logits, out_of_sample.labels)
    return find_suspects(out_of_sample, classes, temperature, most=None)


def confused_classes(out_of_sample: Predictions, classes: Sequence[str]) -> Iterable[Problem]:
    """Pairs of classes of which many images are predicted as the other, in both directions."""
    counts = np.zeros((len(classes), len(classes)), np.int64)
    if out_of_sample.paths:
        np.add.at(counts, (out_of_sample.labels, out_of_sample.logits.argmax(axis=1)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    confused = np.minimum(shares, shares.T) >= _MIN_CONFUSED
    for a, b in np.argwhere(np.triu(confused & (np.minimum(counts, counts.T) >= _MIN_CONFUSED_IMAGES), 1)).tolist():
        what = tr(
            "“{a}” and “{b}” might be one class: {a_share} of “{a}” looks like “{b}”, "
            "and {b_share} of “{b}” looks like “{a}”.",
            a=classes[a],
            b=classes[b],
            a_share=percent(shares[a, b]),
            b_share=percent(shares[b, a]),
        )
        hint = tr("If they are the same, put their images into one class.")
        yield Problem(ProblemKind.CONFUSED_CLASSES, (), what, hint)


# ---- images


def _near_duplicates(dataset: Dataset, images: LabelledFeatures, token: CancelToken) -> Iterable[Problem]:
    """Images that look nearly the same in any class or set, unless reading the folder found them already."""
    reported = [set(one.paths) for one in dataset.problems]
    groups = near_duplicates(images.features, np.zeros(len(images), np.int64), DUPLICATE_COSINE, token=token)
    for problem in checks.near_duplicates(images.examples, groups, dataset.root):
        if not any(set(problem.paths) <= paths for paths in reported):
            yield problem


def _outliers(root: Path, images: LabelledFeatures, token: CancelToken) -> Iterable[Problem]:
    """Images that are unlike all others: a scan error, an icon, a photo of something else."""
    if len(images) < _MIN_IMAGES:
        return
    near = _cosine_to_nearest(images.features, token)
    deviation = float(np.median(np.abs(near - np.median(near))))
    spread = max(deviation / 0.6745, _MIN_SPREAD)  # of normal values, this is the standard deviation
    found = np.flatnonzero(near < np.median(near) - _MIN_Z * spread)
    if len(found):
        paths = tuple(images.examples[row].path for row in found[np.argsort(near[found])].tolist())
        what = tr_n(
            "{count:,} image is unlike all others: {names}.",
            "{count:,} images are unlike all others: {names}.",
            len(paths),
            names=format_paths(paths, root),
        )
        yield Problem(ProblemKind.OUTLIER, paths, what, tr("Check that they show what they should."))


def _cosine_to_nearest(features: NDArray[np.float32], token: CancelToken) -> NDArray[np.float32]:
    """The mean cosine of each image's features to those of the nearest others, [n]."""
    directions = normalize(features)
    found = np.empty(len(features), np.float32)
    for start in range(0, len(features), _BLOCK):
        token.check()
        cosines = directions[start : start + _BLOCK] @ directions.T
        rows = np.arange(len(cosines))
        cosines[rows, rows + start] = -1
        found[start : start + _BLOCK] = np.partition(cosines, -_NEAREST, axis=1)[:, -_NEAREST:].mean(axis=1)
    return found
