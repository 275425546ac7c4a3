"""The list of what a bundle was built from."""

from __future__ import annotations

import hashlib
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.invalid", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one commit, of 1 January 2020."""
    folder = tmp_path / "project"
    for name in (
        "core/a.py",
        "core/__pycache__/a.pyc",
        "gui/b.py",
        "packaging/build.py",
        "pyproject.toml",
        "LICENSE",
        "x/y",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first", "--date=2020-01-01T00:00:00Z")
    return folder


def test_the_same_inputs_give_the_same_bytes_in_any_order(project: Path) -> None:
    import inputs

    once = inputs.describe(["numpy", "Pillow", "fovea"], project)
    assert once == inputs.describe(["pillow", "numpy", "numpy"], project)
    told = json.loads(once)
    assert [one["name"] for one in told["distributions"]] == ["numpy", "pillow"]
    assert told["files"] == {
        name: hashlib.sha256(name.encode()).hexdigest()
        for name in ("core/a.py", "gui/b.py", "packaging/build.py", "pyproject.toml", "LICENSE")
    }
    assert told["python"]["version"].count(".") == 2
    assert len(told["platform"]["libc"]) == 2


def test_the_commit_is_told_and_whether_the_tree_is_as_it_says(project: Path) -> None:
    import inputs

    before = json.loads(inputs.describe([], project))["fovea"]
    assert len(before["commit"]) == 40
    assert before["clean"] is True
    (project / "core" / "new.py").write_text("")
    after = json.loads(inputs.describe([], project))
    assert (after["fovea"]["commit"], after["fovea"]["clean"]) == (before["commit"], False)
    assert "core/new.py" in after["files"]


def test_without_git_nothing_is_claimed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import inputs

    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    told = json.loads(inputs.describe([], project))["fovea"]
    assert (told["commit"], told["clean"]) == (None, None)
    assert inputs.moment(project) == datetime(1980, 1, 1, tzinfo=UTC)


def test_the_moment_is_that_of_the_sources(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import inputs

    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    seconds = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=project, capture_output=True, text=True, check=True
    ).stdout
    assert inputs.moment(project).timestamp() == int(seconds)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert inputs.moment(project) == datetime(1970, 1, 2, tzinfo=UTC)


def test_a_wheel_is_known_by_what_it_brought_not_by_how_it_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import inputs

    def record(*lines: str) -> str:
        info = tmp_path / "alpha-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.4\nName: alpha\nVersion: 1.0\n")
        (info / "RECORD").write_text("\n".join(lines) + "\n")
        return inputs.record_sha256("alpha")

    monkeypatch.syspath_prepend(tmp_path)
    plain = record("a.py,sha256=aa,1", "b.py,sha256=bb,2", "alpha-1.0.dist-info/RECORD,,")
    other = record(
        "b.py,sha256=bb,2",
        "alpha-1.0.dist-info/INSTALLER,sha256=cc,3",
        "../../../bin/alpha,sha256=dd,4",
        "__pycache__/a.cpython-311.pyc,,",
        "a.py,sha256=aa,1",
    )
    assert plain == other == hashlib.sha256(b"a.py,sha256=aa,1\nb.py,sha256=bb,2\n").hexdigest()
    assert record("a.py,sha256=ab,1", "b.py,sha256=bb,2") != plain
