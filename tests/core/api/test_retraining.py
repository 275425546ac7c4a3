"""Retraining with corrections."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import core
from core import api
from core.base.errors import Cancelled, ModelError
from core.base.progress import CancelToken, Progress
from core.base.providers import ProviderPreference
from core.datasets.labels import Label, lineage
from core.models.library import open_library
from core.training.request import RetrainRequest
from core.training.values import RetrainingResult
from tests import tiny
from tests.core.api.conftest import request, trained
from tests.labels import correction, give, given


@pytest.fixture
def greys(tmp_path: Path) -> list[Label]:
    photos = [tiny.write_solid(tmp_path / f"{side}.png", "grey", size=(side, side)) for side in (40, 44, 48)]
    made = [correction(photo, "blue") for photo in photos]
    give(*made)
    return made


def learn(
    made: list[Label], reports: list[Progress] | None = None, token: CancelToken | None = None
) -> RetrainingResult:
    request_ = RetrainRequest("mine", 1, tuple(made), ProviderPreference.CPU)
    return api.retrain(request_, report=([] if reports is None else reports).append, token=token or CancelToken())


def test_the_summary_shows_what_was_fixed_and_broken(folder: Path, greys: list[Label]) -> None:
    first = trained(request(folder))
    reports: list[Progress] = []
    facts = learn(greys, reports)
    assert (facts.name, facts.version, facts.from_version) == ("mine", 2, 1)
    assert open_library().find("mine@2").card.classes == first.card.classes
    assert [one.correction for one in facts.corrections] == greys
    assert all(one.is_correct and one.now == "blue" != one.before for one in facts.corrections)
    assert first.evaluation is not None
    tests = facts.tests
    assert tests is not None
    assert (tests.name, tests.version, tests.training_overlap) == ("mine", 1, 0)
    assert (tests.result.a.images, tests.result.a.fraction) == (first.evaluation.images, first.evaluation.accuracy)
    assert facts.skipped == ()
    assert facts.seconds > 0
    assert {one.stage for one in reports} >= {"looking at the images", "fitting the head"}
    assert pickle.loads(pickle.dumps(facts)) == facts


def test_it_is_undone(folder: Path, greys: list[Label]) -> None:
    trained(request(folder))
    learn(greys)
    api.activate("mine", 1)
    known = lineage(open_library().find("mine").card.training)
    assert all(one.is_pending(known) for one in given("mine").values())


def test_a_model_without_training_data_is_refused(greys: list[Label]) -> None:
    card, files = tiny.packaged_model("mine")
    open_library().install(card, files)
    with pytest.raises(ModelError) as failed:
        learn(greys)
    assert not failed.value.can_resume


def test_it_is_cancelled(folder: Path, greys: list[Label]) -> None:
    trained(request(folder))
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        learn(greys, token=token)
    assert open_library().numbers("mine") == (1,)


def test_skipped_photos_are_reported(folder: Path, greys: list[Label], tmp_path: Path) -> None:
    trained(request(folder))
    missing = correction(tmp_path / "missing.png", "blue")
    facts = learn([*greys, missing])
    assert [one.path for one in facts.skipped] == [missing.path]
    assert len(facts.corrections) == 3


def test_messages_need_no_heavy_imports() -> None:
    heavy = {"numpy", "PIL", "onnx", "onnxruntime", "sqlite3"}
    values = "core.api, core.datasets.values, core.evaluation.values, core.models.values, core.training.values"
    code = f"import sys, {values}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(core.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
