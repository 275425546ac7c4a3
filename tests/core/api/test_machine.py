"""The verbs about this machine."""

from __future__ import annotations

import pytest

from core.api import machine
from core.base.providers import Provider
from core.engine import sessions


def test_providers_that_cannot_work_are_listed_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_nvidia_driver", lambda: None)
    missing = machine.missing_providers()
    assert Provider.CPU not in missing
    assert missing[Provider.CUDA] in ("No NVIDIA driver found.", "The installed ONNX Runtime does not support CUDA.")
    assert all(missing.values())
