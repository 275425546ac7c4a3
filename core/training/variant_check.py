"""The check whether the variants of a backbone keep the predictions of a head that was just trained.

A head is trained on features of the variant that is the fastest here, but another may run later: on another machine,
with the precision “exact”, or in an exported file. So the evaluated head predicts images that it was not trained on
from the features of each, and the card records how the predictions compare. `core.training.train` leaves the check out
where the variants were tried and another choice was faster: without a record, a model runs in float32 everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError, ProviderError
from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import ComputePrecision, Precision, ProviderPreference
from core.card import BackboneCard
from core.engine.feature_store import FeatureKind, FeatureStore, Rows
from core.engine.features import FeatureExtractor, compute_features
from core.models.heads import Head
from core.models.installed import backbone_files
from core.models.values import InstalledModel
from core.models.variant_agreement import VariantAgreement
from core.training.training_data import LabelledFeatures, TrainingData

VARIANT: Final = "variant"
"""The key in a card's training: the precision of the backbone's variant that computed the features."""
_MAX_IMAGES: Final = 64
"""More take longer than they are worth: the check follows every training."""


def _nothing_bundled(_: FeatureKind) -> Rows:
    return {}


def measure_variants(
    head: Head,
    data: TrainingData,
    *,
    report: ProgressCallback,
    token: CancelToken,
    bundled: Callable[[FeatureKind], Rows] = _nothing_bundled,
) -> dict[ComputePrecision, VariantAgreement]:
    """Compare predictions in each variant that works here with those in float32.

    Args:
        head: trained on the training images alone.
        data: the training data; the validation images are used, or else the test images.
        report: called for each stage.
        token: checked frequently.
        bundled: returns features of a kind that need not be computed.

    Raises:
        Cancelled: the token was cancelled.
    """
    part = data.validation if len(data.validation) else data.test
    part = part.select(sorted(range(len(part)), key=lambda row: part.examples[row].sha256)[:_MAX_IMAGES])
    own, measured = data.backbone.card, {}
    for variant in map(own.of_variant, own.variants):
        is_trained_in = variant.sha256 == data.card.sha256
        try:
            rows, features = _features(part, data, own if is_trained_in else variant, bundled, report, token)
        except (ProviderError, ModelError):
            continue  # it does not work here, so nothing is known about it
        if len(rows):
            trained, other = head.logits(part.features[rows]), head.logits(features)
            exact, low = (other, trained) if is_trained_in else (trained, other)
            measured[variant.precision] = VariantAgreement.measure(exact, low, part.labels[rows])
    return measured


def _features(
    part: LabelledFeatures,
    data: TrainingData,
    card: BackboneCard,
    bundled: Callable[[FeatureKind], Rows],
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of images that can still be read, and their features from the backbone or the variant with this card."""
    files = backbone_files(data.backbone).only(card)
    source = FeatureExtractor.select(files, ProviderPreference.AUTO, Precision.AUTO)
    with FeatureStore() as store:
        table = compute_features(part.examples, source, store, bundled=bundled(source.kind), report=report, token=token)
    return table.rows, table.features


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
