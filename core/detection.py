"""What a detector found in an image, what to look for, and the names of the things in Microsoft COCO."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from core.base.i18n import tr

# fmt: off
PLURALS: Final = {
    "person": "people", "bicycle": "bicycles", "car": "cars",
    "motorcycle": "motorcycles", "airplane": "airplanes", "bus": "buses",
    "train": "trains", "truck": "trucks", "boat": "boats",
    "traffic light": "traffic lights", "fire hydrant": "fire hydrants",
    "stop sign": "stop signs", "parking meter": "parking meters",
    "bench": "benches", "bird": "birds", "cat": "cats", "dog": "dogs",
    "horse": "horses", "sheep": "sheep", "cow": "cows",
    "elephant": "elephants", "bear": "bears", "zebra": "zebras",
    "giraffe": "giraffes", "backpack": "backpacks", "umbrella": "umbrellas",
    "handbag": "handbags", "tie": "ties", "suitcase": "suitcases",
    "frisbee": "frisbees", "skis": "skis", "snowboard": "snowboards",
    "sports ball": "sports balls", "kite": "kites",
    "baseball bat": "baseball bats", "baseball glove": "baseball gloves",
    "skateboard": "skateboards", "surfboard": "surfboards",
    "tennis racket": "tennis rackets", "bottle": "bottles",
    "wine glass": "wine glasses", "cup": "cups", "fork": "forks",
    "knife": "knives", "spoon": "spoons", "bowl": "bowls",
    "banana": "bananas", "apple": "apples", "sandwich": "sandwiches",
    "orange": "oranges", "broccoli": "broccoli", "carrot": "carrots",
    "hot dog": "hot dogs", "pizza": "pizzas", "donut": "donuts",
    "cake": "cakes", "chair": "chairs", "couch": "couches",
    "potted plant": "potted plants", "bed": "beds",
    "dining table": "dining tables", "toilet": "toilets", "tv": "TVs",
    "laptop": "laptops", "mouse": "computer mice", "remote": "remotes",
    "keyboard": "keyboards", "cell phone": "cell phones",
    "microwave": "microwaves", "oven": "ovens", "toaster": "toasters",
    "sink": "sinks", "refrigerator": "refrigerators", "book": "books",
    "clock": "clocks", "vase": "vases", "scissors": "scissors",
    "teddy bear": "teddy bears", "hair drier": "hair driers",
    "toothbrush": "toothbrushes",
}
# fmt: on
"""The labels of COCO and their plurals. Like all class names, they are not translated."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an image, in fractions of its width and height: 0 <= left < right <= 1, 0 <= top < bottom <= 1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Its fraction of the image."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True, slots=True)
class Detection:
    """A thing in an image: its label, the detector's score for it, 0..1, and where it is."""

    label: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True)
class DetectionOptions:
    """What a detector is used for when images are classified.

    Attributes:
        crop: whether an image is classified by a crop around its subject.
        count: whether what is in an image is counted.
    """

    crop: bool = False
    count: bool = False

    def __bool__(self) -> bool:
        """Whether a detector is needed."""
        return self.crop or self.count


NO_DETECTION: Final = DetectionOptions()


def count_objects(detections: Iterable[Detection]) -> dict[str, int]:
    """How many things of each label there are; the most frequent first, then in the order of their scores."""
    return dict(Counter(one.label for one in detections).most_common())


def counts_text(detections: Iterable[Detection]) -> str:
    """The counts as text, such as “2 cats, 1 person”; empty if there is nothing."""
    return ", ".join(
        tr("{count:,} {thing}", count=count, thing=label if count == 1 else PLURALS.get(label, label))
        for label, count in count_objects(detections).items()
    )
