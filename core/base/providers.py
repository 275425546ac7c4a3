"""Providers and precision, as the user selects them; implemented in `core.engine.sessions`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from core.base.i18n import tr


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
    """The requested precision: AUTO may compute in fewer bits where the results stay right; EXACT is float32."""

    AUTO = "auto"
    EXACT = "exact"


class ComputePrecision(StrEnum):
    """The number format that a backbone is computed in."""

    FLOAT32 = "float32"
    TF32 = "tf32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    INT8 = "int8"


TITLES: Final = {Provider.CUDA: "CUDA", Provider.OPENVINO: "OpenVINO", Provider.CPU: "CPU"}
"""Display names of the providers."""


def provider_text(provider: Provider, precision: str) -> str:
    """What ran a backbone, for display: “CPU, int8”; without the precision if it is empty, as in older records."""
    return (
        tr("{provider}, {precision}", provider=TITLES[provider], precision=precision) if precision else TITLES[provider]
    )
