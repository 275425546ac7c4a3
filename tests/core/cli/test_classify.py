"""`fovea classify` run inside the test's process."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from core.base import paths, settings
from core.base.errors import ImageErrorKind
from core.base.providers import Precision, ProviderPreference
from core.models import library
from core.models.values import InstalledModel
from tests import tiny
from tests.core.cli.conftest import Fovea

pytestmark = pytest.mark.usefixtures("colours")

FIELDS = [
    *("path", "label", "confidence", "labels", "scores", "unknown", "unknown_score", "model", "provider", "precision"),
    *("decode_ms", "preprocess_ms", "inference_ms", "set", "set_coverage", "nearest", "rolled_up"),
    "warnings",
]
HOSTILE_NAMES = [
    b"=1+2.png",
    b"+1.png",
    b"-rf.png",
    b"@SUM(A1).png",
    b"two\nlines, \"quoted\"; 'and' more.png",
    b"\tcell\r.png",
    b"[red]markup[-red] :smiley:.png",
    b"\x1b[31mescape\x1b]0;title\x07.png",
    b"caf\xe9 \xff\xfe.png",
    "Ünïcödé ‮gnp.png".encode(),
]
posix_names = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of red images with names that mean something to shells, terminals and spreadsheets."""
    folder = tmp_path / "hostile"
    data = tiny.write_solid(tmp_path / "red.png", "red").read_bytes()
    folder.mkdir()
    for name in HOSTILE_NAMES:
        (folder / os.fsdecode(name)).write_bytes(data)
    return folder


def test_jsonl_has_exactly_the_fields_that_scripts_rely_on(fovea: Fovea, pictures: Path) -> None:
    ran = fovea("classify", pictures, "--model", "colours", "--format", "jsonl", "--top", "2")
    assert ran.code == 0
    lines = _lines(ran.out)
    assert [(Path(line["path"]), line["label"]) for line in lines] == [
        (pictures / f"{colour}.png", colour) for colour in sorted(tiny.CLASSES)
    ]
    for line in lines:
        assert list(line) == FIELDS
        assert line["confidence"] == line["scores"][0]["probability"] > 0.9
        assert line["label"] == line["scores"][0]["label"]
        assert [list(score) for score in line["scores"]] == [["label", "probability"]] * 2
        assert (line["unknown"], line["model"]) == (None, "colours")
        assert line["provider"] in ("cuda", "openvino", "cpu")
        assert min(line["decode_ms"], line["preprocess_ms"], line["inference_ms"]) > 0


def test_the_summary_and_nothing_else_goes_to_standard_error(fovea: Fovea, pictures: Path) -> None:
    ran = fovea("classify", pictures, "--recursive", "--model", "colours", "--provider", "cpu")
    assert re.fullmatch(r"fovea: 4 images, 0 failed, [\d.]+ images/s, colours on CPU, float32\n", ran.err)


def test_subfolders_count_only_when_asked(fovea: Fovea, pictures: Path) -> None:
    flat = fovea("classify", pictures, "--model", "colours", "--format", "jsonl")
    deep = fovea("classify", pictures, "--model", "colours", "--format", "jsonl", "--recursive")
    assert (len(_lines(flat.out)), len(_lines(deep.out))) == (3, 4)


def test_paths_may_come_before_and_after_options(fovea: Fovea, pictures: Path) -> None:
    ran = fovea("classify", pictures / "red.png", "--model", "colours", "--format", "jsonl", pictures / "blue.png")
    assert [line["label"] for line in _lines(ran.out)] == ["red", "blue"]


@posix_names
def test_a_name_that_begins_with_a_dash_follows_two_dashes(
    fovea: Fovea, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hostile)
    ran = fovea("classify", "--model", "colours", "--format", "jsonl", "--", "-rf.png")
    assert (ran.code, [line["path"] for line in _lines(ran.out)]) == (0, ["-rf.png"])


