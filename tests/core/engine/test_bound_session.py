"""Runs with bound input and output give what plain runs do, and the engine uses them on graphics cards."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.providers import Precision, Provider
from core.engine import engine as engine_module
from core.engine import graph, sessions
from core.engine.bound_session import BoundSession
from core.engine.engine import Engine, open_engine
from core.engine.limits import MAX_BATCH
from tests import tiny

DATA = tiny.backbone_bytes()


def images(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, tiny.SIZE, tiny.SIZE, 3), np.uint8)


def test_each_run_gives_its_own_result_and_leaves_its_input_alone() -> None:
    session = sessions.open_session(DATA, Provider.CPU, Precision.EXACT)
    bound = BoundSession(session, (graph.INPUT, graph.FEATURES), images(4).shape, tiny.WIDTH, "cpu")
    batches = [images(4, 1), images(8, 2)[::2], images(4, 3)]
    copies = [batch.copy() for batch in batches]
    found = [bound.run(batch) for batch in batches]
    for batch, copy, features in zip(batches, copies, found, strict=True):
        np.testing.assert_array_equal(batch, copy)
        np.testing.assert_array_equal(features, tiny.features(DATA, copy))


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The CPU provider as a graphics card of enough memory; and the sizes of the batches that ran bound."""
    sizes: list[int] = []
    run = BoundSession.run

    def run_and_note(bound: BoundSession, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        sizes.append(len(batch))
        return run(bound, batch)

    monkeypatch.setattr(sessions, "bound_device", lambda _: "cpu")
    monkeypatch.setattr(sessions, "cuda_memory", lambda: 2**34)
    monkeypatch.setattr(BoundSession, "run", run_and_note)
    return sizes


def open_tiny() -> Engine:
    return open_engine(DATA, tiny.backbone_card(), Provider.CPU, Precision.AUTO)


def test_full_batches_run_bound_and_others_as_before(card: list[int]) -> None:
    engine = open_tiny()
    assert engine.batch == 64
    for count in (1, 63, 64):
        np.testing.assert_allclose(engine.run(images(count)), tiny.features(DATA, images(count)), atol=1e-6)
    assert card == [64, 64]  # once when it was opened


def test_a_batch_that_does_not_fit_after_all_is_halved(card: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    make = BoundSession.__init__

    def allocate(bound: BoundSession, session: object, names: object, shape: tuple[int, ...], *rest: object) -> None:
        if shape[0] > 16:
            raise RuntimeError("CUDA out of memory")
        make(bound, session, names, shape, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(BoundSession, "__init__", allocate)
    assert open_tiny().batch == 16
    monkeypatch.setattr(engine_module, "MAX_BATCH", 32)
    with pytest.raises(ModelError, match="out of memory"):
        open_tiny()


def test_on_the_cpu_nothing_is_bound() -> None:
    assert open_tiny().batch == MAX_BATCH
