"""The verbs of the library that only scripts need."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import api
from core.api import scripts
from core.base.errors import ModelError
from core.base.progress import CancelToken
from core.models.library import open_library
from core.models.values import InstalledBackbone
from tests import tiny


@pytest.fixture(autouse=True)
def _two_versions(home: Path) -> None:
    for _ in range(2):
        open_library().install(*tiny.packaged_model("mine"))


def test_what_a_name_means_is_found() -> None:
    entries = {one.name: one for one in scripts.list_entries()}
    assert (entries["mine"].versions, entries["mine"].is_active, entries["mine"].in_use) == ((1, 2), True, False)
    assert isinstance(entries["xception-imagenet"].entry, InstalledBackbone)
    assert entries["xception-imagenet"] == scripts.find_entry("xception-imagenet")
    assert not scripts.find_entry("mine@1").is_active
    assert [one.number for one in scripts.list_versions("mine")] == [1, 2]
    api.remove("mine", 1)
    with pytest.raises(ModelError, match="no version 1"):
        scripts.find_entry("mine@1")


def test_the_default_model_is_used_once_the_one_in_use_is_gone() -> None:
    assert scripts.use("mine") == "mine"
    assert scripts.find_entry("mine").in_use
    assert scripts.use_default_if_gone("mine") is None
    api.remove("mine", None)
    assert scripts.use_default_if_gone("mine") == "general"
    assert scripts.find_entry("general").in_use


def test_the_model_in_use_is_evaluated(tmp_path: Path) -> None:
    scripts.use("mine")
    for colour in tiny.CLASSES:
        tiny.write_solid(tmp_path / colour / "a.png", colour)
    model, found = scripts.evaluate(tmp_path, None, report=lambda _: None, token=CancelToken())
    assert (model.name, model.version) == ("mine", 2)
    assert (found.evaluation.images, found.evaluation.accuracy, found.failures) == (3, 1.0, ())