def test_bad_images_fail_alone(fovea: Fovea, pictures: Path) -> None:
    (pictures / "empty.png").touch()
    (pictures / "torn.png").write_bytes((pictures / "red.png").read_bytes()[:60])
    (pictures / "text.jpg").write_text("this is no image")
    ran = fovea("classify", pictures, pictures / "nowhere.jpg", "--model", "colours", "--format", "jsonl")
    assert ran.code == 1
    lines = {Path(line["path"]).name: line for line in _lines(ran.out)}
    assert len(lines) == 7
    assert [lines[f"{colour}.png"]["label"] for colour in tiny.CLASSES] == list(tiny.CLASSES)
    kinds = {name: line["error"]["kind"] for name, line in lines.items() if "error" in line}
    assert kinds == {
        "empty.png": ImageErrorKind.EMPTY,
        "torn.png": ImageErrorKind.DAMAGED,
        "text.jpg": ImageErrorKind.NOT_AN_IMAGE,
        "nowhere.jpg": ImageErrorKind.MISSING,
    }
    assert all(list(lines[name]) == ["path", "error"] for name in kinds)
    assert all(list(lines[name]["error"]) == ["kind", "message", "hint"] for name in kinds)
    assert "7 images, 4 failed" in ran.err


@posix_names
def test_jsonl_gives_every_name_back_to_the_byte(fovea: Fovea, hostile: Path) -> None:
    ran = fovea("classify", hostile, "--model", "colours", "--format", "jsonl")
    assert ran.out.isascii()
    found = {os.fsencode(line["path"]) for line in _lines(ran.out)}
    assert found == {os.fsencode(hostile) + b"/" + name for name in HOSTILE_NAMES}


@posix_names
def test_csv_can_be_read_back_and_holds_no_formula(
    fovea: Fovea, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hostile)
    names = [os.fsdecode(name) for name in HOSTILE_NAMES]
    ran = fovea("classify", "--model", "colours", "--format", "csv", "--top", "2", "--", *names)
    header, *rows = csv.reader(io.StringIO(ran.out, newline=""), strict=True)
    assert header == [
        *("path", "label", "confidence", "labels", "unknown", "unknown_score", "set", "set_coverage", "nearest"),
        *("rolled_up", "rolled_up_probability", "model", "provider", "precision"),
        *("decode_ms", "preprocess_ms", "inference_ms", "error", "hint", "warnings", "label_2", "probability_2"),
    ]
    assert all(len(row) == len(header) for row in rows)
    read = [row[0] for row in rows]
    assert read[:4] == ["'=1+2.png", "'+1.png", "'-rf.png", "'@SUM(A1).png"]
    assert read[4] == names[4].replace("\n", "\\n")
    assert read[5] == "\\tcell\\r.png"
    assert read[7] == "\\x1b[31mescape\\x1b]0;title\\x07.png"
    assert read[8] == "café \\xff\\xfe.png".replace("é", "\\xe9")
    assert read[9] == names[9].replace("\u202e", "\\u202e")
    assert not any(unicodedata.category(character) == "Cc" for character in ran.out.replace("\r\n", ""))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    assert {row[1] for row in rows} == {"red"}
    assert ran.out.endswith("\r\n")


def test_csv_shows_failures_and_unknown_images(fovea: Fovea, pictures: Path) -> None:
    library.open_library().install(*tiny.packaged_model("colours", unknown_below=0.5))
    (pictures / "more" / "empty.png").touch()
    ran = fovea("classify", pictures / "more", pictures / "red.png", "--model", "colours", "--format", "csv")
    empty, grey, red = csv.DictReader(io.StringIO(ran.out, newline=""), strict=True)
    assert (ran.code, empty["label"], empty["unknown"]) == (1, "", "")
    assert "empty.png" in empty["error"]
    assert empty["hint"]
    assert (grey["unknown"], grey["error"]) == ("true", "")
    assert (red["unknown"], red["label"], red["label_3"]) == ("false", "red", "blue")
    assert float(red["confidence"]) > 0.9


def test_jsonl_says_unknown_as_a_truth_value(fovea: Fovea, pictures: Path) -> None:
    library.open_library().install(*tiny.packaged_model("colours", unknown_below=0.5))
    ran = fovea("classify", pictures, "--recursive", "--model", "colours", "--format", "jsonl")
    assert {Path(line["path"]).stem: line["unknown"] for line in _lines(ran.out)} == {
        **dict.fromkeys(tiny.CLASSES, False),
        "grey": True,
    }


@posix_names
def test_the_table_has_one_plain_line_for_each_image_whatever_its_name(fovea: Fovea, hostile: Path) -> None:
    ran = fovea("classify", hostile, "--model", "colours")
    header, rule, *rows = ran.out.splitlines()
    assert header.split("  ")[0] == "image"
    assert set(rule) == {"─"}
    assert len(rows) == len(HOSTILE_NAMES)
    assert all(" red " in row and "green" in row for row in rows)
    assert all(character.isprintable() or character == "\n" for character in ran.out)
    assert "[red]markup[-red] :smiley:.png" in ran.out
    assert "caf\\xe9 \\xff\\xfe.png" in ran.out
    assert "two\\nlines" in ran.out


