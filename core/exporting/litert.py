"""A model as LiteRT (.tflite): the trainer process converts it, this one holds the result against the engine.

The folder it is asked about holds the backbone as an installed one, `HEAD`, `MODEL_CARD`, `JOB`, and the images as
uint8 [n, size, size, 3]: `CALIBRATION`, none where the storage is not INT8, and `IMAGES`. Afterwards it holds `FILE`,
and in `ANSWERS` what that says of `IMAGES`: `probabilities`, `logits` and `features`.
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
from core.base.leftovers import temporary_folder
from core.base.progress import CancelToken, ProgressCallback
from core.base.storage import write_atomically
from core.card import GOLDEN_COUNT, BackboneCard, ModelCard, shareable, write_card
from core.datasets.dataset import Example
from core.engine import golden, graph
from core.exporting.export_evaluation import (
    AccuracyLossError,
    ExportEvaluation,
    ModelOutputs,
    evaluate_variants,
    facts,
    run_variants,
    with_progress,
)
from core.exporting.samples import Samples, draw_samples, read_pixels
from core.models import joined
from core.models.exchange import MAX_DIFFERENCE
from core.models.heads import head_bytes, softmax
from core.models.installed import InstalledModel, load_backbone, load_head
from core.models.library import CARD as BACKBONE_CARD
from core.models.variants import MAX_ROUNDING
from core.models.weight_storage import Storage, storage_of
from core.training.protocol import HEAD
from core.training.trainer_process import run_trainer

JOB: Final = "litert.json"
MODEL_CARD: Final = "model.json"
IMAGES: Final = "images.npy"
CALIBRATION: Final = "calibration.npy"
FILE: Final = "model.tflite"
OUTPUTS_FILE: Final = "answers.npz"

LABELS: Final = "labels.txt"
"""The classes, one a line, in the .tflite."""
CARD: Final = "card.json"
"""The model's card, in the .tflite."""

NETWORKS: Final = ("EfficientNet-Lite0", "Xception")
"""What the trainer can build in Keras, as a backbone's card calls it."""

_MAX_PROBABILITY_ERROR: Final = 0.01
"""By how much a probability may differ from what the logits make it: in 8 bits it has 256 steps."""
_MAX_COMPARED: Final = 32
"""Photos that a .tflite in float32 or float16 is compared on, besides the golden inputs."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""Of the files in the .tflite: the same model gives the same bytes."""
_HINT: Final = "Nothing was written. Export it as .onnx, or report this."


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

    It must answer as the engine does: see `_check`, and in 8 bits `max_loss`.

    Args:
        model: the model; its backbone is an Xception or an EfficientNet-Lite0.
        file: to write or replace.
        storage: how weights are stored; None: as the model stores them.
        folder: of labelled images, best those it was trained on; needed for INT8.
        max_loss: share of the validation images that may be named rightly no more, 0..1.
        report: told of each stage.
        token: looked at all the time.

    Returns:
        What it loses in 8 bits; None for the other storages.

    Raises:
        TooMuchLostError: in 8 bits more would be lost.
        DatasetError: the folder has no images to learn from, or none to judge by.
        ImageError: an image cannot be read any more.
        ModelError: the model is damaged, its network cannot be built by Keras, or the .tflite answers otherwise.
        TrainerError: TensorFlow is not installed, or the trainer died.
        StorageError: the file cannot be written; what was there before is unharmed.
        Cancelled: the token was cancelled.
    """
    _check_network(model.backbone.card)
    storage = storage or storage_of(graph.parse(load_backbone(model.backbone)))
    samples = None if folder is None else draw_samples(model, folder, report=report, token=token)
    photos = () if samples is None else samples.validation
    photos = photos if storage is Storage.INT8 else photos[:_MAX_COMPARED]
    calibration = samples.calibration if samples else ()
    data, outputs = _convert(model, storage, calibration, photos, report=report, token=token)
    exact = _exact_outputs(model, photos, report=report, token=token)
    card, trial = replace(model.card, backbone=model.backbone.card), None
    if storage is Storage.INT8 and samples is not None:
        trial, card = _evaluate_export(exact, outputs, samples, max_loss, card)
    else:
        _check(outputs, exact, storage)
    write_atomically(file, with_files(data, card))
    return trial


def _check_network(card: BackboneCard) -> None:
    if card.architecture not in NETWORKS:
        what = f"Keras does not have the network {card.architecture!r}, so no .tflite can be made."
        raise ModelError(what, hint=f"It has {' and '.join(NETWORKS)}. Export this one as .onnx.")


def _convert(
    model: InstalledModel,
    storage: Storage,
    calibration: Sequence[Example],
    photos: Sequence[Example],
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[bytes, ModelOutputs]:
    """The .tflite the trainer makes, and what it says of the golden inputs and of photos."""
    with temporary_folder("litert") as place:
        _write_job(place, model, storage, calibration, photos)
        result = run_trainer(["litert", str(place)], report=report, on_epoch=lambda _: None, token=token)
        return _read_outputs(place, float(result["milliseconds"]), model.card.temperature)


def _evaluate_export(
    exact: ModelOutputs, outputs: ModelOutputs, samples: Samples, max_loss: float, card: ModelCard
) -> tuple[ExportEvaluation, ModelCard]:
    """How much 8 bits lose, and the card that tells of it."""
    trial = evaluate_variants(_photo_outputs(exact), {Storage.INT8.value: _photo_outputs(outputs)}, samples, max_loss)
    if trial.chosen is None:
        raise AccuracyLossError(trial)
    return trial, replace(card, evaluation={**card.evaluation, "quantised": facts(trial, trial.chosen)})


def with_files(data: bytes, card: ModelCard) -> bytes:
    """A .tflite with the files its metadata names after it, as a zip without compression; its readers expect both."""
    buffer = io.BytesIO()
    buffer.write(data)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        labels = "".join(f"{label}\n" for label in card.classes).encode()
        for name, content in {LABELS: labels, CARD: write_card(shareable(card))}.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
    return buffer.getvalue()


def _write_job(
    place: Path, model: InstalledModel, storage: Storage, calibration: Sequence[Example], photos: Sequence[Example]
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
        (place / name).write_bytes(content)
    inputs = golden.golden_inputs(plan.size)
    _write_images(place / CALIBRATION, read_pixels(calibration, plan), len(calibration), plan.size)
    _write_images(place / IMAGES, chain(inputs, read_pixels(photos, plan)), len(inputs) + len(photos), plan.size)


def _write_images(file: Path, images: Iterable[NDArray[np.uint8]], count: int, size: int) -> None:
    """Write images as one array uint8 [count, size, size, 3], of which no more than some are in memory."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    with file.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for image in images:
            stream.write(image.tobytes())


