"""Which provider to use: the fastest that works, measured once per machine, versions and backbone, then remembered."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from core.base import paths
from core.base.errors import ProviderError, StorageError
from core.base.providers import Precision, Provider, ProviderPreference
from core.base.salvage import set_aside
from core.base.storage import write_atomically
from core.card import BackboneCard
from core.engine import sessions
from core.engine.engine import Engine, open_engine

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProviderProbe:
    """How one provider fared with one backbone.

    Attributes:
        provider: which.
        engine: the open engine if it works.
        error: why it does not.
    """

    provider: Provider
    engine: Engine | None
    error: ProviderError | None


def probe_provider(data: bytes, card: BackboneCard, provider: Provider, precision: Precision) -> ProviderProbe:
    """Open the backbone on one provider and keep the answer, good or bad."""
    try:
        return ProviderProbe(provider, open_engine(data, card, provider, precision), None)
    except ProviderError as error:
        return ProviderProbe(provider, None, error)


def choose_engine(data: bytes, card: BackboneCard, requested: ProviderPreference, precision: Precision) -> Engine:
    """Open the backbone on the provider asked for, or with AUTO on the fastest that works.

    Raises:
        ProviderError: the named provider does not work, or with AUTO none does.
        ModelError: the backbone is not what its card says.
    """
    if requested is not ProviderPreference.AUTO:
        return open_engine(data, card, Provider(requested.value), precision)
    remembered = _load_choice(card, precision)
    if remembered is not None:
        probe = probe_provider(data, card, remembered, precision)
        if probe.engine is not None:
            return probe.engine
        _log.warning("%s was the fastest here but no longer works: %s", remembered, probe.error)
    return _fastest(data, card, precision)


def _fastest(data: bytes, card: BackboneCard, precision: Precision) -> Engine:
    probes = [probe_provider(data, card, provider, precision) for provider in Provider]
    engines = [probe.engine for probe in probes if probe.engine is not None]
    if not engines:
        reasons = " ".join(str(probe.error) for probe in probes)
        raise ProviderError(f"No provider works on this machine. {reasons}", hint="Install Fovea again.")
    best = min(engines, key=lambda engine: engine.milliseconds)
    _save_choice(card, precision, best.provider)
    return best


def _key(card: BackboneCard, precision: Precision) -> str:
    facts = [sessions.processor(), sessions.versions(), card.sha256, precision.value]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _file() -> Path:
    return paths.cache_folder() / "providers.json"


def _choices() -> dict[str, str]:
    """What is remembered, nothing where that cannot be read; a damaged file is set aside."""
    try:
        data = _file().read_bytes()
    except OSError:
        return {}
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        return content
    with contextlib.suppress(StorageError):
        aside = set_aside(_file())
        _log.warning("The choices of providers were damaged and are measured again; kept as %s.", aside)
    return {}


def _load_choice(card: BackboneCard, precision: Precision) -> Provider | None:
    choice = _choices().get(_key(card, precision))
    return Provider(choice) if choice in list(Provider) else None


def _save_choice(card: BackboneCard, precision: Precision, provider: Provider) -> None:
    choices = _choices() | {_key(card, precision): provider.value}
    try:
        write_atomically(_file(), json.dumps(choices, indent=2).encode())
    except StorageError as error:
        _log.warning("the provider choice could not be remembered: %s", error)
