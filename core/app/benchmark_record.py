"""The last benchmarks of this machine, kept so that its times can be compared without measuring again."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.app.values import LiteRTTime, MeasuredTime
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
        measured_at: when it ended; None if only LiteRT was measured.
        times: by the name of the backbone, its time for a single image on the fastest provider.
        litert: the LiteRT files that were measured.
    """

    measured_at: datetime | None = None
    times: Mapping[str, MeasuredTime] = field(default_factory=dict)
    litert: tuple[LiteRTTime, ...] = ()


def save_record(result: BenchmarkResult) -> None:
    """Keep the times of a benchmark instead of those of the last one; a failure is logged."""
    times = [
        {"backbone": one.backbone, "provider": one.provider, "computed_in": one.computed_in, "ms": one.batch_ms[1]}
        for one in result.engines
        if one.error is None
    ]
    _write(_file(), {"measured_at": datetime.now(UTC).isoformat(), "times": times})


def save_litert(times: Sequence[LiteRTTime]) -> None:
    """Keep the times of LiteRT files instead of those of the last measurement; a failure is logged."""
    _write(_litert_file(), {"times": list(map(asdict, times))})


def load_record() -> BenchmarkRecord:
    """Read what was measured last; nothing if it is damaged."""
    return _read(_litert_file(), _litert, _read(_file(), _benchmark, BenchmarkRecord()))


def _write(file: Path, content: Mapping[str, object]) -> None:
    try:
        write_atomically(file, json.dumps({"format": _FORMAT, **content}).encode())
    except StorageError as error:
        _log.warning("%s", tr("The benchmark was not kept. {reason}", reason=error.what))


def _read(
    file: Path, add: Callable[[BenchmarkRecord, Mapping[str, Any]], BenchmarkRecord], record: BenchmarkRecord
) -> BenchmarkRecord:
    """The record with the content of a file; as it is if there is none, or it is damaged."""
    try:
        content = json.loads(file.read_bytes())
        return add(record, content) if content["format"] == _FORMAT else record
    except FileNotFoundError:
        return record
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        _log.warning("%s", tr("The last benchmark can't be read: {reason}.", reason=error))
        return record


def _benchmark(record: BenchmarkRecord, content: Mapping[str, Any]) -> BenchmarkRecord:
    moment = datetime.fromisoformat(content["measured_at"])
    found = [(str(one["backbone"]), _time(one)) for one in content["times"]]
    return replace(record, measured_at=moment.astimezone(UTC), times=_fastest(found))


def _litert(record: BenchmarkRecord, content: Mapping[str, Any]) -> BenchmarkRecord:
    times = (
        LiteRTTime(str(one["backbone"]), str(one["storage"]), int(_positive(one["size_bytes"])), _positive(one["ms"]))
        for one in content["times"]
    )
    return replace(record, litert=tuple(times))


def _time(one: Mapping[str, object]) -> MeasuredTime:
    provider, precision = Provider(str(one["provider"])), ComputePrecision(str(one["computed_in"]))
    return MeasuredTime(_positive(one["ms"]), provider, precision)


def _positive(value: object) -> float:
    if not isinstance(value, float | int) or not 0 < value < float("inf"):
        raise ValueError(f"{value!r} is not a positive number")
    return float(value)


def _fastest(times: list[tuple[str, MeasuredTime]]) -> dict[str, MeasuredTime]:
    return dict(sorted(times, key=lambda one: -one[1].ms))  # of several times of a backbone, the last one stays


def _file() -> Path:
    return paths.cache_folder() / "benchmark.json"


def _litert_file() -> Path:
    return paths.cache_folder() / "litert.json"
