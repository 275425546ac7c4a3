"""Providers and precision, as the user selects them; implemented in `core.engine.sessions`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Provider(StrEnum):
    """An execution provider that runs backbones, usually fastest first."""

    CUDA = "cuda"
    OPENVINO = "openvino"
    CPU = "cpu"


class ProviderPreference(StrEnum):
    """The provider the user requests."""

    AUTO = "auto"
    CUDA = "cuda"
    OPENVINO = "openvino"
    CPU = "cpu"


class Precision(StrEnum):
    """AUTO may compute in bfloat16 or TF32 if the features agree closely enough; EXACT is float32."""

    AUTO = "auto"
    EXACT = "exact"


TITLES: Final = {Provider.CUDA: "CUDA", Provider.OPENVINO: "OpenVINO", Provider.CPU: "CPU"}
"""Display names of the providers."""
