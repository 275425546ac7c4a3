"""Versions of one name: which one it means, going back, removing one; with kills and two programs at once."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.base.errors import ModelError, StorageError
from core.models.installed import load_head, load_training_hashes
from core.models.library import Library
from core.models.library_folders import CARD
from core.models.values import BrokenEntry, InstalledBackbone, InstalledModel
from tests import tiny
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Three versions of "mine", the last one active; their titles tell them apart."""
    library = tiny.make_library(tmp_path)
    for number in (1, 2, 3):
        install(library, title=f"Version {number}")
    return library


def install(library: Library, *, activate: bool = True, **changes: object) -> InstalledModel:
    return library.install(*tiny.packaged_model("mine", shared=True, **changes), activate=activate)


def active(library: Library) -> int:
    """The version that the name means, seen by whoever uses it."""
    return library.find("mine").version


def test_each_version_can_be_named(library: Library) -> None:
    for number in (1, 2, 3):
        model = library.find(f"mine@{number}")
        assert (model.version, model.card.title) == (number, f"Version {number}")
        assert load_head(model)
    assert library.find("mine") == library.find("mine@3")
    assert library.find("colours@0") == library.find("colours")


@pytest.mark.parametrize("reference", ["mine@4", "mine@0", "mine@999999999"])
def test_a_missing_version_is_reported_with_the_installed_ones(library: Library, reference: str) -> None:
    with pytest.raises(ModelError, match=r"Installed versions: 1, 2, 3 \(active\)") as caught:
        library.find(reference)
    assert caught.value.hint


@pytest.mark.parametrize("reference", ["nobody@1", "@1", "../own/mine@1", "mine/1@1"])
def test_a_version_of_an_unknown_name_is_reported(library: Library, reference: str) -> None:
    with pytest.raises(ModelError, match="no model named"):
        library.find(reference)


def test_versions_show_what_they_are(library: Library) -> None:
    library.activate("mine", 2)
    (library.user / "mine" / "1" / CARD).write_bytes(b"")
    first, second, third = library.versions("mine")
    assert [one.number for one in (first, second, third)] == [1, 2, 3]
    assert [one.is_active for one in (first, second, third)] == [False, True, False]
    assert isinstance(first.entry, BrokenEntry)
    assert isinstance(third.entry, InstalledModel)
    assert third.entry.card.title == "Version 3"
    assert third.installed_at is not None
    assert timedelta() <= datetime.now(UTC) - third.installed_at < timedelta(minutes=5)


def test_what_came_with_the_program_has_one_version(library: Library) -> None:
    (colours,), (backbone,) = library.versions("colours"), library.versions("tiny")
    assert (colours.number, colours.is_active, colours.installed_at) == (0, True, None)
    assert isinstance(backbone.entry, InstalledBackbone)
    assert library.versions("nobody") == ()
    assert library.numbers("nobody") == ()


def test_going_back_and_forth(library: Library) -> None:
    assert library.roll_back("mine").version == active(library) == 2
    assert library.activate("mine", 3).version == active(library) == 3
    assert library.activate("mine", 1).version == active(library) == 1
    assert [library.roll_back("mine").version for _ in range(3)] == [3, 2, 1]
    with pytest.raises(ModelError, match="no previously active version") as caught:
        library.roll_back("mine")
    assert "versions: 1 (active), 2, 3" in caught.value.what
    assert active(library) == 1


def test_activating_what_is_active_is_nothing_to_go_back_to(library: Library) -> None:
    for _ in range(3):
        library.activate("mine", 3)
    assert library.roll_back("mine").version == 2


def test_what_was_removed_is_passed_over_when_going_back(library: Library) -> None:
    library.activate("mine", 2)
    library.remove_version("mine", 3)
    assert library.roll_back("mine").version == 1, "2, 3 and 2 were active, and 3 is gone"


def test_one_can_go_back_from_a_version_whose_files_are_gone(library: Library) -> None:
    (library.user / "mine" / "3").rename(library.user / "elsewhere")
    with pytest.raises(ModelError):
        library.find("mine")
    assert library.roll_back("mine").version == active(library) == 2


def test_a_broken_version_is_not_activated(library: Library) -> None:
    head = library.user / "mine" / "2" / tiny.HEAD_FILE
    head.write_bytes(head.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="is damaged or was changed"):
        library.activate("mine", 2)
    with pytest.raises(ModelError, match="is damaged or was changed"):
        library.roll_back("mine")
    assert active(library) == 3


@pytest.mark.parametrize(("name", "expected"), [("colours", "is built in"), ("nobody", "no model named")])
def test_only_ones_own_versions_are_changed(library: Library, name: str, expected: str) -> None:
    for change in (lambda: library.activate(name, 0), lambda: library.roll_back(name)):
        with pytest.raises(ModelError, match=expected):
            change()
    with pytest.raises(ModelError, match=expected):
        library.remove_version(name, 0)


def test_the_shipped_one_of_that_name_can_be_had_back(library: Library) -> None:
    library.install(*tiny.packaged_model("colours"))
    assert library.numbers("colours") == (0, 1)
    assert library.activate("colours", 0).is_builtin
    assert library.find("colours").is_builtin
    assert library.roll_back("colours").version == 1
    with pytest.raises(ModelError, match="no version 0"):
        library.remove_version("colours", 0)


