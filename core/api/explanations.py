"""The verb that explains a prediction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.evaluation.explanation import Explanation


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
