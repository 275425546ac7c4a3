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
from core.base.progress import CancelToken, Report, StageClock
from core.base.providers import Precision
from core.base.text import natural
from core.card import BackboneCard, write_card
from core.datasets import checks, corrections
from core.datasets.corrections import Correction
from core.datasets.dataset import Dataset, Example
from core.datasets.discovery import Labelled
from core.datasets.problems import Problem, ProblemKind, listed, quantity
from core.datasets.scan import Sight, see_all
from core.datasets.scan_cache import Memo
from core.datasets.subsets import Part
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureTable, compute_features
from core.evaluation.metrics import Evaluation, evaluate
from core.models.bundled_features import shipped_features
from core.models.heads import Head, LinearHead, read_head, softmax
from core.models.library import InstalledModel, Library, load_backbone, load_examples, load_head
from core.models.training_examples import KeptExample
from core.prediction import Failure
from core.training import quick
from core.training.cards import HEAD, corrected_card
from core.training.evaluated_head import Lesson, judge_attempt
from core.training.recipes import quick_attempt
from core.training.request import RetrainRequest
from core.training.training_data import LabelledFeatures, Material, source_of

_TEACH: Final = "Teach a new model: it remembers what it was made of."


@dataclass(frozen=True, slots=True)
class Learnt:
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
        material: what the new one learnt from, and what both were judged by.
        lesson: what was learnt.
        before: how the corrected version does on those test images that are of a class of its own; None where there
            are none.
        flattered: how many of these it had learnt from.
        learnt: the corrections that were learnt.
        problems: why other corrections were not, and what of the old images is not there any more.
        notes: what the person should know, a sentence or two each.
    """

    model: InstalledModel
    base: InstalledModel
    material: Material
    lesson: Lesson
    before: Evaluation | None
    flattered: int
    learnt: tuple[Learnt, ...]
    problems: tuple[Problem | Failure, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Retraining:
    """One retraining under way: what was asked for, the version corrected, and who is told.

    Attributes:
        request: what was asked, without corrections that nobody may have meant.
        doubtful: how many these were, see `Correction.is_doubtful`.
    """

    request: RetrainRequest
    doubtful: int
    base: InstalledModel
    kept: tuple[KeptExample, ...]
    library: Library
    report: Report
    token: CancelToken


def retrain(request: RetrainRequest, library: Library, *, report: Report, token: CancelToken) -> Retrained:
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
        raise ModelError(f"Nobody kept what {request.name!r} was made of, so it cannot learn on.", hint=_TEACH)
    meant = tuple(one for one in request.corrections if not one.is_doubtful(base.card.unknown_below))
    doubtful = len(request.corrections) - len(meant)
    retraining = _Retraining(replace(request, corrections=meant), doubtful, base, kept, library, report, token)
    seen = _look(retraining)
    material = _gather(retraining, seen)
    lesson = _learn(retraining, material)
    before, flattered = _before(retraining, material)
    learnt = _answers(retraining, material, lesson, seen)
    token.check()
    model = _install(retraining, material, lesson, len(learnt), before)
    notes = (*_notes(retraining, seen, material), *_mark(learnt, material))
    problems: tuple[Problem | Failure, ...] = (*seen.problems, *material.failures)
    return Retrained(model, base, material, lesson, before, flattered, learnt, problems, notes)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The corrected photos.

    Attributes:
        sights: what can be learnt from, by sha256.
        sums: sha256 of each photo that is one of these, or a copy.
        problems: what is wrong with the others.
    """

    sights: Mapping[str, Sight]
    sums: Mapping[Path, str]
    problems: tuple[Problem, ...]


# ---- what is learnt from


def _look(retraining: _Retraining) -> _Seen:
    """The corrected photos, seen with the care that a folder's are."""
    asked = [Labelled(one.path, one.label, None) for one in retraining.request.corrections]
    with Memo() as memo:
        seen = list(see_all(asked, memo, retraining.report, retraining.token))
    readable = [one for one in seen if isinstance(one, Sight)]
    kept, copies = checks.without_duplicates(readable)
    sights = {sight.sha256: sight for sight in kept}
    problems = tuple(one for one in seen if isinstance(one, Problem))
    problems += tuple(one for one in copies if one.kind is ProblemKind.CONFLICT)
    if not sights:
        doubtful = corrections.doubtful_text(retraining.doubtful)
        hint = problems[0].message if problems else doubtful or "Correct an answer first."
        raise DatasetError("There is no correction that can be learnt from.", hint=hint)
    return _Seen(sights, {one.path: one.sha256 for one in readable if one.sha256 in sights}, problems)


