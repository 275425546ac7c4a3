"""The check whether the variants of a backbone keep the predictions of a head that was just trained.

A head is trained on features of the variant that is the fastest here, but another may run later: on another machine,
with the precision “exact”, or in an exported file. So the evaluated head predicts images that it was not trained on
from the features of each, and the card records how the predictions compare. `core.training.train` leaves the check out
where the variants were tried and another choice was faster: without a record, a model runs in float32 everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError, ProviderError
from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import ComputePrecision, Precision, ProviderPreference
from core.card import BackboneCard
from core.datasets.labelled_image import LabelledImage
from core.engine.feature_store import FeatureKind, FeatureStore, Rows
from core.engine.features import FeatureExtractor, FeatureTable, compute_features
from core.engine.limits import MAX_BATCH
from core.models.heads import Head
from core.models.installed import backbone_files
from core.models.values import InstalledModel
from core.models.variant_agreement import VariantAgreement
from core.training.training_data import LabelledFeatures, TrainingData

VARIANT: Final = "variant"
"""The key in a card's training: the precision of the backbone's variant that computed the features."""
_MAX_IMAGES: Final = 64
"""More take longer than they are worth: the check follows every training."""
_SAFETY: Final = 2.0
"""In forty trainings on random parts of 196 photos, a fifth of the images were computed, and none of the 20 changed
predictions among 2,020 was missed."""


Compute: TypeAlias = Callable[[Sequence[LabelledImage]], FeatureTable]
"""Computes the features of images."""
_Logits: TypeAlias = NDArray[np.float32]


def measure_variants(
    head: Head,
    data: TrainingData,
    *,
    report: ProgressCallback,
    token: CancelToken,
    bundled: Callable[[FeatureKind], Rows] = lambda _: {},
    cutoffs: _Logits | None = None,
) -> dict[ComputePrecision, VariantAgreement]:
    """Compare predictions in each variant that works here with those in float32.

    Args:
        head: trained on the training images alone.
        data: the training data; the validation images are used, or else the test images.
        report: called for each stage.
        token: checked frequently.
        bundled: returns features of a kind that need not be computed.
        cutoffs: of a multi-label model, the logits [classes] from which an image has each class.

    Raises:
        Cancelled: the token was cancelled.
    """
    part = data.validation if len(data.validation) else data.test
    part = part.select(sorted(range(len(part)), key=lambda row: part.examples[row].sha256)[:_MAX_IMAGES])
    own, measured = data.backbone.card, {}
    for variant in map(own.of_variant, own.variants):
        is_trained_in = variant.sha256 == data.card.sha256
        try:
            compute = _computation(data, own if is_trained_in else variant, bundled, report, token)
            rows, trained, other = compare_logits(part, head, compute, cutoffs)
        except (ProviderError, ModelError):
            continue  # it does not work here, so nothing is known about it
        if len(rows):
            exact, low = (other, trained) if is_trained_in else (trained, other)
            measured[variant.precision] = VariantAgreement.measure(exact, low, part.labels[rows])
    return measured


def compare_logits(
    part: LabelledFeatures, head: Head, compute: Compute, cutoffs: _Logits | None = None
) -> tuple[NDArray[np.int64], _Logits, _Logits]:
    """Rows of images that can still be read, and their logits from the features at hand and from those of `compute`,
    both less the cutoffs of a multi-label model.

    The least certain images are computed first. The others keep the logits at hand from where a prediction would change
    only if the difference of two logits changed by `_SAFETY` times as much as in any image so far; of a multi-label
    model, a logit itself.
    """
    base = 0 if cutoffs is None else cutoffs
    trained = head.logits(part.features) - base
    margins = _margins(trained) if cutoffs is None else np.abs(trained).min(axis=1)
    other, largest = trained.copy(), 0.0
    order, lost = np.argsort(margins, kind="stable"), set[int]()
    for start in range(0, len(order), MAX_BATCH):
        chosen = order[start : start + MAX_BATCH]
        if start and margins[chosen[0]] > _SAFETY * largest:
            break
        table = compute([part.examples[row] for row in chosen.tolist()])
        found = chosen[table.rows]
        lost |= {*chosen.tolist()} - {*found.tolist()}
        other[found] = head.logits(table.features) - base
        change = other[found] - trained[found]
        changes = np.ptp(change, axis=1) if cutoffs is None else np.abs(change).max(axis=1)
        largest = max(largest, float(changes.max(initial=0.0)))
    rows = np.array([row for row in range(len(part)) if row not in lost], np.int64)
    return rows, trained[rows], other[rows]


def _margins(logits: _Logits) -> NDArray[np.float32]:
    """The differences [n] between the two largest logits of each image."""
    ranked = np.sort(logits, axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2])


def _computation(
    data: TrainingData,
    card: BackboneCard,
    bundled: Callable[[FeatureKind], Rows],
    report: ProgressCallback,
    token: CancelToken,
) -> Compute:
    """Computes features with the backbone or the variant with this card, which is opened once, and only if needed."""
    ready = next((engine for engine in data.slower if engine.card.sha256 == card.sha256), None)
    if ready is not None:
        source = FeatureExtractor(card, Precision.AUTO, lambda: ready)
    else:
        files = backbone_files(data.backbone).only(card)
        source = FeatureExtractor.select(files, ProviderPreference.AUTO, Precision.AUTO)
        source = replace(source, open=cache(source.open))
    own = bundled(source.kind)

    def compute(examples: Sequence[LabelledImage]) -> FeatureTable:
        with FeatureStore() as store:
            return compute_features(examples, source, store, bundled=own, report=report, token=token)

    return compute


def variant_of(model: InstalledModel) -> BackboneCard:
    """The card of the backbone, or of its variant, on whose features a model was trained."""
    own, recorded = model.backbone.card, model.card.training.get(VARIANT)
    return next((own.of_variant(one) for one in own.variants if one.precision == recorded), own)


def must_retrain_in_float32(data: TrainingData, measured: Mapping[ComputePrecision, VariantAgreement]) -> bool:
    """Whether a head that was trained in a variant predicts something else in float32, so that it cannot be used."""
    if data.card.sha256 not in {variant.sha256 for variant in data.backbone.card.variants}:
        return False
    found = measured.get(data.card.precision)
    return found is None or not found.is_sufficient
