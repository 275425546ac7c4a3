"""Training: folder -> training data -> trained head (by the recipe) -> evaluation -> card -> parity check -> library.

Only features are written as they are computed, the state of a run so that it can be resumed, and at the very end the
model, atomically.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.base.errors import DivergedError, ModelError, UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import Precision
from core.base.text import display_path
from core.card import HeadReference, ModelCard, Origin, SharedBackbone, read_card, write_card
from core.datasets.dataset import Dataset
from core.evaluation.kept import serialize_evaluation
from core.models import joined
from core.models.heads import read_head
from core.models.installed import load_backbone
from core.models.library import Library
from core.models.library_folders import CARD
from core.models.values import InstalledBackbone, InstalledModel
from core.training import protocol, quick
from core.training.cards import HEAD, is_better, model_card
from core.training.evaluated_head import EvaluatedHead, TrainedHead, evaluate_head, evaluate_multi_label
from core.training.extension import check_extension, classes_to_keep, extend, extended_data
from core.training.fitting import choose_fit
from core.training.multi_label import check_labels
from core.training.parity import check_parity
from core.training.recipes import LOG_LOSS, OnEpoch, train_dense, train_fine_tune, train_quick, trainer_plan
from core.training.request import Recipe, TrainRequest
from core.training.runs import Run, open_run
from core.training.thumbnails import make_thumbnails
from core.training.training_data import (
    LabelledFeatures,
    TrainingData,
    compute,
    extractor_of,
    load_training_data,
    recomputed,
)
from core.training.variant_check import measure_variants, must_retrain_in_float32


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The result of a training.

    Attributes:
        model: the model, as installed.
        in_use: whether this version became the active one; a fine-tuned one does only if it is better.
        data: the training data.
        head: the evaluated head.
        start: of fine-tune, the head it started from.
    """

    model: InstalledModel
    in_use: bool
    data: TrainingData
    head: EvaluatedHead
    start: EvaluatedHead | None = None


@dataclass(frozen=True, slots=True)
class _Training:
    """A training in progress."""

    request: TrainRequest
    library: Library
    report: ProgressCallback
    on_epoch: OnEpoch
    token: CancelToken


def train(
    request: TrainRequest,
    library: Library,
    *,
    report: ProgressCallback,
    token: CancelToken,
    on_dataset: Callable[[Dataset], None] = lambda _: None,
    on_epoch: Callable[[protocol.Epoch], None] = lambda _: None,
) -> Trained:
    """Train a model on a folder and install it as the next version of its name.

    After a random split by fractions, quick and dense evaluate and calibrate a head fitted to the training images
    alone, and install a head that is then fitted in the same way to all images. If the folder defines subsets, or
    counts were requested, the evaluated head is installed. Fine-tuning starts from the result of quick; it becomes the
    active version only if it is better, see `is_better`.

    Args:
        request: the training request.
        library: the library with the backbone, in which the model is installed.
        report: called for each stage.
        token: checked frequently.
        on_dataset: called with the dataset before the training starts.
        on_epoch: called after each epoch of dense and fine-tune.

    Raises:
        UsageError: the name is invalid or taken by a built-in model; the requested backbone cannot be used; or an
            interrupted training of that name has other settings.
        DatasetError: the folder cannot be used or split as requested, or an interrupted training has other images.
        ProviderError: the engine cannot be opened or failed while running.
        ModelError: the backbone is missing or damaged, or the exported model fails the parity check.
        DivergedError: the loss diverged; nothing of the training is kept.
        TrainerError: dense and fine-tune need TensorFlow, or the trainer process died; the same command resumes.
        StorageError: the model cannot be written; nothing of it is left.
        Cancelled: the token was cancelled; the progress so far is kept.
    """
    _check_request(request, library)
    training = _Training(request, library, report, on_epoch, token)
    data = load_training_data(request, library, report=report, token=token, on_dataset=on_dataset)
    data = choose_fit(data, request, report=report, token=token)
    if request.recipe is Recipe.QUICK:
        return _extend(training, data) if request.keep_classes_of else _train_quick(training, data)
    with _open_run(request, data) as run:
        resume = _dense if request.recipe is Recipe.DENSE else _fine_tune
        try:
            trained = resume(training, data, run.folder)
        except DivergedError:
            run.finish()  # resuming would only diverge again
            raise
        run.finish()
    return trained


