"""What is learnt from: the images of a folder, divided into parts, with their features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError, ModelError
from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import Precision, ProviderPreference
from core.base.text import display_path
from core.datasets.dataset import Dataset, Example, Subset, read_dataset
from core.datasets.problems import Problem, ProblemKind, format_paths, pluralize
from core.datasets.split import Split, split
from core.engine.engine import Engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, FeatureTable, compute_features
from core.engine.near_duplicates import DUPLICATE_COSINE, NEAR_DUPLICATE_COSINE, near_duplicates
from core.engine.provider_selection import choose_engine
from core.models.library import BrokenEntry, InstalledBackbone, Library, load_backbone
from core.models.training_examples import TrainingExample
from core.models.training_examples import fingerprint as fingerprint_of
from core.prediction import Failure
from core.training.prefetch import FeaturePrefetcher
from core.training.quick import check_weights
from core.training.request import Recipe, TrainRequest

BACKBONE: Final = "xception-imagenet"
"""The backbone in the library that heads are trained on."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFeatures:
    """Images with their features [n, d]."""

    examples: tuple[Example, ...]
    features: NDArray[np.float32]

    @property
    def labels(self) -> NDArray[np.int64]:
        """Their classes [n]."""
        return np.array([example.label for example in self.examples], np.int64)

    @property
    def paths(self) -> list[Path]:
        """Their files."""
        return [example.path for example in self.examples]

    def __len__(self) -> int:
        return len(self.examples)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """What is learnt from.

    Attributes:
        dataset: the images and what is wrong with their folder.
        backbone: what made the features.
        train: the images to learn from.
        validation: those to choose and to calibrate by.
        test: those to judge by, looked at once.
        is_random_split: whether chance alone set images aside, and not the person by folders or counts.
        computed: how many images the engine had to look at; the features of the others were kept.
        failures: images that could not be read any more when their features were to be computed.
    """

    dataset: Dataset
    backbone: InstalledBackbone
    train: LabelledFeatures
    validation: LabelledFeatures
    test: LabelledFeatures
    is_random_split: bool
    computed: int
    failures: tuple[Failure, ...]

    @property
    def parts(self) -> Mapping[str, LabelledFeatures]:
        """The images by what they are for."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def counts(self) -> dict[str, int]:
        """How many images each part has."""
        return {name: len(part) for name, part in self.parts.items()}

    def everything(self) -> LabelledFeatures:
        """The images of all parts."""
        return concat(self.train, self.validation, self.test)

    def training_examples(self) -> list[TrainingExample]:
        """The images of all parts, as the library keeps them."""
        classes = self.dataset.classes
        return [
            TrainingExample(one.path, one.sha256, classes[one.label], name, one.phash or None)
            for name, part in self.parts.items()
            for one in part.examples
        ]

    def fingerprint(self) -> str:
        """The same for the same images in the same classes, wherever they lie."""
        return fingerprint(self.everything().examples, self.dataset.classes)


def fingerprint(examples: Iterable[Example], classes: Sequence[str]) -> str:
    """The same for the same images in the same classes, wherever they lie."""
    return fingerprint_of((one.sha256, classes[one.label]) for one in examples)


def concat(*parts: LabelledFeatures) -> LabelledFeatures:
    """The images of several parts, in their order."""
    examples = tuple(example for part in parts for example in part.examples)
    return LabelledFeatures(examples, np.concatenate([part.features for part in parts]))


def load_training_data(
    request: TrainRequest,
    library: Library,
    *,
    report: ProgressCallback,
    token: CancelToken,
    on_dataset: Callable[[Dataset], None] = lambda _: None,
) -> TrainingData:
    """Read the folder, divide it, and have its features.

    Args:
        request: what is to be trained.
        library: where the backbone is.
        report: told of each stage.
        token: looked at all the time.
        on_dataset: told what the folder holds, before anything is computed from it.

    Raises:
        DatasetError: nothing can be learned from the folder, or it cannot be divided as asked.
        ProviderError: the engine cannot be opened or failed under way.
        ModelError: the backbone is missing or damaged.
        Cancelled: the token was cancelled; features computed so far are kept.
    """
    backbone = backbone_of(library)
    extractor = extractor_of(backbone, request.provider, request.precision)
    with FeatureStore() as store, FeaturePrefetcher(extractor, store) as prefetcher:
        dataset = read_dataset(request.folder, report=report, token=token, on_decoded=prefetcher.on_decoded)
        on_dataset(dataset)
        divided = split(
            dataset, validation=request.validation, test=request.test, train=request.train, seed=request.seed
        )
        if request.recipe is not Recipe.DENSE:
            check_weights(len(divided.train), backbone.card.feature_width, len(dataset.classes))
        used = np.sort(np.concatenate([divided.train, divided.validation, divided.test]))
        examples = [dataset.examples[at] for at in used.tolist()]
        table = compute_features(examples, prefetcher.source, store, report=report, token=token)
    if request.train is None:
        divided = _split_by_features(dataset, request, divided, table, token)
    train, *others = (_subset(dataset, table, used, part) for part in (divided.train, divided.validation, divided.test))
    _check_classes(train, dataset.classes)
    validation, test = others
    dataset = replace(dataset, problems=(*dataset.problems, *_leaks(dataset.root, train, others, token)))
    is_random_split = _is_random_split(dataset, request)
    return TrainingData(dataset, backbone, train, validation, test, is_random_split, table.computed, table.failures)


def _split_by_features(
    dataset: Dataset, request: TrainRequest, by_looks: Split, table: FeatureTable, token: CancelToken
) -> Split:
    """The division in which images that their features show to be nearly the same stay together too.

    Where counts of images are asked for that such groups cannot give, it is the one by looks alone.
    """
    labels, alike = dataset.labels(), np.arange(len(dataset.examples))
    found = near_duplicates(
        table.features, labels[table.rows], NEAR_DUPLICATE_COSINE, min_groups=len(Subset), token=token
    )
    alike[table.rows] = table.rows[found]
    try:
        return split(
            dataset, validation=request.validation, test=request.test, seed=request.seed, near_duplicates=alike
        )
    except DatasetError:
        return by_looks


def _leaks(
    root: Path, train: LabelledFeatures, others: Sequence[LabelledFeatures], token: CancelToken
) -> list[Problem]:
    """Say which images to judge by are copies of images to learn from, as the folder's parts may have it."""
    everything = concat(train, *others)
    group = near_duplicates(everything.features, everything.labels, DUPLICATE_COSINE, token=token)
    learnt = set(group[: len(train)].tolist())
    judged = everything.examples[len(train) :]
    copies = [one.path for one, own in zip(judged, group[len(train) :].tolist(), strict=True) if own in learnt]
    if not copies:
        return []
    what = (
        f"{len(copies):,} of the {pluralize(len(judged), 'validation and test image')} look like mirrored, turned, "
        f"cropped or re-encoded copies of training images: {format_paths(copies, root)}; the accuracy is optimistic."
    )
    return [Problem(ProblemKind.LEAK, tuple(copies), what, "Keep all copies of an image in one part.")]


