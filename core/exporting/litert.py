"""Export as LiteRT (.tflite): the trainer process converts the model, and this one checks the result.

The trainer's folder contains the backbone as an installed one, `HEAD`, `MODEL_CARD`, `JOB`, and images as uint8
[n, size, size, 3]: `CALIBRATION`, empty unless the storage is INT8, and `IMAGES`. Afterwards it contains `FILE`, and in
`OUTPUTS_FILE` its outputs for `IMAGES`: `probabilities`, `logits` and `features`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError, TrainerError
from core.base.i18n import mark, tr
from core.base.leftovers import temporary_folder
from core.base.progress import CancelToken, ProgressCallback
from core.base.storage import write_atomically
from core.card import GOLDEN_COUNT, ModelCard, write_card
from core.card_sharing import shareable
from core.datasets.labelled_image import LabelledImage
from core.engine import golden, graph
from core.exporting.export_evaluation import ModelOutputs, evaluate_variants, facts, run_variants, with_progress
from core.exporting.samples import Samples, draw_samples, read_pixels
from core.exporting.values import AccuracyLossError, ExportEvaluation
from core.models import joined
from core.models.heads import PrototypeHead, head_bytes, softmax
from core.models.installed import load_backbone, load_head
from core.models.library_folders import CARD as BACKBONE_CARD
from core.models.values import InstalledModel
from core.models.variants import MAX_DIFFERENCE, MAX_ROUNDING
from core.models.weight_storage import Storage, storage_of
from core.training.networks import REBUILT, can_rebuild
from core.training.protocol import HEAD
from core.training.trainer_process import run_trainer

JOB: Final = "litert.json"
MODEL_CARD: Final = "model.json"
IMAGES: Final = "images.npy"
CALIBRATION: Final = "calibration.npy"
FILE: Final = "model.tflite"
OUTPUTS_FILE: Final = "answers.npz"

LABELS: Final = "labels.txt"
"""The classes, one per line, in the .tflite."""
CARD: Final = "card.json"
"""The model's card, in the .tflite."""

_MAX_PROBABILITY_ERROR: Final = 0.01
"""The largest difference between a probability and the softmax of the logits: in 8 bits it has 256 steps."""
_MAX_COMPARED: Final = 32
"""Photos on which a .tflite in float32 or float16 is compared, besides the golden inputs."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The fixed date of the files in the .tflite, so that the same model gives the same bytes."""
_HINT: Final = mark("Nothing was written. Export it as .onnx, or report this as a bug.")


