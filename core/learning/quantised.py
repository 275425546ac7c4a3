"""A model in 8 bits: made in two kinds, tried against the exact one, and written if it loses little.

What is tried is what would be written: the joined files, asked in turns for one image after another.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.card import ModelCard
from core.engine import graph
from core.learning.int8 import OPERATORS, Kind, quantise
from core.learning.observed import observe
from core.learning.samples import Samples, draw_samples, read_pixels
from core.learning.trial import Measured, Told, TooMuchLostError, Trial, facts, judged
from core.library import joined
from core.library.exchange import MOST_DIFFERENCE
from core.library.forms import Answers, Form, answers, check_joined, logits_of, make_form, open_file, stored_as
from core.library.installed import InstalledModel, load_backbone, load_head
from core.library.storage_forms import Storage
from core.progress import CancelToken, Report, StageClock
from core.storage import write_atomically

_EXACT = "exact"


def export_int8(
    model: InstalledModel, file: Path, folder: Path, most_lost: float, *, report: Report, token: CancelToken
) -> Trial:
    """Write a model as one .onnx whose convolutions compute in 8 bits, if that loses little.

    Args:
        model: the model.
        file: to write or replace.
        folder: of labelled images, best those it was trained on.
        most_lost: share of the validation images that may be named rightly no more, 0..1.
        report: told of each stage.
        token: looked at before each image.

    Raises:
        TooMuchLostError: more would be lost, by either kind.
        DatasetError: the folder has no images to learn from, or none to judge by.
        ImageError: an image cannot be read any more.
        ModelError: the model is damaged, or cannot be stored in 8 bits.
        StorageError: the file cannot be written; what was there before is unharmed.
        Cancelled: the token was cancelled.
    """
    samples = draw_samples(model, folder, report=report, token=token)
    head, own = load_head(model), Form(load_backbone(model.backbone), model.backbone.card)
    backbones = _in_8_bits(own, samples, report=report, token=token)
    files = {
        name: joined.join(form.data, form.card, head, model.card) for name, form in {_EXACT: own, **backbones}.items()
    }
    told = _ask(files, samples, own, report=report, token=token)
    trial = judged(told.pop(_EXACT), told, samples, most_lost)
    if trial.chosen is None:
        raise TooMuchLostError(trial)
    form, card = backbones[Kind(trial.chosen.name)], _card(model.card, trial, trial.chosen)
    data = joined.join(form.data, form.card, head, card)
    check_joined(data, form.card, card, logits_of(form, head), MOST_DIFFERENCE)
    write_atomically(file, data)
    return trial


def _in_8_bits(own: Form, samples: Samples, *, report: Report, token: CancelToken) -> dict[str, Form]:
    """The backbone in each kind, by the kind's name."""
    exact = graph.parse(stored_as(own, Storage.FLOAT32).data)
    clock = StageClock("watching the network", len(samples.calibration), report)
    images = _counted(read_pixels(samples.calibration, own.card.preprocessing), clock, token)
    observed = observe(exact, images, OPERATORS)
    forms = {}
    for kind in Kind:
        token.check()
        forms[kind.value] = make_form(quantise(exact, observed, kind), own.card, Storage.INT8)
    return forms


def _ask(
    files: Mapping[str, bytes], samples: Samples, own: Form, *, report: Report, token: CancelToken
) -> dict[str, Told]:
    """What each file says of the validation images, one image alone at a time, the files in turns."""
    sessions = {name: open_file(data) for name, data in files.items()}
    found: dict[str, list[Answers]] = {name: [] for name in files}
    times: dict[str, list[float]] = {name: [] for name in files}
    clock = StageClock("comparing with the exact model", len(samples.validation), report)
    for image in _counted(read_pixels(samples.validation, own.card.preprocessing), clock, token):
        for name, session in sessions.items():
            started = time.perf_counter()
            found[name].append(answers(session, image[None]))
            times[name].append((time.perf_counter() - started) * 1000)
    return {
        name: Told(
            np.concatenate([answer.logits for answer in found[name]]),
            np.concatenate([answer.features for answer in found[name]]),
            statistics.median(times[name]),
            len(data),
        )
        for name, data in files.items()
    }


def _counted(images: Iterable[NDArray[np.uint8]], clock: StageClock, token: CancelToken) -> Iterator[NDArray[np.uint8]]:
    for image in images:
        token.check()
        yield image
        clock.advance()


def _card(card: ModelCard, trial: Trial, form: Measured) -> ModelCard:
    """The card of the file that holds a form: it says what it is and what that costs."""
    how = (
        f"static int8 (QDQ, {form.name}, kernels by channel): ranges of least |error|^2.4 on "
        f"{trial.calibration} training images, biases corrected; preprocessing, sums, pooling and head in float32"
    )
    return replace(
        card,
        training={**card.training, "quantised": how},
        evaluation={**card.evaluation, "quantised": facts(trial, form)},
    )
