"""Providers and precision: the words a person chooses with; `core.engine.sessions` makes them work."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Provider(StrEnum):
    """What runs a backbone, usually fastest first."""

    CUDA = "cuda"
    OPENVINO = "openvino"
    CPU = "cpu"


class ProviderPreference(StrEnum):
    """What the person asks for."""

    AUTO = "auto"
    CUDA = "cuda"
    OPENVINO = "openvino"
    CPU = "cpu"


class Precision(StrEnum):
    """AUTO may compute in bfloat16 or TF32 where the answers stay within the agreement gate; EXACT is float32."""

    AUTO = "auto"
    EXACT = "exact"


TITLES: Final = {Provider.CUDA: "CUDA", Provider.OPENVINO: "OpenVINO", Provider.CPU: "CPU"}
"""The providers' names as a person reads them."""
