"""Sorting by scripts: the plan, what it leads to, and the way back."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from core.api import outputs
from core.api.classification_values import ClassifyRequest, ClassifyTotals
from core.base.errors import UsageError
from core.base.progress import CancelToken
from core.models.library import open_library
from core.outputs.sort import SortPlan
from core.outputs.sorting.values import SortingState, SortRequest, TransferMode
from tests import tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    open_library().install(*tiny.packaged_model("colours"))
    for colour in tiny.CLASSES:
        tiny.write_solid(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def plan(folder: Path, *, dry_run: bool = False) -> tuple[SortPlan, ClassifyTotals | None]:
    return outputs.plan_sorting(
        SortRequest(folder, folder.with_name("sorted"), TransferMode.MOVE),
        ClassifyRequest((folder,), "colours", recursive=True, for_sorting=True),
        lambda _: nullcontext(lambda _: None),
        dry_run=dry_run,
        warn=lambda text, hint: pytest.fail(f"{text} {hint}"),
        token=CancelToken(),
    )


def test_a_plan_changes_nothing_until_it_is_carried_out(folder: Path) -> None:
    planned, totals = plan(folder, dry_run=True)
    assert totals is not None
    assert (totals.images, planned.summary.photos, len(planned.steps)) == (3, 3, 3)
    assert len(list(folder.iterdir())) == 3
    done = outputs.sort_photos(planned, report=lambda _: None, token=CancelToken())
    assert (done.sorted, done.failed, outputs.list_issues(done)) == (3, 0, ())
    assert (folder.with_name("sorted") / "red" / "red.png").exists()
    assert plan(folder)[1] is None  # all of it was sorted before


def test_the_latest_sorting_is_undone(folder: Path) -> None:
    with pytest.raises(UsageError, match="No matching sorting"):
        outputs.undo_sorting("", report=lambda _: None, token=CancelToken())
    done = outputs.sort_photos(plan(folder)[0], report=lambda _: None, token=CancelToken())
    with pytest.raises(UsageError, match="No matching sorting"):
        outputs.resume_sorting("", report=lambda _: None, token=CancelToken())
    undone = outputs.undo_sorting("", report=lambda _: None, token=CancelToken())
    assert (undone.id, undone.state, undone.undone) == (done.id, SortingState.UNDONE, 3)
    assert len(list(folder.iterdir())) == 3
