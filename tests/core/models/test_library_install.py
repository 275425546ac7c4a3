"""Installing and removing are done wholly or not at all: with full disks, killed programs and two programs at once."""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.base.errors import ModelError, StorageError
from core.card import write_card
from core.models.installed import load_backbone, load_head
from core.models.library import Library
from core.models.library_folders import CARD
from core.models.values import InstalledModel
from core.models.versions import LOCK, NameTakenError
from tests import tiny
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return tiny.make_library(tmp_path)


def own_files(library: Library) -> list[str]:
    """Everything in the person's part, temporary files included, but for the lock and for what was removed."""
    found = (str(path.relative_to(library.user)) for path in library.user.rglob("*") if path.name != LOCK)
    return sorted(path for path in found if ".removed-" not in path)


def assert_whole(library: Library) -> None:
    """Every entry can be used, and so can every numbered version, in use or not."""
    for entry in library.entries():
        assert not hasattr(entry, "error"), entry
        if isinstance(entry, InstalledModel):
            load_head(entry)
            load_backbone(entry.backbone)
    for folder in library.user.glob("*/[0-9]*"):
        card = json.loads((folder / CARD).read_bytes())
        for part in (card["head"], card["backbone"]):
            if "file" in part:
                assert tiny.sha256((folder / part["file"]).read_bytes()) == part["sha256"]


@pytest.mark.parametrize("shared", [True, False])
def test_an_installed_model_can_be_used(library: Library, shared: bool) -> None:
    model = library.install(*tiny.packaged_model("mine", shared=shared))
    assert (model.name, model.version, model.is_builtin) == ("mine", 1, False)
    assert model.folder == library.user / "mine" / "1"
    assert model.backbone.folder == (library.builtin / "tiny" if shared else model.folder)
    assert library.find("mine") == model
    assert_whole(library)


def test_each_installation_is_the_next_version_and_older_ones_stay(library: Library) -> None:
    for version in (1, 2, 3):
        model = library.install(*tiny.packaged_model("mine", title=f"Version {version}"))
        assert (model.version, model.card.title) == (version, f"Version {version}")
    assert_whole(library)
    (library.user / "mine" / "active").write_text("2\n")
    assert library.find("mine").card.title == "Version 2"
    assert library.install(*tiny.packaged_model("mine")).version == 4


def test_nothing_else_is_written(library: Library) -> None:
    library.install(*tiny.packaged_model("mine", shared=True))
    assert own_files(library) == ["mine", "mine/1", "mine/1/card.json", "mine/1/head.npz", "mine/active"]


def test_a_new_name_is_new(library: Library) -> None:
    assert library.install(*tiny.packaged_model("mine"), new_name=True).version == 1
    with pytest.raises(NameTakenError):
        library.install(*tiny.packaged_model("mine"), new_name=True)
    assert library.find("mine").version == 1


CARD_BYTES, FILES = tiny.packaged_model("mine")
HEAD = FILES[tiny.HEAD_FILE]
REFUSED = {
    "a head of another sum": (CARD_BYTES, FILES | {tiny.HEAD_FILE: HEAD + b"\0"}),
    "a backbone of another sum": (CARD_BYTES, FILES | {tiny.MODEL_FILE: b"\0"}),
    "no backbone": (CARD_BYTES, {tiny.HEAD_FILE: HEAD}),
    "no files": (CARD_BYTES, {}),
    "one file too many": (CARD_BYTES, FILES | {"run.py": b"print()"}),
    "a file that leads out": (CARD_BYTES, FILES | {"../../../evil": b""}),
    "a file at the root": (CARD_BYTES, FILES | {"/evil": b""}),
    "a second card": (CARD_BYTES, FILES | {CARD: CARD_BYTES}),
    "no card": (b"", FILES),
    "the card of a backbone": (write_card(tiny.backbone_card()), {tiny.MODEL_FILE: tiny.backbone_bytes()}),
    "more classes than its head": tiny.packaged_model("mine", classes=("a", "b", "c", "d")),
    "a backbone nobody has": (
        write_card(tiny.model_card("mine", backbone=tiny.SharedBackbone("no", "0" * 64))),
        {tiny.HEAD_FILE: HEAD},
    ),
    "a name that leads out": (CARD_BYTES.replace(b'"mine"', b'"../shipped/colours"'), FILES),
}


@pytest.mark.parametrize("reason", REFUSED)
@pytest.mark.parametrize("before", [False, True])
def test_what_is_not_right_is_refused_and_leaves_nothing(library: Library, reason: str, before: bool) -> None:
    if before:
        library.install(*tiny.packaged_model("mine"))
    library.user.mkdir(exist_ok=True)
    old = own_files(library)
    with pytest.raises(ModelError) as caught:
        library.install(*REFUSED[reason])
    assert caught.value.hint
    assert own_files(library) == old
    assert not list(library.user.parent.rglob("evil"))
    assert_whole(library)


def test_a_hostile_backbone_whose_sum_is_right_is_refused(library: Library) -> None:
    proto = tiny.backbone_proto()
    proto.graph.node[3].domain = "evil"
    data = proto.SerializeToString()
    card = write_card(tiny.model_card("mine", backbone=tiny.backbone_card(data, name="mine-backbone")))
    with pytest.raises(ModelError, match="operator"):
        library.install(card, FILES | {tiny.MODEL_FILE: data})


