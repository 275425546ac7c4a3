"""Stratification of images that have several classes.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011)
divides the images of the rarest class first, then those of the class that is then the rarest among the others, and so
on, as the images of common classes are easily divided evenly later. Here this order gives each image one stratum, its
rarest class, so that everything that divides images by one class also divides images with several.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def strata(sets: Sequence[AbstractSet[T]]) -> list[int]:
    """The stratum of each image by its classes: 0, 1, ... from the rarest class on; the last for those without any."""
    having: dict[T, set[int]] = defaultdict(set)
    for at, names in enumerate(sets):
        for name in names:
            having[name].add(at)
    found, divided = [0] * len(sets), set[int]()
    counts = {name: len(own) for name, own in having.items()}
    number = 0
    while counts:
        rarest = min(counts, key=lambda name: (counts[name], str(name)))
        own = having[rarest] - divided
        for name in {name for at in own for name in sets[at]}:
            counts[name] -= len(having[name] & own)
        counts = {name: count for name, count in counts.items() if count}
        for at in own:
            found[at] = number
        divided |= own
        number += 1
    return [stratum if names else number for stratum, names in zip(found, sets, strict=True)]
