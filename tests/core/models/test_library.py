"""What is installed can be listed whatever state it is in; what is wrong with it is said, and costs nothing else."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.base import paths
from core.base.errors import ModelError
from core.base.salvage import files_set_aside
from core.card import SharedBackbone, write_card
from core.models.heads import head_bytes
from core.models.installed import load_backbone
from core.models.library import Library, open_library
from core.models.library_folders import CARD
from core.models.values import BrokenEntry, InstalledBackbone, InstalledModel
from tests import tiny


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return tiny.make_library(tmp_path, ["colours", "others"])


def kinds(library: Library) -> dict[str, str]:
    return {entry.name: type(entry).__name__ for entry in library.entries()}


def test_shipped_models_and_backbones_are_listed(library: Library) -> None:
    assert kinds(library) == {
        "colours": "InstalledModel",
        "others": "InstalledModel",
        "tiny": "InstalledBackbone",
    }
    assert [model.name for model in library.models()] == ["colours", "others"]


def test_a_shipped_model_shows_what_it_is(library: Library) -> None:
    model = library.find("colours")
    assert model.is_builtin
    assert model.version == 0
    assert model.card == tiny.model_card("colours")
    assert model.backbone == InstalledBackbone(
        tiny.backbone_card(), library.builtin / "tiny", len(tiny.backbone_bytes())
    )
    assert model.size_bytes == len(tiny.backbone_bytes()) + len(head_bytes(tiny.head()))


def test_an_empty_library_is_no_error(tmp_path: Path) -> None:
    library = Library(tmp_path / "nothing", tmp_path / "neither")
    assert list(library.entries()) == []
    with pytest.raises(ModelError) as caught:
        library.find("colours")
    assert "No models are installed" in caught.value.hint


def test_a_name_nobody_has_is_reported_with_those_there_are(library: Library) -> None:
    with pytest.raises(ModelError, match="“missing”") as caught:
        library.find("missing")
    assert caught.value.hint == "Installed models: colours, others."


def test_a_backbone_is_no_model(library: Library) -> None:
    with pytest.raises(ModelError, match="is a backbone"):
        library.find("tiny")


@pytest.mark.parametrize("name", ["", ".", "..", "../shipped/colours", "colours/", "/", "COLOURS", "colours\0"])
def test_only_names_find_models(library: Library, name: str) -> None:
    with pytest.raises(ModelError):
        library.find(name)


def test_what_is_no_entry_is_passed_over(library: Library) -> None:
    (library.builtin / "recipe.py").write_text("# beside the models")
    (library.builtin / "__pycache__").mkdir()
    (library.builtin / ".git").mkdir()
    (library.builtin / "empty").mkdir()
    library.user.mkdir()
    (library.user / "notes.txt").write_text("mine")
    (library.user / "never-finished" / "1").mkdir(parents=True)
    assert set(kinds(library)) == {"colours", "others", "tiny"}


def missing_head(folder: Path) -> None:
    (folder / tiny.HEAD_FILE).unlink()


def folder_for_a_head(folder: Path) -> None:
    missing_head(folder)
    (folder / tiny.HEAD_FILE).mkdir()


def no_json(folder: Path) -> None:
    (folder / CARD).write_bytes(b"\x80\x04")


def empty_card(folder: Path) -> None:
    (folder / CARD).write_bytes(b"")


def folder_for_a_card(folder: Path) -> None:
    (folder / CARD).unlink()
    (folder / CARD).mkdir()


def card_of_another(folder: Path) -> None:
    tiny.rewrite_card(folder, name="others")


def path_that_leads_out(folder: Path) -> None:
    tiny.rewrite_card(folder, head={"file": "../others/head.npz", "sha256": "0" * 64})


def backbone_nobody_has(folder: Path) -> None:
    tiny.rewrite_card(folder, backbone={"name": "missing", "sha256": "0" * 64})


def backbone_of_another_sum(folder: Path) -> None:
    tiny.rewrite_card(folder, backbone={"name": "tiny", "sha256": "0" * 64})


def a_model_for_a_backbone(folder: Path) -> None:
    tiny.rewrite_card(folder, backbone={"name": "others", "sha256": tiny.sha256(tiny.backbone_bytes())})


def itself_for_a_backbone(folder: Path) -> None:
    tiny.rewrite_card(folder, backbone={"name": "colours", "sha256": tiny.sha256(tiny.backbone_bytes())})


def dangling_card(folder: Path) -> None:
    (folder / CARD).unlink()
    (folder / CARD).symlink_to(folder / "nothing")


def card_in_a_circle(folder: Path) -> None:
    (folder / CARD).unlink()
    (folder / CARD).symlink_to(folder / CARD)


def pipe_for_a_card(folder: Path) -> None:
    (folder / CARD).unlink()
    os.mkfifo(folder / CARD)


def pipe_for_a_head(folder: Path) -> None:
    missing_head(folder)
    os.mkfifo(folder / tiny.HEAD_FILE)


POSIX = [dangling_card, card_in_a_circle, pipe_for_a_card, pipe_for_a_head]
BREAKAGES = [
    missing_head,
    folder_for_a_head,
    no_json,
    empty_card,
    folder_for_a_card,
    card_of_another,
    path_that_leads_out,
    backbone_nobody_has,
    backbone_of_another_sum,
    a_model_for_a_backbone,
    itself_for_a_backbone,
    *(POSIX if sys.platform != "win32" else []),
]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.__name__)
def test_a_broken_model_is_listed_with_its_reason(library: Library, breakage: Callable[[Path], None]) -> None:
    breakage(library.builtin / "colours")
    assert kinds(library) == {"colours": "BrokenEntry", "others": "InstalledModel", "tiny": "InstalledBackbone"}
    (broken,) = (entry for entry in library.entries() if isinstance(entry, BrokenEntry))
    assert broken.error.what
    assert broken.error.hint
    assert broken.folder == library.builtin / "colours"
    with pytest.raises(ModelError, match=r".") as caught:
        library.find("colours")
    assert caught.value.what == broken.error.what


def test_a_missing_backbone_breaks_what_stands_on_it_and_nothing_else(library: Library) -> None:
    tiny.write_model(library.builtin, name="own", shared=False)
    (library.builtin / "tiny" / tiny.MODEL_FILE).unlink()
    assert kinds(library) == {
        "colours": "BrokenEntry",
        "others": "BrokenEntry",
        "own": "InstalledModel",
        "tiny": "BrokenEntry",
    }


def test_a_model_of_the_users_own_hides_a_shipped_one_of_its_name(library: Library) -> None:
    library.install(*tiny.packaged_model("colours"))
    model = library.find("colours")
    assert not model.is_builtin
    assert [entry.name for entry in library.entries()].count("colours") == 1
    library.remove("colours")
    assert library.find("colours").is_builtin


def test_a_model_of_a_backbones_name_does_not_break_what_stands_on_the_backbone(library: Library) -> None:
    library.install(*tiny.packaged_model("tiny"))
    assert isinstance(library.find("tiny"), InstalledModel)
    assert library.find("colours").backbone.folder == library.builtin / "tiny"


def test_a_broken_version_of_the_users_own_is_not_replaced_silently(library: Library) -> None:
    library.install(*tiny.packaged_model("colours"))
    (library.user / "colours" / "1" / tiny.HEAD_FILE).unlink()
    with pytest.raises(ModelError, match="missing"):
        library.find("colours")


@pytest.mark.parametrize("active", ["", "0"])
def test_an_active_version_that_is_none_means_that_none_is(library: Library, active: str) -> None:
    library.install(*tiny.packaged_model("mine"))
    (library.user / "mine" / "active").write_text(active, encoding="utf-8")
    assert "mine" not in kinds(library)
    with pytest.raises(ModelError, match=r"“mine” has no active version\. Installed version: 1\."):
        library.find("mine")


@pytest.mark.parametrize("active", ["x", "\x00", "-1", "1\nx", "1\n\n", "9" * 20, "9" * 5000, "١"])
def test_a_damaged_choice_of_the_active_version_is_reported_and_set_aside(library: Library, active: str) -> None:
    library.install(*tiny.packaged_model("mine"))
    file = library.user / "mine" / "active"
    file.write_text(active, encoding="utf-8")
    assert kinds(library)["mine"] == "BrokenEntry"
    with pytest.raises(ModelError, match="active version of “mine” is unknown") as caught:
        library.find("mine")
    assert str(file) in caught.value.what
    library.activate("mine", 1)
    assert library.find("mine").version == 1
    assert [kept.read_text(encoding="utf-8") for kept in files_set_aside(file.parent, "active")] == [active]


def test_an_error_about_a_card_names_the_model(library: Library) -> None:
    library.install(*tiny.packaged_model("mine"))
    (library.user / "mine" / "1" / CARD).write_bytes(b"{")
    with pytest.raises(ModelError, match=r"the model “mine”\. The card is not valid JSON"):
        library.find("mine")


def test_a_folder_that_cannot_be_read_is_listed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.install(*tiny.packaged_model("mine"))
    plain = os.scandir

    def refuse(path: str | Path) -> object:
        if Path(path) == library.user / "mine":
            raise PermissionError(13, os.strerror(13))
        return plain(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert kinds(library)["mine"] == "BrokenEntry"
    with pytest.raises(ModelError, match="Permission denied"):
        library.find("mine")


def test_an_active_version_that_is_not_there_is_reported(library: Library) -> None:
    library.install(*tiny.packaged_model("mine"))
    (library.user / "mine" / "active").write_text("2")
    assert kinds(library)["mine"] == "BrokenEntry"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_models_may_lie_elsewhere_behind_links(library: Library, tmp_path: Path) -> None:
    shutil.move(library.builtin, tmp_path / "elsewhere")
    library.builtin.mkdir()
    for folder in (tmp_path / "elsewhere").iterdir():
        (library.builtin / folder.name).symlink_to(folder)
    assert set(kinds(library).values()) == {"InstalledModel", "InstalledBackbone"}
    assert load_backbone(library.find("colours").backbone)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is unreadable for this user")
def test_what_may_not_be_read_is_reported(library: Library) -> None:
    locked = library.builtin / "colours"
    locked.chmod(0)
    try:
        assert kinds(library)["colours"] == "BrokenEntry"
        assert kinds(library)["others"] == "InstalledModel"
    finally:
        locked.chmod(0o755)


def test_the_library_of_the_program_is_where_the_paths_say() -> None:
    assert open_library() == Library(paths.builtin_models(), paths.user_models())


def test_a_card_may_name_a_backbone_that_sorts_before_or_after_it(library: Library) -> None:
    for name in ("aaa", "zzz"):
        card = tiny.backbone_card(name=name)
        tiny.write_folder(library.builtin / name, write_card(card), {tiny.MODEL_FILE: tiny.backbone_bytes()})
        standing = tiny.model_card(f"on-{name}", backbone=SharedBackbone(name, card.sha256))
        head = {tiny.HEAD_FILE: head_bytes(tiny.head())}
        tiny.write_folder(library.builtin / f"on-{name}", write_card(standing), head)
        assert library.find(f"on-{name}").backbone.name == name
