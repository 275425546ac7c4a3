"""Full batches in 8 bits give what single images do, whichever thread computes them."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from core.base.errors import ProviderError
from core.base.providers import Precision, Provider
from core.card import BackboneCard
from core.engine import parallel_session, sessions
from core.engine.engine import Engine, open_engine
from core.engine.limits import MAX_BATCH
from tests import tiny

DATA, VARIANT = tiny.int8_backbone()
CARD = tiny.backbone_card(variants=(VARIANT,)).of_variant(VARIANT)


def images(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, tiny.SIZE, tiny.SIZE, 3), np.uint8)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The files that were opened for full batches, on a machine of two cores."""
    files: list[bytes] = []
    open_single_threaded = sessions.open_single_threaded

    def open_and_note(data: bytes) -> ort.InferenceSession:
        files.append(data)
        return open_single_threaded(data)

    monkeypatch.setattr(sessions, "open_single_threaded", open_and_note)
    monkeypatch.setattr(parallel_session, "core_count", lambda: 2)
    return files


def open_tiny(data: bytes = DATA, card: BackboneCard = CARD) -> Engine:
    return open_engine(data, card, Provider.CPU, Precision.AUTO)


def test_a_full_batch_gives_the_features_of_its_images_in_order(opened: list[bytes]) -> None:
    engine, batch = open_tiny(), images(MAX_BATCH)
    for _ in range(2):
        each = [engine.run(batch[place : place + 1]) for place in range(MAX_BATCH)]
        np.testing.assert_allclose(engine.run(batch), np.concatenate(each), atol=1e-6)
    assert opened == [DATA], "it is opened once"


def test_fewer_images_do_not_open_it(opened: list[bytes]) -> None:
    assert open_tiny().run(images(MAX_BATCH - 1)).shape == (MAX_BATCH - 1, tiny.WIDTH)
    assert opened == []


def test_float32_runs_all_images_at_once(opened: list[bytes]) -> None:
    open_tiny(tiny.backbone_bytes(), tiny.backbone_card()).run(images(MAX_BATCH))
    assert opened == []


@pytest.mark.parametrize("cores", [1, 64])
def test_it_is_not_used_on_one_core_or_on_many(
    cores: int, opened: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel_session, "core_count", lambda: cores)
    open_tiny().run(images(MAX_BATCH))
    assert opened == []


def test_what_fails_there_is_an_error_of_the_provider(opened: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: bytes) -> ort.InferenceSession:
        raise RuntimeError("no memory")

    monkeypatch.setattr(sessions, "open_single_threaded", fail)
    with pytest.raises(ProviderError, match="no memory"):
        open_tiny().run(images(MAX_BATCH))
    assert opened == []
