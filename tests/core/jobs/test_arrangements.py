"""Orders that are computed from the photos themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.base.errors import Cancelled, DatasetError, ModelError
from core.base.progress import CancelToken, Progress
from core.base.providers import ProviderPreference
from core.jobs.arrangements import arrange
from core.jobs.job import Job, open_lazy_classifier
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, Group, JobRequest, Order, Review, Verdict, View
from core.models.library import open_library
from tests import tiny

ALIKE = View(group=Group.LIKENESS)
USEFUL = View(Order.USEFULNESS)


@pytest.fixture
def request_of(tmp_path: Path) -> JobRequest:
    """A folder in which photos of three colours take turns, and a grey one that looks like none of them."""
    open_library().install(*tiny.packaged_model("colours"))
    for number in range(3):
        for colour in tiny.CLASSES:
            tiny.write_solid(tmp_path / "photos" / f"{number} {colour}.png", colour, size=(40 + number, 30))
    tiny.write_solid(tmp_path / "photos" / "1 grey.png", "grey")
    return JobRequest(tmp_path / "photos", recursive=True, model="colours", provider=ProviderPreference.CPU)


@pytest.fixture
def job(request_of: JobRequest) -> str:
    """The job, finished."""
    with Job(request_of, open_lazy_classifier(request_of), token=CancelToken()) as job:
        for _ in job.results():
            pass
    return job.id


def arranged(job: str, request: JobRequest, view: View = ALIKE, token: CancelToken | None = None) -> list[Progress]:
    reports: list[Progress] = []
    with ResultStore(job) as store:
        arrange(store, view, request, report=reports.append, token=token or CancelToken())
    return reports


def colours(job: str, view: View = ALIKE) -> Sequence[str]:
    with ResultStore(job) as store:
        return [row.path.stem[2:] for row in store.each(view)]


def test_photos_that_look_alike_are_together_and_others_last(job: str, request_of: JobRequest) -> None:
    assert colours(job) == ["blue", "green", "red", "blue", "green", "grey", "red", "blue", "green", "red"]
    reports = arranged(job, request_of)
    assert reports[-1].step == reports[-1].total == 10
    listed = colours(job)
    assert listed[-1] == "grey"
    assert {tuple(listed[first : first + 3]) for first in (0, 3, 6)} == {(colour,) * 3 for colour in tiny.CLASSES}
    with ResultStore(job) as store:
        found = store.listing(ALIKE).groups
    assert [(group.first, group.count) for group in found] == [(0, 3), (3, 3), (6, 3)]


def test_groups_are_kept_and_follow_the_filter(job: str, request_of: JobRequest) -> None:
    arranged(job, request_of, View(group=Group.LIKENESS, filter=Filter(labels=("red", "green"))))
    listed = colours(job)
    assert set(listed[:6]) == {"red", "green"}
    assert "blue" in listed[6:]
    only = View(group=Group.LIKENESS, filter=Filter(labels=("green",)))
    assert set(colours(job, only)) <= {"green", "grey"}


def test_a_photo_that_was_removed_is_last(job: str, request_of: JobRequest) -> None:
    (request_of.folder / "0 red.png").unlink()
    arranged(job, request_of)
    assert "red" in colours(job)[-2:]


def test_what_to_label_next_is_ambiguous_and_different(job: str, request_of: JobRequest) -> None:
    arranged(job, request_of, USEFUL)
    unreviewed = replace(USEFUL, filter=Filter(reviewed=False))
    listed = colours(job, unreviewed)
    assert listed[0] == "grey"  # nothing is as ambiguous
    with ResultStore(job) as store:
        first = store.listing(unreviewed).numbers[0]
        store.set_reviews({first: Review(Verdict.CORRECTED, "ash")})
    arranged(job, request_of, USEFUL)
    assert "grey" not in colours(job, unreviewed)
    assert colours(job, USEFUL)[-1] == "grey"
    assert set(colours(job, unreviewed)[:3]) == set(tiny.CLASSES)


def test_by_a_multi_label_model_photos_with_a_class_near_its_threshold_teach_most(request_of: JobRequest) -> None:
    """Among them one without any class: it may lack one."""
    open_library().install(*tiny.multi_label_model("several", shared=False, thresholds=(0.9, 0.9, 0.02)))
    asked = replace(request_of, model="several")
    with Job(asked, open_lazy_classifier(asked), token=CancelToken()) as job:
        for _ in job.results():
            pass
    arranged(job.id, asked, USEFUL)
    assert set(colours(job.id, USEFUL)[:3]) == {"red", "green", "grey"}, "which might be blue, too"


def test_a_view_as_the_journal_has_it_needs_no_photos(job: str, request_of: JobRequest) -> None:
    assert arranged(job, request_of, View()) == []


def test_nothing_changes_if_it_is_stopped_or_fails(job: str, request_of: JobRequest) -> None:
    arranged(job, request_of)
    before, token = colours(job), CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        arranged(job, request_of, token=token)
    open_library().remove("colours")
    with pytest.raises(ModelError):
        arranged(job, request_of)
    assert colours(job) == before


def test_a_view_without_photos_is_arranged(job: str, request_of: JobRequest) -> None:
    arranged(job, request_of, replace(ALIKE, filter=Filter(text="nothing is called so")))
    arranged(job, request_of, replace(USEFUL, filter=Filter(text="nothing is called so")))
    assert len(colours(job)) == 10


def test_a_folder_that_is_gone_is_reported(job: str, request_of: JobRequest) -> None:
    request_of.folder.rename(request_of.folder.with_name("elsewhere"))
    with pytest.raises(DatasetError, match="could be read"):
        arranged(job, request_of)
