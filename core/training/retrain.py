"""From corrections to the next version, in seconds: what a version was made of + corrections -> quick -> library.

The folder that the version was made of is not read again, and need not be there: its images are known by their sum,
and their features were kept. Images that it was judged by stay what they are, so that the figures of two versions
compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from core.base.errors import DatasetError, ModelError, StorageError
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.providers import Precision
from core.base.text import natural_sort_key
from core.card import BackboneCard, write_card
from core.datasets import checks, corrections
from core.datasets.corrections import Correction
from core.datasets.dataset import Dataset, Example
from core.datasets.discovery import LabelledImage
from core.datasets.problems import Problem, ProblemKind, format_names, pluralize
from core.datasets.scan import ScannedImage, scan_images
from core.datasets.scan_cache import ScanCache
from core.datasets.subsets import Subset
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureTable, compute_features
from core.evaluation.metrics import Evaluation, evaluate
from core.models.bundled_features import bundled_features
from core.models.heads import Head, LinearHead, read_head, softmax
from core.models.library import InstalledModel, Library, load_backbone, load_examples, load_head
from core.models.training_examples import TrainingExample
from core.prediction import Failure
from core.training import quick
from core.training.cards import HEAD, corrected_card
from core.training.evaluated_head import EvaluatedHead, evaluate_head
from core.training.recipes import train_quick
from core.training.request import RetrainRequest
from core.training.training_data import LabelledFeatures, TrainingData, extractor_of

_TRAIN_HINT: Final = "Teach a new model: it remembers what it was made of."


@dataclass(frozen=True, slots=True)
class CorrectionResult:
    """A correction that was learnt, and what the model names the photo before and after; confidences are 0..1."""

    correction: Correction
    before: str
    confidence_before: float
    now: str
    confidence_now: float


@dataclass(frozen=True, slots=True, eq=False)
class Retrained:
    """What came of learning from corrections.

    Attributes:
        model: the new version, as it is in the library now.
        base: the version that was corrected.
        data: what the new one learnt from, and what both were judged by.
        head: what was learnt.
        before: how the corrected version does on those test images that are of a class of its own; None where there
            are none.
        leaked: how many of these it had learnt from.
        corrections: the corrections that were learnt.
        problems: why other corrections were not, and what of the old images is not there any more.
        notes: what the person should know, a sentence or two each.
    """

    model: InstalledModel
    base: InstalledModel
    data: TrainingData
    head: EvaluatedHead
    before: Evaluation | None
    leaked: int
    corrections: tuple[CorrectionResult, ...]
    problems: tuple[Problem | Failure, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Retraining:
    """One retraining under way: what was asked for, the version corrected, and who is told.

    Attributes:
        request: what was asked, without corrections that nobody may have meant.
        ambiguous: how many these were, see `Correction.is_ambiguous`.
    """

    request: RetrainRequest
    ambiguous: int
    base: InstalledModel
    kept: tuple[TrainingExample, ...]
    library: Library
    report: ProgressCallback
    token: CancelToken


def retrain(request: RetrainRequest, library: Library, *, report: ProgressCallback, token: CancelToken) -> Retrained:
    """Make the next version of a model from what it was made of and from corrections, by the recipe quick.

    A corrected photo is learnt from, unless it is one of those the model is judged or calibrated by: those stay what
    they are, under the label the person gave. Corrections that were learnt are marked so, see
    `core.datasets.corrections`.

    Raises:
        ModelError: there is no such version, it is broken, or nobody knows what it was made of.
        DatasetError: none of the corrections can be learnt from, or too little is left to learn from.
        ProviderError: the engine cannot be opened or failed under way.
        StorageError: the version cannot be written; nothing of it is left.
        Cancelled: the token was cancelled; nothing has changed.
    """
    base = library.find(f"{request.name}@{request.version}")
    kept = load_examples(base)
    if kept is None:
        raise ModelError(f"Nobody kept what {request.name!r} was made of, so it cannot learn on.", hint=_TRAIN_HINT)
    intended = tuple(one for one in request.corrections if not one.is_ambiguous(base.card.unknown_below))
    ambiguous = len(request.corrections) - len(intended)
    retraining = _Retraining(replace(request, corrections=intended), ambiguous, base, kept, library, report, token)
    scanned = _scan(retraining)
    data = _load_training_data(retraining, scanned)
    head = _train(retraining, data)
    before, leaked = _evaluate_base(retraining, data)
    results = _correction_results(retraining, data, head, scanned)
    token.check()
    model = _install(retraining, data, head, len(results), before)
    notes = (*_notes(retraining, scanned, data), *_mark_trained(results, data))
    problems: tuple[Problem | Failure, ...] = (*scanned.problems, *data.failures)
    return Retrained(model, base, data, head, before, leaked, results, problems, notes)


@dataclass(frozen=True, slots=True)
class _Scanned:
    """The corrected photos.

    Attributes:
        images: what can be learnt from, by sha256.
        hashes: sha256 of each photo that is one of these, or a copy.
        problems: what is wrong with the others.
    """

    images: Mapping[str, ScannedImage]
    hashes: Mapping[Path, str]
    problems: tuple[Problem, ...]


# ---- what is learnt from


def _scan(retraining: _Retraining) -> _Scanned:
    """The corrected photos, seen with the care that a folder's are."""
    asked = [LabelledImage(one.path, one.label, None) for one in retraining.request.corrections]
    with ScanCache() as cache:
        seen = list(scan_images(asked, cache, retraining.report, retraining.token))
    readable = [one for one in seen if isinstance(one, ScannedImage)]
    kept, copies = checks.drop_duplicates(readable)
    images = {image.sha256: image for image in kept}
    problems = tuple(one for one in seen if isinstance(one, Problem))
    problems += tuple(one for one in copies if one.kind is ProblemKind.CONFLICT)
    if not images:
        ambiguous = corrections.ambiguous_text(retraining.ambiguous)
        hint = problems[0].message if problems else ambiguous or "Correct an answer first."
        raise DatasetError("There is no correction that can be learnt from.", hint=hint)
    return _Scanned(images, {one.path: one.sha256 for one in readable if one.sha256 in images}, problems)


