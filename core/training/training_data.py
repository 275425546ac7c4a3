"""Training data: the images of a folder, split into subsets, with their features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import Precision, ProviderPreference
from core.base.text import display_path
from core.card import BackboneCard
from core.datasets.dataset import Dataset, read_dataset
from core.datasets.hierarchy_file import read_hierarchy_file
from core.datasets.labelled_image import LabelledImage
from core.datasets.multi_label import LabelsFrom, read_multi_label
from core.datasets.problems import Problem, ProblemKind, format_paths
from core.datasets.scan import OnDecoded
from core.datasets.split import Split, split
from core.datasets.subsets import Subset
from core.engine.engine import Engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, FeatureTable, compute_features
from core.engine.near_duplicates import DUPLICATE_COSINE, NEAR_DUPLICATE_COSINE, near_duplicates
from core.models.installed import backbone_files
from core.models.library import Library
from core.models.training_examples import fingerprint
from core.models.values import InstalledBackbone
from core.outputs.keywords.reading import read_keywords
from core.prediction import Failure
from core.training.backbones import requested_backbone
from core.training.prefetch import FeaturePrefetcher
from core.training.quick import check_weights
from core.training.request import Recipe, TrainRequest


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFeatures:
    """Images with their features [n, d], and their classes as `Dataset.labels` gives them, [n] or [n, classes]."""

    examples: tuple[LabelledImage, ...]
    features: NDArray[np.float32]
    labels: NDArray[np.int64]

    @property
    def paths(self) -> list[Path]:
        """Their files."""
        return [example.path for example in self.examples]

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def compared(self) -> NDArray[np.int64]:
        """Numbers [n]: images with the same one, which have the same classes, may be near-duplicates."""
        if self.labels.ndim == 1:
            return self.labels
        return np.unique(self.labels, axis=0, return_inverse=True)[1].reshape(-1)

    def class_counts(self, classes: int) -> list[int]:
        """The number of images of each class."""
        counts = np.bincount(self.labels, minlength=classes) if self.labels.ndim == 1 else self.labels.sum(axis=0)
        return [int(count) for count in counts]

    def select(self, rows: Sequence[int], features: NDArray[np.float32] | None = None) -> LabelledFeatures:
        """Some of the images, in the given order, with other features if given."""
        chosen = np.array(rows, np.int64)
        examples = tuple(self.examples[row] for row in rows)
        return LabelledFeatures(examples, self.features[chosen] if features is None else features, self.labels[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """A dataset with its split and features.

    Attributes:
        dataset: the images, and the problems of their folder.
        backbone: the backbone of the features.
        card: the card of the backbone, or of its variant, that computed them.
        train: training images.
        validation: images for model selection and calibration.
        test: images for the final evaluation.
        is_random_split: whether the split is random, and not defined by the user's folders or counts.
        computed: how many images went through the engine; the features of the others were cached.
        failures: images that could no longer be read when their features were to be computed.
        slower: engines of other variants that are open, see `Selection`.
        fit_facts: how the way in which images are made square was chosen, for the card; empty if it was not measured.
    """

    dataset: Dataset
    backbone: InstalledBackbone
    card: BackboneCard
    train: LabelledFeatures
    validation: LabelledFeatures
    test: LabelledFeatures
    is_random_split: bool
    computed: int
    failures: tuple[Failure, ...]
    slower: tuple[Engine, ...] = ()
    fit_facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> Mapping[str, LabelledFeatures]:
        """The images by subset."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def counts(self) -> dict[str, int]:
        """The number of images in each subset."""
        return {name: len(part) for name, part in self.parts.items()}

    def everything(self) -> LabelledFeatures:
        """The images of all subsets."""
        return concat(self.train, self.validation, self.test)

    def fitted(self, count: int) -> LabelledFeatures:
        """The images that a head was fitted to, by their number: the training images or all."""
        return self.everything() if count > len(self.train) else self.train

    def training_examples(self) -> list[LabelledImage]:
        """The images of all subsets, as the library records them."""
        return [replace(one, subset=Subset(name)) for name, part in self.parts.items() for one in part.examples]

    def fingerprint(self) -> str:
        """A hash of the images and their classes, independent of paths."""
        return fingerprint(self.everything().examples)


