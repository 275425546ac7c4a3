"""Computing features: kept ones are not computed again, and what goes wrong with one image harms no other."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import Cancelled, ProviderError
from core.base.progress import CancelToken, Progress
from core.base.providers import Precision, Provider
from core.card import Preprocessing, ResizeMode
from core.engine.engine import Engine, open_engine
from core.engine.feature_store import FeatureKind, FeatureStore
from core.engine.features import FeatureExtractor, FeatureTable, compute_features
from core.engine.limits import MAX_BATCH
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from tests import teaching, tiny


@dataclass(frozen=True, slots=True)
class Photo:
    path: Path
    sha256: str


@pytest.fixture
def photos(tmp_path: Path) -> list[Photo]:
    folder = teaching.write_labelled(tmp_path / "photos", 7)
    return [Photo(path, tiny.sha256(path.read_bytes())) for path in sorted(folder.glob("*/*"))]


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features.sqlite")


def _open() -> Engine:
    return open_engine(tiny.backbone_bytes(), tiny.backbone_card(), Provider.CPU, Precision.AUTO)


def _refuse() -> Engine:
    raise ProviderError("it was opened", hint="")


SOURCE = FeatureExtractor(tiny.backbone_card(), Precision.AUTO, _open)
KEPT_ONLY = FeatureExtractor(tiny.backbone_card(), Precision.AUTO, _refuse)


def compute(photos: list[Photo], store: FeatureStore, source: FeatureExtractor = SOURCE) -> FeatureTable:
    with store:
        return compute_features(photos, source, store, report=lambda _: None, token=CancelToken())


def test_features_are_the_backbone_s(photos: list[Photo], store: FeatureStore) -> None:
    table = compute(photos, store)
    plan = tiny.backbone_card().preprocessing
    pixels = np.stack([preprocess(decode(photo.path), plan) for photo in photos])
    expected = tiny.features(tiny.backbone_bytes(), pixels)
    assert np.allclose(table.features, expected, rtol=1e-3, atol=1e-6)
    assert table.rows.tolist() == list(range(21))
    assert (table.failures, table.computed) == ((), 21)


def test_kept_ones_are_the_same_numbers_and_need_no_engine(photos: list[Photo], store: FeatureStore) -> None:
    computed = compute(photos, store)
    kept = compute(photos, store, KEPT_ONLY)
    assert np.array_equal(kept.features, computed.features)
    assert (kept.computed, kept.features.dtype) == (0, np.float32)


def test_another_crop_for_the_same_network_makes_other_features(photos: list[Photo], store: FeatureStore) -> None:
    compute(photos, store)
    plan = Preprocessing(tiny.SIZE, ResizeMode.CENTRE_CROP, 0.5)
    closer = FeatureExtractor(replace(tiny.backbone_card(), preprocessing=plan), Precision.AUTO, _open)
    assert compute(photos, store, closer).computed == 21
    assert compute(photos, store, KEPT_ONLY).computed == 0


def test_only_new_images_are_computed(photos: list[Photo], store: FeatureStore, tmp_path: Path) -> None:
    compute(photos[:10], store)
    moved = [
        Photo(shutil.copy(photo.path, tmp_path / f"moved{at}.png"), photo.sha256) for at, photo in enumerate(photos)
    ]
    assert compute(moved, store).computed == 11


def test_missing_and_changed_images_are_reported(photos: list[Photo], store: FeatureStore) -> None:
    photos[3].path.unlink()
    photos[12].path.write_bytes(photos[13].path.read_bytes())
    photos[20].path.write_bytes(b"torn")
    table = compute(photos, store)
    assert [(failure.path, failure.kind) for failure in table.failures] == [
        (photos[3].path, "missing"),
        (photos[12].path, "changed"),
        (photos[20].path, "not-an-image"),
    ]
    assert table.rows.tolist() == [at for at in range(21) if at not in (3, 12, 20)]
    assert table.features.shape == (18, tiny.WIDTH)
    with store:
        assert not store.get(SOURCE.kind, [photos[12].sha256])


def test_no_image_gives_an_empty_table(store: FeatureStore) -> None:
    table = compute([], store)
    assert table.features.shape == (0, tiny.WIDTH)


def test_what_was_computed_before_it_was_called_off_is_kept(photos: list[Photo], tmp_path: Path) -> None:
    token = CancelToken()

    class Busy(FeatureStore):
        def put(self, kind: FeatureKind, rows: Mapping[str, NDArray[np.float16]]) -> None:
            super().put(kind, rows)
            token.cancel()

    with Busy(tmp_path / "busy.sqlite") as store, pytest.raises(Cancelled):
        compute_features(photos, SOURCE, store, report=lambda _: None, token=token)
    table = compute(photos, FeatureStore(tmp_path / "busy.sqlite"))
    assert table.computed == 21 - MAX_BATCH
    assert np.array_equal(table.features, compute(photos, FeatureStore(tmp_path / "new.sqlite")).features)


def test_progress_counts_every_image(photos: list[Photo], store: FeatureStore) -> None:
    photos[3].path.unlink()
    reported: list[Progress] = []
    with store:
        compute_features(photos, SOURCE, store, report=reported.append, token=CancelToken())
    assert (reported[0].step, reported[-1].step, reported[-1].total, reported[-1].remaining_s) == (0, 21, 21, 0.0)