def _gather(retraining: _Retraining, seen: _Seen) -> Material:
    """Everything that is known, with its features."""
    images = _merged(retraining.kept, seen.sights)
    table = _features(retraining, images)
    there = [images[row] for row in table.rows.tolist()]
    learnable = {one.label for one in there if one.part == Part.TRAIN}
    if len(learnable) < 2:
        raise DatasetError("Photos of fewer than two classes are left to learn from.", hint=_TEACH)
    classes = tuple(sorted(learnable, key=natural))
    rows = [row for row, one in enumerate(there) if one.label in learnable]
    examples = [_example(there[row], classes) for row in rows]
    dataset = Dataset(retraining.base.folder, classes, tuple(examples), ())
    train, validation, test = (_part(examples, table.features[rows], part) for part in Part)
    return Material(
        dataset, retraining.base.backbone, train, validation, test, _is_drawn(retraining.base), table.computed,
        table.failures,
    )  # fmt: skip


def _merged(kept: Sequence[KeptExample], sights: Mapping[str, Sight]) -> list[KeptExample]:
    """What the version was made of, put right, and what is new, which is for training.

    So is an image that the version was judged by, where it alone is of a new class: there is no other to learn from.
    """
    known = {one.sha256 for one in kept}
    images = [replace(one, label=sights[one.sha256].label) if one.sha256 in sights else one for one in kept]
    new = [sight for sha256, sight in sights.items() if sha256 not in known]
    images += [KeptExample(sight.path, sight.sha256, sight.label, Part.TRAIN, sight.look) for sight in new]
    learnable = {one.label for one in images if one.part == Part.TRAIN}
    return [one if one.label in learnable else replace(one, part=Part.TRAIN) for one in images]


def _features(retraining: _Retraining, images: Sequence[KeptExample]) -> FeatureTable:
    """Features of the images, in the precision of those that the version was made of: shipped, kept, or computed."""
    backbone, told = retraining.base.backbone, retraining.base.card.training.get("precision")
    precision = Precision.EXACT if told == Precision.EXACT else Precision.AUTO
    source = source_of(backbone, retraining.request.provider, precision)
    shipped = shipped_features(retraining.library.shipped.glob("*"), source.kind)
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


def _example(one: KeptExample, classes: Sequence[str]) -> Example:
    return Example(one.path, classes.index(one.label), Part(one.part), one.sha256, one.look or 0)


def _part(examples: Sequence[Example], features: quick.Features, part: Part) -> LabelledFeatures:
    rows = [row for row, example in enumerate(examples) if example.part is part]
    return LabelledFeatures(tuple(examples[row] for row in rows), features[rows])


def _is_drawn(base: InstalledModel) -> bool:
    """Whether the version's head was fitted to all images in the end, as it is where chance set images aside."""
    training = base.card.training
    match training.get("fitted_to"), training.get("images"):
        case int(fitted), {"train": int(count)}:
            return fitted > count
    return False


# ---- what is learnt


def _learn(retraining: _Retraining, material: Material) -> Lesson:
    seed = retraining.base.card.training.get("seed")
    number = seed if isinstance(seed, int) else 0
    attempt = quick_attempt(material, number, report=retraining.report, token=retraining.token)
    if isinstance(retraining.base.card.backbone, BackboneCard):
        attempt = replace(attempt, backbone=retraining.base.backbone)
    return judge_attempt(attempt, material.validation, material.test, material.dataset.classes)


def _before(retraining: _Retraining, material: Material) -> tuple[Evaluation | None, int]:
    """How the corrected version does on the test images; where it has learnt from them, as it did before it had."""
    old = retraining.base.card.classes
    known = [row for row, one in enumerate(material.test.examples) if material.dataset.classes[one.label] in old]
    if not known:
        return None, 0
    test = LabelledFeatures(tuple(material.test.examples[row] for row in known), material.test.features[known])
    head, unseen = _head_before(retraining, material)
    labels = np.array([old.index(material.dataset.classes[label]) for label in test.labels], np.int64)
    temperature = retraining.base.card.temperature
    found = evaluate(head.logits(test.features), labels, old, temperature=temperature, paths=test.paths)
    return found, 0 if unseen else len(test)