def concat(*parts: LabelledFeatures) -> LabelledFeatures:
    """Concatenate the images of several subsets."""
    examples = tuple(example for part in parts for example in part.examples)
    return LabelledFeatures(
        examples, np.concatenate([part.features for part in parts]), np.concatenate([part.labels for part in parts])
    )


def load_training_data(
    request: TrainRequest,
    library: Library,
    *,
    report: ProgressCallback,
    token: CancelToken,
    on_dataset: Callable[[Dataset], None] = lambda _: None,
) -> TrainingData:
    """Read a folder, split it, and compute its features.

    The features are computed in float32; for the recipe quick, unless it keeps classes or images may have several, by
    the fastest variant.

    Args:
        request: the training request.
        library: the library with the backbone.
        report: called for each stage.
        token: checked frequently.
        on_dataset: called with the dataset before its features are computed.

    Raises:
        DatasetError: the folder cannot be used for training, or cannot be split as requested.
        ProviderError: the engine cannot be opened or failed while running.
        UsageError: the requested backbone is not installed, or cannot be fine-tuned.
        ModelError: the backbone is missing or damaged.
        Cancelled: the token was cancelled; features computed so far are kept.
    """
    extractor = extractor_for(request, backbone := requested_backbone(request, library))
    with FeatureStore() as store, FeaturePrefetcher(extractor, store) as prefetcher:
        dataset = read_labelled(request, report=report, token=token, on_decoded=prefetcher.on_decoded)
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
    parts = divided.train, divided.validation, divided.test
    train, validation, test = (_subset(dataset, table, used, part) for part in parts)
    _check_classes(train, dataset.classes)
    dataset = replace(dataset, problems=(*dataset.problems, *_leaks(dataset.root, train, (validation, test), token)))
    facts = _is_random_split(dataset, request), table.computed, table.failures, extractor.slower
    return TrainingData(dataset, backbone, extractor.card, train, validation, test, *facts)


def recomputed(
    data: TrainingData,
    request: TrainRequest,
    backbone: InstalledBackbone,
    *,
    report: ProgressCallback,
    token: CancelToken,
    use_variants: bool = True,
) -> TrainingData:
    """The same images in the same subsets, with features from another backbone or without its variants.

    The folder is not read again. Errors are those of `load_training_data`.
    """
    extractor, everything = extractor_for(request, backbone, use_variants=use_variants), data.everything()
    table = compute(everything.examples, extractor, report=report, token=token)
    found, ends = everything.select(table.rows.tolist(), table.features), np.cumsum([*data.counts().values()])
    subset = np.searchsorted(ends, table.rows, side="right")
    train, validation, test = (found.select(np.flatnonzero(subset == part).tolist()) for part in range(len(ends)))
    _check_classes(train, data.dataset.classes)
    return replace(
        data, backbone=backbone, card=extractor.card, train=train, validation=validation, test=test,
        computed=max(data.computed, table.computed), failures=(*data.failures, *table.failures),
        slower=extractor.slower,
    )  # fmt: skip


def read_labelled(
    request: TrainRequest, *, report: ProgressCallback, token: CancelToken, on_decoded: OnDecoded | None = None
) -> Dataset:
    """Read the folder of a request, and the hierarchy of its classes if the request has one.

    Raises:
        DatasetError: no model can be trained with the folder, or the hierarchy cannot be used.
        Cancelled: the token was cancelled.
    """
    if request.labels.is_multi_label:
        labels = LabelsFrom(request.labels, read_keywords, request.labels_file)
        return read_multi_label(request.folder, labels, report=report, token=token, on_decoded=on_decoded)
    dataset = read_dataset(
        request.folder, report=report, token=token, on_decoded=on_decoded, min_classes=request.min_classes,
        nested=request.nested,
    )  # fmt: skip
    if request.hierarchy is None:
        return dataset
    return replace(dataset, paths=read_hierarchy_file(request.hierarchy, dataset.classes))


def extractor_for(request: TrainRequest, backbone: InstalledBackbone, *, use_variants: bool = True) -> FeatureExtractor:
    """The extractor of the features that a training computes.

    Raises:
        ProviderError: the requested provider does not work, or with AUTO none does.
        ModelError: the backbone is damaged.
    """
    files = backbone_files(backbone)
    if not use_variants or request.recipe is not Recipe.QUICK or request.keep_classes_of:
        files = files.only(backbone.card)
    return FeatureExtractor.select(files, request.provider, request.precision)


