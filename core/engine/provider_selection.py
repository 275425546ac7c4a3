"""Selection of the provider and the variant of a backbone: the fastest that works here.

It is measured once per machine, versions, files of the backbone and what the user requests, and then remembered. The
variant is known before anything is opened, because stored features depend on it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

from core.base import paths
from core.base.errors import ModelError, ProviderError, StorageError
from core.base.i18n import tr
from core.base.providers import TITLES, ComputePrecision, Precision, Provider, ProviderPreference
from core.base.salvage import set_aside
from core.base.storage import write_atomically
from core.card import BackboneCard
from core.engine import golden, sessions
from core.engine.engine import Engine, open_engine
from core.engine.float16 import to_float16

VARIANT_PRECISIONS: Final = {
    Provider.CUDA: frozenset({ComputePrecision.FLOAT16}),
    Provider.OPENVINO: frozenset(),
    Provider.CPU: frozenset({ComputePrecision.INT8}),
}
"""The variants that each provider may run.

int8 is no faster on CUDA, and float16 slower on processors. OpenVINO rounds otherwise than ONNX Runtime's quantizer:
its 8-bit features have a cosine of 0.994 to Xception's golden ones and 0.990 to the joined backbone's, too little.
"""
_ROUNDS: Final = 4
_CLEAR: Final = 2.0
"""From this ratio of the second shortest time to the shortest, no further round would change the choice."""
_WORK: Final = time.perf_counter if sys.platform == "win32" else time.process_time
"""The clock that compares precisions on the processor; Windows counts a process's time in steps of 16 ms."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackboneFiles:
    """A backbone with the variants that may be used instead of it.

    Its float16 form, which has no file, is always one of them.

    Attributes:
        cards: the backbone's card, then those of the variants that have files, see `BackboneCard.of_variant`.
        load: reads and checks the file of one of the cards; raises `ModelError`.
    """

    cards: tuple[BackboneCard, ...]
    load: Callable[[BackboneCard], bytes]

    @classmethod
    def of(cls, data: bytes, card: BackboneCard) -> BackboneFiles:
        """A backbone without variants, with its file."""
        return cls((card,), lambda _: data)

    def only(self, card: BackboneCard) -> BackboneFiles:
        """One of them, whether or not it is the fastest."""
        return BackboneFiles((card,), self.load)

    @property
    def in_float16(self) -> BackboneCard:
        """The card of the backbone in float16."""
        return self.cards[0].in_float16()

    def content(self, card: BackboneCard) -> bytes:
        """The file of one of the cards, or the network in float16.

        Raises:
            ModelError: the file is missing or damaged.
        """
        return to_float16(self.load(self.cards[0])) if card == self.in_float16 else self.load(card)


