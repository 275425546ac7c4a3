"""The user's keywords of photos, as labels to train with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from PIL import Image

from core.base import paths
from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.outputs.keywords.exiftool import ExifTool
from core.outputs.keywords.reading import read_keywords
from core.outputs.keywords.record import open_record
from core.outputs.keywords.values import KeywordAssignment, KeywordRequest
from core.outputs.keywords.writing import write


def photo(tool: ExifTool, file: Path, *tags: str, into: str = "-overwrite_original") -> Path:
    """A photo with tags in it, or in a sidecar."""
    Image.new("RGB", (8, 8)).save(file)
    if tags:
        target = [into] if into.startswith("-") else ["-o", f"{file}{into}"]
        subprocess.run([tool.program, "-q", *tags, *target, file], check=True)
    return file


def test_keywords_are_read_from_iptc_xmp_and_sidecars(tool: ExifTool, tmp_path: Path) -> None:
    photos = [
        photo(tool, tmp_path / "iptc.jpg", "-IPTC:Keywords=owl", "-IPTC:Keywords=snow"),
        photo(tool, tmp_path / "xmp.jpg", "-XMP-dc:Subject=owl", "-XMP-dc:Subject= Forest "),
        photo(tool, tmp_path / "levels.jpg", "-XMP-lr:HierarchicalSubject=animal|bird|owl"),
        photo(tool, tmp_path / "side.jpg", "-XMP-dc:Subject=lake", into=".xmp"),
        photo(tool, tmp_path / "none.jpg"),
        tmp_path / "lost.jpg",
    ]
    found = read_keywords(photos, CancelToken())
    assert {path.name: words for path, words in found.items()} == {
        "iptc.jpg": ("owl", "snow"),
        "xmp.jpg": ("owl", "Forest"),
        "levels.jpg": ("owl",),
        "side.jpg": ("lake",),
    }


def test_keywords_that_fovea_wrote_are_no_labels(tool: ExifTool, tmp_path: Path) -> None:
    mine = photo(tool, tmp_path / "mine.jpg", "-XMP-dc:Subject=lake")
    bare = photo(tool, tmp_path / "bare.jpg")
    with open_record(paths.keyword_record()) as record:
        assigned = [KeywordAssignment(mine, "boat"), KeywordAssignment(bare, "boat")]
        list(write(assigned, KeywordRequest(), tool, record, token=CancelToken()))
    assert bare.with_name("bare.jpg.xmp").exists()
    assert read_keywords([mine, bare], CancelToken()) == {mine: ("lake",)}


def test_reading_stops_when_it_is_cancelled(tool: ExifTool, tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_keywords([tmp_path / "a.jpg"], token)
