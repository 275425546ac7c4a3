"""Mixed precision: a network that computes in bfloat16 and keeps, and learns, its weights in float32.

Half the bytes and, where the processor multiplies bfloat16 itself, two to three times the speed. The exponent is that
of float32, so the loss needs no scaling (Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training",
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
"""Layers where bfloat16 would cost digits and win no time: the pixels' scaling, and the mean over the feature map."""


def has_bfloat16(facts: Path = _CPU_FACTS) -> bool:
    """Whether the processor multiplies bfloat16 in hardware, as far as Linux tells; elsewhere False.

    Args:
        facts: what Linux says of the processor.
    """
    try:
        found = re.search(r"^flags\s*:\s*(.+)$", facts.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return False
    return found is not None and not _FLAGS.isdisjoint(found[1].split())


def to_mixed_precision(network: keras.Model) -> keras.Model:
    """The same functional network with the same weights, computing in bfloat16; what it reads and gives is float32."""

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if not isinstance(layer, _EXACT_LAYERS):
            config["dtype"] = _MIXED
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(network, clone_function=clone)
    copy.set_weights(network.get_weights())
    return copy
