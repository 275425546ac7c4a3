"""The fastest provider that works is found once, remembered, and found anew when it no longer works."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from core.base import paths
from core.base.errors import ModelError, ProviderError
from core.base.providers import TITLES, Precision, Provider, ProviderPreference
from core.engine.golden import encode_features
from core.engine.provider_selection import choose_engine, probe_provider
from tests import tiny

DATA = tiny.backbone_bytes()
AUTO = ProviderPreference.AUTO


@pytest.fixture
def memory() -> Path:
    return paths.cache_folder() / "providers.json"


def working() -> set[Provider]:
    card = tiny.backbone_card()
    return {provider for provider in Provider if probe_provider(DATA, card, provider, Precision.AUTO).engine}


def choose(precision: Precision = Precision.AUTO, wish: ProviderPreference = AUTO) -> Provider:
    return choose_engine(DATA, tiny.backbone_card(), wish, precision).provider


def test_auto_takes_one_that_works_and_remembers_it(memory: Path) -> None:
    chosen = choose()
    assert chosen in working()
    assert list(json.loads(memory.read_bytes()).values()) == [chosen.value]


def test_what_is_remembered_is_not_measured_again(memory: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every provider that works is taken, even one that is not the fastest, once it is the one remembered."""
    choose()
    for provider in working():
        memory.write_text(json.dumps(dict.fromkeys(json.loads(memory.read_bytes()), provider.value)))
        before = memory.read_bytes()
        assert choose() is provider
        assert memory.read_bytes() == before
    assert not caplog.records


def test_each_precision_and_each_backbone_has_a_choice_of_its_own(memory: Path) -> None:
    choose(Precision.AUTO)
    choose(Precision.EXACT)
    assert len(json.loads(memory.read_bytes())) == 2
    other = tiny.backbone_card(sha256="0" * 64)
    choose_engine(DATA, other, AUTO, Precision.AUTO)
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
        memory.write_text(json.dumps({key: provider.value, "of another machine": "cuda"}))
        with caplog.at_level(logging.WARNING):
            chosen = choose()
        assert chosen in working()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert f"{TITLES[provider]} no longer works" in caplog.text
        assert json.loads(memory.read_bytes()) == {key: chosen.value, "of another machine": "cuda"}


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
    assert json.loads(memory.read_bytes())[key] == chosen.value


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
            choose_engine(DATA, made_up, wish, Precision.AUTO)
    assert not memory.exists()


def test_a_trial_keeps_either_the_engine_or_the_reason() -> None:
    for provider in Provider:
        trial = probe_provider(DATA, tiny.backbone_card(), provider, Precision.AUTO)
        assert trial.provider is provider
        assert (trial.engine is None) != (trial.error is None)
        assert trial.engine is None or trial.engine.provider is provider


def test_preferences_have_the_names_of_the_providers() -> None:
    assert {wish.value for wish in ProviderPreference} == {provider.value for provider in Provider} | {"auto"}
