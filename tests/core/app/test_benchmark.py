"""How fast this machine is, measured on the tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.app import benchmark
from core.app.benchmark import BATCHES, EngineTimings, measure
from core.base.errors import Cancelled, ProviderError
from core.base.progress import CancelToken, Progress
from core.base.providers import ComputePrecision, Precision, Provider
from core.engine import sessions
from core.models.library import Library
from tests import tiny


@pytest.fixture(autouse=True)
def _small_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "PHOTO", (400, 300))


def test_each_backbone_is_measured_once_on_each_provider(tmp_path: Path) -> None:
    expected: list[Progress] = []
    library = tiny.make_library(tmp_path, ("colours", "others"))
    figures = measure(library, report=expected.append, token=CancelToken())
    assert {one.backbone for one in figures.engines if one.error is None} == {tiny.BACKBONE}
    asked = [(one.provider, one.precision) for one in figures.engines]
    assert len({(one.provider, one.precision, one.computed_in) for one in figures.engines}) == len(asked)
    assert [precision for provider, precision in asked if provider is Provider.CPU] == [Precision.EXACT]
    assert {provider for provider, _ in asked} == set(Provider)
    assert (figures.decode_ms > 0, figures.decode_at_once_ms > 0) == (True, True)
    assert expected[-1].step == expected[-1].total


def test_a_provider_that_works_with_no_backbone_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(provider: Provider) -> None:
        if provider is not Provider.CPU:
            raise ProviderError("It is missing.", hint="Install it.")

    monkeypatch.setattr(sessions, "check_provider", check)
    tiny.write_variant(tmp_path)
    figures = measure(Library(tmp_path, tmp_path / "own"), report=lambda _: None, token=CancelToken())
    exact, int8 = ComputePrecision.FLOAT32, ComputePrecision.INT8
    assert sorted((one.provider, one.backbone, one.computed_in) for one in figures.engines) == [
        (Provider.CPU, tiny.BACKBONE, exact),
        (Provider.CPU, tiny.BACKBONE, int8),
        (Provider.CUDA, "", exact),
        (Provider.OPENVINO, "", exact),
    ]


def test_what_works_has_times_and_what_does_not_a_reason(tmp_path: Path) -> None:
    figures = measure(tiny.make_library(tmp_path), report=lambda _: None, token=CancelToken())
    for one in figures.engines:
        assert _is_whole(one), one
    assert any(one.error is None for one in figures.engines)


def _is_whole(one: EngineTimings) -> bool:
    if one.error is not None:
        return not one.batch_ms and one.agreement is None
    return tuple(one.batch_ms) == BATCHES and min(one.batch_ms.values()) > 0 and (one.agreement or 0) > 0.99


def test_it_can_be_called_off(tmp_path: Path) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        measure(tiny.make_library(tmp_path), report=lambda _: token.cancel(), token=token)
