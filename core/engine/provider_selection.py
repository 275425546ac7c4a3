"""Provider selection: the fastest that works, measured once per machine, versions and backbone, then remembered."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from core.base import paths
from core.base.errors import ProviderError, StorageError
from core.base.i18n import tr
from core.base.providers import TITLES, Precision, Provider, ProviderPreference
from core.base.salvage import set_aside
from core.base.storage import write_atomically
from core.card import BackboneCard
from core.engine import sessions
from core.engine.engine import Engine, open_engine

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProviderProbe:
    """The result of opening one backbone on one provider.

    Attributes:
        provider: the provider.
        engine: the open engine; None if it does not work.
        error: why it does not work.
    """

    provider: Provider
    engine: Engine | None
    error: ProviderError | None


def probe_provider(data: bytes, card: BackboneCard, provider: Provider, precision: Precision) -> ProviderProbe:
    """Try to open a backbone on one provider, and return the engine or the error."""
    try:
        return ProviderProbe(provider, open_engine(data, card, provider, precision), None)
    except ProviderError as error:
        return ProviderProbe(provider, None, error)


def choose_engine(data: bytes, card: BackboneCard, requested: ProviderPreference, precision: Precision) -> Engine:
    """Open a backbone on the requested provider, or with AUTO on the fastest that works.

    Raises:
        ProviderError: the requested provider does not work, or with AUTO none does.
        ModelError: the backbone does not match its card.
    """
    if requested is not ProviderPreference.AUTO:
        return open_engine(data, card, Provider(requested.value), precision)
    remembered = _load_choice(card, precision)
    if remembered is not None:
        probe = probe_provider(data, card, remembered, precision)
        if probe.engine is not None:
            return probe.engine
        values = {"provider": TITLES[remembered], "reason": probe.error}
        _log.warning("%s", tr("{provider} no longer works, so another provider is used: {reason}", **values))
    return _fastest(data, card, precision)


def _fastest(data: bytes, card: BackboneCard, precision: Precision) -> Engine:
    probes = [probe_provider(data, card, provider, precision) for provider in Provider]
    engines = [probe.engine for probe in probes if probe.engine is not None]
    if not engines:
        reasons = " ".join(str(probe.error) for probe in probes)
        what = tr("No provider works on this machine. {reasons}", reasons=reasons)
        raise ProviderError(what, hint=tr("Install Fovea again."))
    best = min(engines, key=lambda engine: engine.milliseconds)
    _save_choice(card, precision, best.provider)
    return best


def _key(card: BackboneCard, precision: Precision) -> str:
    facts = [sessions.processor(), sessions.versions(), card.sha256, precision.value]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _file() -> Path:
    return paths.cache_folder() / "providers.json"


def _choices() -> dict[str, str]:
    """The remembered choices; empty if they cannot be read. A damaged file is set aside."""
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
        what = tr(
            "The stored provider choices were damaged and are measured again. The damaged file was kept as {file!r}.",
            file=str(aside),
        )
        _log.warning("%s", what)
    return {}


def _load_choice(card: BackboneCard, precision: Precision) -> Provider | None:
    choice = _choices().get(_key(card, precision))
    return Provider(choice) if choice in list(Provider) else None


def _save_choice(card: BackboneCard, precision: Precision, provider: Provider) -> None:
    choices = _choices() | {_key(card, precision): provider.value}
    try:
        write_atomically(_file(), json.dumps(choices, indent=2).encode())
    except StorageError as error:
        _log.warning("%s", tr("Couldn't remember the provider choice: {reason}", reason=error))
