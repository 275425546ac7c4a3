"""The verbs, called as the command line and the worker call them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import api
from core.base import paths
from core.base.errors import Cancelled, DatasetError, FoveaError, UsageError
from core.base.progress import CancelToken, Progress
from core.base.providers import Precision, ProviderPreference
from core.evaluation.values import ClassRecalls, Comparison, PredictionChange
from core.models.library import open_library
from core.training.request import Recipe
from core.training.runs import open_run
from tests import tiny
from tests.core.api.conftest import request


@pytest.fixture(autouse=True)
def _two_versions(home: Path) -> None:
    tiny.install_two_versions(open_library())


def test_every_version_is_listed() -> None:
    names = {one.name: one for one in api.list_library().names}
    mine = names["mine"]
    first, second = mine.versions
    assert (first.number, first.is_active) == (1, False)
    assert (second.number, second.is_active) == (2, True)
    assert first.model is not None
    assert first.model.training_images is None
    assert mine.title == "Better"
    assert mine.active is second
    assert second.model is not None
    assert second.model.card.classes == tiny.CLASSES
    assert second.model.training_images == 2
    head = tiny.head()
    assert second.model.parameters == tiny.backbone_card().weights + head.weights.size + head.bias.size
    assert second.installed_at is not None
    assert names["general"].versions[0].number == 0


def test_a_damaged_version_is_listed_with_the_reason() -> None:
    (paths.user_models() / "mine" / "1" / "head.npz").write_bytes(b"damaged")
    first = next(one for one in api.list_library().names if one.name == "mine").versions[0]
    assert first.model is None
    assert first.error is not None
    assert "head.npz" in str(first.error)


def test_versions_are_activated_removed_and_restored() -> None:
    api.activate("mine", 1)
    assert api.roll_back("mine") == api.RolledBack(2, before=1)
    assert api.remove("mine", 1) == 2
    assert [(one.name, one.number) for one in api.list_library().removed] == [("mine", 1)]
    api.restore("mine", 1)
    assert api.remove("mine", None) is None
    api.restore("mine", None)
    assert open_library().active("mine") == 2
    with pytest.raises(FoveaError, match="is built in"):
        api.remove("general", None)


def compare(*photos: Path, token: CancelToken | None = None, reports: list[Progress] | None = None) -> Comparison:
    reports = [] if reports is None else reports
    return api.compare(
        "mine@1", "mine@2", photos, ProviderPreference.CPU, Precision.AUTO,
        report=reports.append, token=token or CancelToken(),
    )  # fmt: skip


def test_photos_are_compared(tmp_path: Path) -> None:
    photos = [
        tiny.write_solid(tmp_path / f"{number}.png", colour, size=(40 + number, 40))
        for number, colour in enumerate(("red", "green", "green", "blue"))
    ]
    reports: list[Progress] = []
    facts = compare(*photos, reports=reports)
    assert (facts.a, facts.b, facts.images, facts.disagreement_count) == ("mine@1", "mine@2", 4, 2)
    assert {(one.path, one.prediction_a, one.prediction_b, one.label) for one in facts.disagreements} == {
        (photo, "blue", "green", None) for photo in photos[1:3]
    }
    assert facts.changes == (PredictionChange("blue", "green", 2),)
    assert facts.labelled is None
    assert facts.computed == 4
    assert compare(*photos).computed == 0
    assert reports


def test_a_model_is_not_compared_with_itself(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="“mine” and “mine@2” are the same model"):
        api.compare(
            "mine", "mine@2", (tmp_path,), ProviderPreference.CPU, Precision.AUTO, report=lambda _: None,
            token=CancelToken(),
        )  # fmt: skip


def test_labelled_photos_show_what_was_fixed_and_broken(tmp_path: Path) -> None:
    tiny.write_labelled(tmp_path / "labelled")
    (tmp_path / "labelled" / "red" / "broken.png").write_bytes(b"nothing")
    facts = compare(tmp_path / "labelled")
    assert facts.labelled is not None
    assert (facts.labelled.only_b_correct, facts.labelled.only_a_correct) == (2, 0)
    assert facts.labelled.could_be_chance
    assert (facts.training_overlap_a, facts.training_overlap_b) == (None, 0)
    assert facts.labelled.classes == (
        ClassRecalls("red", 2, 1.0, 1.0), ClassRecalls("green", 2, 0.0, 1.0), ClassRecalls("blue", 2, 1.0, 1.0)
    )  # fmt: skip
    assert [one.path.name for one in facts.failures] == ["broken.png"]


def test_only_so_many_disagreements_are_listed(tmp_path: Path) -> None:
    photos = [tiny.write_solid(tmp_path / f"{number}.png", "green", size=(40 + number, 40)) for number in range(3)]
    options = ProviderPreference.CPU, Precision.AUTO, 2
    found = api.compare("mine@1", "mine@2", tuple(photos), *options, report=lambda _: None, token=CancelToken())
    assert (len(found.disagreements), found.disagreement_count) == (2, 3)


def test_a_comparison_is_cancelled(tmp_path: Path) -> None:
    tiny.write_solid(tmp_path / "many" / "1.png", "red")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        compare(tmp_path / "many", token=token)


def test_an_empty_folder_cannot_be_compared(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="No photos"):
        compare(tmp_path / "empty")


def test_unfinished_runs_are_listed_and_discarded(tmp_path: Path) -> None:
    training = request(tmp_path, name="later", recipe=Recipe.DENSE)
    with open_run(training, {"recipe": "dense", "epochs": 3}, ["a"], restart=False):
        (run,) = api.list_library().runs
        assert run.is_running
        with pytest.raises(UsageError):
            api.discard_run("later")
    (run,) = api.list_library().runs
    assert run.request == training
    api.discard_run("later")
    assert api.list_library().runs == ()