def compute(
    examples: Sequence[Example],
    backbone: InstalledBackbone,
    request: TrainRequest,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> FeatureTable:
    """Features of examples by a backbone, kept ones where there are any.

    Raises:
        ProviderError: the engine cannot be opened or failed under way.
        ModelError: the backbone is damaged.
        Cancelled: the token was cancelled.
    """
    source = extractor_of(backbone, request.provider, request.precision)
    with FeatureStore() as store:
        return compute_features(examples, source, store, report=report, token=token)


def extractor_of(backbone: InstalledBackbone, provider: ProviderPreference, precision: Precision) -> FeatureExtractor:
    """What makes features by a backbone, on the provider and in the precision that are asked for."""

    def open_engine() -> Engine:
        return choose_engine(load_backbone(backbone), backbone.card, provider, precision)

    return FeatureExtractor(backbone.card, precision, open_engine)


def backbone_of(library: Library) -> InstalledBackbone:
    """The backbone that heads are trained on.

    Raises:
        ModelError: it is missing or damaged.
    """
    found = (entry for entry in library.entries() if entry.name == BACKBONE)
    match next(found, None):
        case InstalledBackbone() as backbone:
            return backbone
        case BrokenEntry(error=error):
            raise error
        case _:
            raise ModelError(f"The backbone {BACKBONE!r} is missing.", hint="Install Fovea again.")


def _subset(
    dataset: Dataset, table: FeatureTable, used: NDArray[np.int64], part: NDArray[np.int64]
) -> LabelledFeatures:
    """The images of one part that have features; `table` is of the examples in `used`."""
    (rows,) = np.nonzero(np.isin(used[table.rows], part))
    examples = [dataset.examples[at] for at in used[table.rows[rows]].tolist()]
    return LabelledFeatures(tuple(examples), table.features[rows])


def _check_classes(train: LabelledFeatures, classes: Sequence[str]) -> None:
    """Every class had images to learn from when the folder was read; see that the files did not go since."""
    lost = sorted(set(range(len(classes))) - set(train.labels.tolist()))
    if lost:
        label = display_path(classes[lost[0]])
        what = f"No image to learn from is left of {label!r}: its files changed or went meanwhile."
        raise DatasetError(what, hint="Let whatever writes to the folder come to its end, then train again.")


def _is_random_split(dataset: Dataset, request: TrainRequest) -> bool:
    fractions = all(isinstance(asked, float) or not asked for asked in (request.validation, request.test))
    return fractions and request.train is None and all(example.subset is None for example in dataset.examples)
