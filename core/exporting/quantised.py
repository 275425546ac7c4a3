"""Export in 8 bits: two variants are evaluated against the exact model, and the better one is written if it is good.

The files evaluated are those that would be written: the joined ones, run alternately on one image after another.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.storage import write_atomically
from core.card import ModelCard
from core.engine import graph
from core.exporting.activation_observer import POWER, observe_activations
from core.exporting.export_evaluation import evaluate_variants, facts, run_variants, with_progress
from core.exporting.int8 import OPERATORS, QuantizationKind, quantize
from core.exporting.samples import Samples, draw_samples, read_pixels
from core.exporting.values import AccuracyLossError, ExportEvaluation, VariantMetrics
from core.models import joined
from core.models.installed import load_backbone, load_bank, load_head
from core.models.values import InstalledModel
from core.models.variants import MAX_DIFFERENCE, Variant, backbone_variant, check_joined, logits_of, make_variant
from core.models.weight_storage import Storage

_EXACT: Final = "exact"


def export_int8(
    model: InstalledModel, file: Path, folder: Path, max_loss: float, *, report: ProgressCallback, token: CancelToken
) -> ExportEvaluation:
    """Write a model as one .onnx whose convolutions compute in 8 bits, if it loses little accuracy.

    The arguments are those of `core.exporting.export.export_model`. Raises AccuracyLossError if both variants would
    lose more, DatasetError if the folder has no training or no validation images, ImageError if an image can no
    longer be read, ModelError if the model is damaged or cannot be quantized, and StorageError if the file cannot be
    written; an existing file is then unchanged.
    """
    samples = draw_samples(model, folder, report=report, token=token)
    head, bank = load_head(model), load_bank(model)
    own = Variant(load_backbone(model.backbone), model.backbone.card)
    backbones = _quantized_variants(own, samples, report=report, token=token)
    files = {
        name: joined.join(form.data, form.card, head, model.card, bank)
        for name, form in {_EXACT: own, **backbones}.items()
    }
    images, count = read_pixels(samples.validation, own.card.preprocessing), len(samples.validation)
    stage = tr("comparing with the original model")
    outputs = run_variants(files, with_progress(images, stage, count, report=report, token=token))
    evaluation = evaluate_variants(outputs.pop(_EXACT), outputs, samples, max_loss)
    if evaluation.chosen is None:
        raise AccuracyLossError(evaluation)
    form, card = backbones[QuantizationKind(evaluation.chosen.name)], _card(model.card, evaluation, evaluation.chosen)
    data = joined.join(form.data, form.card, head, card, bank)
    check_joined(data, form.card, card, logits_of(form, head), MAX_DIFFERENCE, bank)
    write_atomically(file, data)
    return evaluation


def _quantized_variants(
    own: Variant, samples: Samples, *, report: ProgressCallback, token: CancelToken
) -> dict[str, Variant]:
    exact = graph.parse(backbone_variant(own, Storage.FLOAT32).data)
    images, count = read_pixels(samples.calibration, own.card.preprocessing), len(samples.calibration)
    observed = with_progress(images, tr("measuring activations"), count, report=report, token=token)
    stats = observe_activations(exact, observed, OPERATORS)
    clock, forms = ProgressReporter(tr("converting to 8 bits"), len(QuantizationKind), report), {}
    for kind in QuantizationKind:
        token.check()
        forms[kind.value] = make_variant(quantize(exact, stats, kind), own.card, Storage.INT8)
        clock.advance()
    return forms


def _card(card: ModelCard, evaluation: ExportEvaluation, form: VariantMetrics) -> ModelCard:
    how = (
        f"static int8 (QDQ, {form.name}, 7-bit weights per channel): ranges minimize |error| ** {POWER} on "
        f"{evaluation.calibration} training images, biases corrected; preprocessing, sums, pooling and head in float32"
    )
    return replace(
        card,
        training={**card.training, "quantised": how},
        evaluation={**card.evaluation, "quantised": facts(evaluation, form)},
    )
