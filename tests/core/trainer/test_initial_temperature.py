"""A head with an initial temperature makes the same predictions with less confidence."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation.calibration import log_loss
from core.models.heads import LinearHead
from core.trainer.initial_temperature import TARGET_LOSS_RATIO, with_initial_temperature

_DRAW = np.random.default_rng(0)
_FEATURES = _DRAW.normal(size=(40, 6)).astype(np.float32)


def _head(sureness: float) -> LinearHead:
    draw = np.random.default_rng(1)
    weights, bias = draw.normal(size=(6, 3)) * sureness, draw.normal(size=3) * sureness
    return LinearHead(weights.astype(np.float32), bias.astype(np.float32))


def _labels(head: LinearHead) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return head.logits(_FEATURES).argmax(axis=1).astype(np.int64)


def test_a_confident_head_gets_the_target_loss() -> None:
    head = _head(30)
    labels = _labels(head)
    assert log_loss(head.logits(_FEATURES), labels) < 0.5 * TARGET_LOSS_RATIO * np.log(3)
    found, temperature = with_initial_temperature(head, _FEATURES, labels)
    assert log_loss(found.logits(_FEATURES), labels) == pytest.approx(TARGET_LOSS_RATIO * np.log(3), rel=1e-4)
    assert temperature > 1
    np.testing.assert_allclose(found.logits(_FEATURES) * temperature, head.logits(_FEATURES), rtol=1e-3, atol=1e-3)


def test_an_unsure_head_is_unchanged() -> None:
    head = _head(0.1)
    found, temperature = with_initial_temperature(head, _FEATURES, _labels(head))
    assert found is head
    assert temperature == 1


def test_a_confidently_wrong_head_is_unchanged() -> None:
    head = _head(30)
    found, temperature = with_initial_temperature(head, _FEATURES, (_labels(head) + 1) % 3)
    assert found is head
    assert temperature == 1
