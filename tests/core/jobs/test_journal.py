"""Guarantees of a journal: one row per image, nothing lost, and clear errors."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from core.base.errors import BrokenRecord, DamagedError, StorageError, UsageError
from core.base.salvage import files_set_aside
from core.jobs.job_list import job_summary, list_jobs, reset_results
from core.jobs.journal import ImageResult, Journal, ModelRef, job_folder, job_id, locked
from core.jobs.queries import ResultStore
from core.jobs.schema import FILE, FORMAT, open_database
from core.jobs.trash import removed_jobs, restore, trash
from core.jobs.values import JobCounts, JobRequest, JobState, Review, State, Verdict, View
from core.prediction import Failure, Prediction
from tests.core.jobs.conftest import ANSWERER, failure, found, prediction
from tests.patience import PATIENCE_S


def record_all(journal: Journal) -> list[str]:
    """Record all waiting images as red, and return their paths."""
    waiting = [image for image in journal.next_images(0, 1000) if image.outcome is None]
    journal.record([ImageResult(image.number, prediction("red", 0.9)) for image in waiting])
    return [image.path.name for image in waiting]


def run(request: JobRequest, *images: str, answerer: ModelRef = ANSWERER, mtime_ns: int = 1) -> list[str]:
    """Run a whole job over these images, and return which were classified."""
    with Journal(request, answerer) as journal:
        journal.add_found([found(image, mtime_ns=mtime_ns) for image in images])
        journal.end_walk([])
        fresh = record_all(journal)
        journal.finish()
    return fresh


def states(request: JobRequest) -> dict[str, State]:
    with ResultStore(job_id(request)) as answers:
        return {row.path.name: row.state for row in answers.rows_of(range(1, 100))}


def test_a_second_run_finds_new_changed_and_missing_images(request_of: JobRequest) -> None:
    assert run(request_of, "a.jpg", "b.jpg", "c.jpg") == ["a.jpg", "b.jpg", "c.jpg"]
    assert run(request_of, "a.jpg", "b.jpg", "c.jpg") == []
    assert run(request_of, "0.jpg", "a.jpg", "c.jpg") == ["0.jpg"]
    assert states(request_of)["b.jpg"] is State.GONE
    with ResultStore(job_id(request_of)) as answers:
        assert [row.path.name for row in answers.each(View())] == ["0.jpg", "a.jpg", "c.jpg"]
        assert answers.summary().counts == JobCounts(done=3, gone=1)
    assert run(request_of, "0.jpg", "a.jpg", "b.jpg", mtime_ns=2) == ["0.jpg", "a.jpg", "b.jpg"]


def test_an_unchanged_image_that_returns_keeps_its_result(request_of: JobRequest) -> None:
    run(request_of, "a.jpg", "b.jpg")
    run(request_of, "a.jpg")
    assert run(request_of, "a.jpg", "b.jpg") == []


def test_another_model_classifies_again_and_earlier_results_are_reused(request_of: JobRequest) -> None:
    other = ModelRef("another key", "shapes", 2, 5)
    run(request_of, "a.jpg", "b.jpg")
    with ResultStore(job_id(request_of)) as answers:
        answers.set_reviews({1: Review(Verdict.ACCEPTED)})
        answers.set_reviews({2: Review(Verdict.CORRECTED, "blue")})
    assert run(request_of, "a.jpg", "b.jpg", answerer=other) == ["a.jpg", "b.jpg"]
    assert run(request_of, "a.jpg", "b.jpg", answerer=other) == []
    facts = job_summary(job_id(request_of))
    assert (facts.model, facts.version) == ("shapes", 2)
    with ResultStore(job_id(request_of)) as answers:
        assert [row.final_label for row in answers.each(View())] == ["red", "blue"]


def test_a_larger_top_k_is_recomputed_and_a_smaller_one_is_not(request_of: JobRequest) -> None:
    run(request_of, "a.jpg")
    assert run(request_of, "a.jpg", answerer=replace(ANSWERER, top_k=3)) == []
    assert run(request_of, "a.jpg", answerer=replace(ANSWERER, top_k=9)) == ["a.jpg"]
    assert run(request_of, "a.jpg", answerer=replace(ANSWERER, top_k=5)) == []


def test_only_transient_failures_are_retried(request_of: JobRequest) -> None:
    with Journal(request_of, ANSWERER) as journal:
        journal.add_found([found("a.jpg"), found("b.jpg")])
        journal.end_walk([])
        journal.record([ImageResult(1, failure("missing")), ImageResult(2, failure("damaged"))])
    assert run(request_of, "a.jpg", "b.jpg") == ["a.jpg"]


def test_images_in_an_unreadable_folder_are_not_gone(request_of: JobRequest) -> None:
    run(request_of, "a.jpg", "x/b.jpg", "x/y/c.jpg", "xy/d.jpg")
    with Journal(request_of, ANSWERER) as journal:
        journal.add_found([found("a.jpg")])
        trouble = Failure(request_of.folder / "x", "no-access", "It could not be read.", "See to it.")
        assert journal.end_walk([trouble]) == 1
    gone = [name for name, state in states(request_of).items() if state is State.GONE]
    assert gone == ["d.jpg"]
    with ResultStore(job_id(request_of)) as answers:
        (found_error,) = answers.unreadable_folders()
    assert found_error == replace(trouble, path=Path(os.path.realpath(trouble.path)))


def test_the_schema_allows_one_row_per_image(request_of: JobRequest) -> None:
    with Journal(request_of, ANSWERER) as journal:
        journal.add_found([found("a.jpg"), found("a.jpg"), found("x/a.jpg")])
        journal.add_found([found("a.jpg")])
    with closing(sqlite3.connect(job_folder(journal.id) / FILE)) as file, pytest.raises(sqlite3.IntegrityError):
        file.execute(
            "INSERT INTO images (place, walk, folder, name, shown, size, mtime_ns) VALUES (9,1,1,?,'',1,1)", (b"a.jpg",)
        )
    assert job_summary(journal.id).counts.waiting == 2


@pytest.mark.skipif(sys.platform == "win32", reason="names of files are always Unicode on Windows")
def test_file_names_that_are_not_text_are_preserved(request_of: JobRequest) -> None:
    name = os.fsdecode(b"caf\xe9\n\xff.jpg")
    with Journal(request_of, ANSWERER) as journal:
        journal.add_found([replace(found("x"), folder=b"d\xfe", name=os.fsencode(name))])
        (image,) = journal.next_images(0, 10)
        record_all(journal)
    assert image.path == request_of.folder / os.fsdecode(b"d\xfe") / name
    with ResultStore(job_id(request_of)) as answers:
        (row,) = answers.each(View())
        assert row.path.name == name
        assert list(answers.folder_counts(View().filter)) == [Path(os.fsdecode(b"d\xfe"))]


def test_the_job_id_depends_on_folder_and_patterns(request_of: JobRequest, tmp_path: Path) -> None:
    id_ = job_id(request_of)
    assert job_id(replace(request_of, model="other", top_k=9, keep_features=True)) == id_
    assert job_id(replace(request_of, folder=request_of.folder / ".." / "photos")) == id_
    others = [
        replace(request_of, recursive=False),
        replace(request_of, include=("a",)),
        replace(request_of, exclude=("a",)),
        replace(request_of, folder=tmp_path),
    ]
    assert len({id_, *map(job_id, others)}) == 5


def test_two_programs_cannot_run_one_job(request_of: JobRequest) -> None:
    with Journal(request_of, ANSWERER) as journal:
        assert job_summary(journal.id).state is JobState.RUNNING
        with pytest.raises(UsageError, match="Another program is classifying"):
            Journal(request_of, ANSWERER)
        with pytest.raises(UsageError, match="Another program is classifying"):
            trash(journal.id)
    assert job_summary(journal.id).state is JobState.STOPPED
    Journal(request_of, ANSWERER).__exit__()


def test_a_running_job_can_be_read_and_reviewed(request_of: JobRequest) -> None:
    with Journal(request_of, ANSWERER) as journal:
        journal.add_found([found("a.jpg"), found("b.jpg")])
        with ResultStore(journal.id) as answers:
            assert answers.count(View()) == 0
            record_all(journal)
            answers.refresh()
            assert answers.count(View()) == 2
            answers.set_reviews({1: Review(Verdict.CORRECTED, "green")})
            journal.start([2])
            assert answers.summary().counts.reviewed == 1


def test_a_journal_of_a_later_version_is_refused_and_unchanged(request_of: JobRequest) -> None:
    run(request_of, "a.jpg")
    file = job_folder(job_id(request_of)) / FILE
    with closing(sqlite3.connect(file)) as opened:
        opened.execute(f"PRAGMA user_version = {FORMAT + 1}")
    before = file.read_bytes()
    for use in (lambda: Journal(request_of, ANSWERER), lambda: ResultStore(job_id(request_of))):
        with pytest.raises(StorageError, match="newer version of Fovea"):
            use()
    assert file.read_bytes() == before
    assert "newer version" in str(list_jobs()[0])
    with pytest.raises(StorageError, match="newer version of Fovea"):
        reset_results(job_id(request_of))
    assert file.read_bytes() == before
    trash(job_id(request_of))
    assert list_jobs() == ()


def test_a_journal_being_created_is_not_reported_as_broken(request_of: JobRequest) -> None:
    folder = job_folder(job_id(request_of))
    with locked(folder):
        (folder / FILE).touch()
        assert list_jobs() == ()
        with closing(open_database(folder / FILE, make=True)):
            assert list_jobs() == ()
    (left,) = list_jobs()
    assert isinstance(left, BrokenRecord)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
def test_a_file_that_is_not_a_journal_is_refused(request_of: JobRequest, content: bytes) -> None:
    file = job_folder(job_id(request_of)) / FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(StorageError, match=r"damaged|is not a Fovea journal"):
        ResultStore(job_id(request_of))


def test_another_database_is_not_changed(request_of: JobRequest) -> None:
    file = job_folder(job_id(request_of)) / FILE
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("CREATE TABLE mine (a)")
    before = file.read_bytes()
    with pytest.raises(StorageError, match="is not a Fovea journal"):
        Journal(request_of, ANSWERER)
    assert file.read_bytes() == before


def test_results_can_be_reset_without_losing_reviews(request_of: JobRequest) -> None:
    reset_results(job_id(request_of))
    run(request_of, "a.jpg")
    with ResultStore(job_id(request_of)) as answers:
        answers.set_reviews({1: Review(Verdict.CORRECTED, "blue")})
    reset_results(job_id(request_of))
    assert run(request_of, "a.jpg") == ["a.jpg"]
    with ResultStore(job_id(request_of)) as answers:
        assert [row.final_label for row in answers.each(View())] == ["blue"]


def _overwrite(file: Path, at: int, data: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(data)


@pytest.mark.parametrize("harm", [(16, b"\xff\xff"), (0, bytes(4096)), (68, b"\xff\xff")], ids=str)
@pytest.mark.parametrize("forget", [True, False])
def test_a_damaged_journal_is_set_aside_and_keeps_reviews(
    request_of: JobRequest, harm: tuple[int, bytes], forget: bool, caplog: pytest.LogCaptureFixture
) -> None:
    run(request_of, "a.jpg")
    with ResultStore(job_id(request_of)) as answers:
        answers.set_reviews({1: Review(Verdict.CORRECTED, "blue")})
    file = job_folder(job_id(request_of)) / FILE
    _overwrite(file, *harm)
    before = file.read_bytes()
    (broken,) = list_jobs()
    assert isinstance(broken, BrokenRecord)
    assert str(file) in broken.error.what
    assert file.read_bytes() == before
    if forget:
        reset_results(job_id(request_of))
    assert run(request_of, "a.jpg") == (["a.jpg"] if forget else [])
    with ResultStore(job_id(request_of)) as answers:
        assert [row.final_label for row in answers.each(View())] == ["blue"]
    (removed,) = removed_jobs()
    assert removed.damaged_file is not None
    assert removed.damaged_file.read_bytes() == before
    assert str(removed.damaged_file) in caplog.text
    with pytest.raises(UsageError, match="has already been recovered"):
        restore(removed.id)


def test_a_read_error_is_not_damage(request_of: JobRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    run(request_of, "a.jpg")
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    folder = job_folder(job_id(request_of))
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", Mock(side_effect=error))
        for use in (lambda: reset_results(folder.name), lambda: Journal(request_of, ANSWERER)):
            with pytest.raises(StorageError, match="disk I/O error"):
                use()
    assert not files_set_aside(folder, FILE)
    assert states(request_of) == {"a.jpg": State.DONE}


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM job",
        "UPDATE job SET include = 'no JSON'",
        "UPDATE job SET include = '[1]'",
        "UPDATE job SET folder = 5",
        "UPDATE job SET begun = 1e300",
        "UPDATE job SET begun = 'once'",
        "DROP TABLE images",
    ],
)
def test_invalid_content_is_listed_as_damage(request_of: JobRequest, change: str) -> None:
    run(request_of, "a.jpg")
    with closing(sqlite3.connect(job_folder(job_id(request_of)) / FILE)) as opened, opened:
        opened.execute(change)
    (broken,) = list_jobs()
    assert isinstance(broken, BrokenRecord)
    assert "is damaged" in broken.error.what


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE details SET scores = 'no JSON'",
        "UPDATE details SET scores = '[[1]]'",
        "UPDATE images SET label = x'ff'",
        "UPDATE images SET confidence = 'sure'",
    ],
)
def test_an_invalid_result_is_computed_again(request_of: JobRequest, change: str) -> None:
    run(request_of, "a.jpg", "b.jpg")
    with closing(sqlite3.connect(job_folder(job_id(request_of)) / FILE)) as opened, opened:
        opened.execute(f"{change} WHERE number = 1")
    with ResultStore(job_id(request_of)) as answers, pytest.raises(DamagedError):
        list(answers.each(View()))
    assert run(request_of, "a.jpg", "b.jpg") == ["a.jpg"]
    assert set(states(request_of).values()) == {State.DONE}


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_journal_removed_during_a_run_is_reported(request_of: JobRequest) -> None:
    with Journal(request_of, ANSWERER) as journal:
        journal.add_found([found("a.jpg")])
        shutil.rmtree(job_folder(journal.id))
        with pytest.raises(StorageError, match="journal is missing"):
            journal.add_found([found("b.jpg")])
    assert run(request_of, "a.jpg", "b.jpg") == ["a.jpg", "b.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_full_disk_is_reported_and_the_job_resumes_afterwards(request_of: JobRequest) -> None:
    """A file size limit simulates a full disk: SQLite meets both when it writes."""
    run(request_of, "a.jpg")
    fill = f"""
