"""Corrections survive damage, concurrent writers and changes of version."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import core
from core.base import locks, paths
from core.base.errors import StorageError
from core.datasets import corrections
from core.datasets.corrections import Correction

FOX = Correction(Path("/photos/fox.jpg"), "dog", 0.62, "fox", "animals")
HEN = Correction(Path("/photos/hen.jpg"), "cock", 0.5, "hen", "animals")


def line(**changes: object) -> bytes:
    whole = {"path": "/a", "said": "b", "confidence": 1, "label": "c", "model": "m", "made": "2026-01-01", "learnt": []}
    return json.dumps(whole | changes).encode()


def test_corrections_survive_in_order() -> None:
    assert corrections.load("animals") == {}
    corrections.change("animals", add=[FOX, HEN])
    again = replace(FOX, label="red fox")
    assert list(corrections.change("animals", add=[again]).values()) == [HEN, again]
    assert corrections.load("animals") == {HEN.path: HEN, again.path: again}
    assert corrections.change("animals", remove=[HEN.path, Path("never there")]) == {again.path: again}
    assert corrections.load("birds") == {}


@pytest.mark.parametrize(
    ("said", "label", "confidence", "unknown", "below", "doubtful"),
    [
        ("dog", "dog", 0.4, None, 0.5, True),
        ("dog", "dog", 0.5, None, 0.5, False),
        ("dog", "dog", 0.4, None, None, False),
        ("dog", "fox", 0.4, None, 0.5, False),
        ("dog", "dog", 0.4, True, 0.5, False),
        ("dog", "dog", 0.4, False, 0.5, False),
    ],
)
def test_a_confirmed_guess_of_an_earlier_version_is_ambiguous(
    said: str, label: str, confidence: float, unknown: bool | None, below: float | None, doubtful: bool
) -> None:
    made = replace(FOX, predicted=said, label=label, confidence=confidence, unknown=unknown)
    corrections.change("animals", add=[made])
    (kept,) = corrections.load("animals").values()
    assert kept == made
    assert kept.is_ambiguous(below) is doubtful
    assert kept.is_confirmation is (said == label and not unknown)


def test_files_of_earlier_versions_are_read() -> None:
    file = paths.corrections() / "m.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(line() + b"\n")
    (kept,) = corrections.load("m").values()
    assert kept.unknown is None


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_an_undecodable_name_survives() -> None:
    odd = replace(FOX, path=Path(os.fsdecode(b"/photos/caf\xe9 \n.jpg")))
    corrections.change("animals", add=[odd])
    assert corrections.load("animals") == {odd.path: odd}


@pytest.mark.parametrize(
    "damage",
    [
        b"\x00\xff\x00",
        b"[]",
        b"7",
        b'"path"',
        b"{",
        b"[" * 100_000,
        line(confidence=2),
        line(confidence=float("nan")),
        line(confidence=10**400),
        line(made=7),
        line(label=["fox"]),
        line(path=""),
        line(learnt=[7]),
        line(unknown="no"),
    ],
    ids=range(14),
)
def test_a_damaged_line_is_skipped_and_kept(damage: bytes) -> None:
    corrections.change("animals", add=[FOX, HEN])
    file = paths.corrections() / "animals.jsonl"
    first, second = file.read_bytes().splitlines()
    file.write_bytes(first + b"\n" + damage + b"\n" + second[:-1] + b"\n" + second)
    assert list(corrections.load("animals").values()) == [FOX, HEN]
    corrections.change("animals", remove=[FOX.path])
    assert list(corrections.load("animals").values()) == [HEN]
    assert damage in file.read_bytes()


def test_an_unreadable_file_is_reported_and_left_alone(tmp_path: Path) -> None:
    file = paths.corrections() / "animals.jsonl"
    file.mkdir(parents=True)
    for use in (lambda: corrections.load("animals"), lambda: corrections.change("animals", add=[FOX])):
        with pytest.raises(StorageError, match="Couldn't read the corrections"):
            use()
    assert file.is_dir()


def test_concurrent_writers_lose_nothing() -> None:
    code = """
import sys
from pathlib import Path
from core.datasets import corrections
for number in range(15):
    path = Path(f"/photos/{sys.argv[1]}-{number}.jpg")
    corrections.change("animals", add=[corrections.Correction(path, "dog", 0.5, "fox", "animals")])
"""
    root = Path(core.__file__).parents[1]
    with ThreadPoolExecutor(3) as pool:
        run = [
            pool.submit(subprocess.run, [sys.executable, "-c", code, str(one)], cwd=root, check=True)
            for one in range(3)
        ]
        for one in run:
            one.result()
    assert len(corrections.load("animals")) == 45


def test_waiting_too_long_for_the_lock_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "_TIMEOUT_S", 0.05)
    paths.corrections().mkdir(parents=True)
    with (paths.corrections() / ".lock").open("ab") as file:
        assert locks.try_lock(file)
        with pytest.raises(StorageError, match="another program"):
            corrections.change("animals", add=[FOX])
    corrections.change("animals", add=[FOX])


def test_trained_corrections_are_pending_for_another_version() -> None:
    corrections.change("animals", add=[FOX, HEN])
    meant_otherwise = replace(HEN, label="chicken")
    corrections.change("animals", add=[meant_otherwise])
    corrections.mark_trained("animals", [FOX, HEN], "f1")
    fox, hen = corrections.load("animals").values()
    assert (fox.trained_in, hen) == (("f1",), meant_otherwise)
    assert not fox.is_pending(["f0", "f1"])
    assert fox.is_pending(["f0"])
    assert hen.is_pending(["f0", "f1"])


@pytest.mark.parametrize(
    ("training", "known"),
    [
        ({}, ()),
        ({"corrections": {"lineage": ["f0", "f1"]}}, ("f0", "f1")),
        ({"corrections": {"lineage": [7, "f1"]}}, ("f1",)),
        ({"corrections": {"lineage": "f1"}}, ()),
        ({"corrections": ["f1"]}, ()),
    ],
)
def test_a_card_records_its_lineage(training: dict[str, object], known: tuple[str, ...]) -> None:
    assert corrections.lineage(training) == known


def test_no_heavy_module_is_imported() -> None:
    heavy = {"numpy", "PIL", "onnx", "onnxruntime", "sqlite3"}
    code = f"import json, sys, core.datasets.corrections; print(json.dumps(sorted({heavy} & set(sys.modules))))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(core.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
