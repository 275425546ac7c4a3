"""The photos of the list, and their order in a view, found in steps as there may be 100,000."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

from core.base.text import natural_sort_key
from core.datasets.labels import Label
from core.detection import NO_DETECTION, DetectionOptions
from core.prediction import Outcome, Prediction
from gui.session.correction_store import CorrectionStore
from gui.session.photo_view import Kind, PhotoView, Sort, Steps, in_steps, sort_keys, sort_rows


@dataclass(slots=True, eq=False)
class Photo:
    """A row: the image, and once classified its outcome and the model's version.

    Attributes:
        detection: what was looked for when it was classified.
        top_k: the number of classes that the model was to report then.
        number: ascends in the order in which photos were added, with gaps.
        is_listed: whether it has not been removed.
        name_key: what sorts it by its name; made as it is added, because for a long list at once that takes too long.
    """

    path: Path
    number: int
    outcome: Outcome | None = None
    version: int = 0
    detection: DetectionOptions = NO_DETECTION
    top_k: int = 0
    is_listed: bool = True
    name_key: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.name_key = natural_sort_key(self.path.name)


def known_labels(photos: Sequence[Photo], corrections: CorrectionStore) -> Steps[list[Label | None]]:
    """The corrections known so far, of each photo; those that are not known yet are looked up in turns."""
    corrections.look_up((photo.path, photo.outcome.model) for photo in photos if isinstance(photo.outcome, Prediction))

    def known(photo: Photo) -> Label | None:
        return corrections.known(photo.path, photo.outcome.model) if isinstance(photo.outcome, Prediction) else None

    return (yield from in_steps(known, photos))


def ordered(photos: Sequence[Photo], view: PhotoView, corrections: CorrectionStore) -> Steps[list[Photo]]:
    """Those of the photos that a view shows, in its order."""
    labels: list[Label | None] = [None] * len(photos)
    if view.kind is not Kind.ALL or view.sort is Sort.CLASS:
        labels = yield from known_labels(photos, corrections)
    if view.kind is not Kind.ALL:
        shown = yield from in_steps(lambda photo, label: view.has(photo.path, photo.outcome, label), photos, labels)
        photos, labels = list(compress(photos, shown)), list(compress(labels, shown))
    outcomes = yield from in_steps(lambda photo: photo.outcome, photos)
    names = yield from in_steps(lambda photo: photo.name_key, photos)
    keys = yield from sort_keys(view.sort, names, outcomes, labels)
    if not keys:
        return list(photos)
    rows = yield from sort_rows(keys)
    return (yield from in_steps(photos.__getitem__, rows))
