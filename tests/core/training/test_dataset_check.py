"""What is probably wrong with labelled images: labels, outliers, copies, and classes that might be one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from core.base.errors import Cancelled
from core.base.progress import CancelToken, Progress
from core.base.providers import Precision, ProviderPreference
from core.datasets.labelled_image import LabelledImage
from core.datasets.problems import Problem, ProblemKind
from core.training import dataset_check, quick
from core.training.dataset_check import check_dataset, confused_classes, predict_out_of_sample
from core.training.evaluated_head import find_suspects
from core.training.training_data import LabelledFeatures
from core.training.values import DatasetCheck
from tests import teaching

_CLASSES = tuple("abcd")


def _clouds(count: int) -> tuple[quick.Features, quick.Labels]:
    """Features that cluster by class."""
    draw, labels = np.random.default_rng(1), np.arange(count) % len(_CLASSES)
    centres = draw.normal(size=(len(_CLASSES), 60))
    return (centres[labels] + draw.normal(size=(count, 60))).astype(np.float32), labels


def _images(features: quick.Features, labels: quick.Labels) -> LabelledFeatures:
    examples = tuple(LabelledImage(Path(f"{at}.jpg"), str(label)) for at, label in enumerate(labels.tolist()))
    return LabelledFeatures(examples, features, labels)


def _check(folder: Path, place: Path) -> DatasetCheck:
    library = teaching.make_library(place)
    return check_dataset(
        folder, library, ProviderPreference.CPU, Precision.AUTO, report=lambda _: None, token=CancelToken()
    )


def _of_kind(found: DatasetCheck, kind: ProblemKind) -> list[Problem]:
    return [one for one in found.problems if one.kind is kind]


def test_wrong_labels_and_outliers_of_a_folder_are_found(tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "pictures", 12)
    wrong = (folder / "red" / "0.png").rename(folder / "green" / "wrong.png")
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = 255, 255
    pixels[::8] = 0
    Image.fromarray(pixels).save(folder / "blue" / "odd.png")
    found = _check(folder, tmp_path)
    assert (found.images, found.checked, found.computed) == (37, 37, 37)
    first = next(one for one in found.label_errors if one.path == wrong)
    assert (first.label, first.predicted) == ("green", "red")
    assert first.probability < 0.2 < first.confidence
    assert found.label_errors.index(first) < 2
    (outlier,) = _of_kind(found, ProblemKind.OUTLIER)
    assert outlier.paths == (folder / "blue" / "odd.png",)
    assert _check(folder, tmp_path).computed == 0


def test_a_mirrored_copy_in_another_class_is_reported_once(tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "pictures", 3)
    draw = np.random.default_rng(9).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    photo = Image.fromarray(draw).resize((64, 48), Image.Resampling.BICUBIC)
    photo.save(folder / "red" / "a.png")
    ImageOps.mirror(photo).save(folder / "green" / "a.png")
    pair = {folder / "red" / "a.png", folder / "green" / "a.png"}
    found = _check(folder, tmp_path)
    assert len([one for one in found.problems if pair <= set(one.paths)]) == 1


def test_a_class_divided_in_two_might_be_one() -> None:
    features, labels = _clouds(160)
    images = _images(features, labels)
    found = predict_out_of_sample(images, report=lambda _: None, token=CancelToken())
    assert list(confused_classes(found, _CLASSES)) == []
    divided = labels.copy()
    divided[np.flatnonzero(labels == 0)[::2]] = 4
    found = predict_out_of_sample(_images(features, divided), report=lambda _: None, token=CancelToken())
    (problem,) = confused_classes(found, (*_CLASSES, "e"))
    assert "“a” and “e” might be one class" in problem.message


def test_images_beyond_those_that_are_cross_validated_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_check, "_MAX_FITTED", 100)
    features, labels = _clouds(240)
    planted = np.arange(3, 240, 24)
    labels[planted] = (labels[planted] + 1) % len(_CLASSES)
    found = predict_out_of_sample(_images(features, labels), report=lambda _: None, token=CancelToken())
    assert sorted(int(path.stem) for path in found.paths) == list(range(240))
    first = [int(one.path.stem) for one in find_suspects(found, _CLASSES, 1.0)[: len(planted)]]
    assert len(set(first) & set(planted.tolist())) >= 9


def test_too_few_images_are_not_judged() -> None:
    images = _images(*_clouds(4))
    found = predict_out_of_sample(images, report=lambda _: None, token=CancelToken())
    assert not found.paths
    assert list(confused_classes(found, _CLASSES)) == []


def test_it_reports_progress_and_can_be_cancelled() -> None:
    token, stages = CancelToken(), list[str]()

    def report(progress: Progress) -> None:
        stages.append(progress.stage)
        if progress.stage == "checking the labels":
            token.cancel()

    with pytest.raises(Cancelled):
        predict_out_of_sample(_images(*_clouds(160)), report=report, token=token)
    assert stages[-1] == "checking the labels"
