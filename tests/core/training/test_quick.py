"""The recipe `quick`: its head equals scikit-learn's, and C is chosen on held-out images."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from core.base.errors import Cancelled, DatasetError
from core.base.progress import CancelToken, Progress
from core.evaluation.calibration import log_loss
from core.models.heads import head_bytes
from core.training import quick
from core.training.head_parameters import PrototypeParameters


def clouds(
    count: int, classes: int, width: int = 40, *, apart: float = 1.0, least: float = 0.1, seed: int = 0
) -> tuple[quick.Features, quick.Labels]:
    """Features of `count` images that cluster by class, with means and scales, from `least`, that differ."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    points = draw.normal(size=(classes, width))[labels] * apart + draw.normal(size=(count, width))
    return (points * draw.uniform(least, 9, width) + draw.uniform(-5, 5, width)).astype(np.float32), labels


def choose(features: quick.Features, labels: quick.Labels, seed: int = 0) -> quick.CrossValidation:
    return quick.cross_validate(features, labels, seed=seed, report=lambda _: None, token=CancelToken())


@pytest.mark.parametrize(("count", "width"), [(60, 40), (30, 40)])
@pytest.mark.parametrize("strength", [0.01, 1.0])
@pytest.mark.parametrize("balanced", [True, False])
def test_the_head_equals_scikit_learns(count: int, width: int, strength: float, balanced: bool) -> None:
    features, labels = clouds(count, 3, width, least=1.0)  # scikit-learn's scaler knows no smallest scale
    labels[labels == 2] = np.arange(np.sum(labels == 2)) % 2 * 2
    standard = StandardScaler().fit_transform(features.astype(np.float64))
    weight = "balanced" if balanced else None
    theirs = LogisticRegression(C=strength, class_weight=weight, tol=1e-8, max_iter=10_000).fit(standard, labels)
    ours = quick.fit(features, labels, strength, balanced=balanced)
    expected = theirs.decision_function(standard)
    found = ours.logits(features)
    found -= found.mean(axis=1, keepdims=True)
    assert np.allclose(found, expected - expected.mean(axis=1, keepdims=True), atol=2e-3)


@pytest.mark.parametrize(("count", "width"), [(60, 40), (30, 40)])
def test_points_are_learned_where_the_log_loss_is_lower(count: int, width: int) -> None:
    """The optimum of the penalized loss, whose gradient is zero; with a strong penalty, the means of the classes."""
    features, labels = clouds(count, 3, width, apart=0.4)
    near = quick.fit_prototypes(features, labels, 1e-6)
    placed = features * near.scale + near.shift
    means = np.stack([placed[labels == label].mean(axis=0) for label in range(3)])
    np.testing.assert_allclose(near.points.T, means, atol=1e-3)
    free = quick.fit_prototypes(features, labels, 10.0)
    assert log_loss(free.logits(features), labels) < log_loss(near.logits(features), labels)
    assert np.array_equal(free.logits(features).argmax(axis=1), labels)


def test_the_gradient_of_points_is_that_of_the_penalized_loss() -> None:
    draw = np.random.default_rng(5)
    parameters = PrototypeParameters(draw.normal(size=(3, 4)), 0.3)
    values, slope = draw.normal(size=(3, 4)), draw.normal(size=(3, 5))

    def loss(flat: quick.Real) -> float:
        return parameters.penalised(flat, float(np.sum(slope * parameters.linear(flat))), slope, 0.7)[0]

    _, gradient = parameters.penalised(values, 0.0, slope, 0.7)
    for place in np.ndindex(values.shape):
        step = np.zeros_like(values)
        step[place] = 1e-5
        assert np.isclose((loss(values + step) - loss(values - step)) / 2e-5, gradient[place], atol=1e-6)


def test_two_classes_get_two_logits() -> None:
    features, labels = clouds(40, 2)
    head = quick.fit(features, labels, 1.0)
    assert head.class_count == 2
    assert np.array_equal(head.logits(features).argmax(axis=1), labels)


