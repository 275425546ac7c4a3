"""From a folder to a model in the library: material -> attempt (by the recipe) -> lesson -> card -> gate -> library.

Nothing is written but features, as they are computed; what an interrupted run needs to go on; and at the very end the
model, whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.base.errors import DivergedError, ModelError, UsageError
from core.base.progress import CancelToken, ProgressCallback
from core.card import HeadReference, ModelCard, Origin, SharedBackbone, read_card, write_card
from core.datasets.dataset import Dataset, Example
from core.models import joined
from core.models.heads import read_head
from core.models.library import CARD, InstalledBackbone, InstalledModel, Library, load_backbone
from core.training import protocol
from core.training.cards import HEAD, is_better, model_card
from core.training.evaluated_head import EvaluatedHead, TrainedHead, evaluate_head
from core.training.parity import check_parity
from core.training.recipes import OnEpoch, train_dense, train_fine_tune, train_quick, trainer_plan
from core.training.request import Recipe, TrainRequest
from core.training.runs import Run, open_run
from core.training.training_data import BACKBONE, LabelledFeatures, TrainingData, compute, load_training_data

__all__ = ["BACKBONE", "Trained", "train"]


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What came of a training.

    Attributes:
        model: as it is in the library now.
        in_use: whether the library uses this version for its name; fine-tune must have become better for that.
        data: what was learnt from.
        head: what was learnt.
        start: of fine-tune, what it began with.
    """

    model: InstalledModel
    in_use: bool
    data: TrainingData
    head: EvaluatedHead
    start: EvaluatedHead | None = None


@dataclass(frozen=True, slots=True)
class _Training:
    """One training under way: what was asked for, and who is told."""

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
    """Learn the classes of a folder and install the model as the next version of its name.

    Where the images were drawn into parts by shares, the head of quick and dense that is judged and calibrated learnt
    from the training images alone, and the head that is installed is then fitted once more, in the same way, to all
    images. Where the folder itself has parts, or counts were asked for, the head that was judged is installed.
    Fine-tuning begins with what quick learns; it is used from then on only if it is better, see `is_better`.

    Args:
        request: what is to be trained.
        library: where the backbone is and the model goes.
        report: told of each stage.
        token: looked at all the time.
        on_dataset: told what the folder holds, before the training begins.
        on_epoch: told of each epoch of dense and fine-tune.

    Raises:
        UsageError: the name cannot be a model's, or is taken by what came with Fovea; or an interrupted training of
            that name was asked for something else.
        DatasetError: nothing can be learned from the folder, it cannot be divided as asked, or an interrupted training
            of that name learnt from other images.
        ProviderError: the engine cannot be opened or failed under way.
        ModelError: the backbone is missing or damaged, or what was exported answers otherwise than what was trained.
        DivergedError: the training's loss grew beyond all bounds; nothing is kept of it.
        TrainerError: dense and fine-tune need TensorFlow, or the trainer process died; the same command goes on.
        StorageError: the model cannot be written; nothing of it is left.
        Cancelled: the token was cancelled; what was computed so far is kept.
    """
    _check_name(request.name, library)
    training = _Training(request, library, report, on_epoch, token)
    data = load_training_data(request, library, report=report, token=token, on_dataset=on_dataset)
    if request.recipe is Recipe.QUICK:
        return _install(training, data, _quick(training, data))
    with _open_run(request, data) as run:
        resume = _dense if request.recipe is Recipe.DENSE else _fine_tune
        try:
            trained = resume(training, data, run.folder)
        except DivergedError:
            run.finish()  # to resume it would only repeat this
            raise
        run.finish()
    return trained


def _quick(training: _Training, data: TrainingData) -> EvaluatedHead:
    trained = train_quick(data, training.request.seed, report=training.report, token=training.token)
    return evaluate_head(trained, data.validation, data.test, data.dataset.classes)