def _split_by_features(
    dataset: Dataset, request: TrainRequest, by_phash: Split, table: FeatureTable, token: CancelToken
) -> Split:
    """A split that also keeps together near-duplicates by features.

    If such groups make the requested counts impossible, it is the split by perceptual hash alone.
    """
    alike, every = np.arange(len(dataset.examples)), np.arange(len(dataset.examples))
    own = _subset(dataset, table, every, table.rows)
    found = near_duplicates(own.features, own.compared, NEAR_DUPLICATE_COSINE, min_groups=len(Subset), token=token)
    alike[table.rows] = table.rows[found]
    try:
        return split(
            dataset, validation=request.validation, test=request.test, seed=request.seed, near_duplicates=alike
        )
    except DatasetError:
        return by_phash


def _leaks(
    root: Path, train: LabelledFeatures, others: Sequence[LabelledFeatures], token: CancelToken
) -> list[Problem]:
    """Report validation and test images that are copies of training images, as can happen if the folder has subsets."""
    everything = concat(train, *others)
    group = near_duplicates(everything.features, everything.compared, DUPLICATE_COSINE, token=token)
    trained = set(group[: len(train)].tolist())
    held_out = everything.examples[len(train) :]
    copies = [one.path for one, own in zip(held_out, group[len(train) :].tolist(), strict=True) if own in trained]
    if not copies:
        return []
    what = tr_n(
        "{count:,} of {total:,} validation and test images looks like a mirrored, rotated, cropped or re-encoded copy "
        "of a training image, so the accuracy is optimistic: {names}.",
        "{count:,} of {total:,} validation and test images look like mirrored, rotated, cropped or re-encoded copies "
        "of training images, so the accuracy is optimistic: {names}.",
        len(copies),
        total=len(held_out),
        names=format_paths(copies, root),
    )
    return [Problem(ProblemKind.LEAK, tuple(copies), what, tr("Keep all copies of an image in the same set."))]


def compute(
    examples: Sequence[LabelledImage], source: FeatureExtractor, *, report: ProgressCallback, token: CancelToken
) -> FeatureTable:
    """Compute the features of examples, using cached ones where possible.

    Raises:
        ProviderError: the engine cannot be opened or failed while running.
        ModelError: the backbone is damaged.
        Cancelled: the token was cancelled.
    """
    with FeatureStore() as store:
        return compute_features(examples, source, store, report=report, token=token)


def extractor_of(backbone: InstalledBackbone, provider: ProviderPreference, precision: Precision) -> FeatureExtractor:
    """The extractor of a backbone's features, in the fastest variant that works here.

    Raises:
        ProviderError: the requested provider does not work, or with AUTO none does.
        ModelError: the backbone is damaged.
    """
    return FeatureExtractor.select(backbone_files(backbone), provider, precision)


def _subset(
    dataset: Dataset, table: FeatureTable, used: NDArray[np.int64], part: NDArray[np.int64]
) -> LabelledFeatures:
    """The images of one subset that have features; `table` belongs to the examples in `used`."""
    (rows,) = np.nonzero(np.isin(used[table.rows], part))
    chosen = used[table.rows[rows]]
    examples = tuple(dataset.examples[at] for at in chosen.tolist())
    return LabelledFeatures(examples, table.features[rows], dataset.labels()[chosen])


def _check_classes(train: LabelledFeatures, classes: Sequence[str]) -> None:
    """Check that every class still has training images, as it had when the folder was read."""
    lost = [label for label, count in zip(classes, train.class_counts(len(classes)), strict=True) if not count]
    if lost:
        label = display_path(lost[0])
        what = tr("Class “{label}” has no training images left: its files were changed or removed.", label=label)
        raise DatasetError(what, hint=tr("Wait until no program writes to the folder, then train again."))


def _is_random_split(dataset: Dataset, request: TrainRequest) -> bool:
    fractions = all(isinstance(value, float) or not value for value in (request.validation, request.test))
    return fractions and request.train is None and all(example.subset is None for example in dataset.examples)
