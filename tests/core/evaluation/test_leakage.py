"""Photos that a model was trained on are detected, including edited and re-encoded copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.progress import CancelToken
from core.base.providers import Precision
from core.datasets.labelled_image import LabelledImage
from core.datasets.scan import MIN_SIDE
from core.datasets.subsets import Subset
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor
from core.evaluation.leakage import TrainingSet
from core.images.decoding import decode
from core.images.perceptual_hash import phash
from core.models.library import Library
from core.models.training_examples import fingerprint
from core.models.values import InstalledModel
from tests import samples, tiny

_SIDE = 160


def _never() -> None:
    raise AssertionError("no feature has to be computed")


_SOURCE = FeatureExtractor(tiny.backbone_card(), Precision.EXACT, _never)  # type: ignore[arg-type]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    Image.fromarray(samples.photo_like(_SIDE, _SIDE)).save(file)
    return file


def _sha256(file: Path) -> str:
    return tiny.sha256(file.read_bytes())


def _model(place: Path, photo: Path, *, with_look: bool) -> InstalledModel:
    """A model that was trained on the photo and tested on another one."""
    seen = phash(decode(photo, min_side=MIN_SIDE)) if with_look else 0
    examples = [
        LabelledImage(photo, "red", Subset.TRAIN, _sha256(photo), seen),
        LabelledImage(Path("other.png"), "green", Subset.TEST, "0" * 64),
    ]
    card, files = tiny.packaged_model("colours", training={"dataset_sha256": fingerprint(examples)})
    library = Library(place / "shipped", place / "own")
    return library.install(card, files, trained_on=[_sha256(photo)], examples=examples)


def _is_found(model: InstalledModel, file: Path, features: list[float]) -> bool:
    familiar = TrainingSet.of(model)
    assert familiar is not None
    with FeatureStore() as store:
        (found,) = familiar.find_seen(
            [LabelledImage(file, "red", sha256=_sha256(file))], np.array([features], np.float32), _SOURCE, store,
            report=lambda _: None, token=CancelToken(),
        )  # fmt: skip
    return bool(found)


_FAR = [0.0] * (tiny.WIDTH - 1) + [1.0]
_CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved again": lambda image: image,
    "resized": lambda image: image.resize((_SIDE * 2 // 3, _SIDE * 2 // 3)),
    "brightened": lambda image: image.point(lambda value: min(255, value * 1.1)),
}


@pytest.mark.parametrize("change", _CHANGES)
def test_a_copy_that_looks_the_same_is_detected_by_perceptual_hash(photo: Path, tmp_path: Path, change: str) -> None:
    model, copy = _model(tmp_path, photo, with_look=True), tmp_path / "copy.jpg"
    with Image.open(photo) as image:
        _CHANGES[change](image).save(copy, quality=90)
    assert _is_found(model, copy, _FAR)


def test_another_photo_is_not_detected(photo: Path, tmp_path: Path) -> None:
    model, other = _model(tmp_path, photo, with_look=True), tmp_path / "other.png"
    Image.fromarray(samples.photo_like(_SIDE, _SIDE)[::-1, ::-1]).save(other)
    assert not _is_found(model, other, _FAR)


def test_a_mirrored_copy_is_detected_by_its_features(photo: Path, tmp_path: Path) -> None:
    model, copy = _model(tmp_path, photo, with_look=False), tmp_path / "mirrored.jpg"
    Image.fromarray(samples.photo_like(_SIDE, _SIDE)[:, ::-1]).save(copy)
    own = np.linspace(1, 2, tiny.WIDTH)
    assert not _is_found(model, copy, own.tolist()), "its features were not kept"
    with FeatureStore() as store:
        store.put(_SOURCE.kind, {_sha256(photo): own.astype(np.float16)})
    assert _is_found(model, copy, (1.1 * own + 0.05).tolist())
    assert not _is_found(model, copy, _FAR)


def test_a_test_image_is_not_a_training_image(photo: Path, tmp_path: Path) -> None:
    familiar = TrainingSet.of(_model(tmp_path, photo, with_look=True))
    assert familiar is not None
    assert familiar.examples == {"red": [_sha256(photo)]}
    assert len(familiar.hashes) == 1


def test_a_model_without_training_hashes_has_no_training_set(tmp_path: Path, photo: Path) -> None:
    model = _model(tmp_path, photo, with_look=True)
    assert TrainingSet.of(replace(model, folder=tmp_path)) is None
