"""`fovea classify` of images that are damaged, and of files of other kinds, run inside the test's process."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests import samples
from tests.core.cli.conftest import Fovea

pytestmark = pytest.mark.usefixtures("colours")


def test_half_empty_images_are_classified_with_a_warning_in_every_form(fovea: Fovea, pictures: Path) -> None:
    whole = samples.encoded(samples.photo_like(64, 48), "BMP")
    (pictures / "half.bmp").write_bytes(whole[:5000] + bytes(len(whole) - 5000))
    run = ("classify", pictures, "--model", "colours", "--format")
    lines = {Path(line["path"]).name: line for line in map(json.loads, fovea(*run, "jsonl").out.splitlines())}
    (warning,) = lines["half.bmp"]["warnings"]
    assert warning.startswith("“half.bmp” is damaged or incomplete")
    assert lines["red.png"]["warnings"] == []
    again = fovea(*run, "csv")
    rows = {Path(row["path"]).name: row["warnings"] for row in csv.DictReader(io.StringIO(again.out, newline=""))}
    assert (rows["half.bmp"], rows["red.png"]) == (warning, ""), "the journal keeps it"
    table, page = fovea(*run, "table"), fovea(*run, "html")
    assert warning in table.out
    assert warning in page.out
    assert table.code == 0
    assert "0 failed, 1 with warnings" in table.err


def test_files_of_other_kinds_are_counted(fovea: Fovea, pictures: Path) -> None:
    for name in ("a.CR3", "b.cr3", "c.jxl", "d.txt", "more/e.nef"):
        (pictures / name).write_bytes(b"x")
    skipped = "fovea: Skipped 3 files in unsupported formats: 2 CR3, 1 JXL.\n"
    assert skipped in fovea("classify", pictures, "--model", "colours").err
    assert skipped in fovea("classify", pictures, pictures / "red.png", "--model", "colours").err
    assert "4 files" in fovea("classify", pictures, "--recursive", "--model", "colours").err


def test_a_folder_of_raw_photos_alone_says_so(fovea: Fovea, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.nef").write_bytes(b"x")
    ran = fovea("classify", tmp_path / "raw", "--model", "colours")
    assert ran.code == 2
    assert "No images found. Skipped 1 file in an unsupported format: 1 NEF." in ran.err
    assert "--recursive" not in ran.err
