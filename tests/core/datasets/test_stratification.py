"""Strata of images with several classes."""

from __future__ import annotations

from core.datasets.stratification import strata


def test_each_image_is_in_the_stratum_of_its_rarest_class() -> None:
    sets = [
        {"animal"},
        {"animal", "bird"},
        {"animal", "bird", "owl"},
        set(),
        {"animal"},
        {"animal", "bird"},
        {"animal"},
    ]
    assert strata(sets) == [2, 1, 0, 3, 2, 1, 2]


def test_images_of_a_class_that_others_have_used_up_are_counted_without_these() -> None:
    """Two of the three images of `wide` are in the stratum of `rare`; with one left it comes before `common`."""
    sets = [{"rare", "wide"}, {"rare", "wide"}, {"wide", "common"}, {"common"}, {"common"}, {"common"}]
    assert strata(sets) == [0, 0, 1, 2, 2, 2]


def test_without_classes_there_is_one_stratum() -> None:
    assert strata([set(), set()]) == [0, 0]