def _load_training_data(retraining: _Retraining, scanned: _Scanned) -> TrainingData:
    """Everything that is known, with its features."""
    images = _merged(retraining.kept, scanned.images)
    table = _features(retraining, images)
    there = [images[row] for row in table.rows.tolist()]
    learnable = {one.label for one in there if one.subset == Subset.TRAIN}
    if len(learnable) < 2:
        raise DatasetError("Photos of fewer than two classes are left to learn from.", hint=_TRAIN_HINT)
    classes = tuple(sorted(learnable, key=natural_sort_key))
    rows = [row for row, one in enumerate(there) if one.label in learnable]
    examples = [_example(there[row], classes) for row in rows]
    dataset = Dataset(retraining.base.folder, classes, tuple(examples), ())
    train, validation, test = (_part(examples, table.features[rows], part) for part in Subset)
    return TrainingData(
        dataset, retraining.base.backbone, train, validation, test, _is_random_split(retraining.base), table.computed,
        table.failures,
    )  # fmt: skip


def _merged(kept: Sequence[TrainingExample], scanned: Mapping[str, ScannedImage]) -> list[TrainingExample]:
    """What the version was made of, put right, and what is new, which is for training.

    So is an image that the version was judged by, where it alone is of a new class: there is no other to learn from.
    """
    known = {one.sha256 for one in kept}
    images = [replace(one, label=scanned[one.sha256].label) if one.sha256 in scanned else one for one in kept]
    new = [image for sha256, image in scanned.items() if sha256 not in known]
    images += [TrainingExample(image.path, image.sha256, image.label, Subset.TRAIN, image.phash) for image in new]
    learnable = {one.label for one in images if one.subset == Subset.TRAIN}
    return [one if one.label in learnable else replace(one, subset=Subset.TRAIN) for one in images]


