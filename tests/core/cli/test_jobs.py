"""`fovea classify` of folders goes on where it was, and `fovea jobs` tells of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from core.jobs.journal import job_folder, job_id
from core.jobs.queries import ResultStore
from core.jobs.values import JobRequest, Review, Verdict
from core.models import library
from tests import tiny
from tests.core.cli.conftest import Fovea

pytestmark = pytest.mark.usefixtures("colours")
ASK = ("--recursive", "--model", "colours", "--provider", "cpu", "--format", "jsonl")


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_second_run_shows_everything_and_computes_only_what_is_new(fovea: Fovea, pictures: Path) -> None:
    first = fovea("classify", pictures, *ASK)
    second = fovea("classify", pictures, *ASK)
    assert second.out == first.out
    assert second.err == "fovea: 4 images, 0 new, 0 failed, colours\n"
    tiny.write_solid(pictures / "apple.png", "green")
    tiny.write_solid(pictures / "red.png", "blue", size=(50, 50))
    third = fovea("classify", pictures, *ASK)
    assert [(Path(line["path"]).name, line["label"]) for line in _lines(third.out)][:4] == [
        ("apple.png", "green"),
        ("blue.png", "blue"),
        ("green.png", "green"),
        ("red.png", "blue"),
    ]
    assert re.match(r"fovea: 5 images, 2 new, 0 failed, [\d.]+ images/s, colours on CPU, float32\n", third.err)
    fresh = fovea("classify", pictures, *ASK, "--fresh")
    assert re.match(r"fovea: 5 images, 0 failed, [\d.]+ images/s", fresh.err)


def test_another_model_classifies_again_and_uses_stored_features(fovea: Fovea, pictures: Path) -> None:
    library.open_library().install(*tiny.packaged_model("others", temperature=3.0))
    sure = fovea("classify", pictures, *ASK, "--keep-features")
    mild = fovea("classify", pictures, *ASK, "--keep-features", "--model", "others")
    assert re.fullmatch(r"fovea: 4 images, 0 failed, [\d.]+ images/s, others on stored features\n", mild.err)
    for one, other in zip(_lines(sure.out), _lines(mild.out), strict=True):
        assert (other["path"], other["model"], other["provider"]) == (one["path"], "others", "kept")
        assert other["confidence"] < one["confidence"] or one["confidence"] < 0.4


def test_where_all_images_failed_nothing_is_said_to_have_run(fovea: Fovea, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "one.png").write_bytes(b"no image")
    ran = fovea("classify", tmp_path / "broken", *ASK)
    assert re.fullmatch(r"fovea: 1 image, 1 failed, [\d.]+ images/s, colours\n", ran.err)


def test_fewer_classes_than_were_kept_are_reported_when_fewer_are_asked(fovea: Fovea, pictures: Path) -> None:
    fovea("classify", pictures, *ASK, "--top", "3")
    ran = fovea("classify", pictures, *ASK, "--top", "2")
    assert {len(line["scores"]) for line in _lines(ran.out)} == {2}
    assert "4 images, 0 new" in ran.err


def test_patterns_choose(fovea: Fovea, pictures: Path) -> None:
    ran = fovea("classify", pictures, *ASK, "--include", "*.png", "--exclude", "b*", "--exclude", "more")
    assert [Path(line["path"]).name for line in _lines(ran.out)] == ["green.png", "red.png"]
    none = fovea("classify", pictures, *ASK, "--include", "*.bmp")
    assert (none.code, none.out) == (2, "")
    assert "--include and --exclude" in none.err
    assert "Invalid pattern" in fovea("classify", pictures, *ASK, "--exclude", "").err


def test_what_is_about_folders_is_refused_for_files(fovea: Fovea, pictures: Path) -> None:
    for option in (["--include", "*.png"], ["--fresh"], ["--keep-features"]):
        ran = fovea("classify", pictures / "red.png", pictures, *ASK, *option)
        assert (ran.code, ran.out) == (2, "")
        assert "Give folders only" in ran.err
    ran = fovea("classify", pictures, pictures / "more", *ASK, "--fresh")
    assert "is inside another" in ran.err


def test_several_folders_are_several_jobs_and_overlapping_ones_none(fovea: Fovea, pictures: Path) -> None:
    tiny.write_solid(pictures.parent / "second" / "red.png", "red")
    ran = fovea("classify", pictures, pictures.parent / "second", *ASK)
    assert len(_lines(ran.out)) == 5
    assert len(json.loads(fovea("jobs", "--format", "json").out)) == 2
    overlapping = fovea("classify", pictures, pictures / "more", *ASK)
    assert len(_lines(overlapping.out)) == 4
    assert len(json.loads(fovea("jobs", "--format", "json").out)) == 2


def test_a_home_without_room_for_journals_costs_only_them(fovea: Fovea, pictures: Path, home: Path) -> None:
    (home / "jobs").write_text("a file in the way")
    ran = fovea("classify", pictures, *ASK)
    assert (ran.code, len(_lines(ran.out))) == (0, 4)
    assert "No journal is kept" in ran.err
    ran = fovea("classify", pictures, *ASK, "--exclude", "more")
    assert (ran.code, ran.out) == (2, "")


def test_jobs_are_listed_reported_about_and_removed(fovea: Fovea, pictures: Path) -> None:
    (pictures / "torn.png").write_text("no image")
    fovea("classify", pictures, *ASK, "--exclude", "grey.jpg")
    (job,) = json.loads(fovea("jobs", "--format", "json").out)
    assert (job["folder"], job["recursive"], job["exclude"]) == (str(pictures), True, ["grey.jpg"])
    assert (job["state"], job["model"], job["version"]) == ("finished", "colours", 1)
    assert job["counts"] == {"waiting": 0, "done": 3, "failed": 1, "gone": 0, "reviewed": 0}
    table = fovea("jobs").out
    assert job["id"] in table
    assert str(pictures) in table
    shown = json.loads(fovea("jobs", "show", job["id"], "--format", "json").out)
    assert shown["classes"] == {"blue": 1, "green": 1, "red": 1}
    assert "3 classified, 1 failed, 0 remaining" in fovea("jobs", "show", job["id"]).out
    removed = fovea("jobs", "remove", job["id"])
    assert (removed.code, removed.out) == (0, "")
    assert not job_folder(job["id"]).exists()
    assert json.loads(fovea("jobs", "--format", "json").out) == []
    for action in ("show", "remove"):
        ran = fovea("jobs", action, job["id"])
        assert (ran.code, ran.out) == (2, "")
        assert "No job “" in ran.err


def test_a_removed_job_comes_back_with_what_was_said(fovea: Fovea, pictures: Path) -> None:
    fovea("classify", pictures, *ASK)
    id_ = job_id(JobRequest(pictures, recursive=True))
    with ResultStore(id_) as answers:
        answers.set_reviews({1: Review(Verdict.CORRECTED, "green")})
    assert f"within 7 days, run `fovea jobs restore {id_}`" in fovea("jobs", "remove", id_).err
    (expected,) = json.loads(fovea("jobs", "restore", "--format", "json").out)
    assert (expected["id"], expected["folder"], expected["counts"]["reviewed"]) == (id_, str(pictures), 1)
    assert id_ in fovea("jobs", "restore").out
    assert fovea("jobs", "restore", id_).err == f"fovea: Restored job {id_}.\n"
    with ResultStore(id_) as answers:
        assert answers.rows_of([1])[0].final_label == "green"
    assert json.loads(fovea("jobs", "restore", "--format", "json").out) == []
    again = fovea("jobs", "restore", id_)
    assert (again.code, again.out) == (2, "")
    assert "no longer available" in again.err


def test_a_damaged_job_is_removed_reported_and_restored(fovea: Fovea, pictures: Path) -> None:
    fovea("classify", pictures, *ASK)
    id_ = job_id(JobRequest(pictures, recursive=True))
    (job_folder(id_) / "journal.sqlite").write_bytes(b"broken" * 1000)
    assert fovea("jobs", "remove", id_).code == 0
    assert "unreadable journal" in fovea("jobs", "restore").out
    assert fovea("jobs", "restore", id_).code == 0
    assert "damaged" in fovea("jobs").out


@pytest.mark.parametrize("id_", ["..", ".", "../jobs", "nowhere"])
def test_only_jobs_are_removed_and_restored(fovea: Fovea, pictures: Path, id_: str) -> None:
    fovea("classify", pictures, *ASK)
    for action in ("remove", "restore"):
        assert fovea("jobs", action, id_).code == 2
    assert len(json.loads(fovea("jobs", "--format", "json").out)) == 1


def test_labels_of_the_user_survive_a_fresh_run(fovea: Fovea, pictures: Path) -> None:
    fovea("classify", pictures, *ASK)
    id_ = job_id(JobRequest(pictures, recursive=True))
    with ResultStore(id_) as answers:
        answers.set_reviews({1: Review(Verdict.CORRECTED, "green")})
    fovea("classify", pictures, *ASK, "--fresh")
    with ResultStore(id_) as answers:
        assert answers.rows_of([1])[0].final_label == "green"


def test_a_damaged_journal_is_listed_and_then_set_aside(fovea: Fovea, pictures: Path) -> None:
    fovea("classify", pictures, *ASK)
    fovea("classify", pictures, *ASK, "--exclude", "grey.jpg")
    file = job_folder(job_id(JobRequest(pictures, recursive=True))) / "journal.sqlite"
    file.write_bytes(b"broken" * 1000)
    listed = fovea("jobs", "--format", "json")
    assert (listed.code, [("error" in job) for job in json.loads(listed.out)]) == (1, [False, True])
    assert str(file) in fovea("jobs").out.replace("\n", "")
    assert fovea("jobs", "show", file.parent.name).code == 2
    ran = fovea("classify", pictures, *ASK, "--fresh")
    assert (ran.code, len(_lines(ran.out))) == (0, 4)
    (aside,) = file.parent.glob("journal.sqlite.damaged-*")
    assert str(aside) in ran.err
    assert aside.read_bytes() == b"broken" * 1000
    assert fovea("jobs").code == 0
    (kept,) = json.loads(fovea("jobs", "restore", "--format", "json").out)
    assert kept["damaged"] == str(aside)


def test_no_job_has_a_name_longer_than_names_can_be(fovea: Fovea) -> None:
    for action in ("show", "remove", "restore"):
        ran = fovea("jobs", action, "x" * 300)
        assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 2)


def test_results_inside_the_folder_are_no_images(fovea: Fovea, pictures: Path) -> None:
    for _ in range(2):
        ran = fovea("classify", pictures, *ASK, "--output", pictures / "results.jsonl")
        assert (ran.code, ran.out) == (0, "")
        assert len(_lines((pictures / "results.jsonl").read_text())) == 4
