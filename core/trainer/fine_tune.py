"""The recipe `fine-tune`: the backbone is trained on images together with a linear head.

Either the whole network is trained, or Xception's exit flow alone with the frozen base on the engine. Statistics of
BatchNormalization stay fixed, because those of a few small batches would be worse than those of a million photos;
unless the network is trained from scratch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError, TrainerError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressReporter
from core.base.providers import Precision, ProviderPreference
from core.base.storage import write_atomically
from core.base.text import display_path
from core.card import BackboneCard, Origin, write_card
from core.engine import golden, graph
from core.engine.engine import MIN_AGREEMENT
from core.engine.limits import MAX_BATCH
from core.images.augmentation import DESCRIPTION
from core.models.heads import LinearHead, head_bytes, read_head
from core.trainer.backbone import Backbone, read_backbone
from core.trainer.batches import DataLoader, RunFrozenBase, TrainImage, plain_view, read_images, shuffled
from core.trainer.export import backbone_bytes, exported_backbone_card
from core.trainer.float16_storage import Float16Policy
from core.trainer.framework import keras
from core.trainer.frozen_base import open_frozen_base, open_int8_base
from core.trainer.initial_temperature import with_initial_temperature
from core.trainer.layers import learn_statistics
from core.trainer.learner import ImageTrainer
from core.trainer.loop import run_epochs, training_facts
from core.trainer.parity import write_parity_samples
from core.trainer.precision import has_bfloat16, to_mixed_precision
from core.trainer.xception import copy_weights, exit_flow
from core.training import protocol
from core.training.protocol import TrainerEvent, TrainerJob

_EXIT_FLOW: Final = "exit-flow"
_HEAD: Final = "logits"
_BFLOAT16: Final = "bfloat16, weights in float32"
_FLOAT32: Final = "float32"
_INT8: Final = "int8 for training images; validation images as the trained model computes them"
_TEMPERATURE_IMAGES: Final = 64
"""Images from which the initial temperature is determined."""
_CLIP_NORM: Final = {True: 1.0, False: None}
"""By whether a network is trained from scratch: its normalizations then make gradients grow from layer to layer
(Yang et al. 2019, "A Mean Field Theory of Batch Normalization", arXiv:1902.08129)."""
_MAX_TEXT: Final = 1000
"""The longest origin that a card allows, in characters."""

Emit = Callable[[TrainerEvent], None]


def run(job: TrainerJob, folder: Path, emit: Emit, token: CancelToken) -> Mapping[str, Any]:
    """Run a job; write `BACKBONE`, `BACKBONE_CARD`, `HEAD` and `PARITY` of the best epoch.

    The best epoch may be 0, the state before training.

    Returns:
        Details of the training for the model's card.

    Raises:
        TrainerError: the job's files are missing or damaged.
        DivergedError: the loss diverged.
        ModelError: the backbone is missing or damaged, or cannot be trained at this depth.
        ProviderError: the requested provider does not run the backbone.
        DatasetError: no image can be read any more.
        StorageError: a result cannot be written.
        Cancelled: the token was cancelled; the latest checkpoint is kept.
    """
    (train, validation), start = read_images(folder), _start(folder)
    clock = ProgressReporter(tr("preparing the network"), 3, emit)
    backbone = read_backbone(Path(job.backbone), job.fit)
    keras_model = _rebuild_keras(backbone)
    clock.advance()
    token.check()
    part = _trained_part(backbone, keras_model, job, has_validation=bool(validation))
    clock.advance()
    loader = DataLoader(backbone.card.preprocessing, part.int8_base or part.frozen_base, token)
    start, temperature = _initial_head(backbone.card, start, part.network, train, loader, job)
    clock.advance()
    model = with_head(part.network, start)
    trainer = ImageTrainer(
        model, job, (train, validation), loader, emit, _CLIP_NORM[backbone.card.untrained],
        validation_loader=replace(loader, frozen_base=part.frozen_base),
    )  # fmt: skip
    state = run_epochs(trainer, job, folder, emit, token)
    token.check()
    model.set_weights(state.best)
    copy_weights(part.network, keras_model)
    head = LinearHead(*model.get_layer(_HEAD).get_weights())
    _write(folder, backbone, keras_model, head, emit, token)
    return {
        "depth": job.depth,
        "start_divided_by": round(temperature, 2),
        "augmentation": list(DESCRIPTION) if job.augment else [],
        **part.facts(),
        "skipped_files": len(loader.skipped),
        "images_per_second": trainer.speed,
        **training_facts(state, job),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _TrainedPart:
    """The trained part of a backbone.

    Attributes:
        network: from the outputs of `frozen_base` to features float32 [n, d].
        precision: its precision, for display.
        frozen_base: the part before it, as in the trained model.
        provider: the provider of the part before it; None if there is none.
        int8_base: the same in 8 bits, for training images; None if it is not used.
    """

    network: keras.Model
    precision: str
    frozen_base: RunFrozenBase
    provider: str | None
    int8_base: RunFrozenBase | None = None

    def facts(self) -> dict[str, Any]:
        """Details of it for the model's card."""
        return {
            "computed_in": self.precision,
            "frozen_part_on": self.provider,
            "frozen_part_in": _INT8 if self.int8_base else None,
        }


