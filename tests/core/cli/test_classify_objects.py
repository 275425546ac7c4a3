"""`fovea classify --crop subject --count`, as a job and not, in every format."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from core.base import paths
from core.jobs.job_list import list_jobs
from core.jobs.values import JobSummary
from core.outputs.keywords.exiftool import KeywordError, find_exiftool
from tests.core.cli.conftest import Fovea
from tests.tiny_detector import write_detector, write_things

pytestmark = pytest.mark.usefixtures("colours", "detector")


@pytest.fixture
def detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny detector in place of the built-in one."""
    folder = write_detector(tmp_path / "detector")
    monkeypatch.setattr(paths, "builtin_detector", lambda: folder)
    return folder


@pytest.fixture
def things(tmp_path: Path) -> Path:
    """A folder with a small red thing, two green ones and nothing, all on blue."""
    folder = tmp_path / "things"
    write_things(folder / "apple.png", ("red", 1, 1))
    write_things(folder / "cups.png", ("lime", 0, 0), ("lime", 2, 3))
    write_things(folder / "nothing.png")
    return folder


def lines(text: str) -> dict[str, dict[str, Any]]:
    return {Path(one["path"]).stem: one for one in map(json.loads, text.splitlines())}


def test_both_answers_and_the_counts_are_in_json_lines(fovea: Fovea, things: Path) -> None:
    command = "classify", things, "--model", "colours", "--crop", "subject", "--count", "--format", "jsonl"
    first, again = fovea(*command), fovea(*command)
    assert (first.code, again.code) == (0, 0)
    assert "3 images, 0 new" in again.err
    found = lines(first.out)
    assert lines(again.out) == found, "as the journal has kept it"
    apple, nothing = found["apple"], found["nothing"]
    assert (apple["label"], apple["whole"]["label"], apple["counts"]) == ("red", "blue", {"apple": 1})
    assert apple["crop"]["subject"]["label"] == "apple"
    assert apple["crop"]["subject"]["box"] == apple["objects"][0]["box"] == [0.25, 0.25, 0.5, 0.5]
    assert apple["crop"]["box"] == pytest.approx([0.21875, 0.21875, 0.53125, 0.53125])
    assert found["cups"]["counts"] == {"cup": 2}
    assert (nothing["label"], nothing["counts"], nothing["crop"], nothing["whole"]) == ("blue", {}, None, None)


def test_images_that_are_no_job_have_them_too(fovea: Fovea, things: Path) -> None:
    done = fovea("classify", things / "apple.png", "--model", "colours", "--crop", "subject", "--format", "jsonl")
    assert lines(done.out)["apple"]["label"] == "red"


def test_without_the_options_nothing_is_added(fovea: Fovea, things: Path) -> None:
    fovea("classify", things, "--model", "colours", "--count")
    found = lines(fovea("classify", things, "--model", "colours", "--format", "jsonl").out)["apple"]
    assert found["label"] == "blue"
    assert not {"objects", "counts", "crop", "whole"} & found.keys()


def test_a_table_has_a_column_for_what_was_asked(fovea: Fovea, things: Path) -> None:
    command = "classify", things, "--model", "colours", "--format", "csv"
    counted = next(csv.DictReader(io.StringIO(fovea(*command, "--count").out)))
    assert counted["objects"] == "1 apple"
    assert "whole_label" not in counted
    cropped = next(csv.DictReader(io.StringIO(fovea(*command, "--crop", "subject").out)))
    assert (cropped["label"], cropped["subject"], cropped["whole_label"]) == ("red", "apple", "blue")
    assert "objects" not in next(csv.DictReader(io.StringIO(fovea(*command).out)))


def test_the_readable_table_says_both(fovea: Fovea, things: Path) -> None:
    done = fovea("classify", things / "apple.png", "--model", "colours", "--crop", "subject")
    assert "found: 1 apple; whole image: blue" in done.out


def test_a_page_shows_the_objects(fovea: Fovea, things: Path, tmp_path: Path) -> None:
    assert fovea("classify", things, "--model", "colours", "--count", "--output", tmp_path / "a.html").code == 0
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<th>Objects" in page or ">Objects<" in page
    assert "2 cups" in page


def test_the_job_remembers_what_was_looked_for(fovea: Fovea, things: Path) -> None:
    fovea("classify", things, "--model", "colours", "--crop", "subject")
    (job,) = list_jobs()
    assert isinstance(job, JobSummary)
    assert (job.detection.crop, job.detection.count) == (True, False)


def test_sorting_uses_the_answers_of_the_last_run(fovea: Fovea, things: Path, tmp_path: Path) -> None:
    fovea("classify", things, "--recursive", "--model", "colours", "--crop", "subject")
    assert fovea("sort", things, "--to", tmp_path / "sorted").code == 0
    assert (tmp_path / "sorted" / "red" / "apple.png").is_file()


def test_keywords_are_of_the_crops_too(fovea: Fovea, things: Path) -> None:
    try:
        find_exiftool()
    except KeywordError as error:
        pytest.skip(str(error))
    command = "--model", "colours", "--crop", "subject"
    fovea("classify", things, *command)
    done = fovea("keywords", things, *command, "--format", "jsonl", "--threshold", "0.5")
    assert lines(done.out)["apple"]["keyword"] == "red"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C goes to every program of a console there")
def test_what_arrives_is_cropped_and_counted(fovea: Fovea, things: Path, tmp_path: Path) -> None:
    output = tmp_path / "arrived.csv"

    def end_when_written() -> None:
        while "nothing.png" not in (output.read_text() if output.exists() else ""):
            ended.wait(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    ended, ending = threading.Event(), threading.Thread(target=end_when_written, daemon=True)
    ending.start()
    done = fovea("watch", things, "--model", "colours", "--crop", "subject", "--count", "--output", output)
    assert done.code == 0, done.err
    rows = {Path(row["path"]).stem: row for row in csv.DictReader(io.StringIO(output.read_text()))}
    assert [rows["apple"][name] for name in ("label", "objects", "subject", "whole_label")] == [
        "red", "1 apple", "apple", "blue"
    ]  # fmt: skip


def test_a_missing_detector_is_an_error_before_anything_starts(fovea: Fovea, things: Path, detector: Path) -> None:
    (detector / "detector.onnx").unlink()
    done = fovea("classify", things, "--model", "colours", "--count")
    assert (done.code, done.out) == (2, "")
    assert "missing" in done.err
