"""Planning a sorting: unique targets inside the destination, and no file replaced."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import UsageError
from core.base.progress import CancelToken
from core.card_rules import Hierarchy
from core.jobs.values import Review, Row, Verdict
from core.outputs.sorting import inputs
from core.outputs.sorting.disk import RealFileSystem
from core.outputs.sorting.names import casefold_key
from core.outputs.sorting.plan import make_plan, summarize
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import SortRequest, TransferMode
from core.prediction import Evidence, Level
from tests.core.outputs.sorting.conftest import Sorter, classified_row, snapshot, write
from tests.rows import failed

posix_names = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")


def test_each_class_gets_a_folder_and_the_tree_is_kept(sorter: Sorter) -> None:
    rows = [classified_row(sorter.add("a.jpg")), classified_row(sorter.add("x/y/b.jpg"), "dog")]
    assert sorter.targets(rows) == ["cat/a.jpg", "dog/x/y/b.jpg"]
    assert sorter.targets(rows, sorter.request(flat=True)) == ["cat/a.jpg", "dog/b.jpg"]


def test_uncertain_photos_go_to_unsure_and_failures_stay(sorter: Sorter) -> None:
    a, b, c, d = (sorter.add(f"{name}.jpg") for name in "abcd")
    rows = [
        classified_row(a, confidence=0.59),
        classified_row(b, confidence=0.6),
        classified_row(c, unknown=True),
        failed(d),
    ]
    assert sorter.targets(rows) == ["unsure/a.jpg", "cat/b.jpg", "unsure/c.jpg", None]
    assert sorter.targets(rows, sorter.request(threshold=0.0)) == ["cat/a.jpg", "cat/b.jpg", "unsure/c.jpg", None]
    assert sorter.plan(rows)[-1].note == "It is damaged."


def test_class_folders_are_in_those_of_their_groups(sorter: Sorter) -> None:
    """A photo that may be an owl or a hawk is certainly a bird; what the user said counts whatever is sure."""
    levels = Hierarchy((("animal", "bird", "owl"), ("animal", "bird", "hawk"), ("oak",))).levels
    bird = Evidence(0.1, levels=(Level(("animal",), 0.97), Level(("animal", "bird"), 0.94)))
    owl, unsure, oak, said, group, unknown = (sorter.add(f"{number}.jpg") for number in range(6))

    def row(path: Path, label: str, confidence: float, evidence: Evidence | None = None, **changes: object) -> Row:
        found = classified_row(path, label, confidence, **changes)  # type: ignore[arg-type]
        assert found.prediction is not None
        return replace(found, outcome=replace(found.prediction, evidence=evidence))

    rows = [
        row(owl, "owl", 0.9),
        row(unsure, "owl", 0.5, bird),
        row(oak, "oak", 0.9),
        row(said, "owl", 0.5, bird, said="hawk"),
        row(group, "owl", 0.5, bird, said="bird"),
        row(unknown, "owl", 0.5, bird, unknown=True),
    ]
    request = sorter.request(groups=True)
    steps = make_plan(rows, request, RealFileSystem(request.destination), levels)
    assert [step.target.relative_to(sorter.destination).as_posix() for step in steps if step.target] == [
        "animal/bird/owl/0.jpg",
        "animal/bird/1.jpg",
        "oak/2.jpg",
        "animal/bird/hawk/3.jpg",
        "animal/bird/4.jpg",
        "unsure/5.jpg",
    ]
    assert sorter.targets(rows)[:2] == ["owl/0.jpg", "unsure/1.jpg"]
    strict = sorter.request(groups=True, threshold=0.95)
    (step,) = make_plan(rows[1:2], strict, RealFileSystem(strict.destination), levels)
    assert step.target == sorter.destination / "unsure" / "1.jpg"


def test_the_user_s_label_takes_precedence(sorter: Sorter) -> None:
    a, b, c = (sorter.add(f"{name}.jpg") for name in "abc")
    accepted = replace(classified_row(b, confidence=0.1), review=Review(Verdict.ACCEPTED, "cat"))
    skipped = replace(classified_row(c, confidence=0.1), review=Review(Verdict.SKIPPED))
    rows = [classified_row(a, confidence=0.1, unknown=True, said="dog"), accepted, skipped]
    assert sorter.targets(rows) == ["dog/a.jpg", "cat/b.jpg", "unsure/c.jpg"]


def test_conflicting_names_are_numbered_and_identical_photos_are_sorted_once(sorter: Sorter) -> None:
    rows = [
        classified_row(sorter.add(name, data))
        for name, data in (("1/a.jpg", b"one"), ("2/a.jpg", b"two"), ("3/A.JPG", b"six"), ("4/a.jpg", b"one"))
    ]
    steps = sorter.plan(rows, sorter.request(flat=True))
    names = [step.target and step.target.name for step in steps]
    assert names == ["a.jpg", "a (2).jpg", "A (3).JPG", None]
    assert "the same photo" in steps[3].note.lower()
    assert "“a.jpg” is taken" in steps[1].note


def test_existing_files_are_never_replaced(sorter: Sorter) -> None:
    write(sorter.destination / "cat" / "a.jpg", b"theirs")
    write(sorter.destination / "cat" / "b.jpg", b"same")
    write(sorter.destination / "dog", b"a file called like a class")
    rows = [classified_row(sorter.add("a.jpg", b"ours")), classified_row(sorter.add("b.jpg", b"same"))]
    rows.append(classified_row(sorter.add("c.jpg"), "dog"))
    assert sorter.targets(rows) == ["cat/a (2).jpg", None, "dog (2)/c.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_link_in_the_destination_is_not_followed(sorter: Sorter, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    sorter.destination.mkdir()
    (sorter.destination / "cat").symlink_to(tmp_path / "elsewhere")
    assert sorter.targets([classified_row(sorter.add("a.jpg"))]) == ["cat (2)/a.jpg"]


def test_labels_become_safe_folder_names(sorter: Sorter) -> None:
    labels = ("../../etc", "CON", "a/b", "a_b", "Cat", "cat", "unsure", "", ".hidden", "x" * 500)
    rows = [classified_row(sorter.add(f"{number}.jpg"), label) for number, label in enumerate(labels)]
    folders = [step.target.parent.name for step in sorter.plan(rows) if step.target]
    assert folders[:9] == ["_.._etc", "_CON", "a_b", "a_b (2)", "Cat", "cat (2)", "unsure", "_", "hidden"]
    assert len(folders[9]) == 120


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        ("\u202egpj", "_gpj"),
        ("a\u2066b\u200f", "a_b_"),
        ("\x1b[31mred\x9b", "_[31mred_"),
        ("\u2028line\ufeff", "_line_"),
        ("\U000e0041tag", "_tag"),
        ("caf\udce9", "caf_"),
        ("lost+found", "_lost+found"),
        ("Ame\u0301lie \U0001f469\u200d\U0001f3a8", "Am\u00e9lie \U0001f469\u200d\U0001f3a8"),
    ],
)
def test_a_class_folder_is_visible_and_displays_safely(sorter: Sorter, label: str, folder: str) -> None:
    assert sorter.targets([classified_row(sorter.add("a.jpg"), label)]) == [f"{folder}/a.jpg"]


def test_a_class_named_unsure_is_separate_from_unsure_photos(sorter: Sorter) -> None:
    rows = [classified_row(sorter.add("a.jpg"), confidence=0.1), classified_row(sorter.add("b.jpg"), "unsure")]
    assert sorter.targets(rows) == ["unsure/a.jpg", "unsure (2)/b.jpg"]


@posix_names
def test_names_that_are_not_utf_8_are_preserved(sorter: Sorter) -> None:
    path = sorter.add(os.fsdecode(b"caf\xe9/\xff.jpg"))
    (step,) = sorter.plan([classified_row(path)])
    assert step.target is not None
    assert os.fsencode(step.target).endswith(b"/cat/caf\xe9/\xff.jpg")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_link_is_not_moved(sorter: Sorter) -> None:
    link = sorter.source / "link.jpg"
    link.symlink_to(sorter.add("a.jpg"))
    assert sorter.targets([classified_row(link)], sorter.request(TransferMode.MOVE)) == [None]
    assert sorter.targets([classified_row(link)], sorter.request(TransferMode.COPY)) == ["cat/link.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
@pytest.mark.parametrize("by", TransferMode)
def test_a_photo_outside_the_source_stays(sorter: Sorter, tmp_path: Path, by: TransferMode) -> None:
    """Journals of earlier versions contain photos found through links."""
    write(tmp_path / "private" / "p.jpg")
    sorter.source.mkdir(exist_ok=True)
    (sorter.source / "up").symlink_to(tmp_path)
    rows = [classified_row(sorter.source / "up" / "private" / "p.jpg"), classified_row(tmp_path / "private" / "p.jpg")]
    steps = sorter.plan(rows, sorter.request(by))
    assert [(step.target, step.note) for step in steps] == [(None, "It is outside the folder to sort.")] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_photos_in_the_destination_stay(sorter: Sorter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mount inside the source can lead to the destination."""
    write(sorter.destination / "cat" / "b.jpg")
    photo, mounted = sorter.add("a.jpg"), sorter.add("mounted/cat/b.jpg")
    real_identity = inputs.identity
    monkeypatch.setattr(
        inputs,
        "identity",
        lambda folder: real_identity(sorter.destination if folder.name == "mounted" else folder),
    )
    assert sorter.targets([classified_row(photo), classified_row(mounted)]) == ["cat/a.jpg", None]


