"""The threshold for “unknown”, and label suspects, come from images that the head was not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.base.progress import CancelToken
from core.datasets.labelled_image import LabelledImage
from core.evaluation.calibration import calibration
from core.models.heads import head_bytes, softmax
from core.training import quick
from core.training.evaluated_head import EvaluatedHead, Predictions, TrainedHead, evaluate_head
from core.training.training_data import LabelledFeatures

_CLASSES = tuple("abcd")
_WIDTH = 60


def _clouds(count: int, seed: int) -> tuple[quick.Features, quick.Labels]:
    """Features that cluster by class; the clusters are the same for every seed."""
    centres = np.random.default_rng(0).normal(size=(len(_CLASSES), _WIDTH))
    draw, labels = np.random.default_rng(seed), np.arange(count) % len(_CLASSES)
    return (0.5 * centres[labels] + draw.normal(size=(count, _WIDTH))).astype(np.float32), labels


def _images(features: quick.Features, labels: quick.Labels) -> LabelledFeatures:
    examples = (LabelledImage(Path(f"{at}.jpg"), _CLASSES[label]) for at, label in enumerate(labels.tolist()))
    return LabelledFeatures(tuple(examples), features, labels)


def _evaluate(
    images: LabelledFeatures,
    strength: float,
    held_out: LabelledFeatures | None = None,
    validation: LabelledFeatures | None = None,
) -> EvaluatedHead:
    """Evaluate a head on the images, with cross-validation unless other images are held out."""
    head = quick.fit(images.features, images.labels, strength)
    unseen = None
    if held_out is None:
        rows, logits = quick.out_of_fold(images.features, images.labels, strength, token=CancelToken())
        unseen = Predictions([images.paths[row] for row in rows.tolist()], images.labels[rows], logits)
    attempt = TrainedHead("", head, head_bytes(head), len(images), out_of_fold=unseen)
    nothing = _images(images.features[:0], images.labels[:0])
    return evaluate_head(attempt, images, validation or nothing, held_out or nothing, _CLASSES)


@pytest.mark.parametrize("strength", [0.01, 10.0])
def test_five_percent_of_the_images_fall_below_the_threshold(strength: float) -> None:
    """For any C, although the confidences of heads differ greatly."""
    rejected = []
    for seed in range(3):
        images = _images(*_clouds(200, 10 + seed))
        head = _evaluate(images, strength)
        assert head.unknown_below is not None
        fresh = head.trained.evaluated.logits(_clouds(2000, 99)[0])
        rejected.append(float(np.mean(softmax(fresh, head.temperature).max(axis=1) < head.unknown_below)))
    assert 0.03 < np.mean(rejected) < 0.08
    assert max(rejected) < 0.12


def test_without_cross_validation_the_test_images_give_the_threshold() -> None:
    head = _evaluate(_images(*_clouds(200, 1)), 1.0, held_out=_images(*_clouds(150, 2)))
    assert head.threshold_images == 150
    assert head.unknown_below is not None
    assert head.suspects == ()


def test_few_validation_images_do_not_decide_the_temperature_alone() -> None:
    """The confidence of a head is right on new images, although only a dozen were kept for validation."""
    fresh, truth = _clouds(2000, 99)
    errors = {}
    for is_cross_validated in (True, False):
        found = []
        for seed in range(4):
            images, few = _images(*_clouds(160, 20 + seed)), _images(*_clouds(12, 50 + seed))
            nothing = None if is_cross_validated else _images(*_clouds(1, 0))
            head = _evaluate(images, 0.01, nothing, few)
            found.append(calibration(head.trained.evaluated.logits(fresh), truth, head.temperature).ece)
        errors[is_cross_validated] = np.mean(found)
    assert errors[True] < 0.05 < errors[False]


def test_test_images_do_not_take_part_in_the_calibration() -> None:
    images = _images(*_clouds(160, 1))
    rows, logits = quick.out_of_fold(images.features, images.labels, 1.0, token=CancelToken())
    head = quick.fit(images.features, images.labels, 1.0)
    test, nothing = images.select(range(0, 160, 4)), images.select([])
    changed = logits.copy()
    changed[[row % 4 == 0 for row in rows.tolist()]] *= -100
    temperatures = set()
    for some in (logits, changed):
        unseen = Predictions([images.paths[row] for row in rows.tolist()], images.labels[rows], some)
        trained = TrainedHead("", head, head_bytes(head), 160, out_of_fold=unseen)
        temperatures.add(evaluate_head(trained, images, nothing, test, _CLASSES).temperature)
    assert len(temperatures) == 1


def test_images_that_look_nearly_the_same_leave_room_for_others() -> None:
    """Such as those that were recorded with a camera: all but certain of each other, they would reject all else."""
    centres, labels = np.random.default_rng(0).normal(size=(len(_CLASSES), _WIDTH)), np.arange(80) % len(_CLASSES)
    draw = np.random.default_rng(1)

    def recorded(noise: float) -> LabelledFeatures:
        features = 20 * centres[labels] + noise * draw.normal(size=(len(labels), _WIDTH))
        return _images(features.astype(np.float32), labels)

    head = _evaluate(recorded(0.1), 10.0)
    assert head.unknown_below == 0.9878, "81 in 82"
    fresh = softmax(head.trained.evaluated.logits(recorded(4.0).features), head.temperature)
    assert np.mean(fresh.max(axis=1) >= head.unknown_below) > 0.9


def test_too_few_images_give_no_threshold() -> None:
    assert _evaluate(_images(*_clouds(19, 1)), 1.0).unknown_below is None
    assert _evaluate(_images(*_clouds(20, 1)), 1.0).unknown_below is not None


@pytest.mark.parametrize("strength", [0.1, 100.0])
def test_planted_label_errors_come_first_among_the_suspects(strength: float) -> None:
    features, labels = _clouds(200, 3)
    planted = np.random.default_rng(4).choice(200, 10, replace=False)
    labels[planted] = (labels[planted] + 1) % len(_CLASSES)
    suspects = _evaluate(_images(features, labels), strength).suspects
    named = [int(one.path.stem) for one in suspects[:15]]
    assert len(set(named) & set(planted.tolist())) >= 8
    assert all(one.label != one.predicted for one in suspects)
