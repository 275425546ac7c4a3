"""Keywords written by exiftool and read back by independent programs: Exiv2 and Pillow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.images.decoding import decode
from core.outputs.keywords import exiftool
from core.outputs.keywords.exiftool import ExifTool, KeywordError, find_exiftool
from core.outputs.keywords.record import SidecarRecord
from core.outputs.keywords.values import (
    KeywordAssignment,
    KeywordChange,
    KeywordOutcome,
    KeywordRequest,
    KeywordResult,
    KeywordTarget,
    sidecar_of,
)
from core.outputs.keywords.writing import remove, write
from core.prediction import Failure
from tests import samples

IN_PLACE = KeywordRequest(place=KeywordTarget.PHOTO)
SIDECAR = KeywordRequest()
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "HEIF")
LR, DIGIKAM = "http://ns.adobe.com/lightroom/1.0/", "http://www.digikam.org/ns/1.0/"


@pytest.fixture
def exiv2() -> str:
    program = shutil.which("exiv2")
    if program is None:
        pytest.skip("Exiv2 (Debian: exiv2), which reads back what exiftool wrote, is not installed")
    return program


def photo(folder: Path, form: str = "JPEG", name: str = "photo") -> Path:
    file = folder / f"{name}.{samples.SUFFIXES[form]}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(samples.encoded(samples.photo_like(64, 48), form))
    return file


def write_all(
    assignments: Iterable[tuple[Path, str | None]], request: KeywordRequest, tool: ExifTool, record: SidecarRecord
) -> list[KeywordOutcome]:
    pairs = (KeywordAssignment(*assignment) for assignment in assignments)
    return list(write(pairs, request, tool, record, token=CancelToken()))


def write_one(
    assignment: tuple[Path, str | None], request: KeywordRequest, tool: ExifTool, record: SidecarRecord
) -> KeywordResult:
    (outcome,) = write_all([assignment], request, tool, record)
    assert isinstance(outcome, KeywordResult), outcome
    return outcome


def exiv2_reads(file: Path, program: str) -> dict[str, list[str]]:
    """The XMP as Exiv2 prints it: key, type, count, values."""
    done = subprocess.run([program, "-PXkv", str(file)], capture_output=True, text=True, check=False)
    found = (re.match(r"(Xmp\.\S+)\s+(.*)", line) for line in done.stdout.splitlines())
    return {line[1]: line[2].strip().split(", ") for line in found if line}


def pillow_reads(file: Path) -> bytes:
    with Image.open(file) as image:
        for name in ("xmp", "XML:com.adobe.xmp"):
            if name in image.info:
                found = image.info[name]
                return found.encode() if isinstance(found, str) else bytes(found)
        return bytes(getattr(image, "tag_v2", {}).get(700, b""))


def scan_of(jpeg: bytes) -> bytes:
    """The compressed pixels: everything from the first quantisation table."""
    return jpeg[jpeg.index(b"\xff\xdb") :]


@pytest.mark.parametrize("form", FORMATS)
def test_a_photo_gets_its_keyword_and_keeps_its_pixels(
    form: str, tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    file = photo(tmp_path, form)
    before, pixels = file.read_bytes(), decode(file)
    outcome = write_one((file, "bird"), IN_PLACE, tool, record)
    assert outcome == KeywordResult(file, file, "bird", KeywordChange.ADDED)
    assert np.array_equal(decode(file), pixels)
    if form == "JPEG":
        assert scan_of(file.read_bytes()) == scan_of(before)
    if form == "HEIF":
        import pillow_heif

        packet = pillow_heif.open_heif(file).info["xmp"]
    else:
        packet = file.read_bytes() if form == "GIF" else pillow_reads(file)  # Pillow reads none in a GIF
    for word in (b">bird<", b">Fovea|bird<", b">Fovea/bird<", LR.encode(), DIGIKAM.encode()):
        assert word in packet
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name], "nothing is left beside it"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exiv2_reads_the_keywords_like_digikam_and_darktable(
    form: str, tmp_path: Path, tool: ExifTool, record: SidecarRecord, exiv2: str
) -> None:
    file = photo(tmp_path, form)
    write_one((file, "bird"), IN_PLACE, tool, record)
    found = exiv2_reads(file, exiv2)
    assert found["Xmp.dc.subject"] == ["bird"]
    assert found["Xmp.lr.hierarchicalSubject"] == ["Fovea|bird"]
    assert found["Xmp.digiKam.TagsList"] == ["Fovea/bird"]


def test_writing_a_sidecar_does_not_change_the_photo(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, exiv2: str
) -> None:
    file = photo(tmp_path)
    before, status = file.read_bytes(), file.stat()
    outcome = write_one((file, "bird"), SIDECAR, tool, record)
    assert outcome.file == tmp_path / "photo.jpg.xmp"
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (before, status.st_mtime_ns)
    assert exiv2_reads(outcome.file, exiv2)["Xmp.digiKam.TagsList"] == ["Fovea/bird"]


def test_a_second_run_replaces_only_fovea_s_keywords(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, exiv2: str
) -> None:
    file = photo(tmp_path)
    theirs = ["-XMP-dc:Subject=holiday", "-XMP-dc:Subject=2024", "-XMP-dc:Subject=True", "-IPTC:Keywords=holiday"]
    subprocess.run([tool.program, "-q", "-overwrite_original", *theirs, file], check=True)
    theirs = exiv2_reads(file, exiv2)
    write_one((file, "bird"), IN_PLACE, tool, record)
    assert write_one((file, "cat"), IN_PLACE, tool, record).change is KeywordChange.CHANGED
    found = exiv2_reads(file, exiv2)
    assert found["Xmp.dc.subject"] == ["holiday", "2024", "True", "cat"]
    assert found["Xmp.digiKam.TagsList"] == ["holiday", "2024", "True", "Fovea/cat"]
    state = file.stat()
    assert write_one((file, "cat"), IN_PLACE, tool, record).change is KeywordChange.UNCHANGED
    assert file.stat() == state, "nothing to do is nothing done"
    assert write_one((file, None), IN_PLACE, tool, record).change is KeywordChange.REMOVED
    assert exiv2_reads(file, exiv2) == theirs


def test_a_keyword_shared_with_the_user_stays(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, exiv2: str
) -> None:
    file = photo(tmp_path)
    subprocess.run([tool.program, "-q", "-overwrite_original", "-XMP-dc:Subject=bird", file], check=True)
    for label in ("bird", "cat", None):
        write_one((file, label), IN_PLACE, tool, record)
        assert "bird" in exiv2_reads(file, exiv2)["Xmp.dc.subject"]


def test_another_program_s_sidecar_keeps_its_content(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, exiv2: str
) -> None:
    file = photo(tmp_path)
    sidecar = sidecar_of(file)
    sidecar.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:darktable="http://darktable.sf.net/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"'
        ' darktable:xmp_version="5"><darktable:history><rdf:Seq><rdf:li darktable:operation="exposure"/></rdf:Seq>'
        "</darktable:history></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    write_one((file, "bird"), SIDECAR, tool, record)
    found = exiv2_reads(sidecar, exiv2)
    assert found["Xmp.xmp.Rating"] == ["4"]
    assert found["Xmp.darktable.history[1]/darktable:operation"] == ["exposure"]
    write_one((file, None), SIDECAR, tool, record)
    assert sidecar.exists(), "it belongs to the user"
    assert exiv2_reads(sidecar, exiv2)["Xmp.darktable.xmp_version"] == ["5"]


def test_a_sidecar_created_by_fovea_is_removed_with_its_keyword(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    file = photo(tmp_path)
    write_one((file, "bird"), SIDECAR, tool, record)
    assert record.photos_in(tmp_path) == (file,)
    (outcome,) = remove(record.photos_in(tmp_path), SIDECAR, tool, record, token=CancelToken())
    assert isinstance(outcome, KeywordResult)
    assert outcome.change is KeywordChange.REMOVED
    assert not sidecar_of(file).exists()
    assert record.photos_in(tmp_path) == ()


def test_a_keyword_moves_from_the_sidecar_to_the_photo(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, exiv2: str
) -> None:
    file = photo(tmp_path)
    write_one((file, "bird"), SIDECAR, tool, record)
    assert write_one((file, "bird"), IN_PLACE, tool, record).change is KeywordChange.CHANGED
    assert not sidecar_of(file).exists()
    assert exiv2_reads(file, exiv2)["Xmp.dc.subject"] == ["bird"]


def test_an_unsupported_file_gets_a_sidecar_and_a_note(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    bitmap, locked = photo(tmp_path, "BMP"), photo(tmp_path, name="locked")
    locked.chmod(0o444)
    for file, why in ((bitmap, "BMP"), (locked, "read-only")):
        before = file.read_bytes()
        outcome = write_one((file, "bird"), IN_PLACE, tool, record)
        assert outcome.file == sidecar_of(file)
        assert why in outcome.note
        assert file.read_bytes() == before


def test_one_bad_photo_does_not_affect_others(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    good, gone, torn = photo(tmp_path), tmp_path / "gone.jpg", tmp_path / "torn.jpg"
    torn.write_bytes(b"\xff\xd8\xff\xe1\xff\xff")
    before = torn.read_bytes()
    broken = tmp_path / "line\nbreak.jpg"
    names = [torn, gone, good]
    if sys.platform != "win32":
        shutil.copyfile(good, broken)
        names.insert(0, broken)
    outcomes = dict(zip(names, write_all([(name, "bird") for name in names], IN_PLACE, tool, record), strict=True))
    assert isinstance(outcomes[good], KeywordResult)
    assert isinstance(outcomes[gone], Failure)
    beside = outcomes[torn]
    assert isinstance(beside, KeywordResult)
    assert beside.file == sidecar_of(torn)
    assert "exiftool can't write to the photo" in beside.note
    assert torn.read_bytes() == before
    if sys.platform != "win32":
        assert isinstance(outcomes[broken], KeywordResult)
        assert b">bird<" in broken.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be there")
def test_unusual_names_are_not_options(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    folder = tmp_path / "50%d of -all= $x @y"
    names = [photo(folder, name=name) for name in ("-delete_original", "%f%%", "ünder\\ 'quotes\"", "#comment", " a ")]
    latin = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg"))
    shutil.copyfile(names[0], latin)
    outcomes = write_all([(name, "=bird <x> $y @z") for name in (*names, latin)], IN_PLACE, tool, record)
    assert all(isinstance(outcome, KeywordResult) and outcome.change is KeywordChange.ADDED for outcome in outcomes), (
        outcomes
    )
    assert all(b"=bird &lt;x&gt; $y @z" in name.read_bytes() for name in (*names, latin))


def test_a_link_stays_a_link(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    file, link = photo(tmp_path / "real"), tmp_path / "link.jpg"
    link.symlink_to(file)
    write_one((link, "bird"), IN_PLACE, tool, record)
    assert link.is_symlink()
    assert b">bird<" in file.read_bytes()


@pytest.mark.parametrize("place", KeywordTarget)
def test_nothing_outside_the_folder_is_changed(
    place: KeywordTarget, tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    folder = tmp_path / "album"
    inside, outside = photo(folder), photo(tmp_path / "private", name="p")
    write_one((outside, "cat"), IN_PLACE, tool, record)
    (folder / "link.jpg").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    before = outside.read_bytes()
    assignments = [(inside, "bird"), (folder / "link.jpg", "bird"), (folder / "up" / "private" / "p.jpg", "bird")]
    first, link, through = write_all(assignments, KeywordRequest(place, within=folder), tool, record)
    assert isinstance(first, KeywordResult)
    assert isinstance(link, KeywordResult)
    assert (link.file, bool(link.note)) == (folder / "link.jpg.xmp", place is KeywordTarget.PHOTO)
    assert isinstance(through, Failure)
    assert "outside the folder" in through.message
    write_all([(folder / "link.jpg", None)], KeywordRequest(place, within=folder), tool, record)
    assert outside.read_bytes() == before
    assert [path.name for path in outside.parent.iterdir()] == ["p.jpg"]
    assert not (folder / "link.jpg.xmp").exists()


@pytest.mark.parametrize("keep", [False, True])
def test_the_modification_time_is_new_or_kept(
    *, keep: bool, tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    file = photo(tmp_path)
    os.utime(file, (10**9, 10**9))
    file.chmod(0o640)
    write_one((file, "bird"), KeywordRequest(KeywordTarget.PHOTO, keep_time=keep), tool, record)
    assert (file.stat().st_mtime == 10**9) is keep
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_dry_run_changes_nothing(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    file = photo(tmp_path)
    before = file.read_bytes()
    for place in KeywordTarget:
        assert (
            write_one((file, "bird"), KeywordRequest(place, dry_run=True), tool, record).change is KeywordChange.ADDED
        )
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name]
    assert file.read_bytes() == before
    assert record.photos_in(tmp_path) == ()


def test_a_photo_changed_meanwhile_is_not_replaced(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, plain = photo(tmp_path), exiftool.run

    def run(*arguments: object) -> object:
        answers = plain(*arguments)  # type: ignore[arg-type]
        file.write_bytes(b"the user saved something else")
        return answers

    monkeypatch.setattr("core.outputs.keywords.files.run", run)
    (outcome,) = write_all([(file, "bird")], IN_PLACE, tool, record)
    assert isinstance(outcome, Failure)
    assert "another program changed the file" in outcome.message
    assert file.read_bytes() == b"the user saved something else"


def test_files_left_by_a_killed_run_are_removed(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    file, names = photo(tmp_path), []

    def run(_: object, commands: list[list[str | Path]]) -> object:
        names.append(Path(commands[0][-1]))
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("core.outputs.keywords.files.run", run)
        with pytest.raises(KeyboardInterrupt):
            write_one((file, "bird"), IN_PLACE, tool, record)
    (part,) = names
    for left in (part, part.with_name(f"{part.name}_exiftool_tmp")):
        left.write_bytes(b"half")
    write_one((file, "bird"), IN_PLACE, tool, record)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name]


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for a program that dies")
def test_a_crash_of_exiftool_affects_only_one_photo(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    deadly = tmp_path / "bin" / "exiftool"
    deadly.parent.mkdir()
    deadly.write_text(
        f'#!/bin/sh\ncat > "$0.$$"\nif grep -q bad.jpg "$0.$$"; then kill -9 $$; fi\n'
        f'exec "{tool.program}" -config "$2" -@ "$0.$$"\n'
    )
    deadly.chmod(0o755)
    good, bad = photo(tmp_path), photo(tmp_path, name="bad")
    outcomes = write_all([(bad, "bird"), (good, "bird")], SIDECAR, ExifTool(deadly, "0"), record)
    assert isinstance(outcomes[1], KeywordResult)
    assert outcomes[0].photo == bad if isinstance(outcomes[0], KeywordResult) else outcomes[0].path == bad


def test_writing_can_be_cancelled(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    token = CancelToken()
    threading.Timer(0, token.cancel).run()
    with pytest.raises(Cancelled):
        list(write([KeywordAssignment(photo(tmp_path), "bird")], SIDECAR, tool, record, token=token))
    assert not sidecar_of(tmp_path / "photo.jpg").exists()


def test_missing_exiftool_is_reported_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(KeywordError, match=r"not installed.*exiftool"):
        find_exiftool()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for an old program")
def test_a_vulnerable_exiftool_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "exiftool"
    old.write_text("#!/bin/sh\necho 12.16\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KeywordError, match="too old"):
        find_exiftool()
