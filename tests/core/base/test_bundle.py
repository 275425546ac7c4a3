"""A bundle's own list of its files, and what is found where they are not as listed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from core.base import bundle
from core.base.bundle import FILES, TRAINER, Bundle


@pytest.fixture
def made(tmp_path: Path) -> Bundle:
    """A folder as a person unpacks it."""
    found = Bundle(tmp_path / "fo vea", tmp_path / "fo vea" / "_internal")
    write(found, {"fovea": "program", "_internal/libé.so": "library", "_internal/models/a/model.onnx": "weights"})
    return found


def write(into: Bundle, files: dict[str, str], version: str = "1.2") -> None:
    for name, content in files.items():
        (into.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (into.folder / name).write_text(content)
    (into.contents / FILES).write_text(json.dumps(bundle.list_files(into, version)))


def changed(of: Bundle) -> list[str]:
    return [name for name, is_changed in bundle.changed_files(of) if is_changed]


def test_a_whole_one_is_whole(made: Bundle) -> None:
    assert bundle.missing_files(made) == ()
    assert changed(made) == []
    assert len(list(bundle.changed_files(made))) == 3
    assert made.version == "1.2"


def test_files_that_are_gone_are_named(made: Bundle) -> None:
    (made.folder / "fovea").unlink()
    (made.contents / "libé.so").unlink()
    assert set(bundle.missing_files(made)) == {"fovea", "_internal/libé.so"}
    assert set(changed(made)) == {"fovea", "_internal/libé.so"}
    text = bundle.describe_damage(bundle.missing_files(made))
    assert "and 1 more" in text
    assert "Unpack the archive again" in text


def test_a_cut_file_is_named_but_not_another_build_of_a_library(made: Bundle) -> None:
    library, python = made.contents / "libé.so", Path(sys.executable).resolve().read_bytes()
    library.write_bytes(python + b"more")
    (made.contents / FILES).write_text(json.dumps(bundle.list_files(made, "1.2")))
    library.write_bytes(python)
    assert bundle.missing_files(made) == ()
    library.write_bytes(python[:-1000])
    assert bundle.missing_files(made) == ("_internal/libé.so",)
    (made.folder / "fovea").write_text("prog")
    assert set(bundle.missing_files(made)) == {"fovea", "_internal/libé.so"}


def test_a_changed_byte_is_found_where_every_byte_is_read(made: Bundle) -> None:
    (made.contents / "libé.so").write_text("Library")
    assert bundle.missing_files(made) == ()
    assert changed(made) == ["_internal/libé.so"]


def test_a_model_that_is_gone_is_reported_by_the_library(made: Bundle) -> None:
    (made.contents / "models/a/model.onnx").unlink()
    assert bundle.missing_files(made) == ()
    assert changed(made) == ["_internal/models/a/model.onnx"]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"files": []}', "{half"])
def test_without_its_list_it_is_damaged(made: Bundle, content: str | None) -> None:
    (made.contents / FILES).unlink()
    if content is not None:
        (made.contents / FILES).write_text(content)
    assert bundle.missing_files(made) == (f"_internal/{FILES}",)
    assert made.version is None


def test_the_trainer_is_found_beside_it_and_inside_it(made: Bundle) -> None:
    assert bundle.find_trainer(made) is None
    for place in (made.folder, made.folder.parent):
        trainer = Bundle(place / TRAINER, place / TRAINER / "_internal")
        write(trainer, {"_internal/a": "a"}, version="3")
        found = bundle.find_trainer(made)
        assert found == trainer
        assert found.version == "3"


def test_sources_are_no_bundle() -> None:
    assert bundle.this_bundle() is None


def test_other_programs_do_not_load_a_bundles_libraries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "_internal"))
    assert bundle.clean_environment()["LD_LIBRARY_PATH"] == str(tmp_path / "_internal")  # set by the user
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "_internal"), raising=False)
    assert "LD_LIBRARY_PATH" not in bundle.clean_environment()
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/opt/mine")
    assert bundle.clean_environment()["LD_LIBRARY_PATH"] == "/opt/mine"
