"""The feature extractor of an installed model."""

from __future__ import annotations

from core.base.providers import Precision, ProviderPreference
from core.engine.features import FeatureExtractor
from core.models.installed import backbone_files
from core.models.values import InstalledModel


def feature_extractor(model: InstalledModel, requested: ProviderPreference, precision: Precision) -> FeatureExtractor:
    """An extractor of the features that the model classifies with on the requested provider.

    Raises ProviderError if no provider works; ModelError if the backbone is damaged.
    """
    return FeatureExtractor.select(backbone_files(model.backbone, model.card), requested, precision)
