"""Mixed precision: computation in bfloat16, with weights and updates in float32.

It takes half the memory and, if the processor supports bfloat16, is two to three times as fast. The exponent is that of
float32, so no loss scaling is needed (Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training",
arXiv:1905.12322).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from core.trainer.framework import keras

_FLAGS: Final = {"avx512_bf16", "amx_bf16"}
_CPU_FACTS: Final = Path("/proc/cpuinfo")
_MIXED: Final = "mixed_bfloat16"
_EXACT_LAYERS: Final = (keras.layers.Rescaling, keras.layers.GlobalAveragePooling2D)
"""Layers where bfloat16 would lose precision without saving time: pixel scaling, and global average pooling."""


def has_bfloat16(facts: Path = _CPU_FACTS) -> bool:
    """Whether the processor supports bfloat16 in hardware, according to Linux; False on other systems.

    Args:
        facts: the file with Linux's description of the processor.
    """
    try:
        found = re.search(r"^flags\s*:\s*(.+)$", facts.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return False
    return found is not None and not _FLAGS.isdisjoint(found[1].split())


def to_mixed_precision(network: keras.Model) -> keras.Model:
    """Clone a functional network with its weights to compute in bfloat16, with float32 inputs and outputs."""

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if not isinstance(layer, _EXACT_LAYERS):
            config["dtype"] = _MIXED
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(network, clone_function=clone)
    copy.set_weights(network.get_weights())
    return copy