def _dense(training: _Training, data: TrainingData, folder: Path) -> Trained:
    trained = train_dense(
        data, training.request, folder, report=training.report, on_epoch=training.on_epoch, token=training.token
    )
    head = evaluate_head(trained, data.validation, data.test, data.dataset.classes)
    return _install(training, data, head, gate=folder / protocol.PARITY)


def _fine_tune(training: _Training, data: TrainingData, folder: Path) -> Trained:
    start = _quick(training, data)
    if not any(version.is_active for version in training.library.versions(training.request.name)):
        quick = replace(training, request=replace(training.request, recipe=Recipe.QUICK))
        _install(quick, data, start)  # usable while the long part goes on, and if nothing comes of that
    trained = train_fine_tune(
        data, training.request, start.trained, folder,
        report=training.report, on_epoch=training.on_epoch, token=training.token,
    )  # fmt: skip
    validation, test = (_recompute(part, trained, training) for part in (data.validation, data.test))
    head = evaluate_head(trained, validation, test, data.dataset.classes)
    return _install(training, data, head, start=start, gate=folder / protocol.PARITY)


def _recompute(part: LabelledFeatures, trained: TrainedHead, training: _Training) -> LabelledFeatures:
    """The images of a part with features by the attempt's own backbone, run by the engine as it will be later."""
    if trained.backbone is None or not len(part):
        return part
    table = compute(part.examples, trained.backbone, training.request, report=training.report, token=training.token)
    return LabelledFeatures(tuple(part.examples[row] for row in table.rows.tolist()), table.features)


def _install(
    training: _Training,
    material: TrainingData,
    head: EvaluatedHead,
    *,
    start: EvaluatedHead | None = None,
    gate: Path | None = None,
) -> Trained:
    """Prove what was learnt and add it to the library; what is not better than its start is not used by itself."""
    trained, backbone = head.trained, head.trained.backbone or material.backbone
    card, data = model_card(training.request, material, head, start), load_backbone(backbone)
    if gate is not None:
        parity = check_parity(joined.join(data, backbone.card, read_head(trained.head), card), gate)
        card = replace(card, training={**card.training, "parity": asdict(parity)})
    in_use = start is None or is_better(head, start) is True
    training.token.check()
    model = training.library.install(
        write_card(card),
        {HEAD: trained.head} | ({trained.backbone.card.file: data} if trained.backbone else {}),
        activate=in_use,
        trained_on=[example.sha256 for example in _training_images(material, trained)],
        examples=[replace(one, path=one.path.absolute()) for one in material.training_examples()],
    )
    return Trained(model, in_use, material, head, start)


def _training_images(data: TrainingData, trained: TrainedHead) -> tuple[Example, ...]:
    """The images that the installed model was fitted to."""
    everything = trained.fitted > len(data.train)
    return (data.everything() if everything else data.train).examples


@contextmanager
def _open_run(request: TrainRequest, data: TrainingData) -> Iterator[Run]:
    parts = ((name, one) for name, part in data.parts.items() for one in part.examples)
    images = [f"{one.sha256} {data.dataset.classes[one.label]} {name}" for name, one in parts]
    with open_run(request, trainer_plan(request, data.backbone), images, restart=request.restart) as run:
        yield run


def _check_name(name: str, library: Library) -> None:
    """Refuse a name now that could not be given to the model in the end."""
    backbones = {entry.name for entry in library.entries() if isinstance(entry, InstalledBackbone)}
    if name in backbones or (library.builtin / name / CARD).exists():
        raise UsageError(f"{name!r} came with Fovea and stays what it is.", hint="Choose another name with --name.")
    nothing = SharedBackbone("none", "0" * 64)
    card = ModelCard(name, "-", "-", ("a", "b"), nothing, HeadReference(HEAD, "0" * 64), Origin("-", "-"))
    try:
        read_card(write_card(card))
    except (ModelError, ValueError) as error:  # bytes of the command line that are no text cannot be written
        hint = "Use up to 64 small letters, digits, dots, dashes and underscores, a letter or digit first."
        raise UsageError(f"{name!r} cannot be the name of a model.", hint=hint) from error