import resource, signal, sys
from tests.core.jobs.conftest import ANSWERER, found
from core.jobs.journal import Journal
from core.jobs.values import JobRequest
from core.base.errors import StorageError
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Journal(JobRequest(Path({str(request_of.folder)!r}), recursive=True), ANSWERER) as journal:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    try:
        for number in range(10_000):
            journal.add_found([found(f"{{number}}.jpg")])
    except StorageError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", fill], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert "the journal" in done.stdout
    assert "Check the free space" in done.stdout or "Free up disk space" in done.stdout
    assert run(request_of, "a.jpg", "late.jpg")[-1] == "late.jpg"
    assert states(request_of)["a.jpg"] is State.DONE


def test_a_killed_writer_keeps_everything_recorded(request_of: JobRequest) -> None:
    write = f"""
import os, signal
from tests.core.jobs.conftest import ANSWERER, found, prediction
from core.jobs.journal import ImageResult, Journal
from core.jobs.values import JobRequest
from pathlib import Path
journal = Journal(JobRequest(Path({str(request_of.folder)!r}), recursive=True), ANSWERER)
journal.add_found([found("a.jpg"), found("b.jpg")])
journal.record([ImageResult(1, prediction("red", 0.9))])
journal.start([2])
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", write], check=False, timeout=PATIENCE_S).returncode == 9
    assert states(request_of) == {"a.jpg": State.DONE, "b.jpg": State.WAITING}
    with Journal(request_of, ANSWERER) as journal:
        journal.add_found([found("a.jpg"), found("b.jpg")])
        kept, torn = journal.next_images(0, 10)
        assert isinstance(kept.outcome, Prediction)
        assert (torn.outcome, torn.attempts) == (None, 1)
        journal.release([2])
        assert journal.next_images(1, 10)[0].attempts == 0


def test_an_unwritable_home_is_reported(request_of: JobRequest, home: Path) -> None:
    home.write_text("a file where the folder would be")
    with pytest.raises(StorageError, match="Couldn't write"):
        Journal(request_of, ANSWERER)
    assert list_jobs() == ()
    with pytest.raises(UsageError, match="No job “"):
        job_summary("../settings")
