"""Keywords can be removed after their photo was sorted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.base import paths
from core.datasets.label_file import find_labels, open_labels
from core.outputs.following import follow_sorting
from core.outputs.keywords.record import open_record
from core.outputs.sorting.values import TransferMode
from tests.core.outputs.sorting.conftest import Sorter, classified_row
from tests.labels import correction, give, given


@pytest.fixture
def sorter(tmp_path: Path) -> Sorter:
    (tmp_path / "photos").mkdir()
    return Sorter(tmp_path / "photos", tmp_path / "sorted")


def _remembered() -> list[tuple[Path, Path]]:
    with sqlite3.connect(paths.keyword_record()) as opened:
        rows = opened.execute("SELECT file, photo FROM files ORDER BY file").fetchall()
    opened.close()
    return [(Path(file.decode()), Path(photo.decode())) for file, photo in rows]


@pytest.mark.parametrize("by", [TransferMode.MOVE, TransferMode.COPY])
def test_the_record_of_keywords_follows_moved_photos(sorter: Sorter, by: TransferMode) -> None:
    photo, sidecar, other = sorter.add("a.jpg"), sorter.add("a.jpg.xmp"), sorter.source / "other.jpg"
    with open_record(paths.keyword_record()) as record:
        record.add([(sidecar, photo, True), (other, other, False)])
    before = _remembered()
    facts = sorter.sort([classified_row(photo, "cat", 0.9)], sorter.request(by))
    follow_sorting(facts)
    if by is TransferMode.COPY:
        assert _remembered() == before
        return
    place = sorter.destination / "cat"
    assert set(_remembered()) == {(place / "a.jpg.xmp", place / "a.jpg"), (other, other)}
    with open_record(paths.keyword_record()) as record:
        assert record.photos_in(sorter.destination) == (place / "a.jpg",)
        assert record.is_own(place / "a.jpg.xmp")
    sorter.undo(facts.id)
    follow_sorting(facts)
    assert _remembered() == before


@pytest.mark.parametrize("is_hashed", [True, False])
def test_labels_follow_moved_photos(sorter: Sorter, is_hashed: bool) -> None:
    photo = sorter.add("a.jpg")
    give(correction(photo, "cat"))
    if is_hashed:
        with open_labels() as labels:
            labels.resolve(1)
    facts = sorter.sort([classified_row(photo, "cat", 0.9)], sorter.request(TransferMode.MOVE))
    follow_sorting(facts)
    place = sorter.destination / "cat" / "a.jpg"
    assert list(given("mine")) == [place]
    assert list(find_labels([photo, place])) == [place]
    sorter.undo(facts.id)
    follow_sorting(facts)
    assert list(given("mine")) == [photo]
    assert list(find_labels([photo, place])) == [photo]


def test_no_record_of_keywords_is_created(sorter: Sorter) -> None:
    facts = sorter.sort([classified_row(sorter.add("a.jpg"), "cat", 0.9)], sorter.request(TransferMode.MOVE))
    follow_sorting(facts)
    assert not paths.keyword_record().exists()


def test_an_unusable_record_does_not_affect_sorting(sorter: Sorter, caplog: pytest.LogCaptureFixture) -> None:
    facts = sorter.sort([classified_row(sorter.add("a.jpg"), "cat", 0.9)], sorter.request(TransferMode.MOVE))
    paths.keyword_record().mkdir(parents=True)
    follow_sorting(facts)
    assert "Couldn't update the record of written keywords" in caplog.text
