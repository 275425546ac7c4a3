"""What more photos would do and what each class lacks, in short sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.base.i18n import tr
from core.datasets.values import FEW_IMAGES
from core.training.values import ClassOutlook, ExpectedGain, Outlook

_MAX_GAINS: Final = 3
_LEAST_GAIN: Final = 0.01
"""A smaller gain is not worth the work."""


def outlook_lines(outlook: Outlook) -> tuple[str, ...]:
    """The gains that are worth it, the largest first, then what classes lack."""
    return (*_gains(outlook), *(line for one in outlook.classes for line in _lacks(one)))


def _gains(outlook: Outlook) -> Iterator[str]:
    gains = [one.gain for one in outlook.classes if one.gain is not None]
    worth = sorted(filter(_is_worth, gains), key=lambda one: one.accuracy - one.expected)[:_MAX_GAINS]
    if _is_worth(outlook.gain) or worth:
        yield from (_gain_text(one) for one in (outlook.gain, *worth))
    else:
        yield tr("More of the same would hardly help: {now:.0%} in cross-validation.", now=outlook.gain.accuracy)


def _is_worth(gain: ExpectedGain) -> bool:
    return gain.expected - gain.accuracy >= _LEAST_GAIN


def _gain_text(gain: ExpectedGain) -> str:
    if not gain.is_known:
        label = tr("“{label}”", label=gain.label) if gain.label else tr("all classes")
        return tr("More of {label}: too few to tell how much they would help.", label=label)
    values = {"more": gain.more, "now": gain.accuracy, "then": gain.expected, "low": gain.low, "high": gain.high}
    if gain.label:
        return tr(
            "{more:,} more of “{label}”: {now:.0%} to about {then:.0%} ({low:.0%} to {high:.0%}).",
            label=gain.label,
            **values,
        )
    return tr("{more:,} more of all classes: {now:.0%} to about {then:.0%} ({low:.0%} to {high:.0%}).", **values)


def _lacks(one: ClassOutlook) -> Iterator[str]:
    if one.images < FEW_IMAGES:
        yield tr(
            "“{label}” has only {count:,}: too few to tell. A few dozen different ones work well.",
            label=one.label,
            count=one.images,
        )
    if one.confused_with:
        yield tr(
            "“{label}” is taken for “{other}” in {share:.0%} of cases: add some that show the difference.",
            label=one.label,
            other=one.confused_with,
            share=one.confused,
        )
    if one.is_alike:
        yield tr("“{label}”: most are nearly the same. Add different ones.", label=one.label)
