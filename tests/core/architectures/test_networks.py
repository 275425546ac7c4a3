"""The described networks have the numbers of the article and of those who published them.

`tests/core/trainer/test_keras_counts.py` holds them to Keras.
"""

from __future__ import annotations

import pytest

from core.architectures import networks
from core.architectures.published import OTHERS, PUBLISHED, PublishedNetwork

BY_TITLE = {one.title: one for one in PUBLISHED}


@pytest.mark.parametrize(
    ("title", "weights"),
    [
        ("Xception", 22_910_480),
        ("ResNet50", 25_636_712),
        ("InceptionResNetV2", 55_873_736),
        ("InceptionV3", 23_851_784),
        ("VGG16", 138_357_544),
    ],
)
def test_the_weights_to_the_digit(title: str, weights: int) -> None:
    assert BY_TITLE[title].counts.weights == weights


@pytest.mark.parametrize(
    ("title", "millions", "million_multiply_adds"),
    [
        ("MobileNetV1 (1, 1)", 4.20, 569),
        ("MobileNetV1 (0.75, 0.85)", 2.59, 233),
        ("MobileNetV1 (0.25, 0.57)", 0.47, 14),
        ("MobileNetV2 (1.4, 1)", 6.06, 582),
        ("MobileNetV2 (1, 1)", 3.47, 300),
        ("MobileNetV2 (0.35, 0.43)", 1.66, 11),
    ],
)
def test_the_rounded_numbers_of_the_mobilenets(title: str, millions: float, million_multiply_adds: float) -> None:
    """Their authors count the normalization in part, as trainable (V1), or not at all (V2), and round down."""
    counts = BY_TITLE[title].counts
    assert (counts.weights - counts.norm_weights) / 1e6 - 0.02 <= millions <= counts.weights / 1e6
    assert counts.multiply_adds / 1e6 == pytest.approx(million_multiply_adds, rel=0.09)


def test_the_articles_accuracies() -> None:
    assert {one.title: one.top1 for one in PUBLISHED} == {
        "Xception": 0.790,
        "ResNet50": 0.759,
        "InceptionResNetV2": 0.804,
        "InceptionV3": 0.788,
        "VGG16": 0.715,
        "MobileNetV1 (1, 1)": 0.709,
        "MobileNetV1 (0.75, 0.85)": 0.672,
        "MobileNetV1 (0.25, 0.57)": 0.415,
        "MobileNetV2 (1.4, 1)": 0.750,
        "MobileNetV2 (1, 1)": 0.718,
        "MobileNetV2 (0.35, 0.43)": 0.455,
    }


@pytest.mark.parametrize(("title", "megabytes"), [("Xception", 88), ("ResNet50", 99), ("InceptionResNetV2", 215)])
def test_the_files_are_as_large_as_their_weights(title: str, megabytes: int) -> None:
    """Published in units of 2^20 bytes; besides the weights, a file holds the names of the layers."""
    assert BY_TITLE[title].counts.float32_bytes / 2**20 == pytest.approx(megabytes, rel=0.015)


def test_what_plain_convolutions_would_cost_xception() -> None:
    counts = networks.xception()
    widths = [(64, 128), (128, 128), (128, 256), (256, 256), (256, 728), *[(728, 728)] * 25, (728, 728), (728, 1024),
              (1024, 1536), (1536, 2048)]  # fmt: skip
    assert len(widths) == 34
    saved = sum(9 * inputs * outputs - 9 * inputs - inputs * outputs for inputs, outputs in widths)
    assert counts.separable_savings == saved


@pytest.mark.parametrize(("number", "weights"), [(0, 4_652_008), (1, 6_092_072)])
def test_efficientnet_lite_has_its_published_weights(number: int, weights: int) -> None:
    counts = OTHERS[number].counts
    assert counts.weights - counts.norm_weights // 2 == weights  # without the moving statistics


def test_a_published_network_is_a_light_value() -> None:
    assert PublishedNetwork("MobileNetV1", 128, 0.4, 0.6, "", 0.25, 0.57).title == "MobileNetV1 (0.25, 0.57)"
