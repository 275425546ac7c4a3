"""Prefetching gives the same features, and does nothing if none are needed."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.base import file_state
from core.base.errors import DatasetError, ProviderError
from core.base.progress import CancelToken
from core.base.providers import Precision, Provider
from core.card import BackboneCard, read_card
from core.datasets import scan
from core.datasets.dataset import read_dataset
from core.engine.engine import Engine, open_engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, FeatureTable, compute_features
from core.training import prefetch as module
from core.training.prefetch import FeaturePrefetcher
from tests import teaching, tiny
from tests.patience import PATIENCE_S
from tests.samples import encoded, photo_like

CARD = tiny.backbone_card()


def _open() -> Engine:
    return open_engine(tiny.backbone_bytes(), CARD, Provider.CPU, Precision.AUTO)


def _refuse() -> Engine:
    raise ProviderError("it was opened", hint="")


SOURCE = FeatureExtractor(CARD, Precision.AUTO, _open)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """22 stable images, decoded in the size that the tiny backbone needs."""
    monkeypatch.setattr(file_state, "_STABLE_NS", 0)
    for place in (scan, module):
        monkeypatch.setattr(place, "MIN_SIDE", CARD.preprocessing.min_decode_side)
    root = teaching.write_labelled(tmp_path / "photos", 7)
    (root / "red" / "large.jpg").write_bytes(encoded(photo_like(1600, 1200), "JPEG"))
    return root


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features.sqlite")


def _learn(folder: Path, ahead: FeaturePrefetcher, store: FeatureStore, *, remove: bool = False) -> FeatureTable:
    """The features of a folder's images; with `remove`, the folder is deleted after it was scanned."""
    token = CancelToken()
    with store, ahead:
        dataset = read_dataset(folder, report=lambda _: None, token=token, on_decoded=ahead.on_decoded)
        if remove:
            shutil.rmtree(folder)
        return compute_features(dataset.examples, ahead.source, store, report=lambda _: None, token=token)


def _plainly(folder: Path, place: Path) -> FeatureTable:
    token = CancelToken()
    dataset = read_dataset(folder, report=lambda _: None, token=token)
    with FeatureStore(place / "plain.sqlite") as store:
        return compute_features(dataset.examples, SOURCE, store, report=lambda _: None, token=token)


@pytest.mark.parametrize("limit", [0, 5 * 3 * tiny.SIZE**2, module.LIMIT_BYTES])
def test_the_features_are_the_same_to_the_last_bit(
    folder: Path, store: FeatureStore, tmp_path: Path, limit: int
) -> None:
    table = _learn(folder, FeaturePrefetcher(SOURCE, store, limit_bytes=limit), store)
    plain = _plainly(folder, tmp_path)
    assert np.array_equal(table.features, plain.features)
    assert (table.computed, table.failures) == (22, ())


def test_no_image_is_decoded_twice(folder: Path, store: FeatureStore) -> None:
    table = _learn(folder, FeaturePrefetcher(SOURCE, store), store, remove=True)
    assert (len(table.rows), table.failures) == (22, ())


def test_beyond_the_limit_images_are_decoded_again(folder: Path, store: FeatureStore) -> None:
    table = _learn(folder, FeaturePrefetcher(SOURCE, store, limit_bytes=5 * 3 * tiny.SIZE**2), store, remove=True)
    assert 5 <= len(table.rows) <= 5 + scan._THREADS


def test_images_of_another_size_are_decoded_again(
    folder: Path, store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIN_SIDE", 1000)
    assert len(_learn(folder, FeaturePrefetcher(SOURCE, store), store, remove=True).rows) == 0


def test_nothing_starts_if_all_features_are_cached(folder: Path, store: FeatureStore) -> None:
    computed = _learn(folder, FeaturePrefetcher(SOURCE, store), store)
    shutil.copytree(folder, folder.parent / "copied")
    kept = _learn(folder.parent / "copied", FeaturePrefetcher(replace(SOURCE, open=_refuse), store), store)
    assert np.array_equal(kept.features, computed.features)
    assert kept.computed == 0


def test_the_engine_is_opened_while_the_folder_is_read(folder: Path, store: FeatureStore) -> None:
    opened = threading.Event()

    def opening() -> Engine:
        opened.set()
        return _open()

    with store, FeaturePrefetcher(replace(SOURCE, open=opening), store) as ahead:
        read_dataset(folder, report=lambda _: None, token=CancelToken(), on_decoded=ahead.on_decoded)
        assert opened.wait(PATIENCE_S)


def test_a_failure_to_open_the_engine_is_raised_when_it_is_needed(folder: Path, store: FeatureStore) -> None:
    with pytest.raises(ProviderError, match="it was opened"):
        _learn(folder, FeaturePrefetcher(replace(SOURCE, open=_refuse), store), store)


def test_an_image_after_the_end_is_dropped(store: FeatureStore) -> None:
    """Scan threads may outlive a cancelled training."""
    with store, FeaturePrefetcher(replace(SOURCE, open=_refuse), store) as ahead:
        pass
    ahead.on_decoded("a" * 64, photo_like(40, 40))
    assert ahead.source.get_prepared("a" * 64) is None


def test_the_built_in_backbone_can_use_the_decoded_images(shipped_models: Path) -> None:
    card = read_card((shipped_models / "xception-imagenet" / "card.json").read_bytes())
    assert isinstance(card, BackboneCard)
    assert card.preprocessing.min_decode_side == scan.MIN_SIDE


def test_an_engine_is_open_when_an_error_ends_the_program(store: FeatureStore) -> None:
    opened = []

    def open_late() -> Engine:
        while not ahead._is_closed:
            threading.Event().wait(0.001)
        opened.append(_open())
        return opened[0]

    ahead = FeaturePrefetcher(replace(SOURCE, open=open_late), store)
    with store:
        ahead.on_decoded("0" * 64, np.zeros((16, 16, 3), np.uint8))
        ahead.__exit__(DatasetError, DatasetError("no such file", hint=""), None)
    assert opened, "its threads could not start at the exit, and another provider would be remembered"
