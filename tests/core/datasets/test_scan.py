"""Unchanged folders are not scanned again, with the same result."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from core.base import file_state, paths
from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.datasets import scan
from core.datasets.dataset import Dataset, read_dataset
from core.datasets.problems import ProblemKind
from core.images.decoding import Decoded, Pixels, decode, read_image
from tests import teaching
from tests.samples import encoded, photo_like


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images that count as stable at once; one is damaged, one grey, one large."""
    monkeypatch.setattr(file_state, "_STABLE_NS", 0)
    folder = teaching.write_labelled(tmp_path / "photos", 4)
    (folder / "red" / "torn.png").write_bytes(encoded(photo_like(90, 60), "PNG")[:-300])
    (folder / "red" / "grey.png").write_bytes(encoded(photo_like(900, 600)[:, :, 0], "PNG"))
    (folder / "red" / "large.jpg").write_bytes(encoded(photo_like(1600, 1200), "JPEG"))
    return folder


def _read(folder: Path) -> tuple[Dataset, dict[str, Pixels]]:
    """A dataset, and the images that had to be decoded for it."""
    decoded: dict[str, Pixels] = {}
    dataset = read_dataset(folder, report=lambda _: None, token=CancelToken(), on_decoded=decoded.__setitem__)
    return dataset, decoded


def test_a_second_scan_decodes_nothing_and_gives_the_same_result(root: Path) -> None:
    first, decoded = _read(root)
    assert set(decoded) == {hashlib.sha256(path.read_bytes()).hexdigest() for path in root.glob("*/*")} - {
        hashlib.sha256((root / "red" / "torn.png").read_bytes()).hexdigest()
    }
    assert _read(root) == (first, {})
    assert {problem.kind for problem in first.problems} >= {ProblemKind.UNREADABLE, ProblemKind.GREY}


def test_the_pixels_have_the_size_that_a_backbone_needs(root: Path) -> None:
    _, decoded = _read(root)
    for path in root.glob("*/[!t]*"):
        pixels = decoded[hashlib.sha256(path.read_bytes()).hexdigest()]
        assert np.array_equal(pixels, decode(path, min_side=scan.MIN_SIDE))


def test_only_changed_files_are_scanned_again(root: Path) -> None:
    _read(root)
    changed, added = root / "green" / "0.png", root / "green" / "new.png"
    changed.write_bytes(encoded(photo_like(50, 40), "PNG"))
    added.write_bytes(encoded(photo_like(70, 40), "PNG"))
    dataset, decoded = _read(root)
    assert set(decoded) == {hashlib.sha256(path.read_bytes()).hexdigest() for path in (changed, added)}
    assert {example.sha256 for example in dataset.examples} >= set(decoded)


def test_a_damaged_image_is_decoded_again_only_when_repaired(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _read(root)
    looked: list[str] = []

    def noting(path: Path, *, min_side: int | None = None) -> Decoded:
        looked.append(path.name)
        return read_image(path, min_side=min_side)

    monkeypatch.setattr(scan, "read_image", noting)
    assert any(problem.kind is ProblemKind.UNREADABLE for problem in _read(root)[0].problems)
    assert looked == []
    (root / "red" / "torn.png").write_bytes(encoded(photo_like(90, 60), "PNG"))
    assert not any(problem.kind is ProblemKind.UNREADABLE for problem in _read(root)[0].problems)
    assert looked == ["torn.png"]


def _unreadable(folder: Path) -> set[str]:
    problems = _read(folder)[0].problems
    return {problem.paths[0].name for problem in problems if problem.kind is ProblemKind.UNREADABLE}


def test_temporary_errors_are_retried(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Next time, memory may be free, permissions granted, or a decoder installed."""
    with monkeypatch.context() as patch:
        patch.setattr("core.images.bounds.MAX_PIXELS", 100_000)
        assert _unreadable(root) == {"torn.png", "grey.png", "large.jpg"}
    assert _unreadable(root) == {"torn.png"}


def test_a_recently_written_file_is_scanned_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been written again within the resolution of the disk's clock."""
    monkeypatch.setattr(file_state, "_STABLE_NS", 3_600_000_000_000)
    first, decoded = _read(root)
    assert decoded == {}, "nor does anyone else take its content for what it was"
    monkeypatch.setattr(file_state, "_STABLE_NS", 0)
    again, decoded = _read(root)
    assert (again, len(decoded)) == (first, 14)


def test_results_before_cancellation_are_cached(root: Path) -> None:
    teaching.write_labelled(root, 15)
    token, decoded = CancelToken(), []

    def note(sha256: str, pixels: Pixels) -> None:
        decoded.append(sha256)
        if len(decoded) == 30:
            token.cancel()

    with pytest.raises(Cancelled):
        read_dataset(root, report=lambda _: None, token=token, on_decoded=note)
    assert len(_read(root)[1]) < 47


def test_without_a_cache_everything_is_scanned(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths.cache_folder().parent.mkdir()
    paths.cache_folder().touch()
    first, _ = _read(root)
    again, decoded = _read(root)
    assert (again, len(decoded)) == (first, 14)
    assert "Couldn't use the cache" in caplog.text


def test_half_empty_photos_are_reported_and_left_out(root: Path) -> None:
    whole = encoded(photo_like(90, 60), "BMP")
    (root / "red" / "half.bmp").write_bytes(whole[:8000] + bytes(len(whole) - 8000))
    dataset, decoded = _read(root)
    assert _unreadable(root) == {"torn.png", "half.bmp"}
    assert "half.bmp" not in {example.path.name for example in dataset.examples}
    assert hashlib.sha256((root / "red" / "half.bmp").read_bytes()).hexdigest() not in decoded
