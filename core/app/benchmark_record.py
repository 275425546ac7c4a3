"""The last benchmark of this machine, kept so that its times can be compared without measuring again."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.app.values import MeasuredTime
from core.base import paths
from core.base.errors import StorageError
from core.base.i18n import tr
from core.base.providers import ComputePrecision, Provider
from core.base.storage import write_atomically

if TYPE_CHECKING:
    from core.app.benchmark import BenchmarkResult

_FORMAT: Final = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BenchmarkRecord:
    """What is kept of a benchmark.

    Attributes:
        measured_at: when it ended.
        times: by the name of the backbone, its time for a single image on the fastest provider.
    """

    measured_at: datetime
    times: Mapping[str, MeasuredTime]


def save_record(result: BenchmarkResult) -> None:
    """Keep the times of a benchmark instead of those of the last one; a failure is logged."""
    times = [
        {"backbone": one.backbone, "provider": one.provider, "computed_in": one.computed_in, "ms": one.batch_ms[1]}
        for one in result.engines
        if one.error is None
    ]
    content = {"format": _FORMAT, "measured_at": datetime.now(UTC).isoformat(), "times": times}
    try:
        write_atomically(_file(), json.dumps(content).encode())
    except StorageError as error:
        _log.warning("%s", tr("The benchmark was not kept. {reason}", reason=error.what))


def load_record() -> BenchmarkRecord | None:
    """Read the times of the last benchmark; None if there is none, or it is damaged."""
    try:
        content = json.loads(_file().read_bytes())
        moment = datetime.fromisoformat(content["measured_at"])
        found = [(str(one["backbone"]), _time(one)) for one in content["times"] if content["format"] == _FORMAT]
        return BenchmarkRecord(moment.astimezone(UTC), _fastest(found))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        _log.warning("%s", tr("The last benchmark can't be read: {reason}.", reason=error))
        return None


def _time(one: Mapping[str, object]) -> MeasuredTime:
    ms = one["ms"]
    if not isinstance(ms, float | int) or not 0 < ms < float("inf"):
        raise ValueError(f"{ms!r} is not a time")
    return MeasuredTime(float(ms), Provider(str(one["provider"])), ComputePrecision(str(one["computed_in"])))


def _fastest(times: list[tuple[str, MeasuredTime]]) -> dict[str, MeasuredTime]:
    return dict(sorted(times, key=lambda one: -one[1].ms))  # of several times of a backbone, the last one stays


def _file() -> Path:
    return paths.cache_folder() / "benchmark.json"