def test_the_table_cuts_nothing_off_and_shows_failures(fovea: Fovea, pictures: Path) -> None:
    long_name = "a" * 200 + ".png"
    (pictures / "red.png").rename(pictures / long_name)
    (pictures / "empty.png").touch()
    ran = fovea("classify", pictures, "--model", "colours")
    assert ran.code == 1
    assert str(pictures / long_name) in ran.out
    assert re.search(r"empty\.png +failed +“empty\.png” is empty", ran.out)


def test_a_long_table_is_written_in_parts_under_one_heading(fovea: Fovea, tmp_path: Path) -> None:
    first = tiny.write_solid(tmp_path / "many" / "0.png", "red")
    for number in range(1, 1500):
        os.link(first, first.with_name(f"{number}.png"))
    ran = fovea("classify", first.parent, "--model", "colours", "--provider", "cpu")
    header, _, *rows = ran.out.splitlines()
    assert len(rows) == 1500
    starts = [row.index(" red ") for row in rows]
    assert starts == sorted(starts)
    assert (header.index(" prediction "), starts[-1] - starts[0]) == (starts[0], 1)
    assert rows[-1].startswith(f"{first.with_name('1499.png')}  ")


def test_the_settings_decide_what_is_not_asked(fovea: Fovea, pictures: Path) -> None:
    chosen = settings.Settings(model="colours", provider=ProviderPreference.CPU, precision=Precision.EXACT, top_k=2)
    settings.save(chosen, paths.settings_file())
    ran = fovea("classify", pictures / "red.png", "--format", "jsonl")
    (line,) = _lines(ran.out)
    assert (line["model"], line["provider"], len(line["scores"])) == ("colours", "cpu", 2)


def test_more_classes_than_there_are_give_all_of_them(fovea: Fovea, pictures: Path) -> None:
    ran = fovea("classify", pictures / "red.png", "--model", "colours", "--top", "999", "--format", "jsonl")
    assert len(_lines(ran.out)[0]["scores"]) == 3


