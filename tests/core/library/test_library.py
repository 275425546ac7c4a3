"""What is installed can be listed whatever state it is in; what is wrong with it is said, and costs nothing else."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core import paths
from core.card import SharedBackbone, write_card
from core.errors import ModelError
from core.library.heads import head_bytes
from core.library.library import (
    CARD,
    BrokenEntry,
    InstalledBackbone,
    InstalledModel,
    Library,
    load_backbone,
    load_head,
    open_library,
)
from tests import tiny


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return tiny.make_library(tmp_path, ["colours", "others"])


def kinds(library: Library) -> dict[str, str]:
    return {entry.name: type(entry).__name__ for entry in library.entries()}


def rewrite(folder: Path, **changes: object) -> None:
    """Change fields of a card on disk."""
    path = folder / CARD
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))


def test_shipped_models_and_backbones_are_listed(library: Library) -> None:
    assert kinds(library) == {
        "colours": "InstalledModel",
        "others": "InstalledModel",
        "tiny": "InstalledBackbone",
    }
    assert [model.name for model in library.models()] == ["colours", "others"]


def test_a_shipped_model_tells_what_it_is(library: Library) -> None:
    model = library.find("colours")
    assert model.shipped
    assert model.version == 0
    assert model.card == tiny.model_card("colours")
    assert model.backbone == InstalledBackbone(tiny.backbone_card(), library.shipped / "tiny")
    assert model.size_bytes == len(tiny.backbone_bytes()) + len(head_bytes(tiny.head()))


def test_its_files_are_those_of_the_cards(library: Library) -> None:
    model = library.find("colours")
    assert load_backbone(model.backbone) == tiny.backbone_bytes()
    np.testing.assert_array_equal(load_head(model).weights, tiny.head().weights)


def test_an_empty_library_is_no_error(tmp_path: Path) -> None:
    library = Library(tmp_path / "nothing", tmp_path / "neither")
    assert list(library.entries()) == []
    with pytest.raises(ModelError) as caught:
        library.find("colours")
    assert "No model is installed" in caught.value.hint


def test_a_name_nobody_has_is_told_with_those_there_are(library: Library) -> None:
    with pytest.raises(ModelError, match="'missing'") as caught:
        library.find("missing")
    assert caught.value.hint == "Installed are: colours, others."


def test_a_backbone_is_no_model(library: Library) -> None:
    with pytest.raises(ModelError, match="is a backbone"):
        library.find("tiny")


@pytest.mark.parametrize("name", ["", ".", "..", "../shipped/colours", "colours/", "/", "COLOURS", "colours\0"])
def test_only_names_find_models(library: Library, name: str) -> None:
    with pytest.raises(ModelError):
        library.find(name)


def test_what_is_no_entry_is_passed_over(library: Library) -> None:
    (library.shipped / "recipe.py").write_text("# beside the models")
    (library.shipped / "__pycache__").mkdir()
    (library.shipped / ".git").mkdir()
    (library.shipped / "empty").mkdir()
    library.own.mkdir()
    (library.own / "notes.txt").write_text("mine")
    (library.own / "never-finished" / "1").mkdir(parents=True)
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
    rewrite(folder, name="others")


def path_that_leads_out(folder: Path) -> None:
    rewrite(folder, head={"file": "../others/head.npz", "sha256": "0" * 64})


def backbone_nobody_has(folder: Path) -> None:
    rewrite(folder, backbone={"name": "missing", "sha256": "0" * 64})


def backbone_of_another_sum(folder: Path) -> None:
    rewrite(folder, backbone={"name": "tiny", "sha256": "0" * 64})


def a_model_for_a_backbone(folder: Path) -> None:
    rewrite(folder, backbone={"name": "others", "sha256": tiny.sha256(tiny.backbone_bytes())})


def itself_for_a_backbone(folder: Path) -> None:
    rewrite(folder, backbone={"name": "colours", "sha256": tiny.sha256(tiny.backbone_bytes())})


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
    breakage(library.shipped / "colours")
    assert kinds(library) == {"colours": "BrokenEntry", "others": "InstalledModel", "tiny": "InstalledBackbone"}
    (broken,) = (entry for entry in library.entries() if isinstance(entry, BrokenEntry))
    assert broken.error.what
    assert broken.error.hint
    assert broken.folder == library.shipped / "colours"
    with pytest.raises(ModelError, match=r".") as caught:
        library.find("colours")
    assert caught.value.what == broken.error.what


def test_a_missing_backbone_breaks_what_stands_on_it_and_nothing_else(library: Library) -> None:
    tiny.write_model(library.shipped, name="own", shared=False)
    (library.shipped / "tiny" / tiny.MODEL_FILE).unlink()
    assert kinds(library) == {
        "colours": "BrokenEntry",
        "others": "BrokenEntry",
        "own": "InstalledModel",
        "tiny": "BrokenEntry",
    }


def test_a_file_that_goes_away_later_is_told(library: Library) -> None:
    model = library.find("colours")
    (model.folder / tiny.HEAD_FILE).unlink()
    with pytest.raises(ModelError, match="missing"):
        load_head(model)
    with pytest.raises(ModelError, match="missing"):
        _ = model.size_bytes


def test_a_changed_file_is_refused(library: Library) -> None:
    model = library.find("colours")
    for file, load in (
        (model.folder / tiny.HEAD_FILE, lambda: load_head(model)),
        (library.shipped / "tiny" / tiny.MODEL_FILE, lambda: load_backbone(model.backbone)),
    ):
        file.write_bytes(file.read_bytes() + b"\0")
        with pytest.raises(ModelError, match="sum differs"):
            load()


def test_a_file_larger_than_any_model_is_not_read(library: Library) -> None:
    model = library.find("colours")
    with (model.folder / tiny.HEAD_FILE).open("r+b") as file:
        file.truncate(2 * 1024**3)  # takes no room on the disk
    with pytest.raises(ModelError, match="larger than any"):
        load_head(model)


def put_head(folder: Path, data: bytes) -> None:
    """Give a model another head, and its card that head's sum."""
    (folder / tiny.HEAD_FILE).write_bytes(data)
    rewrite(folder, head={"file": tiny.HEAD_FILE, "sha256": tiny.sha256(data)})


