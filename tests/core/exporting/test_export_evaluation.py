"""The comparison of a model with a variant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.base.card_fields import _is_plain
from core.base.errors import Cancelled, ModelError
from core.base.progress import CancelToken, Progress
from core.evaluation.comparison import mcnemar
from core.exporting.export_evaluation import ModelOutputs, evaluate_variants, facts, run_variants, with_progress
from core.exporting.samples import Samples
from core.exporting.values import AccuracyLossError, ExportEvaluation, VariantMetrics
from core.models import joined
from tests import tiny

LABELS = np.array([0, 1, 2, 0, 1])
SAMPLES = Samples((), (), LABELS, True, 3, ())


def _outputs(named: list[int], *, milliseconds: float = 2.0, shift: float = 0.0) -> ModelOutputs:
    features = np.eye(len(named), 8, dtype=np.float32)
    features[:, 7] += np.float32(shift)
    return ModelOutputs(np.eye(3, dtype=np.float32)[named], features, milliseconds, 1000)


def _trial(exact: ModelOutputs, most_lost: float = 0.1, **forms: ModelOutputs) -> ExportEvaluation:
    return replace(evaluate_variants(exact, forms, SAMPLES, most_lost), images=len(LABELS))


def test_every_count_is_right() -> None:
    trial = _trial(_outputs([0, 1, 2, 0, 0]), form=_outputs([0, 1, 0, 1, 1], shift=1.0))
    (form,) = trial.forms
    assert (trial.exact.accuracy, form.accuracy) == (0.8, 0.6)
    assert form.lost == pytest.approx(0.2)
    assert (form.only_exact_right, form.only_it_right, form.named_otherwise) == (2, 1, 3)
    assert form.p == mcnemar(2, 1)
    assert form.cosine == pytest.approx(1 / np.sqrt(2))
    assert (trial.exact.cosine, trial.exact.named_otherwise, trial.exact.lost) == (1.0, 0, 0.0)
    assert (trial.learnt, trial.is_as_trained) == (3, True)


def _form(name: str, lost: float, milliseconds: float = 1.0) -> VariantMetrics:
    return VariantMetrics(name, 0.9 - lost, lost, 0, 0, 1.0, 0, 1.0, milliseconds, 10)


@pytest.mark.parametrize(
    ("forms", "chosen"),
    [
        ((_form("a", 0.05), _form("b", 0.02)), "b"),
        ((_form("a", 0.02, 3.0), _form("b", 0.02, 2.0)), "b"),
        ((_form("a", 0.1), _form("b", 0.11)), "a"),
        ((_form("a", -0.05, 9.0), _form("b", 0.0)), "a"),
        ((_form("a", 0.11), _form("b", 0.2)), None),
    ],
)
def test_the_best_acceptable_variant_is_chosen(forms: tuple[VariantMetrics, ...], chosen: str | None) -> None:
    trial = replace(_trial(_outputs([0, 1, 2, 0, 1])), forms=forms)
    assert (None if trial.chosen is None else trial.chosen.name) == chosen


def test_no_loss_can_be_required() -> None:
    trial = _trial(_outputs([0, 1, 2, 0, 1]), 0.0, same=_outputs([0, 1, 2, 0, 1]))
    assert trial.chosen is not None
    assert _trial(_outputs([0, 1, 2, 0, 1]), 0.0, other=_outputs([1, 1, 2, 0, 1])).chosen is None


def test_the_error_contains_the_loss() -> None:
    error = AccuracyLossError(
        _trial(_outputs([0, 1, 2, 0, 1]), a=_outputs([1, 1, 2, 0, 1]), b=_outputs([1, 0, 2, 0, 1]))
    )
    assert "loses 20.00% accuracy on the validation images; at most 10.00% is allowed" in error.what
    assert "--most-lost" in error.hint
    assert len(error.evaluation.forms) == 2


def test_outputs_that_are_not_numbers_are_rejected() -> None:
    broken = replace(_outputs([0, 1, 2, 0, 1]), logits=np.full((5, 3), np.nan, np.float32))
    with pytest.raises(ModelError, match="not numbers"):
        _trial(_outputs([0, 1, 2, 0, 1]), broken=broken)


def test_the_facts_fit_a_card() -> None:
    trial = _trial(_outputs([0, 1, 2, 0, 1]), form=_outputs([1, 1, 2, 0, 1]))
    outputs = facts(trial, trial.forms[0])
    assert _is_plain(outputs, 4)
    assert (outputs["kind"], outputs["lost"], outputs["exact_accuracy"], outputs["validation_images"]) == (
        "form",
        0.2,
        1.0,
        5,
    )


def test_files_are_run_alternately() -> None:
    backbone, head, card = tiny.backbone_card(), tiny.head(), tiny.model_card()
    other = tiny.head()
    other.weights[:] = other.weights[:, ::-1].copy()
    files = {
        name: joined.join(tiny.backbone_bytes(), backbone, one, card) for name, one in {"a": head, "b": other}.items()
    }
    images = np.stack([np.full((tiny.SIZE, tiny.SIZE, 3), tiny.SOLID[colour], np.uint8) for colour in tiny.CLASSES])
    outputs = run_variants(files, images)
    assert outputs["a"].logits.argmax(axis=1).tolist() == [0, 1, 2]
    assert outputs["b"].logits.argmax(axis=1).tolist() == [2, 1, 0]
    np.testing.assert_allclose(outputs["a"].features, tiny.features(tiny.backbone_bytes(), images), rtol=1e-5)
    assert outputs["a"].size_bytes == len(files["a"])
    assert outputs["a"].milliseconds > 0


def test_images_are_counted_until_cancellation() -> None:
    outputs, token = list[Progress](), CancelToken()
    images = with_progress(np.zeros((3, 2, 2, 3), np.uint8), "looking", 3, report=outputs.append, token=token)
    assert sum(1 for _ in images) == 3
    assert (outputs[0].step, outputs[-1].step, outputs[-1].total, outputs[0].stage) == (0, 3, 3, "looking")
    token.cancel()
    with pytest.raises(Cancelled):
        next(with_progress(np.zeros((3, 2, 2, 3), np.uint8), "looking", 3, report=outputs.append, token=token))
