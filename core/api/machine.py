"""Verbs about this machine. They import nothing heavy, so that a broken installation can still be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import Provider

if TYPE_CHECKING:
    from core.app.benchmark import BenchmarkResult
    from core.app.diagnostics import DiagnosticReport
    from core.app.values import LiteRTTime


def diagnose() -> DiagnosticReport:
    """Check which providers, models and folders work on this machine, and why others do not."""
    from core.app.diagnostics import run_diagnostics

    return run_diagnostics()


def missing_providers() -> dict[Provider, str]:
    """The providers that cannot work on this machine, and why; those that are not listed may still fail."""
    from core.engine.sessions import unavailable_providers

    return {provider: error.what for provider, error in unavailable_providers().items()}


def benchmark(*, report: ProgressCallback, token: CancelToken) -> BenchmarkResult:
    """Measure the speed of every backbone on every provider, and of decoding; the times are kept for comparisons."""
    from core.app.benchmark import measure
    from core.app.benchmark_record import save_record
    from core.models.library import open_library

    result = measure(open_library(), report=report, token=token)
    save_record(result)
    return result


def benchmark_litert(*, report: ProgressCallback, token: CancelToken) -> tuple[LiteRTTime, ...]:
    """Measure backbones as LiteRT files; the times are kept for comparisons. See `core.app.litert_benchmark`."""
    from core.app.litert_benchmark import measure_litert
    from core.models.library import open_library

    return measure_litert(open_library(), report=report, token=token)