def _features(retraining: _Retraining, images: Sequence[TrainingExample]) -> FeatureTable:
    """Features of the images, in the precision of those that the version was made of: shipped, kept, or computed."""
    backbone, recorded = retraining.base.backbone, retraining.base.card.training.get("precision")
    precision = Precision.EXACT if recorded == Precision.EXACT else Precision.AUTO
    source = extractor_of(backbone, retraining.request.provider, precision)
    shipped = bundled_features(retraining.library.builtin.glob("*"), source.kind)
    rows = [row for row, one in enumerate(images) if one.sha256 not in shipped]
    with FeatureStore() as store:
        table = compute_features(
            [images[row] for row in rows], source, store, report=retraining.report, token=retraining.token
        )
    features = np.empty((len(images), backbone.card.feature_width), np.float32)
    for row, one in enumerate(images):
        features[row] = shipped.get(one.sha256, 0)
    computed = np.array(rows, np.int64)[table.rows]
    features[computed] = table.features
    there = np.union1d(np.setdiff1d(np.arange(len(images)), rows), computed)
    return FeatureTable(features[there], there, table.failures, table.computed)


def _example(one: TrainingExample, classes: Sequence[str]) -> Example:
    return Example(one.path, classes.index(one.label), Subset(one.subset), one.sha256, one.phash or 0)


def _part(examples: Sequence[Example], features: quick.Features, part: Subset) -> LabelledFeatures:
    rows = [row for row, example in enumerate(examples) if example.subset is part]
    return LabelledFeatures(tuple(examples[row] for row in rows), features[rows])


def _is_random_split(base: InstalledModel) -> bool:
    """Whether the version's head was fitted to all images in the end, as it is where chance set images aside."""
    training = base.card.training
    match training.get("fitted_to"), training.get("images"):
        case int(fitted), {"train": int(count)}:
            return fitted > count
    return False


# ---- what is learnt


def _train(retraining: _Retraining, data: TrainingData) -> EvaluatedHead:
    seed = retraining.base.card.training.get("seed")
    number = seed if isinstance(seed, int) else 0
    trained = train_quick(data, number, report=retraining.report, token=retraining.token)
    if isinstance(retraining.base.card.backbone, BackboneCard):
        trained = replace(trained, backbone=retraining.base.backbone)
    return evaluate_head(trained, data.validation, data.test, data.dataset.classes)


def _evaluate_base(retraining: _Retraining, data: TrainingData) -> tuple[Evaluation | None, int]:
    """How the corrected version does on the test images; where it has learnt from them, as it did before it had."""
    old = retraining.base.card.classes
    known = [row for row, one in enumerate(data.test.examples) if data.dataset.classes[one.label] in old]
    if not known:
        return None, 0
    test = LabelledFeatures(tuple(data.test.examples[row] for row in known), data.test.features[known])
    head, is_leaked = _head_before(retraining, data)
    labels = np.array([old.index(data.dataset.classes[label]) for label in test.labels], np.int64)
    temperature = retraining.base.card.temperature
    found = evaluate(head.logits(test.features), labels, old, temperature=temperature, paths=test.paths)
    return found, 0 if is_leaked else len(test)


def _head_before(retraining: _Retraining, data: TrainingData) -> tuple[Head, bool]:
    """A head of the corrected version, and whether it has not seen the test images.

    That of the recipe quick which was judged is made again: it was fitted to images that are all known.
    """
    base, installed = retraining.base, load_head(retraining.base)
    c = base.card.training.get("C")
    if not data.is_random_split:
        return installed, True
    if not isinstance(installed, LinearHead) or not isinstance(c, float):
        return installed, False
    old = base.card.classes
    labels_before = {one.sha256: old.index(one.label) for one in retraining.kept if one.subset == Subset.TRAIN}
    rows = [row for row, one in enumerate(data.train.examples) if one.sha256 in labels_before]
    labels = np.array([labels_before[data.train.examples[row].sha256] for row in rows], np.int64)
    if len(set(labels.tolist())) < len(old):  # a class has lost its images since
        return installed, False
    clock = ProgressReporter("seeing what it did before", 1, retraining.report)
    head = quick.fit(data.train.features[rows], labels, c, token=retraining.token)
    clock.advance()
    return head, True


