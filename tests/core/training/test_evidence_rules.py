"""The rules behind a prediction's evidence hold on images that they were not fitted to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.card_rules import MAX_OUT_OF_SAMPLE
from core.datasets.labelled_image import LabelledImage
from core.models.evidence import unknown_scores
from core.models.feature_bank import read_bank
from core.models.heads import softmax
from core.training import quick
from core.training.evidence_rules import (
    FittedRule,
    Known,
    fit_prediction_sets,
    fit_unknown_rule,
    measured_sets,
    summarize,
)
from core.training.training_data import LabelledFeatures

_CENTRES = np.random.default_rng(0).normal(size=(5, 60))
"""Of four classes, and of images that belong to none."""


def _clouds(count: int, seed: int, classes: int = 4) -> tuple[quick.Features, quick.Labels]:
    draw, labels = np.random.default_rng(seed), np.arange(count) % classes
    return (_CENTRES[labels] + draw.normal(size=(count, 60))).astype(np.float32), labels


def _images(features: quick.Features, labels: quick.Labels) -> LabelledFeatures:
    examples = tuple(
        LabelledImage(Path(f"{at}.jpg"), f"{label}", None, f"{at:064x}") for at, label in enumerate(labels)
    )
    return LabelledFeatures(examples, features, labels)


def _fitted(count: int = 200) -> tuple[FittedRule | None, quick.LinearHead]:
    images, (features, labels) = _images(*_clouds(count, 1)), _clouds(count, 2)
    head = quick.fit(images.features, images.labels, 0.1)
    return fit_unknown_rule(images, Known(features, labels, softmax(head.logits(features)))), head


def _scores(fitted: FittedRule, head: quick.LinearHead, features: quick.Features) -> np.ndarray:
    confidence = softmax(head.logits(features)).max(axis=1)
    return unknown_scores(fitted.rule, read_bank(fitted.bank).cosines(features), confidence)


def test_five_percent_of_new_images_are_taken_for_unknown() -> None:
    fitted, head = _fitted()
    assert fitted is not None
    assert 0.03 <= np.mean(_scores(fitted, head, _clouds(2000, 9)[0]) > 0.5) <= 0.07


def test_images_of_another_class_are_unknown() -> None:
    fitted, head = _fitted()
    assert fitted is not None
    strange = (_CENTRES[4] + np.random.default_rng(7).normal(size=(300, 60))).astype(np.float32)
    assert np.mean(_scores(fitted, head, strange) > 0.5) > 0.9


def test_images_are_not_compared_with_themselves() -> None:
    """Out of fold, an image is known although the bank has it and near-duplicates of it."""
    features, labels = _clouds(100, 1)
    twice = _images(np.concatenate([features, features + 0.01]), np.concatenate([labels, labels]))
    head = quick.fit(features, labels, 0.1)
    fitted = fit_unknown_rule(twice, Known(twice.features, twice.labels, softmax(head.logits(twice.features))))
    assert fitted is not None
    assert np.mean(_scores(fitted, head, _clouds(2000, 9)[0]) > 0.5) < 0.2, "else nearly all"


def test_too_few_images_or_too_many_classes_give_no_rule() -> None:
    assert _fitted(19)[0] is None
    assert _fitted(20)[0] is not None
    many = _images(np.ones((500, 2), np.float32), np.arange(500))
    assert fit_unknown_rule(many, Known(many.features, many.labels, np.ones((500, 500), np.float32))) is None


def _noisy(count: int, seed: int) -> Known:
    """Three classes of which the last is hard."""
    draw, labels = np.random.default_rng(seed), np.arange(count) % 3
    logits = draw.normal(size=(count, 3)) + np.where(labels == 2, 1.0, 3.0)[:, None] * np.eye(3)[labels]
    return Known(np.zeros((count, 1), np.float32), labels, softmax(logits.astype(np.float32)))


def test_sets_cover_nine_in_ten_images_of_every_class() -> None:
    sets, fresh = fit_prediction_sets(_noisy(600, 1)), _noisy(6000, 2)
    assert sets is not None
    inside = fresh.probabilities >= np.asarray(sets.thresholds, np.float32)
    for label in range(3):
        assert 0.87 <= inside[fresh.labels == label, label].mean() <= 0.94
    assert inside.sum(axis=1).mean() > 1, "the hard class needs company"


def test_the_measured_coverage_is_that_of_other_images() -> None:
    measured = measured_sets(_noisy(300, 1))
    assert measured is not None
    assert 0.87 <= measured[0] <= 0.93
    assert measured_sets(_noisy(20, 1)) is None


def test_a_class_with_few_images_has_the_threshold_of_all() -> None:
    known = _noisy(300, 1)
    few = np.flatnonzero((known.labels != 2) | (np.arange(300) < 9))
    sets = fit_prediction_sets(Known(known.features[few], known.labels[few], known.probabilities[few]))
    assert sets is not None
    own = known.probabilities[few][np.arange(len(few)), known.labels[few]]
    assert sets.thresholds[2] == np.floor(np.sort(own)[int((len(few) + 1) * 0.1 + 1e-9) - 1] * 1e6) / 1e6
    assert fit_prediction_sets(_noisy(19, 1)) is None


def test_what_is_said_out_of_sample_is_kept_with_the_scores_of_the_rule() -> None:
    images, (features, labels) = _images(*_clouds(200, 1)), _clouds(200, 2)
    head = quick.fit(images.features, images.labels, 0.1)
    known = Known(features, labels, softmax(head.logits(features)))
    fitted = fit_unknown_rule(images, known)
    found = summarize(known, fitted)
    assert fitted is not None
    assert found is not None
    order = np.argsort(-known.probabilities.max(axis=1), kind="stable")
    assert np.allclose(found.confidence, known.probabilities.max(axis=1)[order], atol=1e-4)
    assert np.allclose(found.unknown_scores, _scores(fitted, head, features)[order], atol=1e-3)
    assert np.mean(np.array(found.unknown_scores) > 0.5) == 0.05
    assert list(found.wrong) == np.flatnonzero(known.probabilities[order].argmax(axis=1) != labels[order]).tolist()


def test_of_many_images_a_sample_is_kept() -> None:
    found = summarize(_noisy(3000, 1), None)
    assert found is not None
    assert len(found.confidence) == MAX_OUT_OF_SAMPLE
    assert found.unknown_scores == tuple(round(1 - sure, 4) for sure in found.confidence)
    assert abs(len(found.wrong) / MAX_OUT_OF_SAMPLE - np.mean(_wrong(_noisy(3000, 1)))) < 0.03
    assert summarize(_noisy(0, 1), None) is None


def _wrong(known: Known) -> np.ndarray:
    return known.probabilities.argmax(axis=1) != known.labels