@dataclass(frozen=True, slots=True)
class ProviderProbe:
    """The result of opening one variant of a backbone on one provider.

    Attributes:
        provider: the provider.
        card: the card of the variant, or of the backbone itself.
        engine: the open engine; None if it does not work.
        error: why it does not work.
    """

    provider: Provider
    card: BackboneCard
    engine: Engine | None
    error: ProviderError | ModelError | None


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected variant of a backbone.

    Attributes:
        card: its card.
        open: opens it. If what was remembered no longer works, the engine may be that of another variant.
        slower: engines of the CPU provider that were opened to compare them, fastest first.
    """

    card: BackboneCard
    open: Callable[[], Engine]
    slower: tuple[Engine, ...] = ()

    def open_selected(self) -> Engine:
        """Open it, and never another variant.

        Raises:
            ProviderError: no provider works, or another variant has to be used from now on.
            ModelError: the backbone does not match its card.
        """
        engine = self.open()
        if engine.card.sha256 != self.card.sha256:
            what = tr("{precision} no longer works on this machine.", precision=self.card.precision)
            raise ProviderError(what, hint=tr("Try again: Fovea now uses {precision}.", precision=engine.precision))
        return engine


def probe_provider(files: BackboneFiles, card: BackboneCard, provider: Provider, precision: Precision) -> ProviderProbe:
    """Try to open a backbone or one of its variants on one provider, and return the engine or the error.

    Raises:
        ModelError: the backbone itself does not match its card.
    """
    try:
        sessions.check_provider(provider)  # before the file is read and converted, which takes up to a second
        return ProviderProbe(provider, card, open_engine(files.content(card), card, provider, precision), None)
    except ProviderError as error:
        return ProviderProbe(provider, card, None, error)
    except ModelError as error:
        if card is files.cards[0]:
            raise
        return ProviderProbe(provider, card, None, error)


def candidates(
    files: BackboneFiles, requested: ProviderPreference, precision: Precision
) -> tuple[tuple[Provider, BackboneCard], ...]:
    """What may be selected: each provider with the backbone itself, then with each of its variants."""
    own, *variants = *files.cards, files.in_float16
    providers = list(Provider) if requested is ProviderPreference.AUTO else [Provider(requested.value)]
    allowed = variants if precision is Precision.AUTO else []
    pairs = [(provider, card) for card in allowed for provider in providers]
    if own.precision is not ComputePrecision.FLOAT32:
        pairs = []  # a variant by itself, or a backbone that was imported in 8 bits
    usable = [(provider, card) for provider, card in pairs if card.precision in VARIANT_PRECISIONS[provider]]
    return (*((provider, own) for provider in providers), *usable)


def select(files: BackboneFiles, requested: ProviderPreference, precision: Precision) -> Selection:
    """Select the fastest provider and variant; nothing is opened if there is no choice, or if it is remembered.

    Raises:
        ProviderError: the requested provider does not work, or with AUTO none does.
        ModelError: the backbone does not match its card.
    """
    pairs = candidates(files, requested, precision)
    if len(pairs) == 1:
        ((provider, card),) = pairs
        return Selection(card, lambda: open_engine(files.content(card), card, provider, precision))
    key = _key(pairs, precision)
    remembered = _load_choice(key, pairs)
    if remembered is None:
        engine, *others = _by_speed(files, pairs, precision, key)
        return Selection(
            engine.card, lambda: engine, tuple(other for other in others if other.provider is Provider.CPU)
        )
    return Selection(remembered[1], partial(_open_remembered, files, remembered, pairs, precision, key))


def choose_engine(files: BackboneFiles, requested: ProviderPreference, precision: Precision) -> Engine:
    """Open the fastest provider and variant that works.

    Raises:
        ProviderError: the requested provider does not work, or with AUTO none does.
        ModelError: the backbone does not match its card.
    """
    return select(files, requested, precision).open()


_Pair = tuple[Provider, BackboneCard]


def _open_remembered(
    files: BackboneFiles, remembered: _Pair, pairs: Sequence[_Pair], precision: Precision, key: str
) -> Engine:
    provider, card = remembered
    probe = probe_provider(files, card, provider, precision)
    if probe.engine is not None:
        return probe.engine
    values = {"provider": TITLES[provider], "precision": card.precision, "reason": probe.error}
    if card is files.cards[0]:
        what = tr("{provider} no longer works, so another provider is used: {reason}", **values)
    else:
        what = tr("{precision} no longer works, so another precision is used: {reason}", **values)
    _log.warning("%s", what)
    return _by_speed(files, pairs, precision, key)[0]


def _by_speed(files: BackboneFiles, pairs: Sequence[_Pair], precision: Precision, key: str) -> list[Engine]:
    """The engines that work, the one to use first; it is remembered."""
    read_once = replace(files, load=lru_cache(maxsize=1)(files.load))
    probes = [probe_provider(read_once, card, provider, precision) for provider, card in pairs]
    engines = [probe.engine for probe in probes if probe.engine is not None]
    if not engines:
        raise _nothing_works([probe for probe in probes if probe.card is files.cards[0]])
    times = _times(engines)
    engines.sort(key=lambda engine: times[engine])
    _save_choice(key, engines[0])
    return engines


def _times(engines: Sequence[Engine]) -> dict[Engine, float]:
    """The shortest time of each engine of the same backbone for one image, in seconds, measured in turns.

    While a folder was being decoded, the medians of one engine after the other made OpenVINO look slower than the CPU
    provider, which takes three times as long. Precisions on the CPU provider are compared by the processor time that
    they need: on a very busy machine, half of 25 ratios lay between 1.14 and 1.21; by the clock between 1.05 and 1.26.
    """
    found, work = (dict.fromkeys(engines, float("inf")) for _ in range(2))
    if len(engines) == 1:
        return found
    image = golden.golden_inputs(engines[0].card.preprocessing.size)[:1]
    for turn in range(_ROUNDS):
        for engine in engines:
            started, worked = time.perf_counter(), _WORK()
            engine.run(image)
            found[engine] = min(found[engine], time.perf_counter() - started)
            work[engine] = min(work[engine], _WORK() - worked)
        shortest, second, *_ = sorted(found.values())
        if turn and second >= _CLEAR * shortest:  # the first run of a batch of one may be a warm-up
            break
    first, *others = [engine for engine in engines if engine.provider is Provider.CPU] or engines[:1]
    return found | {engine: found[first] * work[engine] / work[first] for engine in others}


def _nothing_works(probes: Sequence[ProviderProbe]) -> ProviderError | ModelError:
    if len(probes) == 1 and probes[0].error is not None:
        return probes[0].error
    what = tr("No provider works on this machine. {reasons}", reasons=" ".join(str(probe.error) for probe in probes))
    return ProviderError(what, hint=tr("Install Fovea again."))


def _key(pairs: Sequence[_Pair], precision: Precision) -> str:
    offered = [(provider.value, card.sha256) for provider, card in pairs]
    facts = [sessions.processor(), sessions.versions(), offered, precision.value, sessions.UNSATURATED]
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


def _load_choice(key: str, pairs: Sequence[_Pair]) -> _Pair | None:
    choice = _choices().get(key)
    return next((pair for pair in pairs if choice == _name(*pair)), None)


def _save_choice(key: str, engine: Engine) -> None:
    choices = _choices() | {key: _name(engine.provider, engine.card)}
    try:
        write_atomically(_file(), json.dumps(choices, indent=2).encode())
    except StorageError as error:
        _log.warning("%s", tr("Couldn't remember the provider choice: {reason}", reason=error))


def _name(provider: Provider, card: BackboneCard) -> str:
    return f"{provider} {card.precision}"
