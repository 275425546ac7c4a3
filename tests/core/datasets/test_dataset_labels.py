"""The user's labels in a data set: stored outside the folder, found by content, and undone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.base.errors import DatasetError, UsageError
from core.base.progress import CancelToken
from core.datasets import folders
from core.datasets.dataset import Dataset, read_dataset
from core.datasets.label_file import find_labels
from core.datasets.labels import LEFT_OUT, OverriddenImage, Scope
from core.datasets.problems import ProblemKind
from core.evaluation.images import read_images
from tests import teaching
from tests.labels import correction, give, given, override


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "set", 5)


def read(folder: Path) -> Dataset:
    return read_dataset(folder, report=lambda _: None, token=CancelToken())


def labels(dataset: Dataset) -> dict[str, str]:
    """The class of each file, by relative path."""
    return {str(one.path.relative_to(dataset.root)): one.label for one in dataset.examples}


def test_a_label_is_changed_and_a_photo_excluded(folder: Path) -> None:
    wrong, odd = folder / "red" / "0.png", folder / "blue" / "1.png"
    assert override(folder, {wrong: "green", odd: LEFT_OUT}) == {wrong: (), odd: ()}
    dataset = read(folder)
    found = labels(dataset)
    assert found["red/0.png"] == "green"
    assert "blue/1.png" not in found
    assert len(found) == 14
    assert set(dataset.overridden) == {OverriddenImage(wrong, "red", "green"), OverriddenImage(odd, "blue", None)}
    (remark,) = [one for one in dataset.problems if one.kind is ProblemKind.OVERRIDDEN]
    assert remark.message == "You corrected 1 label and excluded 1 photo."
    assert len(list(folder.rglob("*"))) == 18, "the folder itself is as it was"


def test_undoing_restores_the_labels_of_the_folder(folder: Path) -> None:
    plain, wrong = labels(read(folder)), folder / "red" / "0.png"
    override(folder, {wrong: "green"})
    folders.undo(folder, override(folder, {wrong: LEFT_OUT}))
    assert labels(read(folder))["red/0.png"] == "green"
    override(folder, {wrong: None})
    dataset = read(folder)
    assert labels(dataset) == plain
    assert not dataset.overridden
    assert not find_labels([wrong])


def test_a_moved_file_keeps_its_override(folder: Path) -> None:
    override(folder, {folder / "red" / "0.png": "green"})
    (folder / "red" / "0.png").rename(folder / "blue" / "elsewhere.png")
    assert labels(read(folder))["blue/elsewhere.png"] == "green"


def test_an_override_that_equals_the_folder_is_not_reported(folder: Path) -> None:
    override(folder, {folder / "red" / "0.png": "green"})
    (folder / "red" / "0.png").rename(folder / "green" / "now-right.png")
    dataset = read(folder)
    assert not dataset.overridden
    assert ProblemKind.OVERRIDDEN not in {one.kind for one in dataset.problems}


def test_a_photo_with_two_labels_can_be_resolved(folder: Path) -> None:
    shutil.copy(folder / "red" / "0.png", folder / "blue" / "twin.png")
    assert ProblemKind.CONFLICT in {one.kind for one in read(folder).problems}
    override(folder, {folder / "red" / "0.png": "blue"})
    dataset = read(folder)
    assert not {ProblemKind.CONFLICT, ProblemKind.DUPLICATE} & {one.kind for one in dataset.problems}
    assert sum(label == "blue" for label in labels(dataset).values()) == 6


def test_photos_outside_class_folders_can_get_a_class(folder: Path) -> None:
    teaching.write_labelled(folder.parent / "more", 3, classes=["red"], seed=9)
    for number in range(3):
        shutil.copy(folder.parent / "more" / "red" / f"{number}.png", folder / f"IMG_{number}.png")
    override(folder, {folder / "IMG_0.png": "red", folder / "IMG_1.png": LEFT_OUT})
    dataset = read(folder)
    assert labels(dataset)["IMG_0.png"] == "red"
    assert OverriddenImage(folder / "IMG_1.png", "", None) in dataset.overridden
    (beside,) = [one for one in dataset.problems if one.kind is ProblemKind.SKIPPED]
    assert beside.paths == (folder / "IMG_2.png",)


def test_an_excluded_unreadable_file_is_skipped_silently(folder: Path) -> None:
    (folder / "red" / "torn.png").write_bytes(b"nothing")
    assert ProblemKind.UNREADABLE in {one.kind for one in read(folder).problems}
    override(folder, {folder / "red" / "torn.png": LEFT_OUT})
    assert ProblemKind.UNREADABLE not in {one.kind for one in read(folder).problems}


def test_overrides_that_leave_no_images_can_be_undone(folder: Path) -> None:
    shutil.rmtree(folder / "blue")
    override(folder, dict.fromkeys((folder / "green").iterdir(), LEFT_OUT))
    with pytest.raises(DatasetError) as caught:
        read(folder)
    assert len(caught.value.overridden) == 5


def test_evaluation_applies_the_overrides(folder: Path) -> None:
    override(folder, {folder / "red" / "0.png": "green", folder / "red" / "1.png": LEFT_OUT})
    found = read_images(folder, [["red", "green", "blue"]], "it", report=lambda _: None, token=CancelToken())
    by_path = {str(one.path.relative_to(folder)): one.label for one in found.images}
    assert by_path["red/0.png"] == "green"
    assert "red/1.png" not in by_path
    assert "You corrected" in found.problems[-1].message


def test_each_folder_has_its_own_overrides(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    override(folder, {folder / "red" / "0.png": LEFT_OUT})
    assert not read(other).overridden
    (tmp_path / "link").symlink_to(folder)
    assert read(tmp_path / "link").overridden


def test_read_errors_are_reported(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"Couldn't read “.*”: "):
        override(folder, {folder / "red" / "gone.png": LEFT_OUT})
    assert not find_labels(folder.rglob("*"))


def correct(photo: Path, label: str) -> None:
    """Correct a prediction in the gallery, more recently than anything before."""
    give(correction(photo, label))


def test_a_photo_corrected_in_the_gallery_has_that_class(folder: Path) -> None:
    photo = folder / "red" / "0.png"
    correct(photo, "green")
    dataset = read(folder)
    assert labels(dataset)["red/0.png"] == "green"
    assert dataset.overridden == (OverriddenImage(photo, "red", "green"),)
    override(folder, {photo: "blue"})
    assert labels(read(folder))["red/0.png"] == "blue", "what was done last counts"
    correct(photo, "red")
    assert not read(folder).overridden


def test_a_class_that_is_none_of_the_data_set_is_not_forced_on_it(folder: Path) -> None:
    correct(folder / "red" / "0.png", "purple")
    assert not read(folder).overridden


def test_a_correction_adds_no_photo_to_the_data_set(folder: Path) -> None:
    teaching.write_labelled(folder.parent / "more", 1, classes=["red"], seed=9)
    loose = Path(shutil.copy(folder.parent / "more" / "red" / "0.png", folder / "IMG_0.png"))
    correct(loose, "red")
    assert "IMG_0.png" not in labels(read(folder))


def test_removing_a_label_in_the_wizard_removes_it_everywhere_until_undone(folder: Path) -> None:
    photo = folder / "red" / "0.png"
    correct(photo, "green")
    undo = override(folder, {photo: None}, "red", "green", "blue")
    assert not read(folder).overridden
    assert not given("mine")
    folders.undo(folder, undo)
    assert labels(read(folder))["red/0.png"] == "green"
    assert [one.label for one in given("mine").values()] == ["green"]


def test_a_label_of_the_wizard_is_shown_for_predictions_of_its_class(folder: Path) -> None:
    photo = folder / "red" / "0.png"
    override(folder, {photo: "green"})
    (found,) = find_labels([photo]).values()
    assert Scope("mine", "", ("red", "green")).choose(found) == found[0]
    assert Scope("mine", "", ("cat",)).choose(found) is None
    assert not given("mine"), "it is nothing to retrain with, for nobody looked at a prediction"


def test_in_a_dataset_that_was_built_here_the_folder_counts(folder: Path) -> None:
    classes = {name: tuple((folder / name).iterdir()) for name in ("red", "green")}
    built = folders.create_dataset("Colours", classes).folder
    correct(folder / "red" / "0.png", "green")
    assert not read(built).overridden
