"""Rules that hold for the whole repository: style, types, layers, pins, sizes, and nothing of one machine in it."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import socket
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
MOST_METHODS = 25


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False)


@cache
def files() -> tuple[Path, ...]:
    """What the repository holds or is about to hold: tracked files, and new ones that are not ignored."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed.returncode:
        pytest.skip(f"not a git checkout: {listed.stderr.strip()}")
    found = (ROOT / name for name in listed.stdout.split("\0") if name)
    return tuple(path for path in found if path.is_file())


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-m", "ruff", "check"),
        (sys.executable, "-m", "ruff", "format", "--check"),
        (sys.executable, "-m", "mypy"),
        (Path(sysconfig.get_path("scripts")) / "lint-imports",),
    ],
    ids=["style", "format", "types", "layers"],
)
def test_the_tools_are_content(command: tuple[str | Path, ...]) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def imported(modules: str) -> set[str]:
    done = run(sys.executable, "-c", f"import sys, {modules}; print(*sys.modules, sep='\\n')")
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_values_are_imported_without_anything_heavy() -> None:
    """The window needs them before its first paint."""
    found = imported(
        "core.base.settings, core.card, core.prediction, core.base.providers, core.base.paths, core.jobs.queries"
    )
    assert found.isdisjoint({"numpy", "PIL", "pillow_heif", "onnxruntime", "onnx", "google", "PySide6"})


def test_classifying_needs_neither_qt_nor_keras() -> None:
    assert imported("core.models.classifier").isdisjoint(
        {"PySide6", "shiboken6", "tensorflow", "keras", "tf2onnx", "h5py"}
    )


def stated() -> Iterator[str]:
    """Every requirement that pyproject.toml states, but for those that only hold others in place."""
    yield from PROJECT["build-system"]["requires"]
    yield from PROJECT["project"]["dependencies"]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        yield from extra
    for group in PROJECT["dependency-groups"].values():
        yield from group


def holds(requirement: Requirement, extra: str = "") -> bool:
    environment = {**default_environment(), "extra": extra}
    return requirement.marker is None or requirement.marker.evaluate(
        {key: str(value) for key, value in environment.items()}
    )


@cache
def pins() -> dict[str, str]:
    """The version that pyproject.toml states for each distribution on this platform."""
    found = {}
    for text in (*stated(), *PROJECT["tool"]["uv"]["constraint-dependencies"]):
        requirement = Requirement(text)
        if holds(requirement):
            found[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return found


def installed() -> dict[str, str]:
    """What is installed because pyproject.toml asks for it, directly or through others, with its version."""
    found: dict[str, str] = {}
    waiting = [Requirement(text) for text in stated()]
    seen = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, *requirement.extras) in seen:
            continue
        seen.add((name, *requirement.extras))
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of an extra that was not asked for here, or of another platform
        found[name] = distribution.version
        needs = [Requirement(text) for text in distribution.requires or ()]
        waiting += [need for need in needs if any(holds(need, extra) for extra in ("", *requirement.extras))]
    return found


def test_direct_dependencies_are_pinned_exactly() -> None:
    loose = [text for text in stated() if not re.fullmatch(r"==[\w.]+", str(Requirement(text).specifier))]
    assert not loose


def test_everything_installed_is_pinned_at_the_version_that_runs_here() -> None:
    found = installed()
    assert "numpy" in found
    assert "iniconfig" in found, "what others bring along is looked at too"
    wrong = {name: (version, pins().get(name)) for name, version in found.items() if pins().get(name) != version}
    assert not wrong, (
        "installed and pinned versions differ; see pyproject.toml for the command that makes the pins anew"
    )


# Written in pieces, so that this file does not find itself.
INDEX = re.compile(
    "|".join(["pypi\\.org/" + "simple", "index" + "-url", "registry" + " = ", "tool\\.uv\\." + "index"]).encode()
)
MACHINE = re.compile(b"(?<![\\w.~-])/(?:" + b"work|root" + b")/")


@pytest.mark.parametrize("pattern", [INDEX, MACHINE], ids=["package index", "path of one machine"])
def test_no_file_names_what_only_one_machine_has(pattern: re.Pattern[bytes]) -> None:
    guilty = [str(path.relative_to(ROOT)) for path in files() if pattern.search(path.read_bytes())]
    assert not guilty


def test_the_tests_would_notice_a_network_connection() -> None:
    with pytest.raises(pytest.fail.Exception, match="no network connection"), socket.socket() as connection:
        connection.connect(("192.0.2.1", 9))
    with pytest.raises(pytest.fail.Exception, match="no network connection"):
        socket.create_connection(("example.invalid", 9))


def python_files() -> list[Path]:
    return [path for path in files() if path.suffix == ".py"]


def test_no_file_is_too_long_to_read() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in python_files()}
    assert lengths
    assert not {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > LONGEST_FILE}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_no_function_is_too_long_to_read() -> None:
    lengths = [found for path in python_files() for found in functions(path)]
    assert lengths
    assert not [name for name, length in lengths if length > LONGEST_FUNCTION]


def own_methods(node: ast.ClassDef) -> list[str]:
    """The methods of a class but those that Qt calls: their names have capitals, or are among these."""
    names = [one.name for one in node.body if isinstance(one, ast.FunctionDef)]
    return [name for name in names if name.lower() == name and name not in ("data", "event", "flags", "paint")]


def test_no_class_has_too_many_methods() -> None:
    trees = [ast.parse(path.read_bytes()) for folder in ("core", "gui") for path in (ROOT / folder).rglob("*.py")]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert len(classes) > 400
    assert [node.name for node in classes if len(own_methods(node)) > MOST_METHODS] == []


def test_what_the_architecture_names_is_there() -> None:
    """A page that leads a newcomer to files that have moved is worse than none."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:core|gui|tests|packaging|models|docs)/[\w./-]+)`", text)
    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).exists()] == []


def function_names() -> Iterator[str]:
    """The functions of the program, and its methods with their classes."""
    for path in (*(ROOT / "core").rglob("*.py"), *(ROOT / "gui").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef):
                yield node.name
            elif isinstance(node, ast.ClassDef):
                yield from (f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef))


def test_the_walks_name_functions_that_exist_and_count_them() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walks = re.split(
        r"^\*\*.*\*\* \((\d+) calls\)$", text.partition("## Where a change belongs")[0], flags=re.MULTILINE
    )[1:]
    assert len(walks) == 2 * 4
    known = set(function_names())
    for stated, walk in zip(walks[::2], walks[1::2], strict=True):
        named = re.findall(r"`([\w.]+)`", re.sub(r"\([^()]*\)", "", walk))  # files are in brackets
        calls = [name for name in named if not name.endswith(".py") and not re.fullmatch(r"[A-Z]\w*", name)]
        assert [name for name in calls if name.removeprefix("api.") not in known] == []
        assert len(calls) == int(stated)
