"""The verbs that explain predictions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.api import opinions

if TYPE_CHECKING:
    from core.base.providers import Precision, ProviderPreference
    from core.evaluation.explanation import Explanation
    from core.models.classifier import Classifier
    from core.models.values import InstalledModel


def explain(image: Path, label: str, model: str) -> Explanation:
    """Where the model in use saw a class in an image: its class activation map.

    It is computed on the provider and in the number format that the model is open in, and explains what is shown.

    Args:
        image: the image file.
        label: one of the model's classes.
        model: the name of the model that predicted; no other one may be in use.

    Raises:
        FoveaError: the image cannot be read, no model is open, or its network keeps no map of the image.
    """
    from core.services.engine import SERVICE

    return SERVICE.explain(image, label, model)


def explainer(
    model: InstalledModel, provider: ProviderPreference, precision: Precision
) -> Callable[[Path, str], Explanation]:
    """Explain predictions of a model for a script: the model is opened when the first one is asked for.

    Args:
        model: the model.
        provider: the requested provider.
        precision: the requested precision.

    Returns:
        Computes where the model saw a class in an image; it raises FoveaError, see `explain`.
    """
    from core.evaluation import explanation
    from core.models.classifier import open_classifier

    @cache
    def opened() -> Classifier:
        return open_classifier(model, provider, precision)

    return lambda image, label: explanation.explain(opened(), image, label)


def explain_version(image: Path, label: str, model: str) -> Explanation:
    """Where a version that need not be in use saw a class in an image.

    Args:
        image: the image file.
        label: one of the model's classes.
        model: `name@version`.

    Raises:
        FoveaError: the image cannot be read, there is no such version, or its network keeps no map of the image.
    """
    from core.evaluation import explanation

    with opinions.opened(model) as classifier:
        return explanation.explain(classifier, image, label)
