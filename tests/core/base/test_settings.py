"""Settings are one value; what is damaged in their file falls back field by field."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.base import paths
from core.base.errors import StorageError
from core.base.providers import Precision, ProviderPreference
from core.base.settings import Settings, Theme, load, save

CHOSEN = Settings("everyday", ProviderPreference.CPU, Precision.EXACT, 20, Theme.DARK, True, True, True, True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def test_every_field_survives(file: Path) -> None:
    assert all(getattr(CHOSEN, field.name) != getattr(Settings(), field.name) for field in fields(Settings))
    save(CHOSEN, file)
    again = load(file)
    assert again == CHOSEN
    assert [type(value) for value in asdict(again).values()] == [type(value) for value in asdict(CHOSEN).values()]


def test_no_file_means_defaults(file: Path) -> None:
    assert load(file) == Settings()


def test_the_file_can_be_read_by_the_user(file: Path) -> None:
    save(CHOSEN, file)
    assert '"theme": "dark"' in file.read_text()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"\xff\xfe",
        b"\0" * 100,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 9999,
    ],
)
def test_a_damaged_file_means_defaults(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    warnings: list[str] = []
    assert load(file, warnings.append) == Settings()
    (aside,) = file.parent.glob("settings.json.damaged-*")
    assert aside.read_bytes() == data
    assert str(aside) in warnings[0]
    assert "“general”" in warnings[0]
    assert load(file, warnings.append) == Settings()
    assert len(warnings) == 1


def test_what_is_whole_in_a_damaged_file_still_holds(file: Path) -> None:
    save(CHOSEN, file)
    file.write_bytes(file.read_bytes()[:-6])  # the last field is cut
    warnings: list[str] = []
    assert load(file, warnings.append) == replace(CHOSEN, count_objects=Settings().count_objects)
    assert "“everyday”" in warnings[0]
    assert load(file) == replace(CHOSEN, count_objects=Settings().count_objects)


def test_a_file_that_cannot_be_read_for_a_moment_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(CHOSEN, file)
    warnings: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", Mock(side_effect=OSError(5, "Input/output error")))
        assert load(file, warnings.append) == Settings()
        with pytest.raises(StorageError, match="Input/output error"):
            save(Settings(), file)
    assert "Input/output error" in warnings[0]
    assert load(file) == CHOSEN
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_what_a_later_version_added_survives(file: Path) -> None:
    file.write_text(json.dumps({"theme": "light", "moon": {"colour": "green"}}))
    save(CHOSEN, file)
    assert json.loads(file.read_bytes())["moon"] == {"colour": "green"}


def test_a_folder_of_that_name_means_defaults(file: Path) -> None:
    file.mkdir()
    assert load(file) == Settings()


WRONG = {
    "model": ["", None, 3, [], {}, True],
    "provider": ["", "CPU", "tpu", None, 0, [], True],
    "precision": ["", "float16", None, 1.0, {}],
    "top_k": [0, 21, -1, 10**400, 5.0, "5", True, None, [5]],
    "fill_tiles": ["", "true", 1, None],
    "file_names": ["", "true", 0, None],
    "crop": ["", "true", 1, None],
    "count_objects": ["", "false", 0, None],
    "theme": ["", "Dark", "blue", None, 0, False],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_one_wrong_field_costs_only_itself(file: Path, name: str, value: object) -> None:
    file.write_text(json.dumps(asdict(CHOSEN) | {name: value}))
    warnings: list[str] = []
    assert load(file, warnings.append) == replace(CHOSEN, **{name: getattr(Settings(), name)})
    assert [f"“{name}”" in warning for warning in warnings] == [True]


def test_every_field_was_tried() -> None:
    assert set(WRONG) == {field.name for field in fields(Settings)}


def test_fields_of_older_and_newer_versions_cost_nothing(file: Path) -> None:
    file.write_text(json.dumps({"theme": "light", "colour_of_the_moon": "green"}))
    assert load(file) == Settings(theme=Theme.LIGHT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
NAMES = st.sampled_from([field.name for field in fields(Settings)])


@given(st.dictionaries(NAMES, JSON) | JSON)
@hypothesis_settings(max_examples=200, deadline=None, derandomize=True)
def test_any_json_gives_settings(tmp_path_factory: pytest.TempPathFactory, content: object) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_text(json.dumps(content))
    settings = load(file)
    save(settings, file)
    assert load(file) == settings


@pytest.mark.parametrize("wrong", [{"top_k": 0}, {"top_k": 21}, {"model": ""}])
def test_settings_out_of_range_cannot_be_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(Settings(), **wrong)


def test_what_cannot_be_written_is_reported_and_the_old_stay(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(CHOSEN, file)

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError):
            save(Settings(), file)
    assert load(file) == CHOSEN


def test_settings_live_in_the_home(home: Path) -> None:
    save(CHOSEN, paths.settings_file())
    assert load(home / "settings.json") == CHOSEN
