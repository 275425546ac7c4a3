"""All problems of a folder of labelled images are reported at once, and none prevents what is still possible."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.base.errors import Cancelled, DatasetError
from core.base.progress import CancelToken, Progress
from core.datasets.dataset import Dataset, read_dataset
from core.datasets.problems import Problem, ProblemKind
from core.datasets.subsets import Subset
from tests.samples import encoded

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names, links or permissions")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    folder.mkdir()
    return folder


def _picture(number: int, size: tuple[int, int] = (64, 64)) -> NDArray[np.uint8]:
    """Coloured blocks; no two numbers look alike."""
    blocks = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST))


def _save(path: Path, pixels: NDArray[np.uint8], form: str = "PNG", **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(pixels, form, **options))
    return path


def _fill(root: Path, counts: dict[str, int], first: int = 0) -> None:
    """Write that many different images per class."""
    number = first
    for label, count in counts.items():
        for index in range(count):
            _save(root / label / f"{index}.png", _picture(number))
            number += 1


def _read(folder: Path) -> Dataset:
    return read_dataset(folder, report=lambda progress: None, token=CancelToken())


def _kinds(problems: Iterable[Problem]) -> list[str]:
    """The kinds of problems, except for few images, which occur in nearly every test."""
    return sorted(problem.kind for problem in problems if problem.kind is not ProblemKind.FEW_IMAGES)


def _only(problems: Iterable[Problem], kind: ProblemKind) -> Problem:
    [problem] = [problem for problem in problems if problem.kind is kind]
    return problem


def test_a_good_folder_has_no_problems(root: Path) -> None:
    _fill(root, {"cat": 10, "dog": 12})
    dataset = _read(root)
    assert dataset.problems == ()
    assert dataset.classes == ("cat", "dog")
    assert dataset.root == root
    assert dataset.labels().tolist() == [0] * 10 + [1] * 12
    assert [example.path for example in dataset.examples[:10]] == [root / "cat" / f"{index}.png" for index in range(10)]
    for example in dataset.examples:
        assert example.sha256 == hashlib.sha256(example.path.read_bytes()).hexdigest()
        assert example.subset is None
    assert len({example.phash for example in dataset.examples}) == 22


def test_reading_is_the_same_every_time(root: Path) -> None:
    _fill(root, {"cat": 5, "dog": 5})
    (root / "cat" / "bad.png").write_bytes(b"no image")
    assert _read(root) == _read(root)


def test_each_unreadable_file_is_reported_with_its_reason(root: Path) -> None:
    _fill(root, {"cat": 3, "dog": 3})
    (root / "cat" / "text.jpg").write_text("hello")
    (root / "cat" / "empty.jpg").touch()
    (root / "dog" / "torn.png").write_bytes(encoded(_picture(99), "PNG")[:-200])
    dataset = _read(root)
    assert len(dataset.examples) == 6
    assert _kinds(dataset.problems) == ["unreadable"] * 3
    messages = {problem.paths[0].name: problem.message for problem in dataset.problems if problem.paths}
    assert messages["text.jpg"] == "“cat/text.jpg” is not an image."
    assert "is empty" in messages["empty.jpg"]
    assert "is incomplete" in messages["torn.png"]
    assert all(problem.hint and not problem.is_fatal for problem in dataset.problems)


@posix_only
def test_pipes_and_dead_links_are_unreadable_and_stop_nothing(root: Path) -> None:
    _fill(root, {"cat": 2, "dog": 2})
    os.mkfifo(root / "cat" / "pipe.jpg")
    (root / "dog" / "gone.jpg").symlink_to(root / "nothing")
    assert _kinds(_read(root).problems) == ["unreadable"] * 2


def test_a_copy_within_a_class_is_used_once(root: Path) -> None:
    _fill(root, {"cat": 3, "dog": 3})
    shutil.copy(root / "cat" / "1.png", root / "cat" / "7.png")
    dataset = _read(root)
    problem = _only(dataset.problems, ProblemKind.DUPLICATE)
    assert problem.paths == (root / "cat" / "1.png", root / "cat" / "7.png")
    assert root / "cat" / "7.png" not in {example.path for example in dataset.examples}
    assert Counter(dataset.labels().tolist()) == {0: 3, 1: 3}


def test_a_copy_with_another_label_is_not_used_at_all(root: Path) -> None:
    _fill(root, {"cat": 3, "dog": 3})
    shutil.copy(root / "cat" / "1.png", root / "dog" / "7.png")
    dataset = _read(root)
    problem = _only(dataset.problems, ProblemKind.CONFLICT)
    assert problem.paths == (root / "cat" / "1.png", root / "dog" / "7.png")
    assert not set(problem.paths) & {example.path for example in dataset.examples}
    assert "different labels" in problem.message


def test_a_test_image_is_kept_rather_than_its_training_copy(root: Path) -> None:
    _fill(root / "train", {"cat": 3, "dog": 3})
    _fill(root / "test", {"cat": 2, "dog": 2}, first=50)
    shutil.copy(root / "test" / "cat" / "0.png", root / "train" / "cat" / "9.png")
    dataset = _read(root)
    _only(dataset.problems, ProblemKind.DUPLICATE)
    kept = {example.path for example in dataset.examples}
    assert root / "test" / "cat" / "0.png" in kept
    assert root / "train" / "cat" / "9.png" not in kept


def _almost(number: int) -> NDArray[np.uint8]:
    """Another file that looks like the picture of that number."""
    again = Image.open(BytesIO(encoded(_picture(number), "JPEG", quality=60)))
    return np.asarray(again.convert("RGB"))


def test_near_duplicates_are_reported_by_kind_of_problem(root: Path) -> None:
    _fill(root / "train", {"cat": 4, "dog": 4})
    _fill(root / "test", {"cat": 2, "dog": 2}, first=50)
    same = _save(root / "train" / "cat" / "same.png", _almost(0))
    leak = _save(root / "test" / "cat" / "leak.png", _almost(1))
    conflict = _save(root / "train" / "dog" / "conflict.png", _almost(2))
    dataset = _read(root)
    found = {problem.kind: set(problem.paths) for problem in dataset.problems if problem.paths}
    assert found == {
        ProblemKind.NEAR_DUPLICATE: {root / "train" / "cat" / "0.png", same},
        ProblemKind.LEAK: {root / "train" / "cat" / "1.png", leak},
        ProblemKind.NEAR_CONFLICT: {root / "train" / "cat" / "2.png", conflict},
    }
    assert len(dataset.examples) == 15


def test_a_class_of_one_image_is_left_out(root: Path) -> None:
    _fill(root, {"bird": 1, "cat": 3, "dog": 3})
    dataset = _read(root)
    assert dataset.classes == ("cat", "dog")
    problem = _only(dataset.problems, ProblemKind.CLASS_DROPPED)
    assert "“bird”" in problem.message
    assert problem.paths == (root / "bird" / "0.png",)


def test_a_class_that_is_only_in_the_test_is_left_out(root: Path) -> None:
    _fill(root / "train", {"cat": 3, "dog": 3})
    _fill(root / "test", {"cat": 2, "bird": 2}, first=50)
    dataset = _read(root)
    assert dataset.classes == ("cat", "dog")
    assert "no training images" in _only(dataset.problems, ProblemKind.CLASS_DROPPED).message
    assert "“dog”" in _only(dataset.problems, ProblemKind.MISSING_FROM_SUBSET).message
    assert Counter(example.subset for example in dataset.examples) == {Subset.TRAIN: 6, Subset.TEST: 2}


def test_few_images_imbalance_and_case_clashes_are_reported(root: Path) -> None:
    _fill(root, {"cat": 2, "Dog": 2, "dog": 23})
    problems = _read(root).problems
    assert _kinds(problems) == ["case-clash", "imbalance"]
    assert "“cat” (2), “Dog” (2)" in _only(problems, ProblemKind.FEW_IMAGES).message
    assert "“dog” has 23 images" in _only(problems, ProblemKind.IMBALANCE).message
    assert "“Dog”, “dog”" in _only(problems, ProblemKind.CASE_CLASH).message


def test_ten_times_as_many_images_are_not_an_imbalance(root: Path) -> None:
    _fill(root, {"cat": 2, "dog": 20})
    assert _kinds(_read(root).problems) == []


def test_unusual_images_are_reported_and_used(root: Path) -> None:
    _fill(root, {"cat": 3, "dog": 3})
    odd = {
        ProblemKind.TINY: _save(root / "cat" / "tiny.png", _picture(50, (31, 80))),
        ProblemKind.ELONGATED: _save(root / "cat" / "long.png", _picture(51, (400, 79))),
        ProblemKind.BLANK: _save(root / "dog" / "blank.png", np.full((40, 40, 3), (9, 90, 200), np.uint8)),
        ProblemKind.GREY: _save(root / "dog" / "grey.jpg", _picture(52)[:, :, 0], "JPEG"),
    }
    dataset = _read(root)
    assert {problem.kind: problem.paths[0] for problem in dataset.problems if problem.paths} == odd
    assert len(dataset.examples) == 10


def test_all_grey_images_are_not_unusual(root: Path) -> None:
    for number in range(8):
        _save(root / ("cat" if number < 4 else "dog") / f"{number}.png", _picture(number)[:, :, 0])
    assert _kinds(_read(root).problems) == []


def test_a_class_of_near_duplicates_is_reported(root: Path) -> None:
    _fill(root, {"dog": 3}, first=50)
    for step in range(4):
        _save(root / "cat" / f"{step}.png", np.clip(_picture(0).astype(int) + step, 0, 255).astype(np.uint8))
    problems = _read(root).problems
    assert _kinds(problems) == ["all-alike", "near-duplicate"]
    assert "“cat”" in _only(problems, ProblemKind.ALL_SAME_CLASS).message


def _refused(folder: Path) -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        _read(folder)
    error = caught.value
    assert error.kind == "dataset"
    assert error.hint
    assert error.problems[-1].is_fatal
    assert not any(problem.is_fatal for problem in error.problems[:-1])
    return error


def test_an_unusable_folder_is_an_error_with_all_problems(root: Path) -> None:
    assert "no images" in _refused(root).what
    (root / "notes.txt").touch()
    (root / ".hidden.jpg").touch()
    assert "no images" in _refused(root).what
    (root / "cat").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (root / "cat" / name).write_text("no image")
    error = _refused(root)
    assert "None of the images could be read" in error.what
    assert _kinds(error.problems) == ["no-images", "unreadable", "unreadable"]


def test_images_without_labels_are_an_error(root: Path) -> None:
    _save(root / "IMG_1.png", _picture(1))
    _save(root / "IMG_2.png", _picture(2))
    error = _refused(root)
    assert "no labels" in error.what
    assert len(error.problems[0].paths) == 2


@pytest.mark.parametrize(
    ("counts", "what", "hint"),
    [
        ({"cat": 5}, "the folder contains only “cat”.", "one subfolder of images per class"),
        ({"cat": 1}, "the folder contains only “cat”.", "one subfolder of images per class"),
        ({"pets/cat": 5, "pets/dog": 5}, "contains only “pets”.", "If the folders inside “pets” are the classes"),
        ({"train/cat": 5, "test/cat": 5}, "the folder contains only “cat”.", "one subfolder of images per class"),
        ({"cat": 5, "dog": 1, "owl": 1}, "only “cat” is left of the 3 in the folder.", "Add more images"),
        ({"cat": 1, "dog": 1}, "none of the 2 in the folder is left.", "Add more images"),
    ],
)
def test_fewer_than_two_classes_are_an_error_with_the_reason(
    root: Path, counts: dict[str, int], what: str, hint: str
) -> None:
    _fill(root, counts)
    error = _refused(root)
    assert error.what.endswith(what)
    assert hint in error.hint
    assert error.problems[-1].kind is ProblemKind.TOO_FEW_CLASSES


def test_all_images_the_same_is_an_error(root: Path) -> None:
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        _save(root / name, _picture(1))
    error = _refused(root)
    assert "All 3 images are identical" in error.what
    assert _kinds(error.problems) == ["all-the-same", "conflict"]


def test_a_file_that_changes_while_reading_is_reported(root: Path) -> None:
    """Files vanish while the first ones are scanned; the others are not affected."""
    _fill(root, {"cat": 60, "dog": 3})

    def remove(progress: Progress) -> None:
        (root / "cat" / "59.png").unlink(missing_ok=True)

    dataset = read_dataset(root, report=remove, token=CancelToken())
    assert _only(dataset.problems, ProblemKind.UNREADABLE).paths == (root / "cat" / "59.png",)
    assert len(dataset.examples) == 62


def test_progress_counts_every_image(root: Path) -> None:
    _fill(root, {"cat": 3, "dog": 3})
    (root / "cat" / "bad.png").write_bytes(b"no image")
    reported: list[Progress] = []
    read_dataset(root, report=reported.append, token=CancelToken())
    assert (reported[0].step, reported[-1].step, reported[-1].total) == (0, 7, 7)


def test_reading_can_be_cancelled_at_any_image(root: Path) -> None:
    _fill(root, {"cat": 40, "dog": 40})
    token = CancelToken()
    reported: list[Progress] = []

    def report(progress: Progress) -> None:
        reported.append(progress)
        token.cancel()

    with pytest.raises(Cancelled):
        read_dataset(root, report=report, token=token)
    assert reported[-1].step == 0


def test_many_classes_are_reported_and_read(root: Path) -> None:
    _fill(root, {str(number): 2 for number in range(1001)})
    dataset = _read(root)
    assert _kinds(dataset.problems) == ["many-classes"]
    assert dataset.classes == tuple(str(number) for number in range(1001))


def test_memory_does_not_grow_with_the_pixels(root: Path) -> None:
    for number in range(60):
        _save(root / ("cat" if number % 2 else "dog") / f"{number}.png", _picture(number, (512, 512)))
    tracemalloc.start()
    try:
        _read(root)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < 30 * 512 * 512 * 3


def test_the_photos(photos: Path) -> None:
    dataset = _read(photos)
    assert len(dataset.examples) == 196
    assert dataset.classes == ("bird", "fish", "flower", "fruit", "mammal", "monument", "tool", "vegetable")
    assert _kinds(dataset.problems) == ["grey", "near-duplicate", "tiny"]
    alike = _only(dataset.problems, ProblemKind.NEAR_DUPLICATE)
    assert [path.name for path in alike.paths] == ["brandenburgGate.webp", "x_brandenburgGate.webp"]


def test_copies_across_subsets_are_reported_with_their_paths(root: Path) -> None:
    for number, label in enumerate(("bird", "fish")):
        for part, offset in (("train", 0), ("test", 10)):
            for index in range(3):
                _save(root / part / label / f"{index}.png", _picture(20 * number + offset + index))
    _save(root / "test" / "bird" / "x.png", _picture(0))
    _save(root / "test" / "bird" / "y.png", _picture(1), "JPEG")
    problems = _read(root).problems
    assert _only(problems, ProblemKind.DUPLICATE).message == (
        "“test/bird/x.png”, “train/bird/0.png” are identical; only “test/bird/x.png” is used."
    )
    assert "“test/bird/y.png”, “train/bird/1.png”" in _only(problems, ProblemKind.LEAK).message
