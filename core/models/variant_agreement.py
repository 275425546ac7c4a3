"""The agreement of a model's predictions in a variant of its backbone with those in float32, as its card records it.

A variant changes features a little. Whether that changes predictions depends on the head, so it is measured for each
model, on images that the evaluated head was not trained on. A model without the measurement runs in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.providers import ComputePrecision
from core.card import BackboneVariant, ModelCard

VARIANTS: Final = "variants"
"""The key in the evaluation of a model's card: for each precision, the fields of `VariantAgreement`."""
MIN_AGREEMENT: Final = 0.95
MAX_ACCURACY_LOST: Final = 0.01


@dataclass(frozen=True, slots=True)
class VariantAgreement:
    """How predictions in a variant compare with those in float32.

    Attributes:
        images: the number of images.
        agreement: the fraction with the same most likely class; by a multi-label model, with the same classes.
        accuracy_lost: the accuracy in float32 minus that in the variant; None if the images are not labelled.
    """

    images: int
    agreement: float
    accuracy_lost: float | None

    @property
    def is_sufficient(self) -> bool:
        """Whether the variant may be used; one image more or less is never decisive."""
        if not self.images:
            return False
        one, lost = 1 / self.images, self.accuracy_lost or 0.0
        return self.agreement >= min(MIN_AGREEMENT, 1 - one) and lost <= max(MAX_ACCURACY_LOST, one)

    @classmethod
    def measure(
        cls, exact: NDArray[np.float32], variant: NDArray[np.float32], labels: NDArray[np.int64] | None
    ) -> VariantAgreement:
        """Compare logits [n, classes] in float32 with those in a variant.

        Args:
            exact: the logits in float32; of a multi-label model less those of the thresholds.
            variant: the same in the variant.
            labels: the classes of the images [n]; of a multi-label model 1 for each class, else 0 [n, classes].
        """
        several = labels is not None and labels.ndim == 2
        before, now = ((found >= 0) if several else found.argmax(axis=1) for found in (exact, variant))
        lost = None if labels is None else _share_equal(before, labels) - _share_equal(now, labels)
        return cls(len(exact), round(_share_equal(before, now), 6), None if lost is None else round(lost, 6))


def _share_equal(a: NDArray[Any], b: NDArray[Any]) -> float:
    """The fraction of the rows that are equal."""
    return float(np.mean((a == b).reshape(len(a), -1).all(axis=1)))


def variant_evaluation(measured: Mapping[ComputePrecision, VariantAgreement]) -> dict[str, Any]:
    """The entry of a model card's evaluation."""
    return {VARIANTS: {precision.value: asdict(one) for precision, one in measured.items()}} if measured else {}


def keeps_predictions(model: ModelCard, variant: BackboneVariant) -> bool:
    """Whether a variant was measured to keep the predictions of a model."""
    measured = model.evaluation.get(VARIANTS)
    record = measured.get(variant.precision.value) if isinstance(measured, dict) else None
    match record:
        case {"images": int(images), "agreement": float() | int() as agreement, **rest} if images > 0:
            lost = rest.get("accuracy_lost")
            known = float(lost) if isinstance(lost, (int, float)) else None
            return VariantAgreement(images, float(agreement), known).is_sufficient
        case _:
            return False