def _trained_part(backbone: Backbone, model: keras.Model, job: TrainerJob, *, has_validation: bool) -> _TrainedPart:
    if job.depth == _EXIT_FLOW:
        return _exit_flow(backbone, model, job, has_validation=has_validation)
    return _all_layers(backbone, model, job)


def with_head(network: keras.Model, head: LinearHead) -> keras.Model:
    """Add a head to `network`, giving logits float32 [n, classes]; the layers of `network` are shared."""
    dense = keras.layers.Dense(head.class_count, dtype="float32", name=_HEAD)
    model = keras.Model(network.input, dense(network.output), name=network.name)
    dense.set_weights([head.weights, head.bias])
    return model


def _start(folder: Path) -> LinearHead:
    try:
        head = read_head((folder / protocol.START).read_bytes())
    except OSError as error:
        what = tr("The initial head in “{folder}” is missing.", folder=display_path(folder))
        raise TrainerError(what, hint=tr("Start the training over with --restart.")) from error
    if not isinstance(head, LinearHead):
        what = tr("The initial head for fine-tuning is not linear.")
        raise TrainerError(what, hint=tr("Start the training over with --restart."))
    return head


def _initial_head(
    card: BackboneCard,
    start: LinearHead,
    network: keras.Model,
    images: Sequence[TrainImage],
    loader: DataLoader,
    job: TrainerJob,
) -> tuple[LinearHead, float]:
    """The head to begin with, and the temperature by which its logits were divided."""
    if card.untrained:
        return _random_head(start, job.seed), 1.0
    return _set_initial_temperature(start, network, images, loader, job)


def _random_head(like: LinearHead, seed: int) -> LinearHead:
    """A head of the same shape with small random weights: one fitted to random features has huge ones."""
    spread = np.sqrt(2 / sum(like.weights.shape))
    weights = np.random.default_rng(seed).normal(0, spread, like.weights.shape)
    return LinearHead(weights.astype(np.float32), np.zeros_like(like.bias))


