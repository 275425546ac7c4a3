"""Labels in the files of Fovea 0.1 are taken over once; what is damaged is kept where it is."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from core.base import paths
from core.base.errors import StorageError
from core.datasets.label_file import find_labels, open_labels
from core.datasets.labels import Scope, Source, folder_key
from tests.labels import give, given

KEY = hashlib.sha256(b"a photo").hexdigest()


def line(**changes: object) -> bytes:
    whole = {
        "path": "/a", "said": "b", "confidence": 1, "label": "c", "model": "m",
        "made": "2026-01-01T00:00:00+00:00", "learnt": ["f0"],
    }  # fmt: skip
    return json.dumps(whole | changes).encode()


def write_corrections(*lines: bytes, model: str = "m") -> Path:
    file = paths.corrections() / f"{model}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


def write_overrides(folder: Path, content: bytes) -> Path:
    file = paths.label_overrides() / f"{folder_key(folder)}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def photos(**labels: str | None) -> bytes:
    return json.dumps({"format": 1, "photos": {key: {"label": one, "size": 7} for key, one in labels.items()}}).encode()


def test_corrections_are_taken_over_once() -> None:
    file = write_corrections(line(), line(path="/d", unknown=False), line(path="/a", label="e"))
    before = file.read_bytes()
    second, first = given("m").values()
    assert (first.path, first.label, first.predicted, first.confidence) == (Path("/a"), "e", "b", 1)
    assert (first.created_at, first.trained_in) == (datetime(2026, 1, 1, tzinfo=UTC), ("f0",))
    assert (first.unknown, second.unknown, second.path) == (None, False, Path("/d"))
    assert file.read_bytes() == before, "an earlier version can still read it"
    with open_labels() as store:
        store.change({Path("/a"): None}, Scope("m"))
    assert list(given("m")) == [Path("/d")], "it does not come back"


def test_overrides_are_taken_over(tmp_path: Path) -> None:
    file = write_overrides(tmp_path / "set", photos(**{KEY: "fox", "0" * 64: None}))
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"a photo")
    (label,) = find_labels([photo])[photo]
    assert (label.label, label.source, label.folder) == ("fox", Source.WIZARD, folder_key(tmp_path / "set"))
    assert label.created_at == datetime.fromtimestamp(file.stat().st_mtime, UTC)


def test_a_correction_found_by_path_belongs_to_the_content(tmp_path: Path) -> None:
    for name in ("photo.jpg", "copy.jpg"):
        (tmp_path / name).write_bytes(b"a photo")
    write_corrections(line(path=str(tmp_path / "photo.jpg")))
    found = find_labels([tmp_path / "photo.jpg", tmp_path / "copy.jpg"])
    assert [[one.label for one in labels] for labels in found.values()] == [["c"], ["c"]]


@pytest.mark.parametrize(
    "damage",
    [
        b"\x00\xff\x00",
        b"[]",
        b"7",
        b'"path"',
        b"{",
        b"[" * 100_000,
        line(confidence=2),
        line(confidence=float("nan")),
        line(confidence=10**400),
        line(made=7),
        line(label=["fox"]),
        line(path=""),
        line(learnt=[7]),
        line(unknown="no"),
    ],
    ids=range(14),
)
def test_a_damaged_correction_is_skipped_and_kept(damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file = write_corrections(line(), damage, line(path="/d"))
    assert list(given("m")) == [Path("/a"), Path("/d")]
    assert "1 lines of the corrections" in caplog.text
    assert damage in file.read_bytes()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": 1}', b'{"format": 1, "photos": 3}'])
def test_damaged_overrides_are_skipped_and_kept(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = write_overrides(tmp_path, content)
    with open_labels():
        pass
    assert str(file) in caplog.text
    assert file.read_bytes() == content


def test_intact_overrides_survive_damage(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"a photo")
    whole = photos(**{KEY: "fox", "0" * 64: "hen"})
    write_overrides(tmp_path, whole[: whole.rindex(b'"label"')])
    assert [one.label for one in find_labels([photo])[photo]] == ["fox"]


def test_overrides_of_a_later_version_are_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = write_overrides(tmp_path, photos(**{KEY: "fox"}).replace(b'"format": 1', b'"format": 2'))
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"a photo")
    assert find_labels([photo]) == {}
    assert str(file) in caplog.text


def test_a_file_that_cannot_be_read_at_the_moment_is_taken_over_later(monkeypatch: pytest.MonkeyPatch) -> None:
    write_corrections(line())
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", Mock(side_effect=OSError(5, "Input/output error")))
        for _ in range(2):
            with pytest.raises(StorageError, match="Input/output error"):
                given("m")
    assert list(given("m")) == [Path("/a")]


def test_labels_of_two_models_for_one_photo_are_both_kept() -> None:
    write_corrections(line(), model="m")
    write_corrections(line(label="other"), model="n")
    assert [one.label for model in ("m", "n") for one in given(model).values()] == ["c", "other"]
    give(next(iter(given("m").values())))