def _read_outputs(place: Path, milliseconds: float, temperature: float) -> tuple[bytes, ModelOutputs]:
    """The .tflite, and what it said of the images.

    Raises:
        TrainerError: a file is missing or damaged.
        ModelError: its probabilities are not those its logits make.
    """
    try:
        data = (place / FILE).read_bytes()
        with np.load(io.BytesIO((place / OUTPUTS_FILE).read_bytes()), allow_pickle=False) as arrays:
            logits, features, probabilities = (
                arrays[name] for name in (joined.LOGITS, graph.FEATURES, joined.PROBABILITIES)
            )
    except Exception as error:  # the boundary: zip, deflate and numpy raise a dozen unrelated kinds
        raise TrainerError("The trainer left no .tflite, or none that was tried.", hint="Export it again.") from error
    worst = np.abs(probabilities - softmax(logits, temperature)).max()
    if not worst <= _MAX_PROBABILITY_ERROR:
        raise ModelError(f"The .tflite's probabilities are off by {worst:.2g}.", hint=_HINT)
    return data, ModelOutputs(logits, features, milliseconds, len(data))


def _exact_outputs(
    model: InstalledModel, photos: Sequence[Example], *, report: ProgressCallback, token: CancelToken
) -> ModelOutputs:
    """What the engine says of the golden inputs and of photos."""
    plan = model.backbone.card.preprocessing
    data = joined.join(load_backbone(model.backbone), model.backbone.card, load_head(model), model.card)
    inputs = golden.golden_inputs(plan.size)
    images, count = chain(inputs, read_pixels(photos, plan)), len(inputs) + len(photos)
    asked = with_progress(images, "comparing with the exact model", count, report=report, token=token)
    return run_variants({"exact": data}, asked)["exact"]


def _check(outputs: ModelOutputs, exact: ModelOutputs, storage: Storage) -> None:
    """Refuse a .tflite in float32 or float16 that does not say what the engine says.

    In float32 a logit may differ by `MAX_DIFFERENCE`, in float16 by `MAX_ROUNDING` of the greatest.
    """
    greatest = float(np.abs(exact.logits).max())
    maximum = MAX_DIFFERENCE if storage is Storage.FLOAT32 else MAX_ROUNDING * max(1.0, greatest)
    worst = float(np.abs(outputs.logits - exact.logits).max())
    if not worst <= maximum:
        what = f"The .tflite would answer otherwise than the model: logits differ by {worst:.2g}, above {maximum:.2g}."
        raise ModelError(what, hint=_HINT)


def _photo_outputs(outputs: ModelOutputs) -> ModelOutputs:
    """What was said of photos, without the golden inputs."""
    return replace(outputs, logits=outputs.logits[GOLDEN_COUNT:], features=outputs.features[GOLDEN_COUNT:])