def _set_initial_temperature(
    start: LinearHead, network: keras.Model, images: Sequence[TrainImage], loader: DataLoader, job: TrainerJob
) -> tuple[LinearHead, float]:
    """Make the head less confident on some training images, see `core.trainer.initial_temperature`."""
    groups = shuffled(images, MAX_BATCH, job.seed, epoch=0)[: _TEMPERATURE_IMAGES // MAX_BATCH]
    with loader.batches(groups, plain_view(loader.plan)) as batches:
        found = [(network(one.inputs.astype(np.float32)), one.labels) for one in batches if one.inputs is not None]
    if not found:
        return start, 1.0
    features, labels = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return with_initial_temperature(start, features, labels)


def _rebuild_keras(backbone: Backbone) -> keras.Model:
    """The whole network in Keras, in float32.

    With the normalization folded into the kernels, it would compute the same but train differently: at the article's
    learning rate, it would lose what it had learned within two epochs.
    """
    if backbone.normalisation is None and not backbone.card.untrained:
        what = tr("The backbone “{name}” lacks the files needed for fine-tuning.", name=backbone.card.name)
        raise ModelError(what, hint=tr("Reinstall Fovea, or train with the recipe quick."))
    return backbone.keras_model()


def _exit_flow(backbone: Backbone, model: keras.Model, job: TrainerJob, *, has_validation: bool) -> _TrainedPart:
    """The exit flow; in 8 bits, the rest is used only if validation images show how the result is without them."""
    card, precision, requested = backbone.card, Precision(job.precision), ProviderPreference(job.provider)
    ending = exit_flow(None)
    copy_weights(model, ending)
    frozen_base = open_frozen_base(backbone.data, card, ending, requested, precision)
    int8_base = open_int8_base(backbone.files, requested, precision) if has_validation else None
    network, arithmetic = _in_precision(ending, frozen_base, backbone, precision)
    return _TrainedPart(network, arithmetic, frozen_base, frozen_base.provider.value, int8_base)


def _all_layers(backbone: Backbone, model: keras.Model, job: TrainerJob) -> _TrainedPart:
    network, precision = _in_precision(model, _identity, backbone, Precision(job.precision))
    if backbone.card.untrained:
        learn_statistics(network)
    return _TrainedPart(network, precision, _identity, None)


def _identity(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return images


def _in_precision(
    network: keras.Model, frozen_base: RunFrozenBase, backbone: Backbone, precision: Precision
) -> tuple[keras.Model, str]:
    """The network up to its features, in bfloat16 if that is allowed, supported, and gives the same features."""
    exact = keras.Model(network.input, network.output[graph.FEATURES], name=network.name)
    if precision is Precision.EXACT or not has_bfloat16():
        return exact, _FLOAT32
    card, mixed = backbone.card, to_mixed_precision(exact)
    inputs = frozen_base(golden.golden_inputs(card.preprocessing.size)).astype(np.float32)
    expected = golden.decode_features(card.golden_features, card.feature_width)
    agrees = golden.cosine(np.asarray(mixed(inputs, training=False)), expected) >= MIN_AGREEMENT[precision]
    return (mixed, _BFLOAT16) if agrees else (exact, _FLOAT32)


def _write(
    folder: Path, backbone: Backbone, model: keras.Model, head: LinearHead, emit: Emit, token: CancelToken
) -> None:
    """Export the backbone and the head, and write Keras's outputs for the parity check."""
    given = backbone.card
    clock = ProgressReporter(tr("exporting the network"), 2, emit)
    data = backbone_bytes(model, Float16Policy.LOSSLESS)
    how = "Trained by Fovea from scratch, as" if given.untrained else "Fine-tuned by Fovea from"
    source = f"{how} the backbone “{given.name}” ({given.origin.source})"
    card = exported_backbone_card(
        model,
        data,
        name=f"{given.architecture.lower()}-fine-tuned",
        origin=Origin(source[:_MAX_TEXT], given.origin.licence),
        architecture=given.architecture,
        preprocessing=given.preprocessing,
        design=given.design,
    )
    clock.advance()
    results = {
        protocol.BACKBONE: data, protocol.BACKBONE_CARD: write_card(card), protocol.HEAD: head_bytes(head, exact=True),
    }  # fmt: skip
    for name, content in results.items():
        write_atomically(folder / name, content)
    complete = with_head(keras.Model(model.input, model.output[graph.FEATURES]), head)

    def logits_of(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        token.check()
        return np.asarray(complete(images.astype(np.float32), training=False))

    write_parity_samples(folder, logits_of, given.preprocessing)
    clock.advance()
