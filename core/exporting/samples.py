"""Images of a folder to adjust an exported file with, and others to judge it by: divided as they were to train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path
from core.card import ModelCard, Preprocessing
from core.datasets.dataset import Dataset, Example, Problem, Subset, read_dataset
from core.datasets.split import Split, split
from core.evaluation.images import match_labels
from core.images.decoding import DECODE_THREADS, decode
from core.images.preprocessing import preprocess
from core.models.installed import InstalledModel, load_examples, load_training_hashes
from core.models.training_examples import DATASET
from core.training.training_data import fingerprint

MAX_CALIBRATION: Final = 100
"""More images hardly change the ranges of a network's numbers."""

DEFAULT_FRACTION: Final = 0.15
"""Of the images, set aside to validate with and to test with where nothing else is said."""

_BATCH_SIZE: Final = 4 * DECODE_THREADS
_SEEDS: Final = 10**9
_HINT: Final = "Name the folder the model was trained on, or one with subfolders named as its classes."


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Images of a folder.

    Attributes:
        calibration: training images, `MAX_CALIBRATION` at most.
        validation: images of a class of the model, none of them to train on.
        labels: their classes int64 [n], as indexes into the model's.
        is_as_trained: whether the folder is the one that the model was trained on, divided in the same way.
        learnt: how many of the validation images the model learnt from in the end; None where nobody knows.
        problems: what was found wrong with the folder.
    """

    calibration: tuple[Example, ...]
    validation: tuple[Example, ...]
    labels: NDArray[np.int64]
    is_as_trained: bool
    learnt: int | None
    problems: tuple[Problem, ...]


def draw_samples(model: InstalledModel, folder: Path, *, report: ProgressCallback, token: CancelToken) -> Samples:
    """Divide a folder of labelled images as the model's training did, or as any training would where it is another one.

    Args:
        model: the model; its card says what it was trained on.
        folder: of labelled images.
        report: told of each image looked at.
        token: looked at once for each image.

    Raises:
        DatasetError: nothing could be learned from the folder, or it has no validation image of a class of the model.
        Cancelled: the token was cancelled.
    """
    dataset = read_dataset(folder, report=report, token=token)
    again = _recorded_split(dataset, model) or _reconstructed_split(dataset, model.card)
    parts = again or split(dataset, validation=DEFAULT_FRACTION, test=DEFAULT_FRACTION)
    validation, labels = _of_known_classes(dataset, parts.validation, model.card)
    learnt = load_training_hashes(model)
    return Samples(
        calibration=_sample_calibration([dataset.examples[at] for at in parts.train.tolist()]),
        validation=validation,
        labels=labels,
        is_as_trained=again is not None,
        learnt=None if learnt is None else sum(learnt.contains(example.sha256) for example in validation),
        problems=dataset.problems,
    )


def read_pixels(examples: Sequence[Example], plan: Preprocessing) -> Iterator[NDArray[np.uint8]]:
    """What the backbone reads of each image, uint8 [size, size, 3]; nothing is decoded while the taker works.

    Raises:
        ImageError: an image cannot be read any more.
    """

    def prepare(example: Example) -> NDArray[np.uint8]:
        return preprocess(decode(example.path, min_side=plan.min_decode_side), plan)

    with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode") as pool:
        for start in range(0, len(examples), _BATCH_SIZE):
            yield from list(pool.map(prepare, examples[start : start + _BATCH_SIZE]))


def _recorded_split(dataset: Dataset, model: InstalledModel) -> Split | None:
    """The division that was kept with the model; None where none was, or this is another folder."""
    kept = {one.sha256: one.subset for one in load_examples(model) or ()}
    parts = {part: [at for at, one in enumerate(dataset.examples) if kept.get(one.sha256) == part] for part in Subset}
    used = [dataset.examples[at] for own in parts.values() for at in own]
    if not used or fingerprint(used, dataset.classes) != model.card.training.get(DATASET):
        return None
    return Split(*(np.array(parts[part], np.int64) for part in (Subset.TRAIN, Subset.VALIDATION, Subset.TEST)))


def _reconstructed_split(dataset: Dataset, card: ModelCard) -> Split | None:
    """The division that the card tells of; None where this is another folder, or the card does not say enough."""
    recorded, counts = card.training, card.training.get("images")
    if not isinstance(counts, dict) or not all(isinstance(counts.get(part), int) for part in ("train", "validation")):
        return None
    everything = sum(count for count in counts.values() if isinstance(count, int)) == len(dataset.examples)
    try:
        parts = split(
            dataset,
            validation=_fraction(recorded.get("validation")),
            test=_fraction(recorded.get("test")),
            train=None if everything else counts["train"],
            seed=_seed(recorded.get("seed")),
        )
    except DatasetError:
        return None
    used = [dataset.examples[at] for part in (parts.train, parts.validation, parts.test) for at in part.tolist()]
    same = fingerprint(used, dataset.classes) == recorded.get(DATASET)
    return parts if same and len(parts.validation) == counts["validation"] else None


def _fraction(value: object) -> float | int:
    """A share or count as a card tells it, else the usual one."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else DEFAULT_FRACTION


def _seed(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < _SEEDS else 0


def _sample_calibration(examples: Sequence[Example]) -> tuple[Example, ...]:
    """Some of many images, the same ones every time: chosen by their content, which is as good as by chance."""
    return tuple(sorted(examples, key=lambda example: example.sha256)[:MAX_CALIBRATION])


def _of_known_classes(
    dataset: Dataset, part: NDArray[np.int64], card: ModelCard
) -> tuple[tuple[Example, ...], NDArray[np.int64]]:
    """Those images of a part that are of a class of the model, and which class that is."""
    indexes = match_labels(dataset.classes, card.classes)
    examples = [dataset.examples[at] for at in part.tolist()]
    known = [example for example in examples if dataset.classes[example.label] in indexes]
    if not known:
        what = f"“{display_path(dataset.root.name or dataset.root)}” sets no image of a class of {card.name!r} aside."
        raise DatasetError(what, hint=_HINT)
    return tuple(known), np.array([indexes[dataset.classes[example.label]] for example in known], np.int64)
