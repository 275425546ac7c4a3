"""The fastest provider that works is found once, remembered, and found anew when it no longer works."""

from __future__ import annotations

import json
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base import paths
from core.base.errors import ModelError, ProviderError
from core.base.providers import TITLES, ComputePrecision, Precision, Provider, ProviderPreference
from core.card import BackboneCard
from core.engine import provider_selection, sessions
from core.engine.engine import Engine
from core.engine.golden import encode_features
from core.engine.provider_selection import BackboneFiles, candidates, choose_engine, probe_provider, select
from tests import tiny

DATA = tiny.backbone_bytes()
FILES = BackboneFiles.of(DATA, tiny.backbone_card())
AUTO = ProviderPreference.AUTO


@pytest.fixture
def memory() -> Path:
    return paths.cache_folder() / "providers.json"


def working() -> set[Provider]:
    (card,) = FILES.cards
    return {provider for provider in Provider if probe_provider(FILES, card, provider, Precision.AUTO).engine}


def named(provider: Provider) -> str:
    return f"{provider} float32"


def choose(precision: Precision = Precision.AUTO, wish: ProviderPreference = AUTO) -> Provider:
    return choose_engine(FILES, wish, precision).provider


def test_auto_takes_one_that_works_and_remembers_it(memory: Path) -> None:
    chosen = choose()
    assert chosen in working()
    assert list(json.loads(memory.read_bytes()).values()) == [named(chosen)]