def test_a_constant_feature_has_no_weight() -> None:
    features, labels = clouds(40, 2)
    features[:, 7] = 0.1
    assert np.abs(quick.fit(features, labels, 1.0).weights[7]).max() < 1e-6


def test_a_feature_that_hardly_varies_does_not_decide() -> None:
    features, labels = clouds(40, 2)
    features[:, 7] = 0
    features[3, 7] = 1e-5
    head = quick.fit(features, labels, 1.0)
    assert np.abs(head.weights[7]).max() < 0.01
    features[:, 7] = 1.0  # as an image might have it that looks like none of the others
    assert np.array_equal(head.logits(features).argmax(axis=1), labels)


def test_rare_classes_weigh_as_much_as_common_ones() -> None:
    features, labels = clouds(400, 2, 3, apart=0.4)
    kept = (labels == 0) | (np.arange(400) % 16 == 1)
    features, labels = features[kept], labels[kept]
    recall = {}
    for balanced in (True, False):
        named = quick.fit(features, labels, 1.0, balanced=balanced).logits(features).argmax(axis=1)
        recall[balanced] = np.mean(named[labels == 1] == 1)
    assert recall[True] > recall[False] + 0.2


def test_the_same_images_give_the_same_bytes() -> None:
    features, labels = clouds(200, 5, 300)
    heads = {head_bytes(quick.fit(features, labels, choose(features, labels).best_c)) for _ in range(3)}
    assert len(heads) == 1


def test_noise_gets_strong_and_clear_classes_weak_regularization() -> None:
    features, labels = clouds(120, 3, 200, apart=0.15)
    noisy = choose(features, labels)
    assert noisy.best_c <= 1.0
    assert noisy.scores[noisy.best_c].log_loss == min(score.log_loss for score in noisy.scores.values())
    features, labels = clouds(120, 3, 200)
    assert choose(features, labels).scores[1.0].errors == 0


def test_near_duplicates_do_not_leak_between_folds() -> None:
    """Copies of one image in two folds would make it trivial: cross-validation would see no mistakes."""
    draw = np.random.default_rng(0)
    things = draw.normal(size=(30, 50))
    labels = np.repeat(draw.integers(0, 2, 30), 4)
    features = (np.repeat(things, 4, axis=0) + draw.normal(0, 0.02, (120, 50))).astype(np.float32)
    assert quick.near_duplicate_groups(features).tolist() == np.repeat(np.arange(30), 4).tolist()
    wrong = min(trial.errors for trial in choose(features, labels).scores.values())
    assert wrong > 0.25 * 120 * quick._REPEATS


def test_images_that_are_all_alike_can_be_trained_on() -> None:
    features = np.ones((20, 10), np.float32)
    labels = np.arange(20) % 2
    assert choose(features, labels).images == 20
    assert np.isfinite(quick.fit(features, labels, 1.0).weights).all()


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 2]])
def test_too_few_images_for_cross_validation_use_the_default(labels: list[int]) -> None:
    features = clouds(len(labels), 3)[0]
    choice = choose(features, np.array(labels))
    assert (choice.best_c, choice.scores) == (1.0, {})


def test_a_class_with_one_image_does_not_prevent_cross_validation() -> None:
    features, labels = clouds(61, 2)
    labels[60] = 2
    choice = choose(features, labels)
    assert len(choice.scores) == len(quick.C_GRID)
    assert quick.fit(features, labels, choice.best_c).class_count == 3


def test_too_many_weights_are_rejected() -> None:
    features = np.random.default_rng(0).normal(size=(5000, 2048)).astype(np.float32)
    with pytest.raises(DatasetError, match="at most 3,906"):
        quick.fit(features, np.arange(5000), 1.0)


def test_too_many_weights_are_rejected_before_features_are_computed() -> None:
    quick.check_weights(20_000, 2048, 3906)
    with pytest.raises(DatasetError, match=r"10,000 classes\. With this many .* supports at most 3,906"):
        quick.check_weights(20_000, 2048, 10_000)
    with pytest.raises(DatasetError):
        choose(np.ones((5000, 2048), np.float32), np.arange(5000))
    quick.check_weights(800, 2048, 10_000)


