"""Labels given elsewhere appear as reviews of a job, and go when they are removed; reviews are never lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from core.base import paths
from core.base.progress import CancelToken
from core.datasets.label_file import open_labels
from core.datasets.labels import Label, Scope, Source
from core.jobs.queries import ResultStore, SharedReview
from core.jobs.shared_labels import share_labels
from core.jobs.values import Filter, Review, Row, Verdict, View
from tests.journals import write_journal
from tests.labels import correction, give

MODEL = "colours"


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A finished job whose photos are there; its model, which is not installed, knows red, green and blue."""
    monkeypatch.setattr("core.jobs.shared_labels.scope_of", lambda model: Scope(model, "", ("red", "green", "blue")))
    made = write_journal(tmp_path / "photos", 30)
    with ResultStore(made) as results:
        for row in results.each(View()):
            write(row.path, row.number)
    return made


def write(file: Path, number: int) -> None:
    """Write the photo of a row as `write_journal` notes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(f"{number:04}".encode() + bytes(995 + number))
    os.utime(file, ns=(10**18, 10**18 + (number - 1) * 10**9))


def rows(job: str) -> list[Row]:
    """The rows whose prediction can be accepted."""
    with ResultStore(job) as results:
        return [row for row in results.each(View(filter=Filter(failed=False))) if not row.is_unknown]


def share(job: str) -> bool:
    return share_labels(job, CancelToken())


def in_wizard(row: Row, name: str) -> Label:
    return Label(row.path, name, Source.WIZARD, folder="set")


def remove(row: Row) -> None:
    """Remove the label of a photo in the gallery."""
    with open_labels() as store:
        store.change({row.path: None}, Scope(MODEL, "", ("red", "green", "blue")))


def other_than(row: Row) -> str:
    return next(name for name in ("red", "green") if name != row.label)


def review(job: str, row: Row, name: str) -> None:
    with ResultStore(job) as results:
        results.set_reviews({row.number: Review(Verdict.CORRECTED, name)})


def test_without_labels_nothing_changes(job: str) -> None:
    assert not share(job)
    give(correction(Path("/elsewhere.jpg"), "red", MODEL))
    assert not share(job)
    assert not any(row.review for row in rows(job))


def test_labels_given_elsewhere_are_reviews(job: str) -> None:
    first, second, third, fourth, *_ = rows(job)
    give(
        in_wizard(first, other_than(first)), correction(second.path, str(second.label), MODEL),
        in_wizard(third, "purple"), correction(fourth.path, "purple", MODEL),
    )  # fmt: skip
    assert share(job)
    assert [row.review for row in rows(job)[:5]] == [
        Review(Verdict.CORRECTED, other_than(first)),
        Review(Verdict.ACCEPTED, second.label),
        None,  # purple is no class of the model
        Review(Verdict.CORRECTED, "purple"),  # but the user has said so of its prediction
        None,
    ]
    assert not share(job), "they are known"


def test_a_copy_of_a_labelled_photo_is_reviewed(job: str, tmp_path: Path) -> None:
    row = rows(job)[0]
    copy = Path(shutil.copy(row.path, tmp_path / "copy.jpg"))
    give(correction(copy, other_than(row), MODEL))
    assert share(job)
    assert rows(job)[0].final_label == other_than(row)


def test_what_was_said_last_counts(job: str) -> None:
    row = rows(job)[0]
    give(correction(row.path, "blue", MODEL))
    review(job, row, "blue")
    give(in_wizard(row, "green"))
    assert share(job)
    assert rows(job)[0].final_label == "green"
    give(correction(row.path, "red", MODEL))
    assert share(job)
    assert rows(job)[0].final_label == "red"


def test_a_label_that_was_removed_elsewhere_is_removed(job: str) -> None:
    row = rows(job)[0]
    give(correction(row.path, other_than(row), MODEL))
    share(job)
    remove(row)
    assert share(job)
    assert rows(job)[0].review is None


def test_a_review_that_the_store_does_not_know_stays(job: str) -> None:
    first, second, *_ = rows(job)
    give(correction(second.path, "red", MODEL))
    review(job, first, "purple")
    share(job)
    assert rows(job)[0].review == Review(Verdict.CORRECTED, "purple")


def test_a_review_stays_when_the_photo_has_changed(job: str) -> None:
    row = rows(job)[0]
    give(correction(row.path, "purple", MODEL))
    share(job)
    row.path.write_bytes(b"rotated")
    share(job)
    assert rows(job)[0].review == Review(Verdict.CORRECTED, "purple")


def test_a_review_stays_for_a_model_without_its_class(job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = rows(job)[0]
    give(correction(row.path, "purple", "another"), in_wizard(row, "green"))
    give(correction(row.path, "purple", "another"))
    review(job, row, "purple")
    assert not share(job)
    assert rows(job)[0].final_label == "purple"


def test_a_row_that_is_reviewed_meanwhile_keeps_that_review(job: str) -> None:
    row = rows(job)[0]
    give(correction(row.path, "red", MODEL))
    with ResultStore(job) as results:
        assert row.number in results.rows_with_sizes([row.path.stat().st_size])
        review(job, row, "blue")
        assert not results.share_reviews([SharedReview(row.number, None, Review(Verdict.CORRECTED, "red"))])
    assert rows(job)[0].final_label == "blue"


def test_labels_that_cannot_be_read_leave_the_job_alone(job: str, caplog: pytest.LogCaptureFixture) -> None:
    paths.labels_file().mkdir(parents=True)
    assert not share(job)
    assert "were not applied" in caplog.text
