"""Compared networks as the plot shows them: their place on an axis, their label, and a sentence about each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from core.app.values import ComparedNetwork, NetworkKind
from core.base.i18n import mark, tr, tr_n
from core.base.providers import TITLES
from gui.plots.canvas import Range, Tick, round_ticks
from gui.plots.values import Table
from gui.widgets.formats import NO_VALUE, milliseconds, percent, size

_MULTIPLES: Final = (1, 2, 5)
_MOST_TICKS: Final = 7


class CostAxis(Enum):
    """What accuracy is compared with."""

    SIZE = auto()
    MULTIPLY_ADDS = auto()
    TIME = auto()

    def value_of(self, one: ComparedNetwork) -> float | None:
        """The value of a network in the unit of the axis; None if it is unknown."""
        match self:
            case CostAxis.SIZE:
                return one.size_bytes / 1e6
            case CostAxis.MULTIPLY_ADDS:
                return one.multiply_adds / 1e9
            case CostAxis.TIME:
                return one.time.ms if one.time else None

    @property
    def is_log(self) -> bool:
        """Whether the axis is logarithmic: sizes and multiply-adds differ by factors of hundreds."""
        return self is not CostAxis.TIME


AXIS_TITLES: Final[Mapping[CostAxis, str]] = {
    CostAxis.SIZE: mark("File size"),
    CostAxis.MULTIPLY_ADDS: mark("Multiply-adds"),
    CostAxis.TIME: mark("Time on this computer"),
}
AXIS_LABELS: Final[Mapping[CostAxis, str]] = {
    CostAxis.SIZE: mark("File size in MB (log scale)"),
    CostAxis.MULTIPLY_ADDS: mark("Billion multiply-adds (log scale)"),
    CostAxis.TIME: mark("Milliseconds per photo"),
}
KINDS: Final[Mapping[NetworkKind, str]] = {
    NetworkKind.PUBLISHED: mark("Published"),
    NetworkKind.MEASURED: mark("Measured on this computer"),
    NetworkKind.LITERT: mark("LiteRT file, measured"),
    NetworkKind.OWN: mark("Your model"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """A network in the plot.

    Attributes:
        network: the network.
        x: its place on the axis, as a logarithm to base 10 if the axis is logarithmic.
    """

    network: ComparedNetwork
    x: float

    @property
    def label(self) -> str:
        """Its name, and how it differs from a published one."""
        if self.network.kind is NetworkKind.MEASURED:
            return tr("{name}, measured", name=self.network.name)
        return self.network.name


def points_of(networks: Sequence[ComparedNetwork], axis: CostAxis) -> list[Point]:
    """The networks whose place on the axis is known."""
    placed = ((one, axis.value_of(one)) for one in networks)
    return [Point(one, math.log10(value) if axis.is_log else value) for one, value in placed if value]


def cost_range(points: Sequence[Point], axis: CostAxis) -> Range:
    """The range of the axis with some room on both sides."""
    places = [point.x for point in points]
    if not axis.is_log:
        return 0.0, max([*places, 1.0]) * 1.15
    low, high = (min(places), max(places)) if places else (0.0, 2.0)
    room = max(0.15, (high - low) * 0.08)
    return low - room, high + 2 * room  # more on the right, where the labels are


def cost_ticks(across: Range, axis: CostAxis) -> list[Tick]:
    """Round numbers along the axis."""
    if not axis.is_log:
        return [(place, f"{place:g}") for place in round_ticks(*across, _MOST_TICKS)]
    decades = range(math.floor(across[0]), math.ceil(across[1]) + 1)
    for multiples in (_MULTIPLES, (1,)):
        values = [multiple * 10.0**decade for decade in decades for multiple in multiples]
        found = [(math.log10(value), f"{value:,g}") for value in values if across[0] <= math.log10(value) <= across[1]]
        if len(found) <= _MOST_TICKS:
            break
    return found


def accuracy_range(points: Sequence[Point]) -> Range:
    """The part of 0..1 that holds the accuracies, with some room."""
    values = [point.network.accuracy for point in points] or [0.5, 1.0]
    low = max(0.0, math.floor((min(values) - 0.04) * 10) / 10)
    return low, min(1.03, math.ceil((max(values) + 0.07) * 20) / 20)


def describe(one: ComparedNetwork) -> str:
    """Everything about a network, as sentences."""
    cost = tr("{weights:,} weights, {size}, {billions:.3g} billion multiply-adds.", weights=one.weights,
              size=size(one.size_bytes), billions=one.multiply_adds / 1e9)  # fmt: skip
    caution = tr("Its own accuracy was not measured.") if one.kind is NetworkKind.LITERT else ""
    return " ".join(part for part in (_accuracy_sentence(one), caution, cost, _time_sentence(one)) if part)


def _accuracy_sentence(one: ComparedNetwork) -> str:
    if one.kind is not NetworkKind.OWN:
        return tr("{name}: {accuracy} on ImageNet, as published ({source}).", name=one.name,
                  accuracy=percent(one.accuracy, 1), source=one.source)  # fmt: skip
    low, high = one.interval or (one.accuracy, one.accuracy)
    return tr_n(
        "{name}: {accuracy} on {count:,} of your test photos (95% confidence interval: {low:.0%} to {high:.0%}).",
        "{name}: {accuracy} on {count:,} of your test photos (95% confidence interval: {low:.0%} to {high:.0%}).",
        one.images or 0,
        name=one.name,
        accuracy=percent(one.accuracy, 1),
        low=low,
        high=high,
    )


def _time_sentence(one: ComparedNetwork) -> str:
    if one.time is None:
        return ""
    return tr("{time} per photo on this computer ({provider}, {precision}).", time=milliseconds(one.time.ms),
              provider=TITLES[one.time.provider], precision=one.time.precision.value)  # fmt: skip


def table_of(networks: Sequence[ComparedNetwork]) -> Table:
    """All networks as a table."""
    numbers = tr("Weights"), tr("Size"), tr("Multiply-adds"), tr("Time")
    columns = (tr("Network"), tr("Kind"), tr("Accuracy"), *numbers, tr("Measured on"))
    return Table(columns, tuple(map(_row, networks)))


def _row(one: ComparedNetwork) -> tuple[str, ...]:
    if one.kind is NetworkKind.OWN:
        images = tr_n("{count:,} own photo", "{count:,} own photos", one.images or 0)
    else:
        images = tr("ImageNet ({source})", source=one.source)
    time = NO_VALUE if one.time is None else milliseconds(one.time.ms)
    numbers = f"{one.weights:,}", size(one.size_bytes), f"{one.multiply_adds:,}", time
    return one.name, tr(KINDS[one.kind]), percent(one.accuracy, 1), *numbers, images