def test_a_card_that_lies_about_its_classes_is_refused(library: Library) -> None:
    rewrite(library.shipped / "colours", classes=["red", "green", "blue", "ultraviolet"])
    with pytest.raises(ModelError, match="4 classes, its head tells 3 apart"):
        load_head(library.find("colours"))


def test_a_head_of_another_width_is_refused(library: Library) -> None:
    head = tiny.LinearHead(np.zeros((tiny.WIDTH + 1, 3), np.float32), np.zeros(3, np.float32))
    put_head(library.shipped / "colours", head_bytes(head))
    with pytest.raises(ModelError, match="reads 9 features, its backbone gives 8"):
        load_head(library.find("colours"))


def saved(weights: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, weights=weights, bias=np.zeros(3, np.float32))
    return buffer.getvalue()


HOSTILE_HEADS: dict[str, Callable[[], bytes]] = {
    "pickle": lambda: saved(np.array([[object] * 3] * 8, dtype=object)),
    "bomb": lambda: saved(np.zeros((45_000_000, 3), np.float16)),
    "not a number": lambda: saved(np.full((8, 3), np.nan, np.float16)),
    "no archive": lambda: b"weights",
}


@pytest.mark.parametrize("kind", HOSTILE_HEADS)
def test_a_hostile_head_whose_sum_is_right_is_refused(library: Library, kind: str) -> None:
    put_head(library.shipped / "colours", HOSTILE_HEADS[kind]())
    with pytest.raises(ModelError):
        load_head(library.find("colours"))


def test_a_model_of_the_persons_own_hides_a_shipped_one_of_its_name(library: Library) -> None:
    library.install(*tiny.packaged_model("colours"))
    model = library.find("colours")
    assert not model.shipped
    assert [entry.name for entry in library.entries()].count("colours") == 1
    library.remove("colours")
    assert library.find("colours").shipped


def test_a_model_of_a_backbones_name_does_not_break_what_stands_on_the_backbone(library: Library) -> None:
    library.install(*tiny.packaged_model("tiny"))
    assert isinstance(library.find("tiny"), InstalledModel)
    assert library.find("colours").backbone.folder == library.shipped / "tiny"


def test_a_broken_version_of_the_persons_own_is_not_replaced_silently(library: Library) -> None:
    library.install(*tiny.packaged_model("colours"))
    (library.own / "colours" / "1" / tiny.HEAD_FILE).unlink()
    with pytest.raises(ModelError, match="missing"):
        library.find("colours")


@pytest.mark.parametrize("active", ["", "x", "0", "\x00", "9" * 5000, "١"])
def test_an_active_version_that_is_none_means_not_installed(library: Library, active: str) -> None:
    library.install(*tiny.packaged_model("mine"))
    (library.own / "mine" / "active").write_text(active, encoding="utf-8")
    assert "mine" not in kinds(library)


@pytest.mark.parametrize("active", ["2", "-1", "99999999999999999999"])
def test_an_active_version_that_is_not_there_is_told(library: Library, active: str) -> None:
    library.install(*tiny.packaged_model("mine"))
    (library.own / "mine" / "active").write_text(active)
    assert kinds(library)["mine"] == "BrokenEntry"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_models_may_lie_elsewhere_behind_links(library: Library, tmp_path: Path) -> None:
    shutil.move(library.shipped, tmp_path / "elsewhere")
    library.shipped.mkdir()
    for folder in (tmp_path / "elsewhere").iterdir():
        (library.shipped / folder.name).symlink_to(folder)
    assert set(kinds(library).values()) == {"InstalledModel", "InstalledBackbone"}
    assert load_backbone(library.find("colours").backbone)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is unreadable for this user")
def test_what_may_not_be_read_is_told(library: Library) -> None:
    locked = library.shipped / "colours"
    locked.chmod(0)
    try:
        assert kinds(library)["colours"] == "BrokenEntry"
        assert kinds(library)["others"] == "InstalledModel"
    finally:
        locked.chmod(0o755)


def test_the_library_of_the_program_is_where_the_paths_say() -> None:
    assert open_library() == Library(paths.shipped_models(), paths.own_models())


def test_a_card_may_name_a_backbone_that_sorts_before_or_after_it(library: Library) -> None:
    for name in ("aaa", "zzz"):
        card = tiny.backbone_card(name=name)
        tiny.write_folder(library.shipped / name, write_card(card), {tiny.MODEL_FILE: tiny.backbone_bytes()})
        standing = tiny.model_card(f"on-{name}", backbone=SharedBackbone(name, card.sha256))
        head = {tiny.HEAD_FILE: head_bytes(tiny.head())}
        tiny.write_folder(library.shipped / f"on-{name}", write_card(standing), head)
        assert library.find(f"on-{name}").backbone.name == name
