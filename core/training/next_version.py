"""The next version of a model: trained from the start on the images of a version, with some changed, added or left out.

The head does not start from the earlier one: it is what a training from the start makes of these images, if they are in
the same sets. The folder is not read again and may be missing: its images are known by content hash, and their features
are cached. Validation and test images keep their role, so that the metrics of both versions are comparable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from core.base.errors import DatasetError, ModelError, ProviderError
from core.base.i18n import mark, tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.providers import Precision, ProviderPreference
from core.base.text import natural_sort_key
from core.card import BackboneCard, write_card
from core.datasets.dataset import Dataset
from core.datasets.labelled_image import LabelledImage
from core.datasets.subsets import Subset
from core.engine.feature_store import FeatureKind, FeatureStore, Rows
from core.engine.features import FeatureExtractor, compute_features
from core.evaluation.kept import serialize_evaluation
from core.evaluation.metrics import evaluate
from core.evaluation.values import Evaluation
from core.models.bundled_features import bundled_features
from core.models.heads import Head, LinearHead
from core.models.installed import backbone_files, load_examples, load_files, load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.training import quick
from core.training.cards import HEAD, THUMBNAILS, corrected_card
from core.training.evaluated_head import EvaluatedHead, evaluate_head, evaluate_multi_label
from core.training.extension import extend, extended_data, kept_before, without_unused
from core.training.recipes import kind_of, train_quick
from core.training.thumbnails import make_thumbnails
from core.training.training_data import LabelledFeatures, TrainingData
from core.training.variant_check import measure_variants, must_retrain_in_float32, variant_of

TRAIN_HINT: Final = mark("Train a new model instead; its training data will be saved.")


@dataclass(frozen=True, slots=True, eq=False)
class NextVersion:
    """A version to be trained.

    Attributes:
        base: the version that it follows.
        kept: the images of that version that it may be trained on, as they were labelled.
        images: those that it is trained on, with their sets.
        provider: the preferred provider for the backbone.
        library: where it is installed.
        report: called with the progress.
        token: checked frequently.
    """

    base: InstalledModel
    kept: tuple[LabelledImage, ...]
    images: tuple[LabelledImage, ...]
    provider: ProviderPreference
    library: Library
    report: ProgressCallback
    token: CancelToken


def saved_examples(base: InstalledModel) -> tuple[LabelledImage, ...]:
    """The images that a version was trained on.

    Raises:
        ModelError: they were not saved.
    """
    kept = load_examples(base)
    if kept is None:
        what = tr("“{name}” can't be retrained: its training data was not saved.", name=base.name)
        raise ModelError(what, hint=tr(TRAIN_HINT))
    return kept


def in_order(images: Sequence[LabelledImage]) -> list[LabelledImage]:
    """Images as a folder lists them, so that folds do not depend on the order in which they were added."""
    return sorted(images, key=lambda one: [natural_sort_key(part) for part in one.path.parts])


def _load_training_data(following: NextVersion, card: BackboneCard) -> TrainingData:
    """The images with features from the variant with this card, bundled, cached or computed."""
    base, report, token = following.base, following.report, following.token
    source = FeatureExtractor.select(backbone_files(base.backbone).only(card), following.provider, _precision(base))
    with FeatureStore() as store:
        bundled = _bundled(following, source.kind)
        table = compute_features(following.images, source, store, bundled=bundled, report=report, token=token)
    available = [following.images[row] for row in table.rows.tolist()]
    learnable = learnable_classes(available)
    kept = kept_before(base)
    if len(learnable) < 2 and kept is None:
        raise DatasetError(tr("Fewer than two classes have photos left to train on."), hint=tr(TRAIN_HINT))
    classes = tuple(sorted(learnable, key=natural_sort_key))
    rows = [row for row, one in enumerate(available) if one.labels is not None or one.label in learnable]
    examples = tuple(_without_others(available[row], learnable) for row in rows)
    dataset = Dataset(base.folder, classes, examples, ())
    everything = LabelledFeatures(dataset.examples, table.features[rows], dataset.labels())
    train, validation, test = (_part(everything, part) for part in Subset)
    found = _is_random_split(base), table.computed, table.failures
    data = TrainingData(dataset, base.backbone, card, train, validation, test, *found)
    return data if kept is None else extended_data(data, kept)


def learnable_classes(images: Iterable[LabelledImage]) -> set[str]:
    """The classes that have training images."""
    return {name for one in images if one.subset == Subset.TRAIN for name in one.classes}


def _without_others(image: LabelledImage, classes: Collection[str]) -> LabelledImage:
    """An image that may have several classes with those of these that it has; another one as it is."""
    if image.labels is None:
        return image
    return replace(image, labels=tuple(name for name in image.labels if name in classes))


def _precision(base: InstalledModel) -> Precision:
    """The precision that the version was trained with."""
    return Precision.EXACT if base.card.training.get("precision") == Precision.EXACT else Precision.AUTO


def _bundled(following: NextVersion, kind: FeatureKind) -> Rows:
    return bundled_features(following.library.builtin.glob("*"), kind)


def _part(images: LabelledFeatures, part: Subset) -> LabelledFeatures:
    return images.select([row for row, example in enumerate(images.examples) if example.subset is part])


def _is_random_split(base: InstalledModel) -> bool:
    """Whether the version's installed head was fitted to all images, as it is after a random split."""
    training = base.card.training
    match training.get("fitted_to"), training.get("images"):
        case int(fitted), {"train": int(count)}:
            return fitted > count
    return False