def _train_quick(training: _Training, data: TrainingData) -> Trained:
    """Train a head; unless the user chose the joined backbone, on its first part alone if that is better."""
    data, head = _quick_checked(training, data)
    parts = data.backbone.parts
    joined_loss = head.trained.facts.get(LOG_LOSS)
    if training.request.backbone or not parts or joined_loss is None or data.dataset.is_multi_label:
        return _install(training, data, head)
    alone = quick.cross_validate(
        data.train.features[:, : parts[0].card.feature_width] ** 2,  # features of a part, see `core.models.composite`
        data.train.labels, seed=training.request.seed, report=training.report, token=training.token,
        kind=training.request.head,
    )  # fmt: skip
    loss = round(alone.scores[alone.best_c].log_loss, 4)
    compared = f"log loss {joined_loss} with {data.backbone.name}, {loss} with {parts[0].name}"
    if loss < joined_loss:
        training = replace(training, request=replace(training.request, backbone=parts[0].name))
        part = parts[0].with_fit(data.backbone.fit)
        data = recomputed(data, training.request, part, report=training.report, token=training.token)
        data, head = _quick_checked(training, data)
    facts = {**head.trained.facts, "backbone_chosen": f"by cross-validation: {compared}"}
    return _install(training, data, replace(head, trained=replace(head.trained, facts=facts)))


def _extend(training: _Training, data: TrainingData) -> Trained:
    """Train the classes of the data on top of those of another model."""
    kept = classes_to_keep(training.library.find(training.request.keep_classes_of))
    data = extended_data(data, kept)
    return _install(training, data, extend(data, kept, report=training.report, token=training.token))


def _quick_checked(training: _Training, data: TrainingData) -> tuple[TrainingData, EvaluatedHead]:
    """Train on the features at hand, or in float32 if they come from a variant that changes predictions."""
    request, report, token = training.request, training.report, training.token
    head = _quick(training, data)
    if must_retrain_in_float32(data, head.variants):
        data = recomputed(data, request, data.backbone, report=report, token=token, use_variants=False)
        head = _quick(training, data)
    return data, head


def _quick(training: _Training, data: TrainingData) -> EvaluatedHead:
    request = training.request
    trained = train_quick(data, request.seed, report=training.report, token=training.token, kind=request.head)
    return _evaluate(training, data, trained)


def _evaluate(training: _Training, data: TrainingData, trained: TrainedHead) -> EvaluatedHead:
    fitted = data.fitted(trained.fitted)
    evaluate_fully = evaluate_multi_label if data.dataset.is_multi_label else evaluate_head
    head = evaluate_fully(trained, fitted, data.validation, data.test, data.dataset.classes)
    if _lost_variants(training.request, data):
        return head
    measured = measure_variants(
        trained.evaluated, data, cutoffs=head.cutoffs, report=training.report, token=training.token
    )
    return replace(head, variants=measured)


def _lost_variants(request: TrainRequest, data: TrainingData) -> bool:
    """Whether the variants could have computed the features, but are not the fastest here, so that none will run."""
    return request.recipe is Recipe.QUICK and request.precision is Precision.AUTO and data.card == data.backbone.card


def _dense(training: _Training, data: TrainingData, folder: Path) -> Trained:
    trained = train_dense(
        data, training.request, folder, report=training.report, on_epoch=training.on_epoch, token=training.token
    )
    return _install(training, data, _evaluate(training, data, trained), gate=folder / protocol.PARITY)


