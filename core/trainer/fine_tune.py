"""The recipe `fine-tune`: the backbone itself learns on, from photos, together with a linear head.

Either all of Xception learns, or its exit flow alone, and then the frozen rest runs on the engine. BatchNormalization
keeps its statistics: those of a few small batches would be worse than what a million photos gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError, TrainerError
from core.base.progress import CancelToken, ProgressReporter
from core.base.providers import Precision, ProviderPreference
from core.base.storage import write_atomically
from core.card import Origin, write_card
from core.engine import golden, graph
from core.engine.engine import MAX_BATCH, MIN_AGREEMENT
from core.images.augmentation import DESCRIPTION
from core.models.heads import LinearHead, head_bytes, read_head
from core.trainer.backbone import Backbone, read_backbone
from core.trainer.batches import DataLoader, RunFrozenBase, TrainImage, plain_view, read_images, shuffled
from core.trainer.export import backbone_bytes, exported_backbone_card
from core.trainer.float16_storage import Float16Policy
from core.trainer.framework import keras, tf
from core.trainer.frozen_base import open_frozen_base
from core.trainer.initial_temperature import with_initial_temperature
from core.trainer.learner import ImageTrainer
from core.trainer.loop import run_epochs, training_facts
from core.trainer.parity import write_parity_samples
from core.trainer.precision import has_bfloat16, to_mixed_precision
from core.trainer.xception import copy_weights, exit_flow
from core.training import protocol
from core.training.protocol import TrainerEvent, TrainerJob

_EXIT_FLOW: Final = "exit-flow"
_HEAD: Final = "head"
_BFLOAT16: Final = "bfloat16, weights in float32"
_FLOAT32: Final = "float32"
_TEMPERATURE_IMAGES: Final = 64
"""Photos that tell how sure the head is at the beginning."""
_MAX_TEXT: Final = 1000
"""Characters of an origin that a card holds."""

Emit = Callable[[TrainerEvent], None]


def run(job: TrainerJob, folder: Path, emit: Emit, token: CancelToken) -> Mapping[str, Any]:
    """Train the backbone and the head a job asks for; write `BACKBONE`, `BACKBONE_CARD`, `HEAD` and `GATE`.

    They hold the best epoch, which may be 0: that before any training.

    Returns:
        What the model's card should say of the training.

    Raises:
        TrainerError: the job's files are missing or damaged, or the loss grew beyond all bounds.
        ModelError: the backbone is missing or damaged, or cannot be trained in this depth.
        ProviderError: the provider asked for does not run the backbone.
        DatasetError: no photo can be read any more.
        StorageError: a result cannot be written.
        Cancelled: the token was cancelled; the latest checkpoint stays.
    """
    (train, validation), start = read_images(folder), _start(folder)
    clock = ProgressReporter("preparing the network", 3, emit)
    backbone = read_backbone(Path(job.backbone))
    keras_model = _rebuild_keras(backbone)
    clock.advance()
    token.check()
    part = (
        _exit_flow(backbone, keras_model, job) if job.depth == _EXIT_FLOW else _all_layers(backbone, keras_model, job)
    )
    clock.advance()
    pipeline = DataLoader(backbone.card.preprocessing, part.frozen_base, token)
    start, temperature = _set_initial_temperature(start, part.network, train, pipeline, job)
    clock.advance()
    model = with_head(part.network, start)
    trainer = ImageTrainer(model, job, (train, validation), pipeline, emit)
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
        "computed_in": part.precision,
        "frozen_part_on": part.provider,
        "skipped_files": len(pipeline.skipped),
        "images_per_second": trainer.speed,
        **training_facts(state, job),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _TrainedPart:
    """The part of a backbone that learns.

    Attributes:
        network: from what `frozen_base` gives to features float32 [n, d].
        precision: in what it computes, for a person to read.
        frozen_base: the part before it.
        provider: what runs the part before it; None where there is none.
    """

    network: keras.Model
    precision: str
    frozen_base: RunFrozenBase
    provider: str | None


def with_head(network: keras.Model, head: LinearHead) -> keras.Model:
    """From what `network` reads to logits float32 [n, classes]; the layers of `network` are shared."""
    dense = keras.layers.Dense(head.class_count, dtype="float32", name=_HEAD)
    model = keras.Model(network.input, dense(network.output), name=network.name)
    dense.set_weights([head.weights, head.bias])
    return model


def _start(folder: Path) -> LinearHead:
    try:
        head = read_head((folder / protocol.START).read_bytes())
    except OSError as error:
        what = f"{str(folder)!r} holds no head to begin with."
        raise TrainerError(what, hint="Begin the training anew with --restart.") from error
    if not isinstance(head, LinearHead):
        raise TrainerError("Fine-tuning begins with a linear head.", hint="Begin the training anew with --restart.")
    return head


def _set_initial_temperature(
    start: LinearHead, network: keras.Model, images: Sequence[TrainImage], pipeline: DataLoader, job: TrainerJob
) -> tuple[LinearHead, float]:
    """The head less sure of some of the photos to learn from, see `core.trainer.initial_temperature`."""
    groups = shuffled(images, MAX_BATCH, job.seed, epoch=0)[: _TEMPERATURE_IMAGES // MAX_BATCH]
    look = tf.function(network, autograph=False, reduce_retracing=True)
    with pipeline.batches(groups, plain_view(pipeline.plan)) as batches:
        seen = [(look(batch.inputs.astype(np.float32)), batch.labels) for batch in batches if batch.inputs is not None]
    if not seen:
        return start, 1.0
    features, labels = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    return with_initial_temperature(start, features, labels)


def _rebuild_keras(backbone: Backbone) -> keras.Model:
    """The whole network in Keras, float32.

    With the normalisation left in the kernels it would compute the same, but learn otherwise: at the article's rate it
    loses within two epochs what it knew.
    """
    if backbone.normalisation is None:
        what = f"The backbone {backbone.card.name!r} was installed without what fine-tuning needs."
        raise ModelError(what, hint="Install Fovea again, or train with the recipe quick.")
    return backbone.keras_model()


def _exit_flow(backbone: Backbone, model: keras.Model, job: TrainerJob) -> _TrainedPart:
    card, precision = backbone.card, Precision(job.precision)
    ending = exit_flow(None)
    copy_weights(model, ending)
    frozen_base = open_frozen_base(backbone.data, card, ending, ProviderPreference(job.provider), precision)
    return _TrainedPart(
        *_in_precision(ending, frozen_base, backbone, precision), frozen_base, frozen_base.provider.value
    )


def _all_layers(backbone: Backbone, model: keras.Model, job: TrainerJob) -> _TrainedPart:
    return _TrainedPart(*_in_precision(model, _identity, backbone, Precision(job.precision)), _identity, None)


def _identity(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return images


def _in_precision(
    network: keras.Model, frozen_base: RunFrozenBase, backbone: Backbone, precision: Precision
) -> tuple[keras.Model, str]:
    """The network down to its features, in bfloat16 where that is wished for, is had, and gives the same features."""
    plain = keras.Model(network.input, network.output[graph.FEATURES], name=network.name)
    if precision is Precision.EXACT or not has_bfloat16():
        return plain, _FLOAT32
    card, quick = backbone.card, to_mixed_precision(plain)
    seen = frozen_base(golden.golden_inputs(card.preprocessing.size)).astype(np.float32)
    promised = golden.decode_features(card.golden_features, card.feature_width)
    agrees = golden.cosine(np.asarray(quick(seen, training=False)), promised) >= MIN_AGREEMENT[precision]
    return (quick, _BFLOAT16) if agrees else (plain, _FLOAT32)


def _write(
    folder: Path, backbone: Backbone, model: keras.Model, head: LinearHead, emit: Emit, token: CancelToken
) -> None:
    """Export what was learnt, and have Keras say what the engine will be held against."""
    given = backbone.card
    clock = ProgressReporter("exporting the network", 2, emit)
    data = backbone_bytes(model, Float16Policy.LOSSLESS)
    source = f"Fine-tuned by Fovea from the backbone {given.name!r}, which is: {given.origin.source}"
    card = exported_backbone_card(
        model,
        data,
        name=f"{given.architecture.lower()}-fine-tuned",
        origin=Origin(source[:_MAX_TEXT], given.origin.licence),
        architecture=given.architecture,
        preprocessing=given.preprocessing,
    )
    clock.advance()
    results = {
        protocol.BACKBONE: data, protocol.BACKBONE_CARD: write_card(card), protocol.HEAD: head_bytes(head, exact=True),
    }  # fmt: skip
    for name, content in results.items():
        write_atomically(folder / name, content)
    complete = tf.function(with_head(keras.Model(model.input, model.output[graph.FEATURES]), head), autograph=False)

    def logits_of(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        token.check()
        return np.asarray(complete(images.astype(np.float32), training=False))

    write_parity_samples(folder, logits_of, given.preprocessing)
    clock.advance()
