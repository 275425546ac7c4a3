"""Datasets whose images have none, one or several classes: from folders, a table or keywords."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from core.base.errors import DatasetError
from core.base.progress import CancelToken
from core.datasets.dataset import Dataset
from core.datasets.label_source import LabelSource
from core.datasets.multi_label import LabelsFrom, read_multi_label
from core.datasets.problems import FolderError, ProblemKind
from core.datasets.split import split
from tests import teaching


def no_keywords(photos: Sequence[Path], token: CancelToken) -> Mapping[Path, Sequence[str]]:
    raise AssertionError("not asked")


def read(
    folder: Path, source: LabelSource, file: Path | None = None, keywords: dict[str, Sequence[str]] | None = None
) -> Dataset:
    def keywords_of(photos: Sequence[Path], token: CancelToken) -> Mapping[Path, Sequence[str]]:
        assert keywords is not None
        return {photo: keywords[photo.name] for photo in photos if photo.name in keywords}

    reader = no_keywords if keywords is None else keywords_of
    return read_multi_label(folder, LabelsFrom(source, reader, file), report=lambda _: None, token=CancelToken())


def sets_of(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    return {one.path.name: one.classes for one in dataset.examples}


def test_a_photo_has_the_classes_of_all_folders_that_have_a_copy(tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "photos", 4, classes=["red", "blue"])
    (folder / "warm").mkdir()
    for number in (0, 1):
        shutil.copy(folder / "red" / f"{number}.png", folder / "warm" / f"copy{number}.png")
    found = read(folder, LabelSource.FOLDERS)
    assert found.is_multi_label
    assert found.classes == ("blue", "red", "warm")
    assert len(found.examples) == 8
    both = [one.path.name for one in found.examples if one.classes == ("red", "warm")]
    assert sorted(both) == ["0.png", "1.png"]
    assert found.labels().sum(axis=0).tolist() == [4, 4, 2]
    assert {problem.kind for problem in found.problems} == {ProblemKind.FEW_IMAGES}, "copies are meant to be there"


def test_a_table_lists_images_with_none_of_the_classes_too(tmp_path: Path) -> None:
    labels = teaching.write_label_sets(tmp_path / "photos", 12)
    listed = {name: classes for name, classes in labels.items() if name != "11.png"}
    file = teaching.write_table(tmp_path / "labels.csv", listed | {"lost.png": ("red",), "../12.png": ("red",)})
    found = read(tmp_path / "photos", LabelSource.FILE, file)
    assert {name: set(classes) for name, classes in sets_of(found).items()} == {
        name: set(classes) for name, classes in listed.items()
    }
    assert () in sets_of(found).values()
    messages = {problem.kind: problem.message for problem in found.problems}
    assert messages[ProblemKind.SKIPPED] == "Left out 1 image that the file does not list: “11.png”."
    assert messages[ProblemKind.UNREADABLE].startswith("2 images of “labels.csv” are not in the folder: ")


def test_only_keywords_of_enough_photos_are_classes(tmp_path: Path) -> None:
    labels = teaching.write_label_sets(tmp_path / "photos", 40)
    keywords: dict[str, Sequence[str]] = {
        name: (*classes, "holiday") for name, classes in labels.items() if name != "0.png"
    }
    keywords["1.png"] = ("grandma", "holiday")
    found = read(tmp_path / "photos", LabelSource.KEYWORDS, keywords=keywords)
    assert found.classes == ("blue", "green", "red")
    assert len(found.examples) == 39
    assert sets_of(found)["1.png"] == ()
    messages = [problem.message for problem in found.problems]
    assert "Left out classes with fewer than 10 images: “grandma” (1)." in messages
    assert "Left out classes that all images have: “holiday”." in messages
    assert "Left out 1 image without keywords: “0.png”." in messages


def test_a_class_is_left_out_for_the_reason_it_has(tmp_path: Path) -> None:
    """“green” has enough images, but none to train on; “blue” has one."""
    folder = teaching.write_labelled(tmp_path / "photos", 5, classes=["red", "green", "blue"])
    for part, name, numbers in (("test", "green", range(5)), ("train", "red", range(5)), ("train", "blue", range(1))):
        (folder / part / name).mkdir(parents=True)
        for number in numbers:
            (folder / name / f"{number}.png").rename(folder / part / name / f"{number}.png")
    shutil.copytree(folder / "train" / "red", folder / "train" / "warm")
    (folder / "train" / "warm" / "0.png").unlink()
    for name in ("red", "green", "blue"):
        shutil.rmtree(folder / name)
    found = read(folder, LabelSource.FOLDERS)
    assert found.classes == ("red", "warm")
    dropped = [problem.message for problem in found.problems if problem.kind is ProblemKind.CLASS_DROPPED]
    assert dropped == [
        "Left out classes with fewer than 2 images: “blue” (1).",
        "Left out classes without training images: “green” (5).",
    ]


@pytest.mark.parametrize("classes", ["", "red"])
def test_with_fewer_than_two_classes_nothing_can_be_trained(tmp_path: Path, classes: str) -> None:
    labels = teaching.write_label_sets(tmp_path / "photos", 4)
    file = teaching.write_table(tmp_path / "labels.csv", dict.fromkeys(labels, (classes,)) | {"0.png": ()})
    with pytest.raises(FolderError) as caught:
        read(tmp_path / "photos", LabelSource.FILE, file)
    assert caught.value.problems[-1].is_fatal


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder"):
        read(tmp_path / "lost", LabelSource.KEYWORDS, keywords={})


def test_each_subset_of_a_split_has_every_class_in_its_share(tmp_path: Path) -> None:
    labels = teaching.write_label_sets(tmp_path / "photos", 120)
    found = read(tmp_path / "photos", LabelSource.FILE, teaching.write_table(tmp_path / "labels.csv", labels))
    divided = split(found, validation=0.2, test=0.2, seed=1)
    targets = found.labels()
    for part, share in ((divided.train, 0.6), (divided.validation, 0.2), (divided.test, 0.2)):
        assert np.allclose(targets[part].sum(axis=0) / targets.sum(axis=0), share, atol=0.12)
    again = split(found, validation=0.2, test=0.2, seed=1)
    assert again.test.tolist() == divided.test.tolist()
    assert len(divided.train) + len(divided.validation) + len(divided.test) == 120


def test_copies_with_other_labels_are_in_the_same_subset(tmp_path: Path) -> None:
    labels = teaching.write_label_sets(tmp_path / "photos", 40)
    found = read(tmp_path / "photos", LabelSource.FILE, teaching.write_table(tmp_path / "labels.csv", labels))
    alike = np.arange(40) // 2 * 2
    for seed in range(5):
        divided = split(found, validation=0.2, test=0.2, seed=seed, near_duplicates=alike)
        assert set(divided.test.tolist()) == {at ^ 1 for at in divided.test.tolist()}
