"""The arithmetic of convolutions, held to the article's numbers and to written-out sums."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.architectures import convolutions
from core.architectures.convolutions import Activation, Block, Convolution

SIZES, WIDTHS = st.sampled_from([3, 5, 7, 9]), st.integers(1, 600)


@pytest.mark.parametrize(
    ("block", "weights"),
    [
        (convolutions.plain(3, 16, 32), 4608),
        (convolutions.separable(3, 16, 32, pointwise_first=True), 800),
        (convolutions.plain(5, 256, 512), 3_276_800),
        (convolutions.smaller_kernels(5, 256, 512), 1_769_472),
        (convolutions.plain(3, 256, 256), 589_824),
        (convolutions.bottleneck(3, 256, 256), 69_632),
        (convolutions.plain(3, 2, 3), 54),
        (convolutions.separable(3, 2, 3), 24),
    ],
)
def test_the_articles_numbers(block: Block, weights: int) -> None:
    assert block.weights == weights


def test_the_articles_ratios() -> None:
    smaller, plain = convolutions.smaller_kernels(5, 256, 512), convolutions.plain(5, 256, 512)
    assert smaller.weights / plain.weights == 0.54
    separable, plain = convolutions.separable(3, 2, 3), convolutions.plain(3, 2, 3)
    assert separable.weights / plain.weights == pytest.approx(0.444, abs=5e-4)


def test_a_kernel_of_3_is_3_by_1_and_1_by_3() -> None:
    block = convolutions.smaller_kernels(3, 64, 128)
    assert [step.kernel for step in block.steps] == [(3, 1), (1, 3)]
    assert block.weights == 3 * 64 * 64 + 3 * 64 * 128


def test_an_inverted_residual_is_wide_inside_and_linear_at_its_end() -> None:
    block = convolutions.inverted_residual(3, 24, 24)
    assert [(step.inputs, step.outputs) for step in block.steps] == [(24, 144), (144, 144), (144, 24)]
    assert block.weights == 24 * 144 + 9 * 144 + 144 * 24
    assert block.has_shortcut
    last = block.steps[-1]
    assert isinstance(last, Convolution)
    assert last.activation is Activation.NONE


def test_the_factors_multiply_to_the_weights() -> None:
    assert Convolution((3, 3), 256, 512).factors == (3, 3, 256, 512)
    assert Convolution((1, 1), 256, 64).factors == (256, 64)
    assert Convolution((5, 5), 8, 8, is_depthwise=True).factors == (5, 5, 8)


@given(SIZES, WIDTHS, WIDTHS)
def test_every_block_reads_and_writes_what_a_plain_convolution_does(size: int, inputs: int, outputs: int) -> None:
    plain = convolutions.plain(size, inputs, outputs)
    assert plain.weights == size * size * inputs * outputs
    for make in (convolutions.smaller_kernels, convolutions.inception, convolutions.bottleneck,
                 convolutions.separable, convolutions.inverted_residual):  # fmt: skip
        block = make(size, inputs, outputs)
        assert (block.inputs, block.outputs) == (inputs, outputs) or (make is convolutions.inception and outputs < 4)
        for branch in block.branches:
            for one, following in pairwise(branch):
                assert one.outputs == following.inputs


@given(SIZES, WIDTHS, WIDTHS)
def test_the_order_of_a_separable_convolution_decides_what_the_kernels_see(
    size: int, inputs: int, outputs: int
) -> None:
    first = convolutions.separable(size, inputs, outputs)
    other = convolutions.separable(size, inputs, outputs, pointwise_first=True)
    assert first.weights - other.weights == size * size * (inputs - outputs)
