"""Training times are saved per machine, and a damaged file is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base import paths
from core.base.progress import Progress, StageKind
from core.base.providers import Precision, ProviderPreference
from core.training.protocol import Epoch
from core.training.request import Depth, Recipe, TrainRequest
from core.training.timing_history import TimingCosts, TimingRecorder, local_costs


def request(recipe: Recipe, depth: Depth = Depth.EXIT_FLOW) -> TrainRequest:
    return TrainRequest(
        Path("x"), "mine", 0.1, 0.1, 0, ProviderPreference.CPU, Precision.AUTO, "", recipe=recipe, depth=depth
    )


def recorded(*seconds: float) -> TimingRecorder:
    recorder = TimingRecorder()
    recorder.stage(Progress("beginnt", 0, 1, None, StageKind.STARTING))
    for number, took in enumerate((0.0, *seconds)):
        recorder.epoch(Epoch(number, len(seconds), None, None, None, None, took))
    return recorder


def test_before_any_training_costs_are_estimated() -> None:
    costs, is_measured_here = local_costs(request(Recipe.DENSE))
    assert not is_measured_here
    assert costs.start > 0


def test_the_whole_network_costs_more_than_the_exit_flow() -> None:
    costs = [local_costs(request(Recipe.FINE_TUNE, depth))[0].image for depth in Depth]
    assert costs[1] > 2 * costs[0]


def test_costs_are_saved_per_kind_of_training() -> None:
    recorded(2.0, 4.0, 3.0).save(request(Recipe.DENSE), images=30)
    costs, is_measured_here = local_costs(request(Recipe.DENSE))
    assert is_measured_here
    assert costs.image == 0.1
    assert 0 <= costs.start < 5
    assert not local_costs(request(Recipe.FINE_TUNE))[1]


def test_a_training_without_epochs_saves_nothing() -> None:
    TimingRecorder().save(request(Recipe.QUICK), images=30)
    recorded().save(request(Recipe.DENSE), images=30)
    assert not local_costs(request(Recipe.DENSE))[1]


@pytest.mark.parametrize("content", ["", "[]", '{"dense, auto, cpu": 3}', '{"dense, auto, cpu": {"start": -1}}'])
def test_a_damaged_file_is_ignored(content: str) -> None:
    paths.cache_folder().mkdir(parents=True)
    (paths.cache_folder() / "training-costs.json").write_text(content)
    assert not local_costs(request(Recipe.DENSE))[1]


def test_costs_are_in_range() -> None:
    with pytest.raises(ValueError, match="out of range"):
        TimingCosts(1.0, float("nan"), 1.0)