def export_litert(
    model: InstalledModel,
    file: Path,
    storage: Storage | None,
    folder: Path | None,
    max_loss: float,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> ExportEvaluation | None:
    """Write a model as one .tflite: uint8 RGB in; `probabilities`, `logits` and `features` out.

    Its backbone is one or several networks that Keras has or the trainer builds. Its outputs must agree with the
    engine's: see `_check`, and in 8 bits `max_loss`. The other arguments are those of `export_model`; without a
    storage, it is the model's own.

    Raises:
        AccuracyLossError: in 8 bits more accuracy would be lost.
        DatasetError: the folder has no training images, or no validation images.
        ImageError: an image can no longer be read.
        ModelError: the model is damaged, Keras cannot build its network, or the outputs of the .tflite differ.
        TrainerError: TensorFlow is not installed, or the trainer died.
        StorageError: the file cannot be written; an existing file is unchanged.
    """
    if not can_rebuild(model.backbone.card):
        name, others = model.backbone.card.architecture, ", ".join(REBUILT)
        what = tr("Models with the network “{name}” can't be exported as .tflite.", name=name)
        hint = tr("Supported networks: {names}. Export this model as .onnx.", names=others)
        raise ModelError(what, hint=hint)
    storage = storage or storage_of(graph.parse(load_backbone(model.backbone)))
    samples = None if folder is None else draw_samples(model, folder, report=report, token=token)
    photos = () if samples is None else samples.validation
    photos = photos if storage is Storage.INT8 else photos[:_MAX_COMPARED]
    calibration = samples.calibration if samples else ()
    data, outputs = _convert(model, storage, calibration, photos, report=report, token=token)
    exact = _exact_outputs(model, photos, report=report, token=token)
    card, evaluation = replace(model.card, backbone=model.backbone.card), None
    if storage is Storage.INT8 and samples is not None:
        evaluation, card = _evaluate_export(exact, outputs, samples, max_loss, card)
    else:
        _check(outputs, exact, storage)
    write_atomically(file, with_files(data, card))
    return evaluation


def _convert(
    model: InstalledModel,
    storage: Storage,
    calibration: Sequence[LabelledImage],
    photos: Sequence[LabelledImage],
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[bytes, ModelOutputs]:
    """Convert a model in the trainer, and return the .tflite with its outputs for the golden inputs and photos."""
    with temporary_folder("litert") as folder:
        _write_job(folder, model, storage, calibration, photos)
        result = run_trainer(["litert", str(folder)], report=report, on_epoch=lambda _: None, token=token)
        return _read_outputs(folder, float(result["milliseconds"]), model.card.temperature)


def _evaluate_export(
    exact: ModelOutputs, outputs: ModelOutputs, samples: Samples, max_loss: float, card: ModelCard
) -> tuple[ExportEvaluation, ModelCard]:
    variants = {Storage.INT8.value: _photo_outputs(outputs)}
    evaluation = evaluate_variants(_photo_outputs(exact), variants, samples, max_loss)
    if evaluation.chosen is None:
        raise AccuracyLossError(evaluation)
    quantised = facts(evaluation, evaluation.chosen)
    return evaluation, replace(card, evaluation={**card.evaluation, "quantised": quantised})


def with_files(data: bytes, card: ModelCard) -> bytes:
    """Append the files named in the metadata to a .tflite, as an uncompressed zip archive, as readers expect."""
    buffer = io.BytesIO()
    buffer.write(data)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        labels = "".join(f"{label}\n" for label in card.classes).encode()
        for name, content in {LABELS: labels, CARD: write_card(shareable(card))}.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
    return buffer.getvalue()


def _write_job(
    folder: Path,
    model: InstalledModel,
    storage: Storage,
    calibration: Sequence[LabelledImage],
    photos: Sequence[LabelledImage],
) -> None:
    plan = model.backbone.card.preprocessing
    files = {
        BACKBONE_CARD: write_card(model.backbone.card),
        model.backbone.card.file: load_backbone(model.backbone),
        HEAD: head_bytes(load_head(model), exact=True),
        MODEL_CARD: write_card(shareable(model.card)),
        JOB: json.dumps({"storage": storage.value}).encode(),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    inputs = golden.golden_inputs(plan.size)
    _write_images(folder / CALIBRATION, read_pixels(calibration, plan), len(calibration), plan.size)
    _write_images(folder / IMAGES, chain(inputs, read_pixels(photos, plan)), len(inputs) + len(photos), plan.size)


def _write_images(file: Path, images: Iterable[NDArray[np.uint8]], count: int, size: int) -> None:
    """Write images as one array uint8 [count, size, size, 3] without holding all in memory."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    with file.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for image in images:
            stream.write(image.tobytes())


def _read_outputs(folder: Path, milliseconds: float, temperature: float) -> tuple[bytes, ModelOutputs]:
    """Read the .tflite and its outputs.

    Raises:
        TrainerError: a file is missing or damaged.
        ModelError: its probabilities are not the softmax of its logits.
    """
    try:
        data = (folder / FILE).read_bytes()
        with np.load(io.BytesIO((folder / OUTPUTS_FILE).read_bytes()), allow_pickle=False) as arrays:
            logits, features, probabilities = (
                arrays[name] for name in (joined.LOGITS, graph.FEATURES, joined.PROBABILITIES)
            )
    except Exception as error:  # the boundary: zip, deflate and numpy raise a dozen unrelated kinds
        what = tr("The trainer's output is missing or damaged.")
        raise TrainerError(what, hint=tr("Export the model again.")) from error
    worst = np.abs(probabilities - softmax(logits, temperature)).max()
    if not worst <= _MAX_PROBABILITY_ERROR:
        what = tr("The probabilities of the .tflite are off by {difference:.2g}.", difference=worst)
        raise ModelError(what, hint=tr(_HINT))
    return data, ModelOutputs(logits, features, milliseconds, len(data))


def _exact_outputs(
    model: InstalledModel, photos: Sequence[LabelledImage], *, report: ProgressCallback, token: CancelToken
) -> ModelOutputs:
    """The engine's outputs for the golden inputs and photos.

    A prototype head is computed as the linear head of the same probabilities, as in the .tflite: squared distances in 8
    bits would be too coarse.
    """
    plan, head = model.backbone.card.preprocessing, load_head(model)
    head = head.as_linear() if isinstance(head, PrototypeHead) else head
    data = joined.join(load_backbone(model.backbone), model.backbone.card, head, model.card)
    inputs = golden.golden_inputs(plan.size)
    images, count = chain(inputs, read_pixels(photos, plan)), len(inputs) + len(photos)
    stage = tr("comparing with the original model")
    inputs_done = with_progress(images, stage, count, report=report, token=token)
    return run_variants({"exact": data}, inputs_done)["exact"]


def _check(outputs: ModelOutputs, exact: ModelOutputs, storage: Storage) -> None:
    """Reject a .tflite in float32 or float16 whose outputs differ from the engine's.

    A logit may differ by `MAX_DIFFERENCE` of the greatest in float32, by `MAX_ROUNDING` of it in float16.
    """
    greatest = float(np.abs(exact.logits).max())
    maximum = (MAX_DIFFERENCE if storage is Storage.FLOAT32 else MAX_ROUNDING) * max(1.0, greatest)
    worst = float(np.abs(outputs.logits - exact.logits).max())
    if not worst <= maximum:
        what = tr(
            "The .tflite differs from the model: logits differ by {difference:.2g}, limit {limit:.2g}.",
            difference=worst,
            limit=maximum,
        )
        raise ModelError(what, hint=tr(_HINT))


def _photo_outputs(outputs: ModelOutputs) -> ModelOutputs:
    return replace(outputs, logits=outputs.logits[GOLDEN_COUNT:], features=outputs.features[GOLDEN_COUNT:])
