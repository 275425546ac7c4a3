"""What was removed from the library comes back as it was, or is refused with the reason."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.base.errors import ModelError
from core.models import versions
from core.models.library import Library
from core.models.trash import list_removed, restore
from tests import tiny


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = tiny.make_library(tmp_path)
    for _ in range(3):
        made.install(*tiny.packaged_model("mine"))
    return made


def test_a_removed_model_comes_back_with_all_its_versions(library: Library) -> None:
    library.activate("mine", 1)
    library.remove("mine")
    assert library.numbers("mine") == ()
    (one,) = list_removed(library.user)
    assert (one.name, one.number) == ("mine", None)
    assert datetime.now(UTC) - one.removed_at < timedelta(minutes=1)
    restore(library.user, "mine")
    assert library.numbers("mine") == (1, 2, 3)
    assert library.active("mine") == 1
    assert library.roll_back("mine").version == 3
    assert list_removed(library.user) == ()
    assert not list(library.user.glob(".removed-*"))


def test_a_removed_version_comes_back_under_its_number(library: Library) -> None:
    library.remove_version("mine", 2)
    assert library.install(*tiny.packaged_model("mine")).version == 4
    assert [one.reference for one in list_removed(library.user)] == ["mine@2"]
    restore(library.user, "mine", 2)
    assert library.numbers("mine") == (1, 2, 3, 4)
    assert library.find("mine@2")


def test_what_was_removed_last_comes_back_first(library: Library) -> None:
    library.remove("mine")
    library.install(*tiny.packaged_model("mine", title="Second"))
    library.remove("mine")
    first, second = (one.folder for one in list_removed(library.user))
    os.utime(second.parent, (0, 0))
    restore(library.user, "mine")
    assert library.find("mine").card.title == "Second"
    assert not first.exists()


def test_a_place_that_is_taken_is_not_overwritten(library: Library) -> None:
    library.remove("mine")
    library.install(*tiny.packaged_model("mine", title="Another"))
    with pytest.raises(ModelError, match="now another model with this name"):
        restore(library.user, "mine")
    assert library.find("mine").card.title == "Another"
    assert list_removed(library.user)


def test_restoring_what_was_not_removed_is_refused(library: Library) -> None:
    with pytest.raises(ModelError, match="mine@2") as refusal:
        restore(library.user, "mine", 2)
    assert "7 days" in refusal.value.hint


def test_it_is_kept_for_some_days_and_not_for_ever(library: Library) -> None:
    library.remove_version("mine", 1)
    (one,) = list_removed(library.user)
    day = 24 * 3600
    for days, is_kept in ((versions.KEPT_DAYS - 0.5, True), (versions.KEPT_DAYS + 0.5, False)):
        moment = datetime.now(UTC).timestamp() - days * day
        os.utime(one.folder.parent, (moment, moment))
        versions.purge(library.user)
        assert bool(list_removed(library.user)) is is_kept