def test_a_version_may_be_added_without_being_used(library: Library) -> None:
    assert install(library, activate=False).version == 4
    assert active(library) == 3
    assert library.activate("mine", 4).version == 4
    assert library.roll_back("mine").version == 3


def test_a_name_of_which_no_version_is_active_means_nothing_yet(tmp_path: Path) -> None:
    library = tiny.make_library(tmp_path)
    assert install(library, activate=False).version == 1
    assert "mine" not in {entry.name for entry in library.entries()}
    assert library.inactive() == ("mine",)
    assert not any(version.is_active for version in library.versions("mine"))
    with pytest.raises(ModelError, match="Installed version: 1") as caught:
        library.find("mine")
    assert "activate mine@1" in caught.value.hint
    assert library.find("mine@1").version == 1
    with pytest.raises(ModelError, match="no previously active version"):
        library.roll_back("mine")
    library.activate("mine", 1)
    assert active(library) == 1
    assert library.inactive() == ()


def test_a_removed_version_is_gone_and_the_others_stay(library: Library) -> None:
    library.remove_version("mine", 1)
    assert library.numbers("mine") == (2, 3)
    assert not list((library.user / "mine").glob(".new-*"))
    with pytest.raises(ModelError, match="no version 1"):
        library.find("mine@1")
    with pytest.raises(ModelError, match="no version 1"):
        library.remove_version("mine", 1)
    assert active(library) == 3


def test_the_active_version_stays(library: Library) -> None:
    with pytest.raises(ModelError, match="is active") as caught:
        library.remove_version("mine", 3)
    assert "Activate another" in caught.value.hint
    assert library.numbers("mine") == (1, 2, 3)


def test_a_number_is_never_given_again(library: Library) -> None:
    assert install(library, activate=False).version == 4
    library.remove_version("mine", 4)
    library.remove_version("mine", 1)
    assert install(library).version == 5


def test_with_its_last_version_a_name_is_gone(tmp_path: Path) -> None:
    library = tiny.make_library(tmp_path)
    install(library, activate=False)
    library.remove_version("mine", 1)
    assert not (library.user / "mine").exists()
    assert library.install(*tiny.packaged_model("mine"), new_name=True).version == 1


def test_hashes_of_training_images_are_stored_next_to_the_card(library: Library) -> None:
    images = [tiny.sha256(b"a"), tiny.sha256(b"b")]
    model = library.install(*tiny.packaged_model("mine"), trained_on=images)
    learnt = load_training_hashes(model)
    assert learnt is not None
    assert [learnt.contains(image) for image in (*images, tiny.sha256(b"c"))] == [True, True, False]
    assert load_training_hashes(library.find("mine@3")) is None
    assert "learnt" not in (model.folder / CARD).read_text()


@pytest.mark.parametrize("change", ["activate", "roll_back", "remove_version"])
def test_a_change_that_fails_leaves_everything_as_it_was(
    library: Library, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    arguments = {"activate": ("mine", 1), "roll_back": ("mine",), "remove_version": ("mine", 1)}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(StorageError):
            getattr(library, change)(*arguments[change])
    assert library.numbers("mine") == (1, 2, 3)
    assert active(library) == 3
    assert not list((library.user / "mine").glob(".new-*"))


CHANGE = """
import random, sys
from pathlib import Path
from core.base.errors import ModelError
from core.models.library import Library
from tests import tiny

library, draw = Library(Path(sys.argv[1]), Path(sys.argv[2])), random.Random(sys.argv[3])
package = tiny.packaged_model("mine", shared=True)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[4])):
    number = draw.choice(library.numbers("mine"))
    try:
        match draw.randrange(5):
            case 0 | 1:
                print(library.install(*package, activate=draw.random() < 0.5).version, flush=True)
            case 2:
                library.activate("mine", number)
            case 3:
                library.roll_back("mine")
            case 4:
                library.remove_version("mine", number)
    except ModelError:
        pass  # the other program was faster, or it is the active one, or there is nothing to go back to
"""


def changer(library: Library, seed: int, times: int) -> subprocess.Popen[str]:
    """A program about to change the versions of "mine" in all ways; it starts when it is expected a line."""
    command = [sys.executable, "-c", CHANGE, str(library.builtin), str(library.user), str(seed), str(times)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def assert_whole(library: Library) -> None:
    """The name means a version that is there, and every version can be used."""
    found = library.versions("mine")
    assert [version.number for version in found if version.is_active] == [active(library)]
    for version in found:
        assert isinstance(version.entry, InstalledModel), version
        load_head(version.entry)


def test_two_programs_may_change_versions_at_once(library: Library) -> None:
    processes = [changer(library, seed, 60) for seed in (1, 2)]
    for process in processes:
        start(process)
    given = []
    for process in processes:
        out, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        given += list(map(int, out.split()))
    assert sorted(given) == list(range(4, 4 + len(given))), "a number was given twice, or left out"
    assert_whole(library)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_kill_at_any_moment_leaves_a_version_in_use(library: Library) -> None:
    moments = random.Random(5)
    for seed in range(4):
        with changer(library, seed, 10**6) as process:
            start(process)
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.random() * 0.05)
            process.send_signal(signal.SIGKILL)
        assert_whole(library)
    install(library)
    assert_whole(library)
