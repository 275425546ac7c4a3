"""Verbs that compare networks by accuracy and cost."""

from __future__ import annotations

from core.app.values import NetworkComparison
from core.base.progress import CancelToken, ProgressCallback


def compare_networks() -> NetworkComparison:
    """Published networks, this machine's backbones, and the user's models; see `core.app.network_comparison`."""
    from core.app import network_comparison
    from core.models.library import open_library

    return network_comparison.compare_networks(open_library())


def measure_networks(*, report: ProgressCallback, token: CancelToken) -> NetworkComparison:
    """Measure the speed of this machine, as `core.api.machine.benchmark`, and compare again."""
    from core.api import machine

    machine.benchmark(report=report, token=token)
    return compare_networks()


def measure_litert(*, report: ProgressCallback, token: CancelToken) -> NetworkComparison:
    """Measure backbones as LiteRT files on this machine, as `core.api.machine.benchmark_litert`, and compare again."""
    from core.api import machine

    machine.benchmark_litert(report=report, token=token)
    return compare_networks()
