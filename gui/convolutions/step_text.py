"""The steps of a block in words and numbers."""

from __future__ import annotations

from core.architectures.convolutions import Activation, Block, Convolution, Pooling, Step
from core.base.i18n import tr


def shortest(step: Step) -> str:
    """The kind of step, for a caption where there is little room."""
    return tr("pooling") if isinstance(step, Pooling) else _size(step)


def _size(step: Step) -> str:
    return tr("{height} × {width}", height=step.kernel[0], width=step.kernel[1])


def short(step: Step) -> str:
    """The kind of step, for a caption."""
    size = _size(step)
    match step:
        case Pooling():
            return tr("{size} pooling", size=size)
        case Convolution(is_depthwise=True):
            return tr("{size} depthwise", size=size)
        case Convolution(kernel=(1, 1)):
            return tr("{size} pointwise", size=size)
        case _:
            return tr("{size} convolution", size=size)


def rounded(step: Step) -> str:
    """The number of weights with a few digits, where there is little room."""
    weights = step.weights
    if weights >= 1_000_000:
        return tr("{millions:.3g}M", millions=weights / 1e6)
    return tr("{thousands:.3g}k", thousands=weights / 1e3) if weights >= 1000 else str(weights)


def title(step: Step) -> str:
    """The step with its channels."""
    if step.inputs == step.outputs:
        return tr("{step}, {channels:,} channels", step=short(step), channels=step.inputs)
    return tr("{step}, {inputs:,} → {outputs:,} channels", step=short(step), inputs=step.inputs, outputs=step.outputs)


def product(step: Step) -> str:
    """The weights of the step as a product with its result."""
    if not isinstance(step, Convolution):
        return tr("no weights")
    factors = " × ".join(f"{factor:,}" for factor in step.factors)
    return tr("{factors} = {weights:,}", factors=factors, weights=step.weights)


def formula(block: Block) -> str:
    """The weights of a block as a sum of products with its result."""
    steps = [step for step in block.steps if isinstance(step, Convolution)]
    sums = " + ".join(" × ".join(f"{factor:,}" for factor in step.factors) for step in steps)
    return tr("{sums} = {weights:,}", sums=sums, weights=block.weights)


def sentence(step: Step) -> str:
    """The step as a sentence."""
    if not isinstance(step, Convolution):
        return tr("{step}: no weights.", step=title(step))
    activation = tr("no activation") if step.activation is Activation.NONE else step.activation.value
    return tr("{step}: {weights:,} weights, then {activation}.", step=title(step), weights=step.weights,
              activation=activation)  # fmt: skip
