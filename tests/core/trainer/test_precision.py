"""A network in bfloat16: the same except for rounding, with weights and outputs in float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.engine import golden
from core.trainer.framework import keras
from core.trainer.precision import has_bfloat16, to_mixed_precision
from core.trainer.xception import exit_flow


@pytest.mark.parametrize(
    ("facts", "has_it"),
    [
        ("processor: 0\nflags\t\t: fpu avx512f avx512_bf16 avx512_vnni\n", True),
        ("flags : fpu amx_bf16 amx_tile\n", True),
        ("flags : fpu avx512f avx512_vnni\nbugs : amx_bf16\n", False),
        ("Features : fp asimd bf16\n", False),
        (None, False),
    ],
)
def test_bfloat16_support_of_the_processor(facts: str | None, has_it: bool, tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    if facts is not None:
        file.write_text(facts)
    assert has_bfloat16(file) is has_it


def test_the_exit_flow_in_bfloat16() -> None:
    keras.utils.set_random_seed(0)
    whole = exit_flow(5)
    exact = keras.Model(whole.input, whole.output["features"])
    quick = to_mixed_precision(exact)
    assert quick.get_layer("block14_sepconv1").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in quick.weights} == {"float32"}
    assert quick.output.dtype == "float32"
    assert [weight.path for weight in quick.trainable_weights] == [weight.path for weight in exact.trainable_weights]
    maps = np.random.default_rng(0).normal(size=(3, 5, 5, 728)).astype(np.float32)
    wanted, found = np.asarray(exact(maps)), np.asarray(quick(maps))
    assert not np.array_equal(found, wanted)
    assert golden.cosine(found, wanted) > 0.998
