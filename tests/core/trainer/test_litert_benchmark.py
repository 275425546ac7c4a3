"""Backbones as LiteRT files in every storage: converted, and measured on an image."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.app.litert_benchmark import FILES
from core.base.errors import Cancelled
from core.base.progress import CancelToken, Progress
from core.card import Preprocessing, ResizeMode, write_card
from core.trainer import litert_benchmark, published
from core.trainer.export import backbone_bytes, exported_backbone_card
from core.training.networks import BackboneRequest, Design
from tests import tiny


def test_every_storage_is_measured(tmp_path: Path) -> None:
    request = BackboneRequest("xception", 0.05, 71, untrained=True, design=Design(1))
    model = published.build(request, None)
    data = backbone_bytes(model)
    card = exported_backbone_card(
        model, data, name="narrow", architecture="Xception", design=request.card_design,
        preprocessing=Preprocessing(request.side, ResizeMode.STRETCH), origin=tiny.ORIGIN,
    )  # fmt: skip
    tiny.write_folder(tmp_path / "0", write_card(card), {card.file: data})
    seen: list[Progress] = []
    found = litert_benchmark.run(tmp_path, seen.append, CancelToken())[FILES]
    assert [row[:2] for row in found] == [[0, "float32"], [0, "float16"], [0, "int8"]]
    assert found[2][2] < found[1][2] < found[0][2]
    assert min(row[3] for row in found) > 0
    assert (seen[-1].step, seen[-1].total) == (3, 3)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        litert_benchmark.run(tmp_path, seen.append, token)
