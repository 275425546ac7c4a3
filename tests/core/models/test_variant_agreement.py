"""How far a variant may change predictions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.providers import ComputePrecision
from core.models.variant_agreement import VariantAgreement, keeps_predictions, variant_evaluation
from tests import tiny


def logits(*best: int) -> NDArray[np.float32]:
    return np.eye(3, dtype=np.float32)[list(best)]


def test_agreement_and_loss_are_those_of_the_most_likely_class() -> None:
    found = VariantAgreement.measure(logits(0, 1, 2, 0), logits(0, 1, 1, 2), np.array([0, 1, 2, 2]))
    assert (found.images, found.agreement, found.accuracy_lost) == (4, 0.5, 0.0)
    assert VariantAgreement.measure(logits(0, 1), logits(0, 1), None).accuracy_lost is None


def test_by_a_multi_label_model_all_classes_of_an_image_have_to_agree() -> None:
    exact = np.array([[1, -1], [1, 1], [-1, -1], [2, -3]], np.float32)
    variant = np.array([[1, -2], [1, -1], [1, -1], [3, -1]], np.float32)
    found = VariantAgreement.measure(exact, variant, np.array([[1, 0], [1, 1], [0, 0], [0, 0]]))
    assert (found.images, found.agreement, found.accuracy_lost) == (4, 0.5, 0.5)


@pytest.mark.parametrize(
    ("images", "agreement", "lost", "expected"),
    [
        (1000, 0.95, 0.01, True),
        (1000, 0.949, 0.0, False),
        (1000, 1.0, 0.011, False),
        (1000, 0.96, -0.02, True),
        (10, 0.9, 0.1, True),
        (10, 0.8, 0.0, False),
        (10, 0.9, None, True),
        (0, 0.0, None, False),
    ],
)
def test_one_image_is_never_decisive(images: int, agreement: float, lost: float | None, expected: bool) -> None:
    assert VariantAgreement(images, agreement, lost).is_sufficient is expected


def test_a_card_records_what_was_measured() -> None:
    _, variant = tiny.int8_backbone()
    good = variant_evaluation({ComputePrecision.INT8: VariantAgreement(34, 1.0, 0.0)})
    assert keeps_predictions(tiny.model_card(evaluation=good), variant)
    assert not keeps_predictions(tiny.model_card(evaluation=variant_evaluation({})), variant)
