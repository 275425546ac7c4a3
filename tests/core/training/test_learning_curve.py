"""The learning curve: what more photos would give, and what each class lacks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import Cancelled
from core.base.progress import CancelToken, Progress
from core.training import learning_curve
from core.training.learning_curve import expected_gain, exponent, levelling, outlook, remaining
from core.training.outlook_text import outlook_lines
from core.training.values import ClassOutlook, ExpectedGain, Outlook

CLASSES = ("ape", "bee", "cat")


def photos(
    counts: tuple[int, ...], noise: float, seed: int = 0, width: int = 24
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features of classes around points of their own, with this noise."""
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    centres = np.random.default_rng(99).normal(size=(len(counts), width))
    return (centres[labels] + draw.normal(0, noise, (len(labels), width))).astype(np.float32), labels


def look(counts: tuple[int, ...], noise: float) -> Outlook | None:
    features, labels = photos(counts, noise)
    return outlook(features, labels, CLASSES, 0.1, report=lambda _: None, token=CancelToken())


@pytest.mark.parametrize("b", [0.2, 0.5, 0.9])
def test_the_exponent_of_a_power_law_is_found(b: float) -> None:
    assert exponent(0.08 * np.array(learning_curve.PARTS) ** -b) == pytest.approx(b, abs=1e-6)


@pytest.mark.parametrize(("falling", "floor"), [(0.02, 0.1), (0.1, 0.0), (0.0, 0.2)])
def test_an_error_that_levels_off_is_recognised(falling: float, floor: float) -> None:
    errors = falling / np.array(learning_curve.PARTS) + floor
    assert levelling(errors) == pytest.approx((falling, floor), abs=1e-9)
    _, left = remaining(errors, 2)
    assert left == pytest.approx((falling / 2 + floor) / (falling + floor))


def test_neither_part_of_the_law_is_negative() -> None:
    assert levelling(np.array([0.1, 0.2, 0.3, 0.4])) == pytest.approx((0, 0.304), abs=1e-3)
    falling, floor = levelling(np.array([0.9, 0.3, 0.05, 0.0]))
    assert floor == 0 < falling


def test_where_the_error_levels_off_less_is_promised_than_by_a_power_law() -> None:
    wrong = np.zeros((4, 100))
    for row, count in enumerate((36, 26, 22, 20)):
        wrong[row, :count] = 1
    power, levels = remaining(wrong.mean(axis=1), 2)
    gain = expected_gain("", wrong, np.arange(100), 100)
    assert power < levels < 1
    assert 1 - 0.2 * levels < gain.expected < 1 - 0.2 * power
    assert gain.low < 1 - 0.2 * levels


def test_errors_that_do_not_fall_promise_nothing() -> None:
    assert exponent(np.array([0.1, 0.1, 0.12, 0.15])) == 0
    wrong = np.tile(np.arange(40) % 4 == 0, (4, 1)).astype(np.float64)
    gain = expected_gain("ape", wrong, np.arange(40), 20)
    assert gain.accuracy == gain.expected == 0.75
    assert gain.low < 0.75 < gain.high


def test_the_prediction_from_half_of_the_photos_is_closer_than_todays_accuracy() -> None:
    before, after = [], []
    for seed in range(8):
        features, labels = photos((40, 40, 40), 4.0, seed, width=200)
        half = np.arange(0, 120, 2)
        truth = outlook_of(features, labels).gain.accuracy
        gain = expected_gain("", wrong_by_parts(features[half], labels[half]), np.arange(60), 60)
        before.append(gain.accuracy - truth)
        after.append(gain.expected - truth)
    assert abs(np.mean(after)) < abs(np.mean(before))


def outlook_of(features: NDArray[np.float32], labels: NDArray[np.int64]) -> Outlook:
    found = outlook(features, labels, CLASSES, 0.1, report=lambda _: None, token=CancelToken())
    assert found is not None
    return found


def wrong_by_parts(features: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    groups = np.arange(len(labels))
    found = learning_curve.held_out_predictions(
        features, labels, groups, 0.1, report=lambda _: None, token=CancelToken()
    )
    return np.asarray(found != labels, np.float64)


def test_what_classes_lack_is_said() -> None:
    features, labels = photos((30, 30, 6), 1.0)
    features[:30] = features[0] + np.random.default_rng(0).normal(0, 0.01, (30, 24))  # one ape again and again
    features[30:38] += features[60:].mean(axis=0) - features[30:38]  # these bees are cats
    found = outlook_of(features, labels)
    ape, bee, cat = found.classes
    assert ape.is_alike
    assert not bee.is_alike
    assert (bee.confused_with, bee.images) == ("cat", 30)
    assert cat.gain is None
    text = "\n".join(outlook_lines(found))
    assert "“ape”: most are nearly the same." in text
    assert "“bee” is taken for “cat” in 27% of cases" in text
    assert "“cat” has only 6" in text


def test_too_few_or_too_many_photos_have_no_outlook() -> None:
    assert look((12, 12, 12), 1.0) is None
    assert look((201, 200, 200), 1.0) is None


def gain_of(accuracy: float, expected: float, low: float, high: float, label: str = "bee") -> ExpectedGain:
    return ExpectedGain(label, 30, 20, accuracy, expected, low, high)


@pytest.mark.parametrize(
    ("gain", "line"),
    [
        (gain_of(0.91, 0.94, 0.88, 0.97), "20 more of “bee”: 91% to about 94% (88% to 97%)."),
        (gain_of(0.7, 0.8, 0.6, 0.9), "More of “bee”: too few to tell how much they would help."),
        (gain_of(0.995, 0.997, 0.98, 1.0), "More of the same would hardly help: 98% in cross-validation."),
    ],
)
def test_a_gain_is_stated_where_it_is_known(gain: ExpectedGain, line: str) -> None:
    nothing = gain_of(0.98, 0.981, 0.97, 0.99, "")
    assert line in outlook_lines(Outlook(nothing, (ClassOutlook("bee", 30, gain, "", 0.0, is_alike=False),)))


def test_progress_is_reported_and_it_can_be_cancelled() -> None:
    features, labels = photos((20, 20, 20), 1.0)
    reports: list[Progress] = []
    outlook(features, labels, CLASSES, 0.1, report=reports.append, token=CancelToken())
    assert reports[-1].step == reports[-1].total == 20
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        outlook(features, labels, CLASSES, 0.1, report=reports.append, token=token)
