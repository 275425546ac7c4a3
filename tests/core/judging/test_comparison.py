"""Two models on the same images, against SciPy's binomial test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.judging.comparison import Flip, compare, mcnemar
from core.judging.evaluation import Evaluation, evaluate


def answered(named: str, truth: str, classes: str) -> Evaluation:
    """A model that names images as the letters of `named`, where they are those of `truth`."""
    logits = np.array([[5.0 * (label == name) for label in classes] for name in named], np.float32)
    labels = np.array([classes.index(name) for name in truth])
    paths = [Path(f"{index}.png") for index in range(len(truth))]
    return evaluate(logits, labels, list(classes), temperature=1.0, paths=paths)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 20))
def test_p_is_scipys(only_a: int, only_b: int, both: int) -> None:
    right_a = np.array([True] * only_a + [False] * only_b + [True] * both, bool)
    right_b = np.array([False] * only_a + [True] * only_b + [True] * both, bool)
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(right_a, right_b) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(right_b, right_a) == mcnemar(right_a, right_b)


def test_thousands_of_differences_overflow_nothing() -> None:
    right = np.arange(20_000) < 9_900
    assert mcnemar(right, ~right) == pytest.approx(binomtest(9_900, 20_000).pvalue, rel=1e-6)
    assert mcnemar(np.ones(5000, bool), np.zeros(5000, bool)) == 0.0


def test_flips_are_told_by_label_whatever_the_order_of_classes() -> None:
    found = compare(answered("aabc", "abbc", "abc"), answered("abac", "abbc", "cba"))
    assert found.flips == (Flip(Path("1.png"), "b", "a", "b"), Flip(Path("2.png"), "b", "b", "a"))
    assert (found.only_a_right, found.only_b_right, found.p) == (1, 1, 1.0)


def test_a_model_does_not_differ_from_itself() -> None:
    one = answered("abca", "abba", "abc")
    assert compare(one, one).flips == ()


def test_other_images_or_labels_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same images"):
        compare(answered("ab", "ab", "ab"), answered("aba", "aba", "ab"))
    with pytest.raises(ValueError, match="same images"):
        compare(answered("ab", "ab", "ab"), answered("ab", "aa", "ab"))