def test_what_is_remembered_is_not_measured_again(memory: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every provider that works is taken, even one that is not the fastest, once it is the one remembered."""
    choose()
    for provider in working():
        memory.write_text(json.dumps(dict.fromkeys(json.loads(memory.read_bytes()), named(provider))))
        before = memory.read_bytes()
        assert choose() is provider
        assert memory.read_bytes() == before
    assert not caplog.records


def test_each_precision_and_each_backbone_has_a_choice_of_its_own(memory: Path) -> None:
    choose(Precision.AUTO)
    choose(Precision.EXACT)
    assert len(json.loads(memory.read_bytes())) == 2
    other = tiny.backbone_card(sha256="0" * 64)
    choose_engine(BackboneFiles.of(DATA, other), AUTO, Precision.AUTO)
    assert len(json.loads(memory.read_bytes())) == 3


def test_a_remembered_provider_that_no_longer_works_is_replaced_aloud(
    memory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = set(Provider) - working()
    if not gone:
        pytest.skip("every provider works on this machine")
    choose()
    key = next(iter(json.loads(memory.read_bytes())))
    for provider in gone:
        caplog.clear()
        memory.write_text(json.dumps({key: named(provider), "of another machine": "cuda"}))
        with caplog.at_level(logging.WARNING):
            chosen = choose()
        assert chosen in working()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert f"{TITLES[provider]} no longer works" in caplog.text
        assert json.loads(memory.read_bytes()) == {key: named(chosen), "of another machine": "cuda"}


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": NaN}',
        b'{"%b": 3}',
        b'{"%b": []}',
        b'{"%b": {}}',
        b'{"%b": "tpu"}',
        b'{"%b": null}',
    ],
)
def test_a_damaged_memory_costs_only_what_it_held(memory: Path, damage: bytes) -> None:
    choose()
    key = next(iter(json.loads(memory.read_bytes())))
    memory.write_bytes(damage.replace(b"%b", key.encode()))
    chosen = choose()  # measured anew: where several work, they may be equally fast
    assert chosen in working()
    assert json.loads(memory.read_bytes())[key] == named(chosen)


def test_a_folder_in_the_place_of_the_memory_costs_nothing(memory: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory.mkdir(parents=True)
    assert choose() in working()
    assert "Couldn't remember the provider choice" in caplog.text


def test_a_cache_that_cannot_be_written_costs_nothing(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    home.mkdir()
    paths.cache_folder().write_text("a file where the folder should be")
    assert choose() in working()
    assert "Couldn't remember the provider choice" in caplog.text


@pytest.mark.parametrize("provider", Provider)
def test_a_named_provider_is_that_one_or_an_error_and_never_remembered(provider: Provider, memory: Path) -> None:
    wish = ProviderPreference(provider.value)
    if provider in working():
        assert choose(wish=wish) is provider
    else:
        with pytest.raises(ProviderError):
            choose(wish=wish)
    assert not memory.exists()


def test_a_backbone_that_does_not_match_its_card_is_refused(memory: Path) -> None:
    made_up = tiny.backbone_card(golden_features=encode_features(tiny.kernels()[:2, 0].reshape(2, 9)[:, :8]))
    for wish in (AUTO, ProviderPreference.CPU):
        with pytest.raises(ModelError):
            choose_engine(BackboneFiles.of(DATA, made_up), wish, Precision.AUTO)
    assert not memory.exists()


def test_a_trial_keeps_either_the_engine_or_the_reason() -> None:
    for provider in Provider:
        trial = probe_provider(FILES, FILES.cards[0], provider, Precision.AUTO)
        assert trial.provider is provider
        assert (trial.engine is None) != (trial.error is None)
        assert trial.engine is None or trial.engine.provider is provider


def test_preferences_have_the_names_of_the_providers() -> None:
    assert {wish.value for wish in ProviderPreference} == {provider.value for provider in Provider} | {"auto"}


# ---- variants

INT8 = ComputePrecision.INT8


def chosen_precision(files: BackboneFiles, precision: Precision = Precision.AUTO) -> ComputePrecision:
    return choose_engine(files, ProviderPreference.CPU, precision).precision


def test_the_variant_is_selected_and_remembered_if_it_is_faster(speeds: dict[str, float], memory: Path) -> None:
    files = tiny.variant_files()
    engine = choose_engine(files, ProviderPreference.CPU, Precision.AUTO)
    assert (engine.card, engine.precision) == (files.cards[1], INT8)
    assert list(json.loads(memory.read_bytes()).values()) == ["cpu int8"]
    speeds[INT8] = 100.0
    assert chosen_precision(files) is INT8, "not measured again"


@pytest.mark.parametrize(("time", "chosen"), [(9.0, INT8), (11.0, ComputePrecision.FLOAT32)])
def test_a_variant_that_is_slower_is_not_used(time: float, chosen: ComputePrecision, speeds: dict[str, float]) -> None:
    speeds[INT8] = time
    assert chosen_precision(tiny.variant_files()) is chosen


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts processor time in steps of 16 ms")
def test_precisions_are_compared_by_what_they_compute_and_not_by_how_long_they_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The variant waits for a busy processor every time."""
    run = Engine.run

    def run_slowly(engine: Engine, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        computes, waits = (0.01, 0.0) if engine.precision is ComputePrecision.FLOAT32 else (0.001, 0.02)
        until = time.process_time() + computes
        while time.process_time() < until:
            pass
        time.sleep(waits)
        return run(engine, batch)

    monkeypatch.setattr(Engine, "run", run_slowly)
    assert chosen_precision(tiny.variant_files()) is INT8


@pytest.mark.usefixtures("speeds")
def test_what_was_opened_to_compare_can_be_used_further() -> None:
    selection = select(tiny.variant_files(), ProviderPreference.CPU, Precision.AUTO)
    assert selection.card.precision is INT8
    assert [engine.precision for engine in selection.slower] == [ComputePrecision.FLOAT32]
    assert select(tiny.variant_files(), ProviderPreference.CPU, Precision.AUTO).slower == (), "it is remembered"


def test_what_is_fast_in_turns_is_chosen_although_it_was_slow_when_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else was busy while it was opened, and is busy during some of the turns."""
    turns: list[ComputePrecision] = []
    delays = {ComputePrecision.FLOAT32: iter([0.02] * 9), INT8: iter([0.05, 0.0, *[0.05] * 9])}
    run = Engine.run

    def run_slowly(engine: Engine, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        turns.append(engine.precision)
        until = time.process_time() + next(delays[engine.precision])
        while time.process_time() < until:
            pass
        return run(engine, batch)

    monkeypatch.setattr(Engine, "run", run_slowly)
    assert chosen_precision(tiny.variant_files()) is INT8
    assert turns[:4] == [ComputePrecision.FLOAT32, INT8] * 2


@pytest.mark.usefixtures("speeds")
def test_exact_is_float32() -> None:
    assert chosen_precision(tiny.variant_files(), Precision.EXACT) is ComputePrecision.FLOAT32


@pytest.mark.usefixtures("speeds")
def test_a_variant_that_does_not_reproduce_its_own_features_is_not_used() -> None:
    """As on processors that overflow in 8 bits."""
    wrong = encode_features(np.random.default_rng(0).random((2, tiny.WIDTH), np.float32))
    files = tiny.variant_files(golden_features=wrong)
    assert chosen_precision(files) is ComputePrecision.FLOAT32
    probe = probe_provider(files, files.cards[1], Provider.CPU, Precision.AUTO)
    assert probe.engine is None
    assert "does not reproduce" in str(probe.error)


@pytest.mark.usefixtures("speeds")
def test_a_variant_whose_file_is_damaged_later_is_replaced_aloud(caplog: pytest.LogCaptureFixture) -> None:
    files = tiny.variant_files()
    assert chosen_precision(files) is INT8

    def load(card: BackboneCard) -> bytes:
        if card.precision is INT8:
            raise ModelError("It is damaged.", hint="Install it again.")
        return files.load(card)

    damaged = BackboneFiles(files.cards, load)
    selection = select(damaged, ProviderPreference.CPU, Precision.AUTO)
    assert selection.card.precision is INT8, "known without reading the file"
    with pytest.raises(ProviderError, match="int8 no longer works"):
        selection.open_selected()
    assert "another precision is used: It is damaged." in caplog.text
    assert chosen_precision(damaged) is ComputePrecision.FLOAT32


@pytest.mark.usefixtures("speeds")
def test_other_files_of_variants_are_measured_again(memory: Path) -> None:
    files = tiny.variant_files()
    chosen_precision(files)
    other = replace(files.cards[1], sha256="0" * 64)
    chosen_precision(BackboneFiles((files.cards[0], other), lambda card: files.load(files.cards[card is other])))
    assert len(json.loads(memory.read_bytes())) == 2


def test_only_the_cpu_provider_takes_int8() -> None:
    pairs = candidates(tiny.variant_files(), AUTO, Precision.AUTO)
    assert {provider for provider, card in pairs if card.precision is INT8} == {Provider.CPU}


# ---- float16, on a graphics card that the CPU provider stands in for

FLOAT16 = ComputePrecision.FLOAT16


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> dict[ComputePrecision, float]:
    """The times that are measured on it, by precision."""
    found = {ComputePrecision.FLOAT32: 10.0, FLOAT16: 4.0}
    open_session = sessions.open_session
    monkeypatch.setattr(sessions, "check_provider", lambda _: None)
    monkeypatch.setattr(
        sessions, "open_session", lambda data, _, precision: open_session(data, Provider.CPU, precision)
    )
    monkeypatch.setattr(
        provider_selection, "_times", lambda engines: {one: found[one.card.precision] for one in engines}
    )
    return found


def test_float16_is_selected_on_a_card_that_is_faster_in_it(gpu: dict[ComputePrecision, float], memory: Path) -> None:
    for precision, chosen in ((Precision.AUTO, FLOAT16), (Precision.EXACT, ComputePrecision.FLOAT32)):
        engine = choose_engine(FILES, ProviderPreference.CUDA, precision)
        assert (engine.provider, engine.precision) == (Provider.CUDA, chosen)
    again = choose_engine(FILES, ProviderPreference.CUDA, Precision.AUTO)
    assert list(json.loads(memory.read_bytes()).values()) == ["cuda float16"]
    assert again.card.sha256 != FILES.cards[0].sha256, "features in float16 are stored apart"
    images = np.full((2, tiny.SIZE, tiny.SIZE, 3), 77, np.uint8)
    np.testing.assert_allclose(again.run(images), tiny.features(DATA, images), rtol=2e-3)


def test_a_card_that_is_slow_in_float16_computes_in_float32(gpu: dict[ComputePrecision, float]) -> None:
    gpu[FLOAT16] = 300.0
    assert choose_engine(FILES, ProviderPreference.CUDA, Precision.AUTO).precision is ComputePrecision.FLOAT32


@pytest.mark.usefixtures("gpu")
def test_a_network_that_is_too_coarse_in_float16_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    other = tiny.backbone_proto(tiny.kernels()[::-1].copy()).SerializeToString()
    monkeypatch.setattr(provider_selection, "to_float16", lambda _: other)
    assert choose_engine(FILES, ProviderPreference.CUDA, Precision.AUTO).precision is ComputePrecision.FLOAT32


def test_only_cuda_computes_in_float16() -> None:
    pairs = candidates(FILES, AUTO, Precision.AUTO)
    assert {provider for provider, card in pairs if card.precision is FLOAT16} == {Provider.CUDA}
