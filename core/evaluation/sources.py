"""The feature extractor of an installed model."""

from __future__ import annotations

from core.base.providers import Precision, ProviderPreference
from core.engine.features import FeatureExtractor
from core.engine.provider_selection import choose_engine
from core.models.installed import load_backbone
from core.models.values import InstalledModel


def feature_extractor(model: InstalledModel, requested: ProviderPreference, precision: Precision) -> FeatureExtractor:
    """An extractor that opens the model's backbone on the requested provider once uncached features are needed."""
    card = model.backbone.card
    return FeatureExtractor(
        card, precision, lambda: choose_engine(load_backbone(model.backbone), card, requested, precision)
    )
