"""When a fine-tuned head is better than the one it started from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.evaluation.metrics import evaluate
from core.training.cards import is_better
from core.training.evaluated_head import EvaluatedHead, TrainedHead
from tests import tiny


def _evaluated_head(right: str, *, sure: float = 2.0) -> EvaluatedHead:
    """A head that classifies the test images marked "+" correctly and the others wrongly."""
    logits = np.array([[sure, 0.0] if mark == "+" else [0.0, sure] for mark in right])
    paths = [Path(f"{number}.jpg") for number in range(len(right))]
    evaluation = evaluate(logits, np.zeros(len(right), np.int64), ("a", "b"), temperature=1.0, paths=paths)
    return EvaluatedHead(TrainedHead("", tiny.head(), b"", 0), 1.0, None, evaluation)


@pytest.mark.parametrize(
    ("before", "now", "sure", "better"),
    [
        ("+" * 10 + "-" * 10, "+" * 16 + "-" * 4, 2.0, True),
        ("+" * 10 + "-" * 10, "+" * 15 + "-" * 5, 2.0, False),
        ("+" * 16 + "-" * 4, "+" * 10 + "-" * 10, 2.0, False),
        ("+" * 10, "+" * 10, 4.0, True),
        ("+" * 10, "+" * 10, 1.0, False),
        ("+" * 9 + "-", "+" * 10, 2.0, True),
        ("+" * 9 + "-", "+" * 10, 0.1, False),
        ("+" * 20, "+" * 19 + "-", 2.5, False),
        ("+" * 39 + "-", "+" * 40, 1.0, False),
    ],
    ids=[
        "significantly more",
        "more, which could be chance",
        "significantly fewer",
        "both without a mistake, the new one surer",
        "both without a mistake, the new one less sure",
        "one more and surer",
        "one more and less sure",
        "one fewer and a higher loss",
        "one more and a higher loss",
    ],
)
def test_when_a_head_is_better(before: str, now: str, sure: float, better: bool) -> None:
    assert is_better(_evaluated_head(now, sure=sure), _evaluated_head(before)) is better


def test_without_test_images_the_result_is_none() -> None:
    nothing = EvaluatedHead(TrainedHead("", tiny.head(), b"", 0), 1.0, None, None)
    assert is_better(nothing, _evaluated_head("+-")) is None
