"""Folder layouts, labels, and skipped files; no image is opened."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from core.base.errors import Cancelled, DatasetError
from core.base.progress import CancelToken
from core.base.text import natural_sort_key
from core.datasets import discovery
from core.datasets.discovery import discover
from core.datasets.problems import Problem, ProblemKind
from core.datasets.subsets import Subset

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names, links or permissions")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    folder.mkdir()
    return folder


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def _find(folder: Path) -> tuple[dict[str, tuple[str, Subset | None]], list[Problem]]:
    found = discover(folder, CancelToken())
    images, problems = found.images, found.problems
    found = {image.path.relative_to(folder).as_posix(): (image.label, image.subset) for image in images}
    assert len(found) == len(images)
    return found, problems


def _labels(folder: Path) -> dict[str, str]:
    """The label of every image, without any problems."""
    found, problems = _find(folder)
    assert problems == []
    return {path: label for path, (label, _) in found.items()}


def test_class_folders_with_subfolders(root: Path) -> None:
    _touch(
        root,
        "cat/1.jpg",
        "cat/old/2.jpg",
        "dog/1.png",
        "dog/notes.txt",
        "cat/.hidden.jpg",
        ".git/x.jpg",
        ".idea/x.txt",
        "a.txt",
    )
    assert _labels(root) == {"cat/1.jpg": "cat", "cat/old/2.jpg": "cat", "dog/1.png": "dog"}


def test_kaggles_flat_layout(root: Path) -> None:
    _touch(root, "cat.0.jpg", "cat.12.jpg", "dog.0.jpg", "Great Pyrenees_7.png", "fox (3).jpg")
    assert _labels(root) == {
        "cat.0.jpg": "cat",
        "cat.12.jpg": "cat",
        "dog.0.jpg": "dog",
        "fox (3).jpg": "fox",
        "Great Pyrenees_7.png": "Great Pyrenees",
    }


@pytest.mark.parametrize(
    "name", ["IMG_1234.jpg", "_MG_0001.jpg", "DSC-12.jpg", "photo.3.jpg", "12.jpg", "2024-01.jpg", "cat.jpg"]
)
def test_camera_file_names_are_not_labels(root: Path, name: str) -> None:
    _touch(root, name, "dog.1.jpg")
    found, [problem] = _find(root)
    assert found == {"dog.1.jpg": ("dog", None)}
    assert (problem.kind, problem.paths) == (ProblemKind.NO_LABELS, (root / name,))


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("train", "validation", "test"), (Subset.TRAIN, Subset.VALIDATION, Subset.TEST)),
        (("Train", "val", "TEST"), (Subset.TRAIN, Subset.VALIDATION, Subset.TEST)),
        (("training", "valid"), (Subset.TRAIN, Subset.VALIDATION)),
        (("train",), (Subset.TRAIN,)),
    ],
)
def test_subset_folders(root: Path, names: tuple[str, ...], parts: tuple[Subset, ...]) -> None:
    for name in names:
        _touch(root, f"{name}/cat/1.jpg", f"{name}/dog/1.jpg")
    found, problems = _find(root)
    assert problems == []
    expected = {
        f"{name}/{label}/1.jpg": (label, part)
        for name, part in zip(names, parts, strict=True)
        for label in ("cat", "dog")
    }
    assert found == expected


def test_kaggles_download_trains_on_the_labelled_half(root: Path) -> None:
    _touch(root, "train/cat.0.jpg", "train/dog.0.jpg", "test1/1.jpg", "test1/2.jpg", "labels/x.txt", "y.jpg")
    found, problems = _find(root)
    assert found == {"train/cat.0.jpg": ("cat", Subset.TRAIN), "train/dog.0.jpg": ("dog", Subset.TRAIN)}
    assert [problem.kind for problem in problems] == [
        ProblemKind.SKIPPED,
        ProblemKind.NO_LABELS,
        ProblemKind.EMPTY_SUBSET,
    ]
    assert problems[0].paths == (root / "labels", root / "y.jpg")


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("training_set", "validation_set", "test_set"),
        ("seg_train", "seg_dev", "seg_test"),
        ("TRAIN", "Val", "tEST"),
        ("TrainImages", "ValidImages", "TestImages"),
        ("traindata", "valdata", "testdata"),
        ("flowers-train", "flowers-dev", "flowers-testing"),
        ("Training Set (1)", "Eval Set", "Test Set 2"),
        ("train/train", "val/val", "test/test"),
        ("seg_train/seg_train", "seg_val/seg_val", "seg_test/seg_test"),
        ("train/images", "valid/images", "test/images"),
    ],
)
def test_common_names_of_subset_folders(root: Path, train: str, validation: str, test: str) -> None:
    for name in (train, validation, test):
        _touch(root, f"{name}/cat/1.jpg", f"{name}/dog/1.jpg")
    found, problems = _find(root)
    assert problems == []
    assert found == {
        f"{name}/{label}/1.jpg": (label, part)
        for name, part in ((train, Subset.TRAIN), (validation, Subset.VALIDATION), (test, Subset.TEST))
        for label in ("cat", "dog")
    }


def test_unlabelled_images_to_predict_are_not_a_class(root: Path) -> None:
    _touch(root, "seg_train/seg_train/sea/1.jpg", "seg_train/seg_train/street/1.jpg", "seg_pred/seg_pred/7.jpg")
    found, [problem] = _find(root)
    assert set(found.values()) == {("sea", Subset.TRAIN), ("street", Subset.TRAIN)}
    assert (problem.kind, problem.paths) == (ProblemKind.SKIPPED, (root / "seg_pred",))


@pytest.mark.parametrize("names", [("trainers", "testers"), ("train", "test tube"), ("training shoes", "valley")])
def test_class_names_that_begin_like_subsets(root: Path, names: tuple[str, str]) -> None:
    _touch(root, *(f"{name}/{number}.jpg" for name in names for number in (1, 2)))
    assert set(_labels(root).values()) == set(names)


def test_a_nested_subset_folder_is_unwrapped_unless_it_contains_images(root: Path) -> None:
    _touch(root, "train/train/cat/1.jpg", "train/dog.1.jpg", "test/cat/1.jpg")
    found, _ = _find(root)
    assert found["train/train/cat/1.jpg"] == ("train", Subset.TRAIN)


def test_classes_with_subsets_inside(root: Path) -> None:
    _touch(root, *(f"{label}/{part}/1.jpg" for label in ("cat", "dog") for part in ("Train", "Test")))
    found, problems = _find(root)
    assert problems == []
    assert found == {
        f"{label}/{folder}/1.jpg": (label, part)
        for label in ("cat", "dog")
        for folder, part in (("Train", Subset.TRAIN), ("Test", Subset.TEST))
    }


def test_different_spellings_of_a_class_in_subsets_are_merged(root: Path) -> None:
    _touch(root, "TRAIN/bird/1.jpg", "TRAIN/fish/1.jpg", "Val/Bird/2.jpg", "Val/FISH/2.jpg", "Val/fox/1.jpg")
    found, [problem] = _find(root)
    assert found["Val/Bird/2.jpg"] == ("bird", Subset.VALIDATION)
    assert found["Val/FISH/2.jpg"] == ("fish", Subset.VALIDATION)
    assert found["Val/fox/1.jpg"] == ("fox", Subset.VALIDATION)
    assert problem.kind is ProblemKind.CASE_CLASH
    assert "“Bird” = “bird”, “FISH” = “fish”" in problem.message


def test_classes_that_differ_in_case_within_a_subset_stay_separate(root: Path) -> None:
    _touch(root, "train/bird/1.jpg", "train/Bird/1.jpg", "test/Bird/2.jpg", "test/BIRD/2.jpg")
    if len([*(root / "train").iterdir()]) < 2:
        pytest.skip("this disk does not tell capital letters apart")
    found, problems = _find(root)
    assert problems == []
    assert {label for label, _ in found.values()} == {"bird", "Bird", "BIRD"}


@pytest.mark.parametrize("names", [("first half", "second half"), ("apprentissage", "essai")])
def test_classes_with_the_same_subfolders_are_reported(root: Path, names: tuple[str, str]) -> None:
    _touch(root, *(f"{name}/{label}/1.jpg" for name in names for label in ("cat", "dog")))
    found, [problem] = _find(root)
    assert {label for label, _ in found.values()} == set(names)
    assert problem.kind is ProblemKind.LOOKS_LIKE_SUBSETS
    assert set(problem.paths) == {root / name for name in names}
    assert "“cat”, “dog”" in problem.message


def test_classes_named_like_subsets_of_several_datasets_are_reported(root: Path) -> None:
    _touch(root, *(f"{name}/1.jpg" for name in ("cat_train", "cat_test", "dog_train", "dog_test")))
    _, [problem] = _find(root)
    assert problem.kind is ProblemKind.LOOKS_LIKE_SUBSETS


def test_a_class_may_be_called_train(root: Path) -> None:
    _touch(root, "car/1.jpg", "train/1.jpg", "train/steam/2.jpg", "plane/1.jpg")
    assert set(_labels(root).values()) == {"car", "plane", "train"}


def test_images_outside_classes_are_reported_together(root: Path) -> None:
    _touch(root, "cat/1.jpg", "dog/1.jpg", "cat.3.jpg")
    (root / "empty").mkdir()
    (root / "__MACOSX").mkdir()
    found, problems = _find(root)
    assert set(found) == {"cat/1.jpg", "dog/1.jpg"}
    assert [(problem.kind, problem.paths) for problem in problems] == [
        (ProblemKind.EMPTY_CLASS, (root / "empty",)),
        (ProblemKind.SKIPPED, (root / "cat.3.jpg",)),
    ]


@posix_only
def test_links_to_folders_are_reported_and_not_followed(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    _touch(elsewhere, "far/9.jpg", "deep/8.jpg")
    _touch(root, "cat/1.jpg", "dog/1.jpg", "dog/sub/2.jpg")
    links = {
        "bird": elsewhere / "far",
        "cat/more": elsewhere / "deep",
        "cat/up": root,
        "cat/above": tmp_path,
        "cat/dogs": root / "dog",
        "dog/self": root / "dog",
        "same": root / "dog",
        "whole": root,
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    (root / "dog" / "3.jpg").symlink_to(root / "dog" / "1.jpg")
    (root / "dog" / "circle").symlink_to(root / "dog" / "circle")
    found, problems = _find(root)
    assert {path: label for path, (label, _) in found.items()} == {
        "cat/1.jpg": "cat",
        "dog/1.jpg": "dog",
        "dog/3.jpg": "dog",
        "dog/sub/2.jpg": "dog",
    }
    assert {problem.kind for problem in problems} == {ProblemKind.SKIPPED}
    assert sorted(path for problem in problems for path in problem.paths) == sorted(root / name for name in links)


@posix_only
def test_a_folder_mounted_twice_is_read_for_one_class(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _touch(root, "cat/1.jpg", "dog/1.jpg", "dog/again/1.jpg")
    same = {"again": "cat"}
    monkeypatch.setattr(discovery, "identity", lambda folder: same.get(folder.name, folder.name))
    found, [problem] = _find(root)
    assert set(found) == {"cat/1.jpg", "dog/1.jpg"}
    assert (problem.kind, problem.paths) == (ProblemKind.SKIPPED, (root / "dog" / "again",))


def test_system_folders_are_not_classes(root: Path) -> None:
    _touch(root, "cat/1.jpg", "dog/1.jpg", "cat/@eaDir/1.jpg/thumbnail.jpg")
    _touch(root, *(f"{name}/1.jpg" for name in ("@eaDir", "#recycle", "lost+found", "__MACOSX", ".Trash-1000")))
    assert _labels(root) == {"cat/1.jpg": "cat", "dog/1.jpg": "dog"}


@pytest.mark.parametrize("part", ["", "train/"])
def test_a_class_folder_whose_name_starts_with_a_dot_is_reported(root: Path, part: str) -> None:
    _touch(root, f"{part}cat/1.jpg", f"{part}.net/1.jpg", f"{part}.cache/notes.txt", f"{part}cat/.old/2.jpg")
    found, [problem] = _find(root)
    assert set(found) == {f"{part}cat/1.jpg"}
    assert (problem.kind, problem.paths) == (ProblemKind.SKIPPED, (root / part / ".net",))
    assert ".net" in problem.message
    assert "dot" in problem.hint


@posix_only
def test_the_folder_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    _touch(root, "cat/1.jpg", "dog/1.jpg")
    (tmp_path / "link").symlink_to(root)
    assert _labels(tmp_path / "link") == {"cat/1.jpg": "cat", "dog/1.jpg": "dog"}


@posix_only
def test_labels_are_displayable_for_any_folder_name(root: Path) -> None:
    names = [b"caf\xe9", b"line\nbreak", "e\u0301t\u00e9".encode(), "\u202egod".encode(), b"x" * 250]
    for name in names:
        _touch(root, f"{os.fsdecode(name)}/1.jpg")
    labels = set(_labels(root).values())
    assert labels == {"caf\\xe9", "line\\nbreak", "\u00e9t\u00e9", "\\u202egod", "x" * 200}


def test_labels_are_in_natural_order() -> None:
    assert sorted(["b", "10", "a10", "a2", "B", "9"], key=natural_sort_key) == ["9", "10", "a2", "a10", "B", "b"]


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_class_is_reported_once(root: Path) -> None:
    _touch(root, "cat/1.jpg", "dog/1.jpg", "bird/1.jpg")
    (root / "bird").chmod(0)
    found, problems = _find(root)
    (root / "bird").chmod(0o700)
    assert set(found) == {"cat/1.jpg", "dog/1.jpg"}
    assert [(problem.kind, problem.paths) for problem in problems] == [(ProblemKind.UNREADABLE, (root / "bird",))]


def test_a_missing_folder_is_an_error(root: Path) -> None:
    _touch(root, "file.jpg")
    for path in (root / "missing", root / "file.jpg"):
        with pytest.raises(DatasetError, match="Couldn't read the folder") as caught:
            discover(path, CancelToken())
        assert caught.value.kind == "dataset"


def test_discovery_can_be_cancelled(root: Path) -> None:
    _touch(root, "cat/1.jpg", "dog/1.jpg")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        discover(root, token)
