"""What accepting the predictions of a job above a minimum confidence means."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import accumulate
from math import ceil
from typing import Final

from core.base.errors import FoveaError
from core.card import ModelCard
from core.card_rules import MAX_OUT_OF_SAMPLE
from core.evaluation.acceptance import Acceptance, accuracy_above, find_drift, known_scores
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, JobSummary, View
from core.models.library import open_library

_BINS: Final = 10_000
"""The number of bins of the confidences, which are 0..1."""
_ROUNDING: Final = 1e-6


def accept(results: ResultStore, chosen: Filter, threshold: float) -> Acceptance | None:
    """What accepting the predictions for rows means, at one minimum confidence.

    Returns:
        None if there are no predictions, or the model is multi-label and has a threshold for each class instead.
    """
    found = acceptance(results, chosen, threshold)
    return next((one for one in found if one.images and not one.by_classes), None)


def acceptance(results: ResultStore, chosen: Filter, *thresholds: float) -> tuple[Acceptance, ...]:
    """What accepting the predictions for rows means, at each minimum confidence, 0..1.

    Args:
        results: the results of the job.
        chosen: which rows; those that the user labelled do not count.
        thresholds: the minimum confidences; of a multi-label model the least certainties, see `Prediction.certainty`.
    """
    card = card_of(results.summary())
    by_classes = card is not None and card.is_multi_label
    undecided = replace(chosen, failed=False, reviewed=False)
    counts = results.histogram(undecided if by_classes else replace(undecided, unknown=False), _BINS)
    known, unknown = sum(counts), 0 if by_classes else results.count(View(filter=replace(undecided, unknown=True)))
    below, images = (0, *accumulate(counts)), known + unknown
    known_before = known_scores(card)
    drift = find_drift(known_before, results.unknown_scores(undecided, MAX_OUT_OF_SAMPLE) if known_before else ())
    return tuple(
        Acceptance(
            threshold,
            known - below[min(_BINS, ceil(threshold * _BINS - _ROUNDING))],
            images,
            is_measured=card is not None and card.out_of_sample is not None,
            accuracy=accuracy_above(card, threshold) if card else None,
            drift=drift,
            by_classes=by_classes,
        )
        for threshold in thresholds
    )


def card_of(job: JobSummary) -> ModelCard | None:
    """The card of the model that classified a job; None if it is gone."""
    with contextlib.suppress(FoveaError):
        return open_library().find(f"{job.model}@{job.version}").card
    return None
