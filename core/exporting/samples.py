"""Images for calibrating and evaluating an export, split as in the model's training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.base.i18n import mark, tr
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path
from core.card import ModelCard, Preprocessing
from core.datasets.dataset import Dataset, read_dataset
from core.datasets.labelled_image import LabelledImage
from core.datasets.problems import Problem
from core.datasets.split import Split, split
from core.datasets.subsets import Subset
from core.evaluation.images import match_labels
from core.images.decoding import DECODE_THREADS, decode
from core.images.preprocessing import preprocess
from core.models.installed import load_examples, load_training_hashes
from core.models.training_examples import DATASET, fingerprint
from core.models.values import InstalledModel

MAX_CALIBRATION: Final = 100
"""More images hardly change the activation ranges."""

DEFAULT_FRACTION: Final = 0.15
"""The default fraction of the images for validation, and for testing."""

_BATCH_SIZE: Final = 4 * DECODE_THREADS
_SEEDS: Final = 10**9
_HINT: Final = mark("Choose the folder the model was trained on, or one with subfolders named like its classes.")


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Images of a folder.

    Attributes:
        calibration: training images, at most `MAX_CALIBRATION`.
        validation: validation images whose class the model has.
        labels: their classes int64 [n], as indexes into the model's.
        is_as_trained: whether the folder is the training data, split in the same way.
        learnt: how many of the validation images the model was finally trained on; None if unknown.
    """

    calibration: tuple[LabelledImage, ...]
    validation: tuple[LabelledImage, ...]
    labels: NDArray[np.int64]
    is_as_trained: bool
    learnt: int | None
    problems: tuple[Problem, ...]


def draw_samples(model: InstalledModel, folder: Path, *, report: ProgressCallback, token: CancelToken) -> Samples:
    """Split a folder of labelled images as in the model's training, or by default if it is another folder.

    Raises DatasetError if the folder cannot be used for training, or has no validation image of a class of the model.
    """
    dataset = read_dataset(folder, report=report, token=token)
    as_trained = _recorded_split(dataset, model) or _reconstructed_split(dataset, model.card)
    parts = as_trained or split(dataset, validation=DEFAULT_FRACTION, test=DEFAULT_FRACTION)
    validation, labels = _of_known_classes(dataset, parts.validation, model.card)
    hashes, train = load_training_hashes(model), [dataset.examples[at] for at in parts.train.tolist()]
    return Samples(
        calibration=tuple(sorted(train, key=lambda one: one.sha256)[:MAX_CALIBRATION]),  # the same every time
        validation=validation,
        labels=labels,
        is_as_trained=as_trained is not None,
        learnt=None if hashes is None else sum(hashes.contains(example.sha256) for example in validation),
        problems=dataset.problems,
    )


def read_pixels(examples: Sequence[LabelledImage], plan: Preprocessing) -> Iterator[NDArray[np.uint8]]:
    """Yield the preprocessed images uint8 [size, size, 3]; none is decoded while the caller works on one.

    Raises ImageError if an image can no longer be read.
    """

    def prepare(example: LabelledImage) -> NDArray[np.uint8]:
        return preprocess(decode(example.path, min_side=plan.min_decode_side), plan)

    with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode") as pool:
        for start in range(0, len(examples), _BATCH_SIZE):
            yield from list(pool.map(prepare, examples[start : start + _BATCH_SIZE]))


def _recorded_split(dataset: Dataset, model: InstalledModel) -> Split | None:
    """The split recorded with the model; None if there is none, or this is another folder."""
    kept = {one.sha256: one.subset for one in load_examples(model) or ()}
    parts = {part: [at for at, one in enumerate(dataset.examples) if kept.get(one.sha256) == part] for part in Subset}
    used = [dataset.examples[at] for own in parts.values() for at in own]
    if not used or fingerprint(used) != model.card.training.get(DATASET):
        return None
    return Split(*(np.array(parts[part], np.int64) for part in (Subset.TRAIN, Subset.VALIDATION, Subset.TEST)))


def _reconstructed_split(dataset: Dataset, card: ModelCard) -> Split | None:
    """The split reconstructed from the card; None if this is another folder, or the card lacks the settings."""
    recorded, counts, seed = card.training, card.training.get("images"), card.training.get("seed")
    if not isinstance(counts, dict) or not all(isinstance(counts.get(part), int) for part in ("train", "validation")):
        return None
    everything = sum(count for count in counts.values() if isinstance(count, int)) == len(dataset.examples)
    try:
        parts = split(
            dataset,
            validation=_fraction(recorded.get("validation")),
            test=_fraction(recorded.get("test")),
            train=None if everything else counts["train"],
            seed=seed if isinstance(seed, int) and 0 <= seed < _SEEDS else 0,
        )
    except DatasetError:
        return None
    used = [dataset.examples[at] for part in (parts.train, parts.validation, parts.test) for at in part.tolist()]
    same = fingerprint(used) == recorded.get(DATASET)
    return parts if same and len(parts.validation) == counts["validation"] else None


def _fraction(value: object) -> float | int:
    """A fraction or count from a card, or the default."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else DEFAULT_FRACTION


def _of_known_classes(
    dataset: Dataset, part: NDArray[np.int64], card: ModelCard
) -> tuple[tuple[LabelledImage, ...], NDArray[np.int64]]:
    """The images of a subset whose class the model has, and the indexes of these classes."""
    indexes = match_labels(dataset.classes, card.classes)
    examples = [dataset.examples[at] for at in part.tolist()]
    known = [example for example in examples if example.label in indexes]
    if not known:
        folder = display_path(dataset.root.name or dataset.root)
        what = tr("“{folder}” has no validation images of the classes of “{name}”.", folder=folder, name=card.name)
        raise DatasetError(what, hint=tr(_HINT))
    return tuple(known), np.array([indexes[example.label] for example in known], np.int64)
