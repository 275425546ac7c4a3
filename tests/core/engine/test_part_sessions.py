"""A composed backbone in parts answers as the whole does, and only the parts that need it run in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from core.base.providers import Precision, Provider
from core.engine import golden, graph, sessions
from core.engine.engine import open_engine
from core.engine.part_sessions import PartSessions, split_parts
from core.models.composite import compose
from tests import composites, tiny

DATA, CARD = composites.composite()
SIZE = CARD.preprocessing.size
OUTPUTS = (graph.FEATURES, *graph.feature_maps(CARD))


def on_cpu(data: bytes) -> ort.InferenceSession:
    return sessions.open_session(data, Provider.CPU, Precision.EXACT)


WHOLE = on_cpu(DATA)


@pytest.mark.parametrize("count", [1, 3])
def test_the_parts_answer_as_the_whole(count: int) -> None:
    images = np.random.default_rng(count).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
    parts = split_parts(DATA, CARD)
    assert sum(width for _, width in parts) == CARD.feature_width
    together = PartSessions([on_cpu(part) for part, _ in parts], CARD)
    assert together.get_providers() == WHOLE.get_providers()
    for name in OUTPUTS:
        (found,), (wanted,) = (one.run([name], {graph.INPUT: images}) for one in (together, WHOLE))
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("cores", [1, 2])
def test_in_8_bits_the_parts_run_side_by_side_if_there_are_cores_for_it(
    cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = CARD.of_variant(composites.int8_variant())
    (low, lower), small = tiny.int8_backbone(), (composites.small_bytes(), composites.small_card())
    data = compose([(low, tiny.backbone_card(variants=(lower,)).of_variant(lower)), small], CARD)
    monkeypatch.setattr("core.engine.engine.core_count", lambda: cores)
    engine, whole = open_engine(data, variant, Provider.CPU, Precision.AUTO), on_cpu(data)
    assert isinstance(engine._session, PartSessions) == (cores > 1)
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    wanted = whole.run([*OUTPUTS], {graph.INPUT: images})
    features, maps = engine.run_with_maps(images)
    for one, expected in zip((features, *maps), wanted, strict=True):
        np.testing.assert_allclose(one, expected, atol=1e-5)
    np.testing.assert_allclose(engine.run(images), wanted[0], atol=1e-5)


class Coarse:
    """A session that computes features too coarsely."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        return [np.round(value * 2) / 2 + 0.3 for value in self._session.run(outputs, feeds)]


def test_only_a_part_that_is_too_coarse_runs_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, Precision]] = []
    open_session = sessions.open_session

    def open_on_cpu(data: bytes, _: Provider, precision: Precision) -> ort.InferenceSession | Coarse:
        session = open_session(data, Provider.CPU, precision)
        name = session.get_outputs()[1].name
        opened.append((name, precision))
        return Coarse(session) if (name, precision) == (OUTPUTS[2], Precision.AUTO) else session

    monkeypatch.setattr(sessions, "open_session", open_on_cpu)
    engine = open_engine(DATA, CARD, Provider.OPENVINO, Precision.AUTO)
    assert opened == [(OUTPUTS[1], Precision.AUTO), (OUTPUTS[2], Precision.AUTO), (OUTPUTS[2], Precision.EXACT)]
    assert engine.agreement > 0.9999
    images = golden.golden_inputs(SIZE)
    np.testing.assert_allclose(engine.run(images), WHOLE.run([graph.FEATURES], {graph.INPUT: images})[0], atol=1e-5)


def test_exact_and_the_cpu_run_it_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    open_session = sessions.open_session

    def open_on_cpu(data: bytes, _: Provider, precision: Precision) -> ort.InferenceSession:
        opened.append(len(data))
        return open_session(data, Provider.CPU, precision)

    monkeypatch.setattr(sessions, "open_session", open_on_cpu)
    open_engine(DATA, CARD, Provider.OPENVINO, Precision.EXACT)
    open_engine(DATA, CARD, Provider.CPU, Precision.AUTO)
    assert opened == [len(DATA)] * 2
