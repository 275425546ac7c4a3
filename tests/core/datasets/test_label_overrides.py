"""Label overrides of the user: stored outside the folder, found by content, and undone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from core.base import paths
from core.base.errors import DatasetError, StorageError, UsageError
from core.base.locks import try_lock
from core.base.progress import CancelToken
from core.datasets.dataset import Dataset, ProblemKind, read_dataset
from core.datasets.label_overrides import LabelOverride, OverriddenImage, override_labels, read_overrides, summarize
from core.evaluation.images import read_images
from tests import teaching

LEFT_OUT = LabelOverride(None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "set", 5)


def read(folder: Path) -> Dataset:
    return read_dataset(folder, report=lambda _: None, token=CancelToken())


def labels(dataset: Dataset) -> dict[str, str]:
    """The class of each file, by relative path."""
    return {str(one.path.relative_to(dataset.root)): dataset.classes[one.label] for one in dataset.examples}


def test_a_label_is_changed_and_a_photo_excluded(folder: Path) -> None:
    wrong, odd = folder / "red" / "0.png", folder / "blue" / "1.png"
    before = override_labels(folder, {wrong: LabelOverride("green"), odd: LEFT_OUT})
    assert before == {wrong: None, odd: None}
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
    override_labels(folder, {wrong: LabelOverride("green")})
    before = override_labels(folder, {wrong: LEFT_OUT})
    assert before == {wrong: LabelOverride("green")}
    override_labels(folder, before)
    assert labels(read(folder))["red/0.png"] == "green"
    override_labels(folder, {wrong: None})
    dataset = read(folder)
    assert labels(dataset) == plain
    assert not dataset.overridden
    assert not read_overrides(folder)


def test_a_moved_file_keeps_its_override(folder: Path) -> None:
    override_labels(folder, {folder / "red" / "0.png": LabelOverride("green")})
    (folder / "red" / "0.png").rename(folder / "blue" / "elsewhere.png")
    assert labels(read(folder))["blue/elsewhere.png"] == "green"


def test_an_override_that_equals_the_folder_is_not_reported(folder: Path) -> None:
    override_labels(folder, {folder / "red" / "0.png": LabelOverride("green")})
    (folder / "red" / "0.png").rename(folder / "green" / "now-right.png")
    dataset = read(folder)
    assert not dataset.overridden
    assert ProblemKind.OVERRIDDEN not in {one.kind for one in dataset.problems}


def test_a_photo_with_two_labels_can_be_resolved(folder: Path) -> None:
    shutil.copy(folder / "red" / "0.png", folder / "blue" / "twin.png")
    assert ProblemKind.CONFLICT in {one.kind for one in read(folder).problems}
    override_labels(folder, {folder / "red" / "0.png": LabelOverride("blue")})
    dataset = read(folder)
    assert not {ProblemKind.CONFLICT, ProblemKind.DUPLICATE} & {one.kind for one in dataset.problems}
    assert sum(label == "blue" for label in labels(dataset).values()) == 6


def test_photos_outside_class_folders_can_get_a_class(folder: Path) -> None:
    teaching.write_labelled(folder.parent / "more", 3, classes=["red"], seed=9)
    for number in range(3):
        shutil.copy(folder.parent / "more" / "red" / f"{number}.png", folder / f"IMG_{number}.png")
    override_labels(folder, {folder / "IMG_0.png": LabelOverride("red"), folder / "IMG_1.png": LEFT_OUT})
    dataset = read(folder)
    assert labels(dataset)["IMG_0.png"] == "red"
    assert OverriddenImage(folder / "IMG_1.png", "", None) in dataset.overridden
    (beside,) = [one for one in dataset.problems if one.kind is ProblemKind.SKIPPED]
    assert beside.paths == (folder / "IMG_2.png",)


def test_an_excluded_unreadable_file_is_skipped_silently(folder: Path) -> None:
    (folder / "red" / "torn.png").write_bytes(b"nothing")
    assert ProblemKind.UNREADABLE in {one.kind for one in read(folder).problems}
    override_labels(folder, {folder / "red" / "torn.png": LEFT_OUT})
    assert ProblemKind.UNREADABLE not in {one.kind for one in read(folder).problems}


def test_overrides_that_leave_no_images_can_be_undone(folder: Path) -> None:
    shutil.rmtree(folder / "blue")
    override_labels(folder, dict.fromkeys((folder / "green").iterdir(), LEFT_OUT))
    with pytest.raises(DatasetError) as caught:
        read(folder)
    assert len(caught.value.amended) == 5


def test_evaluation_applies_the_overrides(folder: Path) -> None:
    override_labels(folder, {folder / "red" / "0.png": LabelOverride("green"), folder / "red" / "1.png": LEFT_OUT})
    found = read_images(folder, [["red", "green", "blue"]], "it", report=lambda _: None, token=CancelToken())
    by_path = {str(one.path.relative_to(folder)): one.label for one in found.images}
    assert by_path["red/0.png"] == "green"
    assert "red/1.png" not in by_path
    assert "You corrected" in found.problems[-1].message


def test_each_folder_has_its_own_overrides(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    override_labels(folder, {folder / "red" / "0.png": LEFT_OUT})
    assert not read_overrides(other)
    (tmp_path / "link").symlink_to(folder)
    assert read_overrides(tmp_path / "link")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": 1, "photos": {"x": 3}}', b'{"format": 1}'])
def test_a_damaged_file_is_set_aside(folder: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    override_labels(folder, {folder / "red" / "0.png": LEFT_OUT})
    (file,) = paths.label_overrides().glob("*.json")
    file.write_bytes(content)
    assert not read_overrides(folder)
    (aside,) = paths.label_overrides().glob("*.damaged-*")
    assert aside.read_bytes() == content
    assert str(aside) in caplog.text
    override_labels(folder, {folder / "red" / "1.png": LEFT_OUT})
    assert len(read_overrides(folder).by_hash) == 1
    assert json.loads(file.read_bytes())["folder"] == str(folder.resolve())


@pytest.mark.parametrize(
    ("harm", "kept"),
    [
        (lambda data: data[: data.rindex(b'"label"')], 2),
        (lambda data: data.replace(b"{", b"(", 1), 3),
        (lambda data: data[data.index(b'"label"') :], 2),
    ],
)
@pytest.mark.parametrize("first", [read_overrides, lambda folder: override_labels(folder, {})])
def test_intact_overrides_survive_damage(
    folder: Path, harm: Callable[[bytes], bytes], kept: int, first: Callable[[Path], object]
) -> None:
    override_labels(folder, {folder / "red" / f"{number}.png": LabelOverride("green") for number in range(3)})
    (file,) = paths.label_overrides().glob("*.json")
    file.write_bytes(harm(file.read_bytes()))
    first(folder)
    override_labels(folder, {folder / "red" / "3.png": LEFT_OUT})
    assert len(read_overrides(folder).by_hash) == kept + 1


def test_a_file_of_a_later_version_is_left_alone(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    override_labels(folder, {folder / "red" / "0.png": LEFT_OUT})
    (file,) = paths.label_overrides().glob("*.json")
    file.write_bytes(file.read_bytes().replace(b'"format": 1', b'"format": 2'))
    before = file.read_bytes()
    assert not read_overrides(folder)
    assert "newer version" in caplog.text
    with pytest.raises(StorageError, match="newer version"):
        override_labels(folder, {folder / "red" / "1.png": LEFT_OUT})
    assert file.read_bytes() == before


def test_a_temporarily_unreadable_file_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    override_labels(folder, {folder / "red" / "0.png": LEFT_OUT})
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", Mock(side_effect=OSError(5, "Input/output error")))
        for use in (
            lambda: read_overrides(folder),
            lambda: override_labels(folder, {folder / "red" / "1.png": LEFT_OUT}),
        ):
            with pytest.raises(StorageError, match="Input/output error"):
                use()
    assert len(read_overrides(folder).by_hash) == 1


def test_read_and_write_errors_are_reported(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"Couldn't read “.*”: "):
        override_labels(folder, {folder / "red" / "gone.png": LEFT_OUT})
    override_labels(folder, {folder / "red" / "0.png": LEFT_OUT})
    (lock,) = paths.label_overrides().glob("*.lock")
    with lock.open("ab") as held:
        assert try_lock(held)
        with pytest.raises(StorageError, match="Another program is changing the labels"):
            override_labels(folder, {folder / "red" / "1.png": LEFT_OUT})
    assert len(read_overrides(folder).by_hash) == 1


def test_overrides_are_summarized_in_a_sentence() -> None:
    right, out = OverriddenImage(Path("a"), "x", "y"), OverriddenImage(Path("b"), "x", None)
    assert summarize([]) == ""
    assert summarize([right] * 3) == "You corrected 3 labels."
    assert summarize([out]) == "You excluded 1 photo."
    assert summarize([right, right, out, out]) == "You corrected 2 labels and excluded 2 photos."
