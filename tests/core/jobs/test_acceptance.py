"""What accepting the predictions of a job means, against its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.card_rules import OutOfSample
from core.evaluation.acceptance import accuracy_above
from core.jobs.acceptance import accept, acceptance
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, Review, Verdict, View
from core.models.library import open_library
from core.prediction import Evidence
from tests import tiny
from tests.core.jobs.conftest import Fill, failure, prediction

SURE = tuple(0.99 - place / 500 for place in range(200))
EVALUATED = OutOfSample(SURE, tuple(place / 400 for place in range(200)), (50, 150, 199))


@pytest.fixture
def store(fill: Fill) -> Iterator[ResultStore]:
    """Fifty images, every fifth of them unknown, and one that can't be read."""
    images = {
        f"{number:02}.jpg": replace(
            prediction("red", 0.5 + number / 100, unknown=number % 5 == 0), evidence=Evidence(1 - number / 50)
        )
        for number in range(50)
    }
    with ResultStore(fill(images | {"torn.jpg": failure()})) as opened:
        yield opened


def test_the_counts_are_those_of_the_rows(store: ResultStore) -> None:
    store.set_reviews({3: Review(Verdict.CORRECTED, "blue"), 4: Review(Verdict.SKIPPED)})
    store.refresh()
    rows = [row for row in store.each(View(filter=Filter(failed=False))) if not row.review or not row.review.label]
    thresholds = [0.0, *(percent / 100 + 0.005 for percent in range(3, 100, 7)), 1.0]
    for found in acceptance(store, Filter(), *thresholds):
        assert found.images == len(rows) == 49
        assert found.accepted == sum(not row.is_unsure(found.threshold) for row in rows)
        unsure = [row.number for row in store.each(View(filter=Filter(unsure_below=found.threshold)))]
        assert unsure == [row.number for row in rows if row.is_unsure(found.threshold)]


def test_a_model_that_is_gone_or_never_told_is_not_measured(store: ResultStore) -> None:
    (gone,) = acceptance(store, Filter(), 0.6)
    assert (gone.is_measured, gone.accuracy, gone.drift) == (False, None, None)
    open_library().install(*tiny.packaged_model())
    (plain,) = acceptance(store, Filter(), 0.6)
    assert (plain.is_measured, plain.accuracy, plain.drift) == (False, None, None)


def test_the_version_that_classified_the_job_is_the_one_that_counts(store: ResultStore) -> None:
    library = open_library()
    first = library.install(*tiny.knowing_model("colours", shared=False, out_of_sample=EVALUATED))
    library.install(*tiny.packaged_model("colours"))
    (found,) = acceptance(store, Filter(), 0.8)
    assert found.accuracy == accuracy_above(first.card, 0.8)
    assert found.accuracy is not None
    assert found.drift is not None
    assert found.drift.images == 50
    assert found.drift.is_significant, "half of the images score above 0.5, of the others none"


def test_no_predictions_no_estimate(fill: Fill) -> None:
    with ResultStore(fill({"torn.jpg": failure(), "late.jpg": None})) as results:
        assert accept(results, Filter(), 0.6) is None


def test_scores_are_a_sample_of_those_that_there_are(fill: Fill, store: ResultStore) -> None:
    assert len(store.unknown_scores(Filter(), 100)) == 50
    assert 0 < len(store.unknown_scores(Filter(), 10)) <= 10
    with ResultStore(fill({"old.jpg": prediction("red", 0.9)})) as results:
        assert results.unknown_scores(Filter(), 10) == store.unknown_scores(Filter(), 100)
