"""The recipe `quick` from a folder to a model in the library: dataset -> split -> features -> head -> calibration ->
evaluation -> card -> library.

Nothing is written but features, as they are computed, and at the very end the model, whole or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.card import HeadReference, ModelCard, Origin, SharedBackbone, read_card, write_card
from core.dataset.dataset import Dataset, Example, Problem, read_dataset
from core.dataset.split import Share, split
from core.engine.choice import choose_engine
from core.engine.engine import Engine
from core.errors import DatasetError, ModelError, UsageError
from core.features.compute import FeatureSource, FeatureTable, compute_features
from core.features.store import FeatureStore
from core.images.folders import printable
from core.judging.calibration import fit_temperature
from core.judging.evaluation import Evaluation, evaluate, to_json
from core.learning import quick
from core.library.heads import LinearHead, head_bytes, read_head, softmax
from core.library.library import CARD, BrokenEntry, InstalledBackbone, InstalledModel, Library, load_backbone
from core.prediction import Failure
from core.progress import CancelToken, Report, StageClock
from core.providers import Precision, ProviderWish

BACKBONE: Final = "xception-imagenet"
"""The backbone in the library that heads are trained on."""

_HEAD: Final = "head.npz"
_KNOWN_SHARE: Final = 5
"""Percentage of rightly named images that may fall under the threshold of "none of my classes"."""
_ENOUGH_KNOWN: Final = 20
"""Rightly named images from which that percentage can be told."""
_MOST_NAMED: Final = 10
"""Classes that a summary names."""
_MOST_CONFUSED: Final = 100
"""Classes whose confusion a card holds; the numbers are their square."""


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What is to be trained.

    Attributes:
        folder: of the labelled images.
        name: of the model, in the library.
        validation: share (float) or count (int) of the images to calibrate with.
        test: share (float) or count (int) of the images to judge by.
        seed: of everything that is drawn.
        provider: what is to run the backbone.
        precision: whether faster, slightly different arithmetic is welcome.
        command: what makes the model again, for its card.
    """

    folder: Path
    name: str
    validation: Share
    test: Share
    seed: int
    provider: ProviderWish
    precision: Precision
    command: str


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What was learnt.

    Attributes:
        head: the model's head as a file.
        fitted: how many images it was fitted to.
        temperature: see `ModelCard`; 1 where there are no validation images.
        unknown_below: see `ModelCard`; None where there are too few validation images.
        evaluation: on the test images, by a head that was not fitted to them; None where there are none.
    """

    head: bytes
    fitted: int
    temperature: float
    unknown_below: float | None
    evaluation: Evaluation | None


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What came of a training.

    Attributes:
        model: as it is in the library now.
        images: how many there were for "train", "validation" and "test".
        choice: how the strength was chosen.
        lesson: what was learnt.
        computed: how many images the engine had to look at; the features of the others were kept.
        problems: what was found wrong with the folder.
        failures: images that could not be read any more when their features were to be computed.
    """

    model: InstalledModel
    images: dict[str, int]
    choice: quick.Choice
    lesson: Lesson
    computed: int
    problems: tuple[Problem, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Images with their features [n, d]."""

    examples: tuple[Example, ...]
    features: NDArray[np.float32]

    @property
    def labels(self) -> NDArray[np.int64]:
        return np.array([example.label for example in self.examples], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """The images by what they are for, as far as they have features."""

    train: _Part
    validation: _Part
    test: _Part

    def counts(self) -> dict[str, int]:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: len(part.examples) for name, part in parts.items()}


def train(request: TrainRequest, library: Library, *, report: Report, token: CancelToken) -> Trained:
    """Learn the classes of a folder and install the model as the next version of its name.

    Where the images were drawn into parts by shares, the head that is judged and calibrated learnt from the training
    images alone, and the head that is installed is then fitted once more, in the same way, to all images. Where the
    folder itself has parts, or counts were asked for, the head that was judged is installed.

    Args:
        request: what is to be trained.
        library: where the backbone is and the model goes.
        report: told of each stage.
        token: looked at before every batch and every fit.

    Raises:
        UsageError: the name cannot be a model's, or is taken by what came with Fovea.
        DatasetError: nothing can be learned from the folder, or it cannot be divided as asked.
        ProviderError: the engine cannot be opened or failed under way.
        ModelError: the backbone is missing or damaged.
        StorageError: the model cannot be written; nothing of it is left.
        Cancelled: the token was cancelled; features computed so far are kept.
    """
    _check_name(request.name, library)
    backbone = _backbone(library)
    dataset = read_dataset(request.folder, report=report, token=token)
    divided = split(dataset, validation=request.validation, test=request.test, seed=request.seed)
    used = np.sort(np.concatenate([divided.train, divided.validation, divided.test]))
    table = _features([dataset.examples[at] for at in used.tolist()], backbone, request, report, token)
    parts = _Parts(*(_part(dataset, table, used, part) for part in (divided.train, divided.validation, divided.test)))
    _check_classes(parts.train, dataset.classes)
    choice = quick.choose(parts.train.features, parts.train.labels, seed=request.seed, report=report, token=token)
    lesson = _learn(
        parts, choice.strength, dataset.classes, refit=_are_drawn(dataset, request), report=report, token=token
    )
    card = _card(request, dataset, parts, choice, lesson, backbone)
    token.check()
    model = library.install(card, {_HEAD: lesson.head})
    return Trained(model, parts.counts(), choice, lesson, table.computed, dataset.problems, table.failures)


def _check_name(name: str, library: Library) -> None:
    """Refuse a name now that could not be given to the model in the end."""
    backbones = {entry.name for entry in library.entries() if isinstance(entry, InstalledBackbone)}
    if name in backbones or (library.shipped / name / CARD).exists():
        raise UsageError(f"{name!r} came with Fovea and stays what it is.", hint="Choose another name with --name.")
    nothing = SharedBackbone("none", "0" * 64)
    card = ModelCard(name, "-", "-", ("a", "b"), nothing, HeadReference(_HEAD, "0" * 64), Origin("-", "-"))
    try:
        read_card(write_card(card))
    except (ModelError, ValueError) as error:  # bytes of the command line that are no text cannot be written
        hint = "Use up to 64 small letters, digits, dots, dashes and underscores, a letter or digit first."
        raise UsageError(f"{name!r} cannot be the name of a model.", hint=hint) from error


def _backbone(library: Library) -> InstalledBackbone:
    found = (entry for entry in library.entries() if entry.name == BACKBONE)
    match next(found, None):
        case InstalledBackbone() as backbone:
            return backbone
        case BrokenEntry(error=error):
            raise error
        case _:
            raise ModelError(f"The backbone {BACKBONE!r} is missing.", hint="Install Fovea again.")


def _features(
    examples: Sequence[Example], backbone: InstalledBackbone, request: TrainRequest, report: Report, token: CancelToken
) -> FeatureTable:
    def open_engine() -> Engine:
        return choose_engine(load_backbone(backbone), backbone.card, request.provider, request.precision)

    source = FeatureSource(backbone.card, request.precision, open_engine)
    with FeatureStore() as store:
        return compute_features(examples, source, store, report=report, token=token)


def _part(dataset: Dataset, table: FeatureTable, used: NDArray[np.int64], part: NDArray[np.int64]) -> _Part:
    """The images of one part that have features; `table` is of the examples in `used`."""
    (rows,) = np.nonzero(np.isin(used[table.rows], part))
    examples = [dataset.examples[at] for at in used[table.rows[rows]].tolist()]
    return _Part(tuple(examples), table.features[rows])


def _check_classes(train: _Part, classes: Sequence[str]) -> None:
    """Every class had images to learn from when the folder was read; see that the files did not go since."""
    lost = sorted(set(range(len(classes))) - set(train.labels.tolist()))
    if lost:
        what = (
            f"No image to learn from is left of {printable(classes[lost[0]])!r}: its files changed or went meanwhile."
        )
        raise DatasetError(what, hint="Let whatever writes to the folder come to its end, then train again.")


def _are_drawn(dataset: Dataset, request: TrainRequest) -> bool:
    """Whether chance alone set images aside, and not the person by folders or counts."""
    shares = all(isinstance(asked, float) or not asked for asked in (request.validation, request.test))
    return shares and all(example.part is None for example in dataset.examples)


def _learn(
    parts: _Parts,
    strength: float,
    classes: Sequence[str],
    *,
    refit: bool,
    report: Report,
    token: CancelToken,
) -> Lesson:
    """Fit, calibrate and judge a head; the test images are looked at here and nowhere else."""
    clock = StageClock("fitting the head", 2 if refit else 1, report)
    head, judged = _fitted([parts.train], strength)
    clock.advance()
    temperature, unknown_below = _calibrate(judged, parts.validation)
    evaluation = None
    if parts.test.examples:
        logits, paths = judged.logits(parts.test.features), [example.path for example in parts.test.examples]
        evaluation = evaluate(logits, parts.test.labels, classes, temperature=temperature, paths=paths)
    everything = [parts.train, parts.validation, parts.test] if refit else [parts.train]
    if refit:
        token.check()
        head, _ = _fitted(everything, strength)
        clock.advance()
    return Lesson(head, sum(len(part.examples) for part in everything), temperature, unknown_below, evaluation)


def _fitted(parts: Sequence[_Part], strength: float) -> tuple[bytes, LinearHead]:
    """A head as its file, and as it will be read from there."""
    features, labels = (np.concatenate([getattr(part, what) for part in parts]) for what in ("features", "labels"))
    data = head_bytes(quick.fit(features, labels, strength))
    return data, read_head(data)


def _calibrate(head: LinearHead, validation: _Part) -> tuple[float, float | None]:
    """The temperature and the threshold of "none of my classes", see `Lesson`."""
    if not validation.examples:
        return 1.0, None
    logits = head.logits(validation.features)
    temperature = round(fit_temperature(logits, validation.labels), 4)
    probabilities = softmax(logits, temperature)
    known = probabilities.max(axis=1)[probabilities.argmax(axis=1) == validation.labels]
    enough = len(known) >= _ENOUGH_KNOWN
    return temperature, round(float(np.percentile(known, _KNOWN_SHARE)), 4) if enough else None


def _card(
    request: TrainRequest,
    dataset: Dataset,
    parts: _Parts,
    choice: quick.Choice,
    lesson: Lesson,
    backbone: InstalledBackbone,
) -> bytes:
    folder, count = printable(dataset.root.resolve().name)[:200], sum(parts.counts().values())
    card = ModelCard(
        name=request.name,
        title=request.name,
        summary=f"Tells apart {_named(dataset.classes)}; learnt from {lesson.fitted:,} images.",
        classes=dataset.classes,
        backbone=SharedBackbone(backbone.name, backbone.card.sha256),
        head=HeadReference(_HEAD, hashlib.sha256(lesson.head).hexdigest()),
        origin=Origin(
            source=f"Trained by Fovea's recipe quick on {count:,} images of the folder “{folder}”.",
            licence="Up to whoever trained it, as far as the rights to the images allow; none of them is part of it.",
        ),
        temperature=lesson.temperature,
        unknown_below=lesson.unknown_below,
        training=_training(request, dataset, parts, choice, lesson),
        evaluation=_evaluation(lesson, parts),
    )
    return write_card(card)


def _named(classes: Sequence[str]) -> str:
    names = [label[:60] for label in classes[:_MOST_NAMED]]
    rest = len(classes) - len(names)
    last = f"{rest:,} more" if rest else names.pop()
    return f"{', '.join(names)} and {last}"


def _training(
    request: TrainRequest, dataset: Dataset, parts: _Parts, choice: quick.Choice, lesson: Lesson
) -> dict[str, Any]:
    """How the model was made, for its card."""
    examples = [*parts.train.examples, *parts.validation.examples, *parts.test.examples]
    counts = np.bincount([example.label for example in examples], minlength=len(dataset.classes)).tolist()
    return {
        "recipe": "quick: multinomial logistic regression on standardised features, L-BFGS, balanced classes",
        "command": printable(request.command),
        "images": parts.counts(),
        "images_per_class": dict(zip(dataset.classes, counts, strict=True)),
        "fitted_to": lesson.fitted,
        "dataset_sha256": _fingerprint(examples, dataset.classes),
        "seed": request.seed,
        "precision": request.precision.value,
        "C": choice.strength,
        "C_chosen": f"by {quick.FOLDS}-fold cross-validation on {choice.images:,} training images"
        if choice.trials
        else "by default: too few training images for cross-validation",
        "temperature": "fitted on the validation images" if parts.validation.examples else "never fitted",
        "unknown_below": f"the calibrated confidence that {100 - _KNOWN_SHARE} % of the rightly named validation "
        "images reach"
        if lesson.unknown_below is not None
        else "too few validation images to tell",
    }


def _evaluation(lesson: Lesson, parts: _Parts) -> dict[str, Any]:
    """How good the model was found to be, for its card: no path of the person's goes there."""
    if lesson.evaluation is None:
        return {}
    method = "on the test images, which the head had not seen"
    if lesson.fitted > len(parts.train.examples):
        method += "; the model's own head was then fitted once more, in the same way, to all images"
    left_out = {"mistakes", "classes"} | ({"confusion"} if len(lesson.evaluation.classes) > _MOST_CONFUSED else set())
    return {"method": method} | {k: v for k, v in to_json(lesson.evaluation).items() if k not in left_out}


def _fingerprint(examples: Sequence[Example], classes: Sequence[str]) -> str:
    """The same for the same images in the same classes, wherever they lie."""
    lines = sorted(f"{example.sha256} {classes[example.label]}\n" for example in examples)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
