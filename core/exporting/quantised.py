"""A model in 8 bits: made in two kinds, tried against the exact one, and written if it loses little.

What is tried is what would be written: the joined files, asked in turns for one image after another.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.progress import CancelToken, Report, StageClock
from core.base.storage import write_atomically
from core.card import ModelCard
from core.engine import graph
from core.exporting.activation_observer import POWER, observe
from core.exporting.export_evaluation import Measured, TooMuchLostError, Trial, ask, counted, facts, judged
from core.exporting.int8 import OPERATORS, Kind, quantise
from core.exporting.samples import Samples, draw_samples, read_pixels
from core.models import joined
from core.models.exchange import MOST_DIFFERENCE
from core.models.installed import InstalledModel, load_backbone, load_head
from core.models.variants import Form, check_joined, logits_of, make_form, stored_as
from core.models.weight_storage import Storage

_EXACT: Final = "exact"


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
    images, count = read_pixels(samples.validation, own.card.preprocessing), len(samples.validation)
    told = ask(files, counted(images, "comparing with the exact model", count, report=report, token=token))
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
    images, count = read_pixels(samples.calibration, own.card.preprocessing), len(samples.calibration)
    watched = counted(images, "watching the network", count, report=report, token=token)
    observed = observe(exact, watched, OPERATORS)
    clock, forms = StageClock("storing it in 8 bits", len(Kind), report), {}
    for kind in Kind:
        token.check()
        forms[kind.value] = make_form(quantise(exact, observed, kind), own.card, Storage.INT8)
        clock.advance()
    return forms


def _card(card: ModelCard, trial: Trial, form: Measured) -> ModelCard:
    """The card of the file that holds a form: it says what it is and what that costs."""
    how = (
        f"static int8 (QDQ, {form.name}, kernels in 7 bits, by channel): ranges of least |error| ** {POWER} on "
        f"{trial.calibration} training images, biases corrected; preprocessing, sums, pooling and head in float32"
    )
    return replace(
        card,
        training={**card.training, "quantised": how},
        evaluation={**card.evaluation, "quantised": facts(trial, form)},
    )