def test_output_goes_to_the_file_and_replaces_it(fovea: Fovea, pictures: Path, tmp_path: Path) -> None:
    target = tmp_path / "results.jsonl"
    target.write_text("old")
    ran = fovea("classify", pictures, "--model", "colours", "--format", "jsonl", "--output", target)
    assert (ran.code, ran.out) == (0, "")
    assert [line["label"] for line in _lines(target.read_text("ascii"))] == sorted(tiny.CLASSES)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["results.jsonl"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_output_has_the_permissions_files_have_here(fovea: Fovea, pictures: Path, tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    new, private = tmp_path / "new.csv", tmp_path / "private.csv"
    private.touch(mode=0o600)
    for target in (new, private):
        fovea("classify", pictures, "--model", "colours", "--format", "csv", "--output", target)
    assert stat.S_IMODE(new.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_output_to_a_link_or_a_device_leaves_it_what_it_is(fovea: Fovea, pictures: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    link.symlink_to(target)
    assert fovea("classify", pictures, "--model", "colours", "--output", link).code == 0
    assert link.is_symlink()
    assert "red" in target.read_text("utf-8")
    assert fovea("classify", pictures, "--model", "colours", "--output", "/dev/null").code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("name", ["missing/results.csv", "pictures"])
def test_output_that_cannot_be_written_is_reported_before_any_work(
    fovea: Fovea, pictures: Path, tmp_path: Path, name: str
) -> None:
    ran = fovea("classify", pictures, "--model", "colours", "--output", tmp_path / name)
    assert (ran.code, ran.out) == (2, "")
    assert "Couldn't write" in ran.err
    assert "images/s" not in ran.err


def test_output_never_overwrites_a_photo(fovea: Fovea, pictures: Path) -> None:
    photo = pictures / "red.png"
    before = photo.read_bytes()
    ran = fovea("classify", pictures / "blue.png", "--model", "colours", "--output", photo)
    assert ran.code == 2
    assert "has an image extension" in ran.err
    assert photo.read_bytes() == before


def test_a_folder_without_images_is_reported(fovea: Fovea, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    ran = fovea("classify", tmp_path / "bare", pictures, "--model", "colours", "--format", "jsonl")
    assert (ran.code, len(_lines(ran.out))) == (0, 3)
    assert f"No images found in “{tmp_path / 'bare'}”." in ran.err
    assert "--recursive" in ran.err


def test_nothing_found_at_all_is_an_error_with_a_hint(fovea: Fovea, tmp_path: Path) -> None:
    ran = fovea("classify", tmp_path, "--model", "colours", "--format", "jsonl")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == ("fovea: No images found.\n       Add --recursive to include subfolders, or give image files.\n")


def test_a_folder_that_may_not_be_read_is_reported_and_counts_as_failure(fovea: Fovea, pictures: Path) -> None:
    closed = pictures / "more"
    closed.chmod(0)
    try:
        if os.access(closed, os.R_OK):
            pytest.skip("whoever runs this may read every folder")
        ran = fovea("classify", pictures, "--recursive", "--model", "colours", "--format", "jsonl")
    finally:
        closed.chmod(0o700)
    assert (ran.code, len(_lines(ran.out))) == (1, 3)
    assert "more" in ran.err


def test_a_model_that_is_not_there_is_reported_with_those_that_are(fovea: Fovea, pictures: Path) -> None:
    ran = fovea("classify", pictures, "--model", "flowers")
    assert (ran.code, ran.out) == (2, "")
    assert "no model named “flowers”" in ran.err
    assert "colours" in ran.err


def test_a_damaged_model_is_reported_before_any_image(fovea: Fovea, pictures: Path, colours: InstalledModel) -> None:
    (colours.folder / tiny.MODEL_FILE).write_bytes(b"not ONNX")
    ran = fovea("classify", pictures, "--model", "colours", "--output", pictures / "results.csv")
    assert (ran.code, ran.out) == (2, "")
    assert "damaged or was changed" in ran.err
    assert "Traceback" not in ran.err
    assert not (pictures / "results.csv").exists()
    assert not list(pictures.glob(".*"))


def test_a_provider_that_does_not_work_is_an_error_never_a_fallback(fovea: Fovea, pictures: Path) -> None:
    asked = fovea("classify", pictures, "--model", "colours", "--provider", "cuda", "--format", "jsonl")
    if asked.code == 0:
        assert {line["provider"] for line in _lines(asked.out)} == {"cuda"}
    else:
        assert (asked.code, asked.out) == (2, "")
        assert "provider" in asked.err


@pytest.mark.parametrize("form", ["xlsx", "parquet", "html"])
def test_a_report_goes_to_a_file(fovea: Fovea, pictures: Path, tmp_path: Path, form: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    (pictures / "torn.png").write_bytes(b"torn")
    file = tmp_path / f"results.{form}"
    ran = fovea("classify", pictures, "--model", "colours", "--format", form, "--output", file)
    assert (ran.code, ran.out) == (1, "")
    beginning = {"xlsx": b"PK", "parquet": b"PAR1", "html": b"<!DOCTYPE html>"}[form]
    assert file.read_bytes().startswith(beginning)


def test_a_page_shows_paths_below_the_folder_it_is_about(fovea: Fovea, pictures: Path) -> None:
    ran = fovea("classify", pictures, "--recursive", "--model", "colours", "--format", "html")
    assert ran.code == 0
    assert ran.out.startswith("<!DOCTYPE html>")
    assert f"<code>{Path('more', 'grey.jpg')}</code>" in ran.out
    assert ran.out.count("<img") == 4


def test_a_page_shows_where_the_model_saw_the_class_on_request(fovea: Fovea, pictures: Path) -> None:
    ran = fovea("classify", pictures, "--model", "colours", "--format", "html", "--maps")
    assert ran.code == 0
    assert ran.out.count('alt="Where the model saw the class"') == 3
    assert ran.out.count("<img") == 6
    refused = fovea("classify", pictures, "--model", "colours", "--format", "csv", "--maps")
    assert (refused.code, refused.out) == (2, "")
    assert "--maps works only with --format html" in refused.err


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_what_is_no_text_needs_a_file(fovea: Fovea, pictures: Path, form: str) -> None:
    ran = fovea("classify", pictures, "--model", "colours", "--format", form)
    assert (ran.code, ran.out) == (2, "")
    assert f"--output with a name such as results.{form}" in ran.err