def train_next(following: NextVersion, *, in_float32: bool = False) -> tuple[TrainingData, EvaluatedHead]:
    """The training data and the head; in float32 also if the version's variant does not work or changes predictions.

    Raises:
        DatasetError: too few images are left to train on.
        ProviderError: the engine cannot be opened or failed while running.
        Cancelled: the token was cancelled.
    """
    base, report, token = following.base, following.report, following.token
    own, kept = base.backbone.card, kept_before(base)
    card = own if in_float32 else variant_of(base)
    try:
        data = _load_training_data(following, card)
    except (ProviderError, ModelError):
        if card.sha256 == own.sha256:
            raise
        return train_next(following, in_float32=True)
    if kept:
        return data, extend(data, kept, report=report, token=token)
    seed, kind = base.card.training.get("seed"), kind_of(load_head(base))
    trained = train_quick(data, seed if isinstance(seed, int) else 0, report=report, token=token, kind=kind)
    if isinstance(base.card.backbone, BackboneCard):
        trained = replace(trained, backbone=base.backbone)
    evaluate_fully = evaluate_multi_label if data.dataset.is_multi_label else evaluate_head
    head = evaluate_fully(trained, data.fitted(trained.fitted), data.validation, data.test, data.dataset.classes)
    variants = measure_variants(
        trained.evaluated, data, bundled=partial(_bundled, following), cutoffs=head.cutoffs, report=report, token=token
    )
    if must_retrain_in_float32(data, variants):
        return train_next(following, in_float32=True)
    return data, replace(head, variants=variants)


def evaluate_base(following: NextVersion, data: TrainingData) -> tuple[Evaluation | None, int]:
    """Evaluate the corrected version on the test images, if possible with a head that was not trained on them.

    Returns:
        The evaluation, None of a multi-label model, and how many of the test images the head was trained on.
    """
    old = following.base.card.classes
    if data.dataset.is_multi_label:
        return None, 0
    known = [row for row, one in enumerate(data.test.examples) if one.label in old]
    if not known:
        return None, 0
    test = data.test.select(known)
    head, is_held_out = _head_before(following, data)
    labels = np.array([old.index(one.label) for one in test.examples], np.int64)
    temperature = following.base.card.temperature
    found = evaluate(head.logits(test.features), labels, old, temperature=temperature, paths=test.paths)
    return without_unused(found), 0 if is_held_out else len(test)


def _head_before(following: NextVersion, data: TrainingData) -> tuple[Head, bool]:
    """A head of the corrected version, and whether it was not trained on the test images.

    The evaluated head of the recipe quick is fitted again, because all its training images are known.
    """
    base, installed = following.base, load_head(following.base)
    c = base.card.training.get("C")
    if not data.is_random_split:
        return installed, True
    if not isinstance(installed, LinearHead) or not isinstance(c, float):
        return installed, False
    old = base.card.classes
    labels_before = {one.sha256: old.index(one.label) for one in following.kept if one.subset == Subset.TRAIN}
    rows = [row for row, one in enumerate(data.train.examples) if one.sha256 in labels_before]
    labels = np.array([labels_before[data.train.examples[row].sha256] for row in rows], np.int64)
    if len(set(labels.tolist())) < len(old):  # a class has lost its images
        return installed, False
    clock = ProgressReporter(tr("evaluating the previous version"), 1, following.report)
    head = quick.fit(data.train.features[rows], labels, c, token=following.token)
    clock.advance()
    return head, True


def install_next(
    following: NextVersion,
    data: TrainingData,
    head: EvaluatedHead,
    corrected: int = 0,
    before: Evaluation | None = None,
) -> InstalledModel:
    """Install the version and make it the active one.

    Args:
        following: the request.
        data: its training data.
        head: its head.
        corrected: the number of corrections used.
        before: the evaluation of the version before, for comparison.

    Raises:
        StorageError: it cannot be written; nothing of it is left.
    """
    base, trained = following.base, head.trained
    card = corrected_card(base, data, head, corrected, before)
    own = load_files(base.backbone) if trained.backbone else {}
    thumbnails = {}
    if base.card.training.get(THUMBNAILS, True):
        shown = head.compared_with(data.everything().examples)
        thumbnails = make_thumbnails(shown, base.folder, report=following.report, token=following.token)
    return following.library.install(
        write_card(card),
        {HEAD: trained.head, **head.bank_file, **own},
        trained_on=[example.sha256 for example in data.fitted(trained.fitted).examples],
        examples=data.training_examples(),
        evaluation=serialize_evaluation(measured) if (measured := head.evaluation or head.multi_label) else None,
        thumbnails=thumbnails,
    )