def _install(
    retraining: _Retraining, data: TrainingData, head: EvaluatedHead, corrected: int, before: Evaluation | None
) -> InstalledModel:
    base, trained = retraining.base, head.trained
    card = corrected_card(base, data, head, corrected, before)
    own = {base.backbone.card.file: load_backbone(base.backbone)} if trained.backbone else {}
    fitted = data.everything() if data.is_random_split else data.train
    return retraining.library.install(
        write_card(card),
        {HEAD: trained.head} | own,
        trained_on=[example.sha256 for example in fitted.examples],
        examples=data.training_examples(),
    )


# ---- what is told of it


def _correction_results(
    retraining: _Retraining, data: TrainingData, head: EvaluatedHead, seen: _Scanned
) -> tuple[CorrectionResult, ...]:
    """What both versions say of the corrected photos, those whose files changed meanwhile left out."""
    everything, base = data.everything(), retraining.base
    rows = {example.sha256: row for row, example in enumerate(everything.examples)}
    pairs = [(one, rows.get(seen.hashes.get(one.path, ""))) for one in retraining.request.corrections]
    results = [(one, row) for one, row in pairs if row is not None]
    features = everything.features[[row for _, row in results]]
    before = _predictions(load_head(base), features, base.card.classes, base.card.temperature)
    now = _predictions(read_head(head.trained.head), features, data.dataset.classes, head.temperature)
    return tuple(
        CorrectionResult(one, *was, *is_now) for (one, _), was, is_now in zip(results, before, now, strict=True)
    )


def _predictions(
    head: Head, features: quick.Features, classes: Sequence[str], temperature: float
) -> list[tuple[str, float]]:
    """The likeliest class of each image, and how likely it is."""
    probabilities = softmax(head.logits(features), temperature)
    best = zip(probabilities.argmax(axis=1).tolist(), probabilities.max(axis=1).tolist(), strict=True)
    return [(classes[index], confidence) for index, confidence in best]


def _notes(retraining: _Retraining, seen: _Scanned, data: TrainingData) -> Iterator[str]:
    old, new = retraining.base.card, data.dataset.classes
    if retraining.ambiguous:
        yield corrections.ambiguous_text(retraining.ambiguous)
    if held_out := sum(one.sha256 in seen.images and one.subset != Subset.TRAIN for one in data.training_examples()):
        yield (
            f"The model is judged or calibrated by {pluralize(held_out, 'photo')} that you labelled: they stay what "
            f"they were for, under the label you gave, so that the figures of both versions compare."
        )
    if added := [one for one in new if one not in old.classes]:
        yield (
            f"New: {format_names(added)}. A class is learnt well from a few dozen photos; correct more answers to "
            "add some."
        )
    if removed := [one for one in old.classes if one not in new]:
        yield f"No photo to learn from is left of {format_names(removed)}: no longer told apart."
    recipe = str(old.training.get("recipe", "")).partition(":")[0]
    if recipe and recipe != "quick":
        yield (
            f"The version before was trained by the recipe {recipe}. What learns from corrections is a linear head, as "
            f"the recipe quick makes it, on the same network: compare the figures before you keep it."
        )
    if lost := sum(failure.path not in seen.hashes for failure in data.failures):
        yield f"{pluralize(lost, 'photo')} it was made of could not be found again and had to be left out."


def _mark_trained(results: Sequence[CorrectionResult], data: TrainingData) -> Iterator[str]:
    """Have the corrections known as learnt; where that cannot be written, they wait again, which does no harm."""
    for model in {one.correction.model for one in results}:
        try:
            own = [one.correction for one in results if one.correction.model == model]
            corrections.mark_trained(model, own, data.fingerprint())
        except StorageError as error:
            yield f"The corrections are learnt, but could not be marked so. {error}"
