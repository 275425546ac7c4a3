"""Everything the program writes goes into FOVEA_HOME where that is set, and into the usual places where it is not."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from core.base import paths

WRITTEN = [
    paths.settings_file,
    paths.window_file,
    paths.user_models,
    paths.jobs,
    paths.sortings,
    paths.pasted_images,
    paths.cache_folder,
    paths.log_folder,
]


def test_the_home_holds_everything_apart(home: Path) -> None:
    places = [place() for place in WRITTEN]
    assert all(place.is_relative_to(home) for place in places)
    assert len(set(places)) == len(places)


def test_asking_where_something_goes_writes_nothing(home: Path) -> None:
    for place in WRITTEN:
        place()
    assert not home.exists()


def test_a_relative_home_is_meant_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOVEA_HOME", "here")
    assert paths.user_models() == tmp_path / "here" / "models"


def test_a_home_below_the_users_own_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("FOVEA_HOME", "~/fovea")
    assert paths.settings_file() == tmp_path / "fovea" / "settings.json"


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_home_the_usual_places_are_used(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("FOVEA_HOME")
    if value is not None:
        monkeypatch.setenv("FOVEA_HOME", value)
    assert paths.settings_file().parent == platformdirs.user_config_path("fovea")
    assert paths.user_models().parent == platformdirs.user_data_path("fovea")
    assert paths.cache_folder() == platformdirs.user_cache_path("fovea")
    assert paths.log_folder() == platformdirs.user_log_path("fovea")
    assert len({place() for place in WRITTEN}) == len(WRITTEN)


def test_the_shipped_models_lie_beside_the_code(shipped_models: Path) -> None:
    assert shipped_models.parent == Path(paths.__file__).resolve().parents[2]
    assert shipped_models.name == "models"
