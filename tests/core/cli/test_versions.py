"""`fovea models versions`, `activate`, `rollback` and `remove NAME@N`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.models import library
from core.models.library_folders import CARD
from tests import tiny
from tests.core.cli.conftest import Fovea


def _install(title: str, *, activate: bool = True, **changes: object) -> None:
    library.open_library().install(*tiny.packaged_model("mine", title=title, **changes), activate=activate)


@pytest.fixture(autouse=True)
def _two_versions() -> None:
    _install("First", evaluation={"accuracy": 0.5, "images": 8})
    _install("Second", evaluation={"accuracy": 0.75, "images": 8})


def _active() -> int:
    return library.open_library().find("mine").version


def test_versions_are_reported_for_programs(fovea: Fovea, home: Path) -> None:
    (home / "models" / "mine" / "1" / CARD).write_bytes(b"")
    ran = fovea("models", "versions", "mine", "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    first, second = json.loads(ran.out)
    assert (first["version"], first["active"], first["kind"]) == (1, False, "broken")
    assert first["message"]
    assert (second["version"], second["active"], second["kind"]) == (2, True, "model")
    assert (second["title"], second["accuracy"], second["images"]) == ("Second", 0.75, 8)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(second["installed"])) < timedelta(minutes=5)


def test_versions_are_reported_for_people(fovea: Fovea, home: Path) -> None:
    (home / "models" / "mine" / "1" / tiny.HEAD_FILE).unlink()
    _install("Third", activate=False, evaluation={"accuracy": "[bold]high[/]"})
    lines = fovea("models", "versions", "mine").out.splitlines()
    assert "damaged: The model file “mine/1/head.npz” is missing." in lines[2]
    assert lines[3].startswith("2 (active)")
    assert f"{datetime.now().astimezone():%Y}" in lines[3]
    assert "75.0%" in lines[3]
    assert lines[4].startswith("3 ")


def test_a_shipped_model_has_one_version(fovea: Fovea) -> None:
    (shipped,) = json.loads(fovea("models", "versions", "xception-imagenet", "--format", "json").out)
    assert (shipped["version"], shipped["active"], shipped["installed"]) == (0, True, None)
    assert "built in" in fovea("models", "versions", "xception-imagenet").out


def test_a_version_is_activated_and_taken_back(fovea: Fovea) -> None:
    ran = fovea("models", "activate", "mine@1")
    assert (ran.code, ran.out, _active()) == (0, "", 1)
    assert "“mine” now uses version 1" in ran.err
    ran = fovea("models", "rollback", "mine")
    assert (ran.code, ran.out, _active()) == (0, "", 2)
    assert "`fovea models activate mine@1`" in ran.err
    assert fovea("models", "rollback", "mine").code == 0
    ran = fovea("models", "rollback", "mine")
    assert (ran.code, _active()) == (2, 1)
    assert "no previously active version" in ran.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("activate", "mine"), "The version of “mine” is missing"),
        (("activate", "mine@7"), "no version 7 of “mine”. Installed versions: 1, 2 (active)"),
        (("activate", "mine@x"), "is not a version of a model"),
        (("activate", "nobody@1"), "no model named “nobody”"),
        (("rollback", "mine@1"), "is a version of a model, not a model"),
        (("rollback", "nobody"), "no model named “nobody”"),
        (("versions", "mine@1"), "is a version of a model, not a model"),
        (("versions", "nobody"), "no model named “nobody”"),
        (("use", "mine@1"), "is a version of a model, not a model"),
        (("use", "mine@7"), "is a version of a model, not a model"),
        (("remove", "mine@2"), "Version 2 of “mine” is active"),
        (("remove", "mine@7"), "no version 7 of “mine”"),
        (("show", "mine@7"), "no version 7 of “mine”"),
        (("export", "mine@7", "x.onnx"), "no version 7 of “mine”"),
    ],
)
def test_invalid_requests_are_reported_with_a_hint(fovea: Fovea, arguments: tuple[str, ...], expected: str) -> None:
    ran = fovea("models", *arguments)
    assert (ran.code, ran.out) == (2, "")
    what, hint = ran.err.splitlines()
    assert expected in what
    assert hint.strip()
    assert library.open_library().numbers("mine") == (1, 2)
    assert _active() == 2


def test_one_version_is_removed(fovea: Fovea) -> None:
    ran = fovea("models", "remove", "mine@1")
    assert (ran.code, ran.err.splitlines()[0]) == (0, "fovea: Removed version 1 of “mine”.")
    assert "within 7 days, run `fovea models restore mine@1`." in ran.err
    assert library.open_library().numbers("mine") == (2,)
    assert fovea("models", "remove", "mine").code == 0
    assert library.open_library().numbers("mine") == ()


def test_each_version_can_be_shown_exported_and_asked(fovea: Fovea, pictures: Path, tmp_path: Path) -> None:
    shown = json.loads(fovea("models", "show", "mine@1", "--format", "json").out)
    assert (shown["title"], shown["version"], shown["active"], shown["versions"]) == ("First", 1, False, [1, 2])
    assert "version 1 of 2 (not active)" in fovea("models", "show", "mine@1").out
    assert "version 2 of 2 (active)" in fovea("models", "show", "mine").out
    assert fovea("models", "export", "mine@1", tmp_path / "first.onnx").code == 0
    assert (tmp_path / "first.onnx").is_file()
    assert fovea("classify", pictures / "red.png", "--model", "mine@1", "--provider", "cpu").code == 0


def test_the_list_shows_how_many_versions_there_are(fovea: Fovea) -> None:
    library.open_library().install(*tiny.packaged_model("waiting"), activate=False)
    rows = {row["name"]: row for row in json.loads(fovea("models", "--format", "json").out)}
    assert (rows["mine"]["version"], rows["mine"]["versions"]) == (2, [1, 2])
    assert rows["waiting"] == {"name": "waiting", "kind": "inactive", "versions": [1]}
    lines = {line.split()[0]: line for line in fovea("models").out.splitlines() if line.strip()}
    assert "you, version 2 of 2" in lines["mine"]
    assert "you (1 version)" in lines["waiting"]
    assert "no active version" in lines["waiting"]


def test_what_is_not_active_is_not_asked(fovea: Fovea, pictures: Path) -> None:
    library.open_library().install(*tiny.packaged_model("waiting"), activate=False)
    ran = fovea("classify", pictures / "red.png", "--model", "waiting")
    assert ran.code == 2
    assert "“waiting” has no active version. Installed version: 1." in ran.err
    assert "`fovea models activate waiting@1`" in ran.err