def _head_before(retraining: _Retraining, material: Material) -> tuple[Head, bool]:
    """A head of the corrected version, and whether it has not seen the test images.

    That of the recipe quick which was judged is made again: it was fitted to images that are all known.
    """
    base, installed = retraining.base, load_head(retraining.base)
    strength = base.card.training.get("C")
    if not material.is_drawn:
        return installed, True
    if not isinstance(installed, LinearHead) or not isinstance(strength, float):
        return installed, False
    old = base.card.classes
    said = {one.sha256: old.index(one.label) for one in retraining.kept if one.part == Part.TRAIN}
    rows = [row for row, one in enumerate(material.train.examples) if one.sha256 in said]
    labels = np.array([said[material.train.examples[row].sha256] for row in rows], np.int64)
    if len(set(labels.tolist())) < len(old):  # a class has lost its images since
        return installed, False
    clock = StageClock("seeing what it did before", 1, retraining.report)
    head = quick.fit(material.train.features[rows], labels, strength, token=retraining.token)
    clock.advance()
    return head, True


def _install(
    retraining: _Retraining, material: Material, lesson: Lesson, corrected: int, before: Evaluation | None
) -> InstalledModel:
    base, attempt = retraining.base, lesson.attempt
    card = corrected_card(base, material, lesson, corrected, before)
    own = {base.backbone.card.file: load_backbone(base.backbone)} if attempt.backbone else {}
    fitted = material.everything() if material.is_drawn else material.train
    return retraining.library.install(
        write_card(card),
        {HEAD: attempt.head} | own,
        learnt=[example.sha256 for example in fitted.examples],
        examples=material.kept(),
    )


# ---- what is told of it


def _answers(retraining: _Retraining, material: Material, lesson: Lesson, seen: _Seen) -> tuple[Learnt, ...]:
    """What both versions say of the corrected photos, those whose files changed meanwhile left out."""
    everything, base = material.everything(), retraining.base
    rows = {example.sha256: row for row, example in enumerate(everything.examples)}
    told = [(one, rows.get(seen.sums.get(one.path, ""))) for one in retraining.request.corrections]
    learnt = [(one, row) for one, row in told if row is not None]
    features = everything.features[[row for _, row in learnt]]
    before = _named(load_head(base), features, base.card.classes, base.card.temperature)
    now = _named(read_head(lesson.attempt.head), features, material.dataset.classes, lesson.temperature)
    return tuple(Learnt(one, *was, *is_now) for (one, _), was, is_now in zip(learnt, before, now, strict=True))


def _named(head: Head, features: quick.Features, classes: Sequence[str], temperature: float) -> list[tuple[str, float]]:
    """The likeliest class of each image, and how likely it is."""
    probabilities = softmax(head.logits(features), temperature)
    best = zip(probabilities.argmax(axis=1).tolist(), probabilities.max(axis=1).tolist(), strict=True)
    return [(classes[index], sure) for index, sure in best]


def _notes(retraining: _Retraining, seen: _Seen, material: Material) -> Iterator[str]:
    old, new = retraining.base.card, material.dataset.classes
    if retraining.doubtful:
        yield corrections.doubtful_text(retraining.doubtful)
    if held_out := sum(one.sha256 in seen.sights and one.part != Part.TRAIN for one in material.kept()):
        yield (
            f"The model is judged or calibrated by {quantity(held_out, 'photo')} that you labelled: they stay what "
            f"they were for, under the label you gave, so that the figures of both versions compare."
        )
    if added := [one for one in new if one not in old.classes]:
        yield f"New: {listed(added)}. A class is learnt well from a few dozen photos; correct more answers to add some."
    if gone := [one for one in old.classes if one not in new]:
        yield f"No photo to learn from is left of {listed(gone)}: no longer told apart."
    recipe = str(old.training.get("recipe", "")).partition(":")[0]
    if recipe and recipe != "quick":
        yield (
            f"The version before was trained by the recipe {recipe}. What learns from corrections is a linear head, as "
            f"the recipe quick makes it, on the same network: compare the figures before you keep it."
        )
    if lost := sum(failure.path not in seen.sums for failure in material.failures):
        yield f"{quantity(lost, 'photo')} it was made of could not be found again and had to be left out."


def _mark(learnt: Sequence[Learnt], material: Material) -> Iterator[str]:
    """Have the corrections known as learnt; where that cannot be written, they wait again, which does no harm."""
    for model in {one.correction.model for one in learnt}:
        try:
            own = [one.correction for one in learnt if one.correction.model == model]
            corrections.mark_learnt(model, own, material.fingerprint())
        except StorageError as error:
            yield f"The corrections are learnt, but could not be marked so. {error}"
