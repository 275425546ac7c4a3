"""The results of exporting a model in 8 bits: light values that cross the pipe to the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.base.errors import ModelError
from core.base.i18n import tr, tr_n
from core.base.text import percent
from core.datasets.problems import Problem

MAX_LOSS: Final = 0.01
"""The default for the largest acceptable loss of accuracy on the validation images."""


@dataclass(frozen=True, slots=True)
class VariantMetrics:
    """The metrics of a variant against the exact model on the same images.

    Attributes:
        accuracy: the fraction of the images classified correctly, 0..1.
        lost: the loss of accuracy against the exact model; negative if the variant is better.
        only_exact_right: images that only the exact model classifies correctly.
        only_it_right: images that only the variant classifies correctly.
        p: p value of McNemar's exact test.
        named_otherwise: images for which the two predictions differ, correct or not.
        cosine: the lowest cosine similarity of its features to the exact ones.
        milliseconds: median time for a batch of one.
        size_bytes: of the file.
    """

    name: str
    accuracy: float
    lost: float
    only_exact_right: int
    only_it_right: int
    p: float
    named_otherwise: int
    cosine: float
    milliseconds: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ExportEvaluation:
    """The evaluation of all variants of an export.

    Attributes:
        calibration: the number of training images used for calibration.
        images: the number of validation images used for the evaluation.
        is_as_trained: whether both are those of the model's own training.
        learnt: how many of the validation images the model was finally trained on; None if unknown.
        forms: its variants, one or more.
        most_lost: the largest acceptable loss of accuracy, 0..1.
    """

    calibration: int
    images: int
    is_as_trained: bool
    learnt: int | None
    exact: VariantMetrics
    forms: tuple[VariantMetrics, ...]
    most_lost: float
    problems: tuple[Problem, ...]

    @property
    def chosen(self) -> VariantMetrics | None:
        """The most accurate variant, the faster one of equals; None if all lose too much accuracy."""
        allowed = (form for form in self.forms if form.lost <= self.most_lost)
        return min(allowed, key=lambda form: (-form.accuracy, form.milliseconds), default=None)


def loss_in_words(trial: ExportEvaluation) -> str:
    """The accuracy of the chosen variant in one sentence; empty if none was chosen."""
    if trial.chosen is None:
        return ""
    form = trial.chosen
    return tr_n(
        "In 8 bits, {accuracy} correct on {count:,} validation photo ({exact} before); {changed:,} predicted "
        "differently.",
        "In 8 bits, {accuracy} correct on {count:,} validation photos ({exact} before); {changed:,} predicted "
        "differently.",
        trial.images,
        accuracy=percent(form.accuracy),
        exact=percent(trial.exact.accuracy),
        changed=form.named_otherwise,
    )


class AccuracyLossError(ModelError):
    """Every variant loses too much accuracy, as their evaluation says, so nothing was written."""

    def __init__(self, evaluation: ExportEvaluation) -> None:
        minimum = min(form.lost for form in evaluation.forms)
        super().__init__(
            tr(
                "In 8 bits, the model loses {loss:.2%} accuracy on the validation images; at most {limit:.2%} is "
                "allowed. Nothing was written.",
                loss=minimum,
                limit=evaluation.most_lost,
            ),
            hint=tr("Export it with --storage float16, or allow more with --most-lost."),
        )
        self.evaluation = evaluation