def test_photos_of_an_earlier_sorting_in_the_source_stay(sorter: Sorter, tmp_path: Path) -> None:
    first = Sorter(sorter.source / "new", sorter.source / "sorted")
    done = first.sort([classified_row(first.add("a.jpg"))])
    rows = [classified_row(first.source / "a.jpg"), classified_row(sorter.source / "sorted" / "cat" / "new.jpg")]
    write(rows[1].path)
    first_step, second_step = sorter.plan(rows)
    assert first_step.target is not None
    assert (second_step.target, "destination of a sorting" in second_step.note) == (None, True)
    again = Sorter(sorter.source / "sorted", tmp_path / "again")
    assert again.targets(rows[1:]) == ["cat/cat/new.jpg"]  # it is what is sorted now
    undo(done.id, report=lambda _: None, token=CancelToken())
    assert sorter.targets(rows[1:]) == ["cat/sorted/cat/new.jpg"]


def test_a_missing_photo_is_reported(sorter: Sorter) -> None:
    (step,) = sorter.plan([classified_row(sorter.source / "gone.jpg")])
    assert (step.target, step.note) == (None, "The file no longer exists.")


def test_a_class_whose_folder_is_being_sorted_is_refused(sorter: Sorter, tmp_path: Path) -> None:
    inside = Sorter(tmp_path / "all" / "Cat", tmp_path / "all")
    rows = [classified_row(inside.add("a.jpg"), "dog"), classified_row(inside.add("b.jpg"), "cat")]
    assert inside.targets(rows[:1]) == ["dog/a.jpg"]
    with pytest.raises(UsageError, match="would contain the folder to sort"):
        inside.plan(rows)


