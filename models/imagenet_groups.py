"""Which classes of ImageNet belong to a group of things, such as birds: so photos sorted by group can be judged.

Some groups have few or no exact classes (a carrot has none), so the figures compare networks and say little about any.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Final

CLASSES: Final = tuple((Path(__file__).parent / "imagenet-classes.txt").read_text(encoding="utf-8").splitlines())
"""The 1000 classes in ImageNet's order."""

RANGES: Final = {
    "bird": (("cock", "great grey owl"), ("black grouse", "black swan"), ("white stork", "albatross")),
    "fish": (("tench", "stingray"), ("barracouta", "puffer")),
    "flower": (("rapeseed", "yellow lady's slipper"),),
    "fruit": (("Granny Smith", "pomegranate"), ("acorn", "buckeye")),
    "mammal": (("tusker", "wombat"), ("grey whale", "meerkat"), ("wood rabbit", "giant panda")),
    "vegetable": (("head cabbage", "mushroom"), ("corn", "corn"), ("coral fungus", "ear")),
}
"""First and last class of each range in ImageNet's order, by group."""
SINGLES: Final = {
    "monument": (
        "barn", "beacon", "bell cote", "castle", "church", "cliff dwelling", "dome", "fountain", "greenhouse",
        "grocery store", "megalith", "monastery", "mosque", "obelisk", "palace", "patio", "pedestal", "planetarium",
        "prison", "restaurant", "steel arch bridge", "stone wall", "stupa", "suspension bridge", "thatch", "tile roof",
        "totem pole", "triumphal arch", "vault", "viaduct", "water tower",
    ),
    "tool": (
        "broom", "can opener", "carpenter's kit", "chain saw", "cleaver", "corkscrew", "hammer", "hatchet", "hook",
        "ladle", "lawn mower", "letter opener", "nail", "paintbrush", "pick", "plane", "plow", "plunger",
        "power drill", "rule", "screw", "screwdriver", "shovel", "slide rule", "spatula", "spindle", "wooden spoon",
    ),
}  # fmt: skip


def groups() -> dict[str, frozenset[int]]:
    """The classes of each group, as indexes."""
    index = {name: at for at, name in enumerate(CLASSES)}
    ranged = {
        group: frozenset(chain.from_iterable(range(index[first], index[last] + 1) for first, last in ranges))
        for group, ranges in RANGES.items()
    }
    return ranged | {group: frozenset(index[name] for name in names) for group, names in SINGLES.items()}