def _fine_tune(training: _Training, data: TrainingData, folder: Path) -> Trained:
    start, from_scratch = _quick(training, data), data.backbone.card.untrained
    if not from_scratch and not any(version.is_active for version in training.library.versions(training.request.name)):
        as_quick = replace(training, request=replace(training.request, recipe=Recipe.QUICK))
        _install(as_quick, data, start)  # usable during fine-tuning, and if that fails
    trained = train_fine_tune(
        data, training.request, start.trained, folder,
        report=training.report, on_epoch=training.on_epoch, token=training.token,
    )  # fmt: skip
    fitted, validation, test = (_recompute(part, trained, training) for part in data.parts.values())
    head = evaluate_head(trained, fitted, validation, test, data.dataset.classes)
    return _install(training, data, head, start=None if from_scratch else start, gate=folder / protocol.PARITY)


def _recompute(part: LabelledFeatures, trained: TrainedHead, training: _Training) -> LabelledFeatures:
    """The images of a part with features from the trained backbone, computed by the engine as in later use."""
    if trained.backbone is None or not len(part):
        return part
    table = compute(
        part.examples, extractor_of(trained.backbone, training.request.provider, training.request.precision),
        report=training.report, token=training.token,
    )  # fmt: skip
    return part.select(table.rows.tolist(), table.features)


def _install(
    training: _Training,
    dataset: TrainingData,
    head: EvaluatedHead,
    *,
    start: EvaluatedHead | None = None,
    gate: Path | None = None,
) -> Trained:
    """Check parity and install the model; it becomes the active version unless it is not better than its start."""
    trained, backbone = head.trained, head.trained.backbone or dataset.backbone
    card, files = model_card(training.request, dataset, head, start), {HEAD: trained.head, **head.bank_file}
    if gate is not None:
        joint = joined.join(load_backbone(backbone), backbone.card, read_head(trained.head), card)
        parity = check_parity(joint, gate)
        card = replace(card, training={**card.training, "parity": asdict(parity)})
    if trained.backbone is not None:
        files[trained.backbone.card.file] = load_backbone(trained.backbone)
    in_use = start is None or is_better(head, start) is True
    thumbnails = {}
    if training.request.thumbnails:
        shown = head.compared_with(dataset.everything().examples)
        thumbnails = make_thumbnails(shown, None, report=training.report, token=training.token)
    training.token.check()
    model = training.library.install(
        write_card(card),
        files,
        activate=in_use,
        trained_on=[example.sha256 for example in dataset.fitted(trained.fitted).examples],
        examples=[replace(one, path=one.path.absolute()) for one in dataset.training_examples()],
        evaluation=serialize_evaluation(measured) if (measured := head.evaluation or head.multi_label) else None,
        thumbnails=thumbnails,
    )
    return Trained(model, in_use, dataset, head, start)


@contextmanager
def _open_run(request: TrainRequest, data: TrainingData) -> Iterator[Run]:
    parts = ((name, one) for name, part in data.parts.items() for one in part.examples)
    images = [f"{one.sha256} {one.label_text} {name}" for name, one in parts]
    with open_run(request, trainer_plan(request, data.backbone), images, restart=request.restart) as run:
        yield run


def _check_request(request: TrainRequest, library: Library) -> None:
    """Reject contradicting settings and invalid names before the training."""
    check_extension(request)
    check_labels(request)
    name = request.name
    backbones = {entry.name for entry in library.entries() if isinstance(entry, InstalledBackbone)}
    if name in backbones or (library.builtin / name / CARD).exists():
        what = tr("“{name}” is the name of a built-in model.", name=name)
        raise UsageError(what, hint=tr("Choose another name with --name."))
    nothing = SharedBackbone("none", "0" * 64)
    card = ModelCard(name, "-", "-", ("a", "b"), nothing, HeadReference(HEAD, "0" * 64), Origin("-", "-"))
    try:
        read_card(write_card(card))
    except (ModelError, ValueError) as error:  # undecodable bytes of the command line cannot be written
        hint = tr(
            "Use up to 64 lowercase letters, digits, dots, dashes and underscores, starting with a letter or digit."
        )
        raise UsageError(tr("“{name}” is not a valid model name.", name=display_path(name)), hint=hint) from error
