"""What makes the features that an installed model reads."""

from __future__ import annotations

from core.base.providers import Precision, ProviderWish
from core.engine.features import FeatureSource
from core.engine.provider_selection import choose_engine
from core.models.installed import InstalledModel, load_backbone


def feature_source(model: InstalledModel, wish: ProviderWish, precision: Precision) -> FeatureSource:
    """Opens the model's backbone on the provider asked for, once features are needed that are not kept."""
    card = model.backbone.card
    return FeatureSource(card, precision, lambda: choose_engine(load_backbone(model.backbone), card, wish, precision))
