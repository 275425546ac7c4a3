"""The recipe `quick` for images with several classes: its heads equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler

from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.models.heads import sigmoid
from core.training import multi_label, quick


def overlapping(count: int, classes: int = 3, width: int = 20, seed: int = 0) -> tuple[quick.Features, quick.Labels]:
    """Features of images to which each of their classes adds something."""
    draw = np.random.default_rng(seed)
    labels = (draw.random((count, classes)) < np.linspace(0.2, 0.5, classes)).astype(np.int64)
    points = labels @ draw.normal(size=(classes, width)) + draw.normal(size=(count, width))
    return (points * draw.uniform(1, 9, width) + draw.uniform(-5, 5, width)).astype(np.float32), labels


@pytest.mark.parametrize(("count", "width"), [(60, 20), (30, 40)])
@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_each_class_has_the_head_of_scikit_learn(count: int, width: int, strength: float) -> None:
    features, labels = overlapping(count, width=width)
    standard = StandardScaler().fit_transform(features.astype(np.float64))
    found = multi_label.fit(features, labels, strength).logits(features)
    for column in range(labels.shape[1]):
        theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=10_000).fit(standard, labels[:, column])
        assert np.allclose(found[:, column], theirs.decision_function(standard), atol=2e-3)


def test_c_is_chosen_by_the_log_loss_of_held_out_decisions() -> None:
    features, labels = overlapping(150, width=60)
    found = multi_label.cross_validate(features, labels, seed=0, report=lambda _: None, token=CancelToken())
    losses = {c: score.log_loss for c, score in found.scores.items()}
    assert found.best_c == min(losses, key=losses.__getitem__)
    assert 0.001 < found.best_c < 10
    assert found.images == 150


def test_out_of_fold_logits_are_those_of_heads_that_did_not_see_the_image() -> None:
    draw = np.random.default_rng(0)
    features = draw.normal(size=(80, 300)).astype(np.float32)  # of which nothing can be learned
    labels = (draw.random((80, 3)) < 0.5).astype(np.int64)
    rows, logits = multi_label.out_of_fold(features, labels, 1.0, token=CancelToken())
    assert rows.tolist() == list(range(80))
    assert np.mean((logits > 0) == labels) < 0.65
    assert np.mean((multi_label.fit(features, labels, 1.0).logits(features) > 0) == labels) == 1


def test_thresholds_have_the_highest_f1_of_each_class() -> None:
    draw = np.random.default_rng(1)
    labels = (draw.random((200, 2)) < (0.1, 0.5)).astype(np.int64)
    logits = (labels * 2 - 2.5 + draw.normal(size=(200, 2))).astype(np.float32)
    thresholds = multi_label.fit_thresholds(logits, labels, 1.0)
    probabilities = sigmoid(logits)
    for column, threshold in enumerate(thresholds):
        best = max(f1_score(labels[:, column], probabilities[:, column] >= one) for one in np.linspace(0.05, 0.95, 400))
        assert f1_score(labels[:, column], probabilities[:, column] >= threshold) >= best - 1e-9


def test_classes_of_few_images_and_perfect_classes_have_the_threshold_in_the_middle() -> None:
    labels = np.zeros((40, 2), np.int64)
    labels[:2, 0] = 1
    labels[:20, 1] = 1
    logits = np.where(labels, 3, -3).astype(np.float32)
    assert multi_label.fit_thresholds(logits, labels, 1.0) == (0.5, 0.5)


def test_a_class_that_a_fold_lacks_does_no_harm() -> None:
    features, labels = overlapping(40)
    labels[:, 0] = 0
    labels[3, 0] = 1
    _, logits = multi_label.out_of_fold(features, labels, 1.0, token=CancelToken())
    assert np.isfinite(logits).all()
    assert (logits[:, 0] < 0).all()


def test_a_cancelled_fit_stops() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        multi_label.fit(*overlapping(30), 1.0, token=token)
