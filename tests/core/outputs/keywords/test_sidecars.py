"""Sidecars preserve the user's keywords: a new one hides nothing, and removal deletes nothing of the user's."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from core.base.progress import CancelToken
from core.outputs.keywords import tags
from core.outputs.keywords.exiftool import ExifTool
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
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names, owners or permissions")


def photo(folder: Path, name: str = "photo.jpg", form: str = "JPEG") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_bytes(samples.encoded(samples.photo_like(64, 48), form))
    return file


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def exif(tool: ExifTool, *arguments: str | Path) -> str:
    return subprocess.run([tool.program, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def given(
    files: Sequence[Path], request: KeywordRequest, tool: ExifTool, record: SidecarRecord
) -> list[KeywordOutcome]:
    return list(write([KeywordAssignment(file, "bird") for file in files], request, tool, record, token=CancelToken()))


def removed(files: Sequence[Path], tool: ExifTool, record: SidecarRecord) -> list[KeywordOutcome]:
    return list(remove(files, SIDECAR, tool, record, token=CancelToken()))


def test_a_new_sidecar_contains_what_it_hides_and_is_removed_again(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    own, adobe = photo(tmp_path, "own.jpg"), photo(tmp_path, "adobe.jpg")
    user_keywords = (
        "-XMP-dc:Subject=Anna",
        "-XMP-digiKam:TagsList=People/Anna",
        "-XMP-xmp:Rating=4",
        "-IPTC:Keywords=Anna",
    )
    exif(tool, "-q", "-overwrite_original", *user_keywords, own)
    exif(tool, "-q", "-overwrite_original", "-IPTC:Keywords=Bea", adobe)
    exif(tool, "-q", "-XMP-dc:Subject=Berlin", "-XMP-xmp:Rating=5", "-XMP-dc:Title=Trip", tmp_path / "adobe.xmp")
    before = contents(tmp_path)
    given([own, adobe], SIDECAR, tool, record)
    lists = ("-s3", "-sep", "+", "-XMP-dc:Subject", "-XMP-digiKam:TagsList", "-XMP-xmp:Rating", "-XMP-dc:Title")
    assert exif(tool, *lists, sidecar_of(own)).splitlines() == ["Anna+bird", "People/Anna+Fovea/bird", "4"]
    seen = exif(tool, *lists, sidecar_of(adobe)).splitlines()
    assert seen == ["Berlin+Bea+bird", "Berlin+Bea+Fovea/bird", "5", "Trip"]
    assert [one.change for one in given([own, adobe], SIDECAR, tool, record) if isinstance(one, KeywordResult)] == [
        KeywordChange.UNCHANGED,
        KeywordChange.UNCHANGED,
    ]
    removed([own, adobe], tool, record)
    assert contents(tmp_path) == before


def test_a_sidecar_of_another_program_does_not_hide_the_photo_s_keywords(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    file = photo(tmp_path)
    exif(tool, "-q", "-overwrite_original", "-XMP-dc:Subject=Anna", file)
    exif(tool, "-q", "-XMP-xmp:Rating=5", sidecar_of(file))
    given([file], SIDECAR, tool, record)
    assert exif(tool, "-s3", "-XMP-dc:Subject", sidecar_of(file)) == "Anna, bird"
    removed([file], tool, record)
    assert exif(tool, "-s", "-XMP:all", "--XMPToolkit", sidecar_of(file)).split() == ["Rating", ":", "5"]


def test_the_user_s_additions_to_a_sidecar_of_fovea_are_kept(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    file = photo(tmp_path)
    given([file], SIDECAR, tool, record)
    exif(tool, "-q", "-overwrite_original", "-XMP-xmp:Rating=3", sidecar_of(file))
    removed([file], tool, record)
    assert exif(tool, "-s", "-XMP:all", "--XMPToolkit", sidecar_of(file)).split() == ["Rating", ":", "3"]


def test_in_place_readers_of_iptc_windows_and_digikam_keep_their_keywords(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    iptc, windows = photo(tmp_path, "iptc.jpg"), photo(tmp_path, "windows.jpg")
    exif(
        tool,
        "-q",
        "-overwrite_original",
        "-charset",
        "iptc=utf8",
        "-IPTC:Keywords=Anja Müller",
        "-IPTC:Keywords=two\nlines",
        iptc,
    )
    microsoft = ("-XMP-dc:Subject=Paris", "-XMP-microsoft:LastKeywordXMP=Places/Paris", "-IFD0:XPKeywords=Paris")
    exif(tool, "-q", "-overwrite_original", *microsoft, windows)
    given([iptc, windows], IN_PLACE, tool, record)
    assert exif(tool, "-use", "MWG", "-MWG:Keywords", "-s3", iptc) == "Anja Müller, bird"
    assert exif(tool, "-s3", "-XMP-digiKam:TagsList", windows) == "Places/Paris, Fovea/bird"
    removed([iptc, windows], tool, record)
    assert exif(tool, "-s3", "-XMP-dc:all", "-XMP-digiKam:all", "-XMP-lr:all", "-XMP-fovea:all", iptc) == ""
    assert exif(tool, "-s3", "-XMP-dc:all", "-XMP-digiKam:all", "-XMP-lr:all", windows) == "Paris"


@posix
def test_a_name_too_long_for_a_sidecar_fails_except_in_place(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    names = ("a.jpg", f"{'m' * 250}.jpg", "z.jpg")
    files = [photo(tmp_path, name) for name in names]
    for request in (KeywordRequest(dry_run=True), SIDECAR):
        first, long, last = given(files, request, tool, record)
        assert isinstance(first, KeywordResult)
        assert isinstance(last, KeywordResult)
        assert isinstance(long, Failure)
        assert "too long" in long.message
    assert all(isinstance(one, KeywordResult) for one in given(files, IN_PLACE, tool, record))
    assert [one.change for one in removed(files, tool, record) if isinstance(one, KeywordResult)] == [
        KeywordChange.REMOVED
    ] * 3


def test_a_wrong_suffix_works_and_a_dry_run_predicts_failures(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    pixels = samples.photo_like(64, 48)
    files = [photo(tmp_path, "png.jpg", "PNG"), photo(tmp_path, "webp.jpg", "WEBP"), photo(tmp_path, "jpeg.png")]
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(heic := tmp_path / "phone.heic")
    heic.write_bytes(heic.read_bytes() + b"what a phone adds, no box " * 5)
    would = given([*files, heic], KeywordRequest(KeywordTarget.PHOTO, dry_run=True), tool, record)
    assert not sidecar_of(heic).exists()
    done = given([*files, heic], IN_PLACE, tool, record)
    assert would == done
    assert [one.file for one in done if isinstance(one, KeywordResult)] == [*files, sidecar_of(heic)]
    assert all(b">bird<" in one.read_bytes() for one in (*files, sidecar_of(heic)))
    assert isinstance(done[-1], KeywordResult)
    assert "exiftool can't write to the photo" in done[-1].note


def test_a_broken_sidecar_is_reported_and_does_not_block_the_photo(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    files = [photo(tmp_path, f"{name}.jpg") for name in "abc"]
    exif(tool, "-q", "-XMP-xmp:Rating=4", sidecar_of(files[2]))
    broken = (b"", b"not xml", sidecar_of(files[2]).read_bytes()[:200])
    for file, content in zip(files, broken, strict=True):
        sidecar_of(file).write_bytes(content)
    for request in (KeywordRequest(dry_run=True), SIDECAR):
        for file, failure in zip(files, given(files, request, tool, record), strict=True):
            assert isinstance(failure, Failure)
            assert f"its sidecar “{file.name}.xmp”" in failure.message
            assert "=" not in failure.message
            assert "sidecar" in failure.hint
    assert tuple(sidecar_of(file).read_bytes() for file in files) == broken
    done = [one for one in given(files, IN_PLACE, tool, record) if isinstance(one, KeywordResult)]
    assert [one.file for one in done] == files
    assert done[1].note == "Its sidecar “b.jpg.xmp” can't be read and was not changed."
    assert tuple(sidecar_of(file).read_bytes() for file in files) == broken


def test_a_sidecar_in_a_renamed_folder_is_removed(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    file = photo(tmp_path / "trip")
    given([file], SIDECAR, tool, record)
    file.parent.rename(tmp_path / "moved")
    removed([tmp_path / "moved" / file.name], tool, record)
    assert list(contents(tmp_path / "moved")) == [file.name]


def test_a_sidecar_without_its_photo_is_removed(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    file = photo(tmp_path)
    given([file], SIDECAR, tool, record)
    file.unlink()
    (outcome,) = removed([file], tool, record)
    assert isinstance(outcome, KeywordResult)
    assert not contents(tmp_path)


def test_a_killed_removal_of_an_earlier_version_is_finished(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord
) -> None:
    file = photo(tmp_path)
    sidecar_of(file).write_text('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>')
    record.add([(sidecar_of(file), file, True)])
    removed([file], tool, record)
    assert not sidecar_of(file).exists()
    assert record.photos_in(tmp_path) == ()


def test_a_removal_killed_between_two_sidecars_is_finished_by_the_next(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [photo(tmp_path, f"{number}.jpg") for number in range(3)]
    given(files, SIDECAR, tool, record)
    gone: list[Path] = []

    def killed(file: Path) -> None:  # as if it were at its second sidecar
        if gone:
            raise KeyboardInterrupt
        gone.append(file)
        file.unlink()

    monkeypatch.setattr("core.outputs.keywords.writing.discard", killed)
    with pytest.raises(KeyboardInterrupt):
        removed(files, tool, record)
    monkeypatch.undo()
    removed(record.photos_in(tmp_path), tool, record)
    assert sorted(contents(tmp_path)) == ["0.jpg", "1.jpg", "2.jpg"]
    assert record.photos_in(tmp_path) == ()


def test_a_sidecar_that_cannot_be_deleted_does_not_affect_others(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [photo(tmp_path, f"{name}.jpg") for name in "ab"]
    given(files, SIDECAR, tool, record)
    unlink = Path.unlink

    def refused(file: Path, *, missing_ok: bool = False) -> None:
        if file == sidecar_of(files[0]):
            raise OSError(errno.EACCES, "Permission denied")
        unlink(file, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    first, second = removed(files, tool, record)
    assert isinstance(first, Failure)
    assert "couldn't delete its sidecar: Permission denied" in first.message
    assert isinstance(second, KeywordResult)
    assert not sidecar_of(files[1]).exists()
    assert record.photos_in(tmp_path) == (files[0],)


@posix
def test_a_dry_run_detects_a_folder_without_write_permission(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [photo(tmp_path / "open"), photo(tmp_path / "closed")]
    access = os.access
    monkeypatch.setattr(os, "access", lambda file, mode: Path(file) != tmp_path / "closed" and access(file, mode))
    done, failed = given(files, KeywordRequest(dry_run=True), tool, record)
    assert isinstance(done, KeywordResult)
    assert isinstance(failed, Failure)
    assert "don't have permission to write to" in failed.message


@posix
def test_a_photo_keeps_its_owner_group_and_permissions(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    if os.geteuid():
        pytest.skip("only the administrator may give files away")
    file, beside = photo(tmp_path), photo(tmp_path, "beside.jpg")
    for one in (file, beside):
        os.chown(one, 1234, 2345)
        one.chmod(0o640)
    given([file], IN_PLACE, tool, record)
    given([beside], SIDECAR, tool, record)
    status = file.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1234, 2345, 0o640)
    assert sidecar_of(beside).stat().st_uid == 1234, "its user can change it, too"


@posix
def test_a_photo_keeps_at_least_its_group(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def chown(_: Path, owner: int, group: int) -> None:
        asked.append((owner, group))
        if owner != -1:
            raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", chown)
    file = photo(tmp_path)
    given([file], IN_PLACE, tool, record)
    assert asked == [(file.stat().st_uid, file.stat().st_gid), (-1, file.stat().st_gid)]


@posix
def test_keywords_of_malicious_files_are_not_commands(tmp_path: Path, tool: ExifTool, record: SidecarRecord) -> None:
    file = photo(tmp_path)
    target = tmp_path / "made"
    hostile = f"x&#10;-execute&#10;-o&#10;{target}&#10;{file}"
    sidecar_of(file).write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:f="urn:uuid:6a1c3c0e-6f0e-4f0e-9a52-6f0b5b7c2c11#"'
        f" xmlns:m='http://ns.microsoft.com/photo/1.0'><f:Subject><rdf:Bag><rdf:li>{hostile}</rdf:li></rdf:Bag>"
        f"</f:Subject><m:LastKeywordXMP><rdf:Bag><rdf:li>{hostile}</rdf:li></rdf:Bag></m:LastKeywordXMP>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    given([file], SIDECAR, tool, record)
    removed([file], tool, record)
    assert not target.exists()


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_sidecar_created_meanwhile_is_kept_and_no_failure_of_a_dry_run(
    tmp_path: Path, tool: ExifTool, record: SidecarRecord, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    file, plain = photo(tmp_path), tags.read

    def read(*arguments: object) -> object:
        found = plain(*arguments)  # type: ignore[arg-type]
        sidecar_of(file).write_bytes(b"of another program")
        return found

    monkeypatch.setattr("core.outputs.keywords.reading.read", read)
    (outcome,) = given([file], KeywordRequest(dry_run=dry_run), tool, record)
    assert isinstance(outcome, KeywordResult if dry_run else Failure)
    assert dry_run or "another program changed the file" in str(outcome)
    assert sidecar_of(file).read_bytes() == b"of another program"