def test_large_trainings_use_several_threads_and_give_the_same_head(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clouds(300, 5)
    whole = quick.fit(features, labels, 1.0)
    monkeypatch.setattr("core.training.penalised_loss._BLOCK", 1)
    monkeypatch.setattr(quick, "_SCORES", 20)
    shared = quick.fit(features, labels, 1.0)
    assert np.allclose(shared.weights, whole.weights, atol=1e-4)
    assert np.allclose(shared.bias, whole.bias, atol=1e-3)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert head_bytes(quick.fit(features, labels, 1.0)) == head_bytes(shared), "whatever the machine"


def test_with_very_many_classes_some_are_sampled() -> None:
    features, labels = clouds(4000, 800, apart=3.0)
    choice = choose(features, labels)
    assert choice.images <= quick.MAX_TRIED
    sample = quick.sample(labels, 0)
    assert set(np.bincount(labels[sample])) == {0, 5}, "each class with all its images"
    assert 0.9 * quick.MAX_TRIED < choice.images == len(sample)
    wrong = choice.scores[choice.best_c].errors
    assert wrong < 0.2 * choice.images


def test_with_few_classes_all_are_sampled() -> None:
    labels = clouds(5000, 50)[1]
    sample = quick.sample(labels, 0)
    assert len(sample) == quick.MAX_TRIED
    assert len(np.unique(labels[sample])) == 50


def test_a_fit_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        quick.fit(*clouds(60, 2), 1.0, token=token)


def test_it_can_be_cancelled() -> None:
    token = CancelToken()

    def report(progress: Progress) -> None:
        if progress.step:
            token.cancel()

    features, labels = clouds(300, 5, 400)
    with pytest.raises(Cancelled):
        quick.cross_validate(features, labels, seed=0, report=report, token=token)


def _held_out(features: quick.Features, labels: quick.Labels) -> tuple[quick.Labels, quick.Features]:
    return quick.out_of_fold(features, labels, 1.0, token=CancelToken())


def test_out_of_fold_predictions_do_not_depend_on_their_own_images() -> None:
    """With random labels, the head knows all by heart, and cross-validation is right about half of the time."""
    features, _ = clouds(200, 2, 300)
    labels = np.random.default_rng(5).integers(0, 2, 200)
    assert np.mean(quick.fit(features, labels, 1000.0).logits(features).argmax(axis=1) == labels) == 1
    rows, logits = _held_out(features, labels)
    assert rows.tolist() == list(range(200))
    assert 0.35 < np.mean(logits.argmax(axis=1) == labels) < 0.65


def test_repeated_division_of_few_images_reduces_the_variance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, labels = clouds(100, 3, 60)

    def spread() -> float:
        """How much the logits of an image differ between orders of the images, on average."""
        orders = [np.random.default_rng(seed).permutation(len(labels)) for seed in range(6)]
        logits = [_held_out(features[order], labels[order])[1][np.argsort(order)] for order in orders]
        return float(np.mean(np.std(logits, axis=0)))

    several = spread()
    monkeypatch.setattr(quick, "_REPEATS", 1)
    assert several < 0.8 * spread()


def test_copies_of_an_image_are_in_the_same_fold() -> None:
    features, _ = clouds(60, 2)
    labels = np.random.default_rng(6).integers(0, 2, 60)
    rows, logits = _held_out(np.repeat(features, 4, axis=0), np.repeat(labels, 4))
    assert np.mean(logits.argmax(axis=1) == np.repeat(labels, 4)[rows]) < 0.7


def test_out_of_fold_predictions_of_many_images_use_a_sample() -> None:
    features, labels = clouds(quick.MAX_TRIED + 500, 3, 10)
    rows, logits = _held_out(features, labels)
    assert len(rows) == quick.MAX_TRIED
    assert logits.shape == (quick.MAX_TRIED, 3)
    rows, logits = _held_out(features[:, :4], np.arange(len(features)) % 300)
    assert (len(rows), logits.shape) == (0, (0, 300)), "a sample that lacks classes would be too sure"