def test_planning_changes_nothing(sorter: Sorter) -> None:
    rows = sorter.many(100)
    write(sorter.destination / "cat" / "IMG_0001.jpg", b"theirs")
    before = snapshot(sorter.source, sorter.destination)
    sorter.plan(rows, sorter.request(TransferMode.MOVE, flat=True))
    assert snapshot(sorter.source, sorter.destination) == before


def test_a_plan_is_summarized(sorter: Sorter) -> None:
    rows = [
        classified_row(sorter.add(f"{name}/a.jpg", name.encode() * 10), label)
        for name, label in zip("123", "xxy", strict=True)
    ]
    rows.append(failed(sorter.add("b.jpg")))
    request = sorter.request(flat=True)
    facts = summarize(sorter.plan(rows, request), request)
    assert (facts.folders, facts.left, facts.renamed, facts.size, facts.photos) == ({"x": 2, "y": 1}, 1, 1, 30, 3)


NAMES = st.sampled_from(["a", "A", "b", "a (2)", "a.jpg", "A.JPG", "ä", "a\u0308", ".x", "con", "x" * 250, "..."])
LABELS = st.one_of(st.sampled_from(["cat", "Cat", "unsure", "..", "../x", "", "a/b", "a_b", "con", "é"]), st.text())


@st.composite
def random_rows(draw: st.DrawFn) -> list[Row]:
    found = draw(st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=4), LABELS, st.floats(0, 1)), max_size=25))
    return [classified_row(Path("/from", *parts), label, confidence) for parts, label, confidence in found]


class RandomDisk:
    """A destination with random entries; all files have one of three sizes, and some are identical."""

    def __init__(self, there: dict[str, bool], alike: bool) -> None:
        self._there, self._alike = there, alike

    def entries(self, folder: PurePath) -> dict[str, bool]:
        return self._there if len(folder.parts) < 2 else {}

    def size(self, file: Path) -> int:
        return len(str(file)) % 3

    def same(self, one: Path, other: Path) -> bool:
        return self._alike and len(str(one)) % 2 == len(str(other)) % 2


@given(random_rows(), st.dictionaries(NAMES, st.booleans()), st.booleans(), st.booleans())
def test_targets_are_unique_and_inside_the_destination(
    rows: list[Row], there: dict[str, bool], alike: bool, flat: bool
) -> None:
    request = SortRequest(Path("/from"), Path("/to"), flat=flat)
    steps = list(make_plan(rows, request, RandomDisk(there, alike)))
    assert [step.source for step in steps] == list(dict.fromkeys(row.path for row in rows)), "each photo has one step"
    targets = [step.target for step in steps if step.target is not None]
    places = [tuple(map(casefold_key, target.relative_to("/to").parts)) for target in targets]
    assert len(set(places)) == len(places)
    assert all(len(place) >= 2 and ".." not in place for place in places)
    assert all(len(os.fsencode(part)) <= 255 for target in targets for part in target.parts)
    folders = {place[:end] for place in places for end in range(1, len(place))}
    assert not folders & set(places), "no photo is where a folder is"
    files = {casefold_key(name) for name, is_folder in there.items() if not is_folder}
    assert not {place[0] for place in places} & files, "no folder is where a file is"
    assert not {place[1] for place in places if len(place) == 2} & set(map(casefold_key, there))
