"""What separable prediction layers save."""

from __future__ import annotations

from core.architectures.detectors import ssd_mobilenet_v2
from core.architectures.networks import mobilenet_v2


def test_the_published_graph_has_these_weights_and_ssdlite_a_quarter() -> None:
    plain, lite = ssd_mobilenet_v2(), ssd_mobilenet_v2(separable=True)
    assert (plain.weights, lite.weights) == (16_876_287, 4_551_295)
    assert lite.multiply_adds < plain.multiply_adds


def test_the_smaller_part_is_the_network_below() -> None:
    """MobileNetV2 without its classifier has 2,257,984 weights."""
    assert ssd_mobilenet_v2().weights - mobilenet_v2().weights > 5 * (mobilenet_v2().weights - 1_281_000)


def test_fewer_labels_need_fewer_weights() -> None:
    boxes = 33
    assert ssd_mobilenet_v2(outputs=80).weights < ssd_mobilenet_v2(outputs=91).weights - 11 * boxes