@pytest.mark.parametrize("function", ["fsync", "replace", "rename", "mkdir"])
@pytest.mark.parametrize("before", [False, True])
def test_a_disk_that_fills_up_at_any_step_leaves_what_was_there(
    library: Library, monkeypatch: pytest.MonkeyPatch, function: str, before: bool
) -> None:
    """The n-th call fails, for every n there is. Where the model is installed nevertheless, it is so wholly."""
    if before:
        library.install(*tiny.packaged_model("mine", title="Before"))
    library.user.mkdir(exist_ok=True)
    plain, failures = getattr(os, function), 0
    for step in itertools.count():
        old, calls = own_files(library), []

        def full(*arguments: object, calls: list[object] = calls, step: int = step, **more: object) -> object:
            calls.append(arguments)
            if len(calls) == step + 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return plain(*arguments, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, function, full)
            try:
                library.install(*tiny.packaged_model("mine", title="After"))
            except StorageError:
                failures += 1
                assert own_files(library) == old
        assert_whole(library)
        if len(calls) <= step:
            break
    assert failures
    assert library.find("mine").card.title == "After"


def test_a_place_that_cannot_be_written_is_reported(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEA_HOME", str(library.user))
    library.user.write_text("a file where the folder should be")
    with pytest.raises(StorageError) as caught:
        library.install(*tiny.packaged_model("mine"))
    assert "FOVEA_HOME" in caught.value.hint
    assert [model.name for model in library.models()] == ["colours"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="no folder is read-only for this user")
def test_a_read_only_folder_is_reported(library: Library) -> None:
    library.user.mkdir(mode=0o555)
    with pytest.raises(StorageError, match="Permission denied"):
        library.install(*tiny.packaged_model("mine"))
    assert own_files(library) == []


INSTALL = """
import sys
from pathlib import Path
from core.models.library import Library
from tests import tiny

library = Library(Path(sys.argv[1]), Path(sys.argv[2]))
package = tiny.packaged_model("mine")
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    print(library.install(*package).version, flush=True)
"""


def installer(library: Library, times: int) -> subprocess.Popen[str]:
    """A program about to install the same model `times` times; it starts when it is expected a line."""
    command = [sys.executable, "-c", INSTALL, str(library.builtin), str(library.user), str(times)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_kill_at_any_moment_leaves_whole_versions_only(library: Library) -> None:
    moments = random.Random(2)
    for _ in range(6):
        with installer(library, 10**6) as process:
            start(process)
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.random() * 0.03)
            process.send_signal(signal.SIGKILL)
        assert_whole(library)
        assert library.find("mine").version >= 1
    assert library.install(*tiny.packaged_model("mine")).version > 6


def test_two_programs_may_install_the_same_name_at_once(library: Library) -> None:
    processes = [installer(library, 15) for _ in range(2)]
    for process in processes:
        start(process)
    for process in processes:
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    assert_whole(library)
    numbers = sorted(int(folder.name) for folder in (library.user / "mine").glob("[0-9]*"))
    assert numbers == list(range(1, 31))


def test_what_a_killed_program_left_is_swept_once_it_is_old(library: Library) -> None:
    library.install(*tiny.packaged_model("kept"))
    names = ("kept/.new-old", "gone/.new-old", ".removed-old", "kept/.removed-old")
    leftovers = [library.user / name for name in names]
    fresh = library.user / "kept" / ".new-fresh"
    for folder in (*leftovers, fresh):
        folder.mkdir(parents=True)
        (folder / "half").write_bytes(b"...")
    leftovers.append(library.user / "kept" / ".active.part")
    leftovers[-1].write_bytes(b"...")
    for path in leftovers:
        os.utime(path, (0, 0))
    library.install(*tiny.packaged_model("mine"))
    assert not any(path.exists() for path in leftovers)
    assert not (library.user / "gone").exists()
    assert fresh.exists()
    assert_whole(library)


def test_a_removed_model_is_gone_with_all_versions(library: Library) -> None:
    for _ in range(3):
        library.install(*tiny.packaged_model("mine"))
    library.install(*tiny.packaged_model("kept"))
    library.remove("mine")
    assert [model.name for model in library.models()] == ["kept", "colours"]
    assert not [path for path in own_files(library) if not path.startswith("kept")]
    assert library.install(*tiny.packaged_model("mine")).version == 1


@pytest.mark.parametrize("name", ["", ".", "..", "../own/mine", "mine/1", "mine/", "missing", ".new-x", "/"])
def test_only_models_are_removed(library: Library, name: str) -> None:
    library.install(*tiny.packaged_model("mine"))
    old = own_files(library)
    with pytest.raises(ModelError, match="There is no model"):
        library.remove(name)
    assert own_files(library) == old


def test_shipped_models_stay(library: Library) -> None:
    for name in ("colours", "tiny"):
        with pytest.raises(ModelError, match="is built in"):
            library.remove(name)
    assert library.find("colours")


def test_a_broken_model_can_be_removed(library: Library) -> None:
    library.install(*tiny.packaged_model("mine"))
    (library.user / "mine" / "1" / CARD).write_bytes(b"")
    library.remove("mine")
    assert own_files(library) == []


def test_a_removal_that_fails_leaves_the_model(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.install(*tiny.packaged_model("mine"))
    old = own_files(library)

    def full(*_: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(StorageError):
            library.remove("mine")
    assert own_files(library) == old
    assert_whole(library)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_removing_a_link_leaves_what_it_points_to(library: Library, tmp_path: Path) -> None:
    library.install(*tiny.packaged_model("mine"))
    (library.user / "mine").rename(tmp_path / "elsewhere")
    (library.user / "mine").symlink_to(tmp_path / "elsewhere")
    assert_whole(library)
    library.remove("mine")
    assert own_files(library) == []
    assert (tmp_path / "elsewhere" / "1" / CARD).is_file()
