"""`fovea watch` as a program of its own: arriving photos are reported, and Ctrl+C ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.outputs.keywords.exiftool import KeywordError, find_exiftool
from tests import tiny
from tests.core.cli.conftest import Fovea
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.usefixtures("colours"),
    pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C goes to every program of a console there"),
]


@contextmanager
def watching(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The program, once it watches."""
    command = [sys.executable, "-m", "core.cli", "watch", *map(str, arguments), "--model", "colours"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as program:
        killer = threading.Timer(PATIENCE_S, program.kill)
        killer.start()
        try:
            assert program.stderr is not None
            assert "Watching" in program.stderr.readline()
            yield program
        finally:
            program.kill()
            killer.cancel()
            killer.join()


def wait_for(file: Path, text: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not file.exists() or text not in file.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)


def wait_until_there(file: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_what_arrives_is_reported_until_it_is_ended(tmp_path: Path, which: signal.Signals) -> None:
    (folder := tmp_path / "arriving").mkdir()
    with watching(folder, "--format", "jsonl") as program:
        tiny.write_solid(folder / "a.png", "red")
        assert program.stdout is not None
        expected = json.loads(program.stdout.readline())
        assert (Path(expected["path"]).name, expected["label"]) == ("a.png", "red")
        program.send_signal(which)
        rest, said = program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 0
        assert rest == ""
        assert "1 image classified, 0 failed" in said


def test_lines_and_keywords_together(tmp_path: Path) -> None:
    try:
        find_exiftool()
    except KeywordError as error:
        pytest.skip(str(error))
    (folder := tmp_path / "arriving").mkdir()
    file = tmp_path / "arrived.csv"
    with watching(folder, "--format", "csv", "--output", file, "--keywords", "in-place") as program:
        tiny.write_solid(folder / "a.png", "red")
        wait_for(file, "a.png")
        assert b">red<" in (folder / "a.png").read_bytes()
        time.sleep(3)
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 0
    assert len(file.read_text().splitlines()) == 2, "its own keyword is no arrival"


@pytest.mark.parametrize("by", ["copy", "move"])
def test_photos_are_sorted_as_they_arrive(tmp_path: Path, by: str) -> None:
    (folder := tmp_path / "arriving").mkdir()
    place = tmp_path / "sorted"
    with watching(folder, "--recursive", "--sort-to", place, "--by", by, "--threshold", "0.9") as program:
        tiny.write_solid(folder / "a.png", "red")
        tiny.write_solid(folder / "trip" / "b.png", "blue")
        tiny.write_solid(folder / "grey.png", "grey")
        (folder / "bad.png").write_bytes(b"nonsense")
        wanted = [place / "red" / "a.png", place / "blue" / "trip" / "b.png", place / "unsure" / "grey.png"]
        end = time.monotonic() + PATIENCE_S
        while not all(file.exists() for file in wanted):
            assert time.monotonic() < end, list(place.rglob("*"))
            time.sleep(0.05)
        time.sleep(1)
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 0
    assert (folder / "a.png").exists() is (by == "copy")
    assert (folder / "bad.png").exists()


@pytest.mark.parametrize("by", ["copy", "move"])
def test_a_sidecar_that_arrives_after_its_photo_follows_it(tmp_path: Path, by: str) -> None:
    (folder := tmp_path / "arriving").mkdir()
    place = tmp_path / "sorted" / "red"
    with watching(folder, "--sort-to", place.parent, "--by", by) as program:
        tiny.write_solid(folder / "a.png", "red")
        wait_until_there(place / "a.png")
        for name in ("a.xmp", "a.png.xmp"):
            (folder / name).write_text("<x:xmpmeta/>")
            os.utime(folder / name, (1e9, 1e9))
        wait_until_there(place / "a.xmp")
        wait_until_there(place / "a.png.xmp")
        time.sleep(0.5)
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 0
    assert (folder / "a.xmp").exists() is (by == "copy")


def test_what_cannot_start_says_why(fovea: Fovea, tmp_path: Path) -> None:
    assert "no folder" in fovea("watch", tmp_path / "nowhere").err
    assert "is inside the folder" in fovea("watch", tmp_path, "--sort-to", tmp_path / "sorted").err
    ran = fovea("watch", tmp_path, "--format", "csv")
    assert ran.code == 2
    assert "--output" in ran.err
