"""Features that came with a model: a damaged file has none, whatever is wrong with it."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.engine.feature_store import FeatureKind
from core.models import bundled_features as features_module
from core.models.bundled_features import FEATURES, bundled_features, features_bytes

KIND = FeatureKind("a" * 64, "1", "exact", 4)


def test_damage_of_any_kind_means_no_features(tmp_path: Path) -> None:
    rows = {f"{number:064x}": np.arange(4, dtype=np.float16) + number for number in range(3)}
    data = features_bytes(KIND, rows)
    file = tmp_path / FEATURES
    file.write_bytes(data)
    assert list(bundled_features([tmp_path], KIND)) == list(rows)
    draw = random.Random(0)
    for _ in range(150):
        changed = bytearray(data)
        for _ in range(draw.randint(1, 8)):
            changed[draw.randrange(len(data))] = draw.randrange(256)
        file.write_bytes(changed)
        assert len(bundled_features([tmp_path], KIND)) in (0, 3)


def test_a_file_that_unpacks_without_end_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features_module, "_MAX_BYTES", 10_000)
    rows = {"0" * 64: np.zeros(4, np.float16)}
    (tmp_path / FEATURES).write_bytes(features_bytes(KIND, rows))
    assert bundled_features([tmp_path], KIND)
    with zipfile.ZipFile(tmp_path / FEATURES, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kind.npy", bytes(20_000))
    assert bundled_features([tmp_path], KIND) == {}


def test_features_of_the_first_part_are_found_in_those_of_the_composed_backbone(tmp_path: Path) -> None:
    part, other = FeatureKind("b" * 64, "1", "exact", 2), FeatureKind("c" * 64, "1", "exact", 2)
    rows = {"0" * 64: np.array([0.5, 1.5, 3, 4], np.float16)}
    (tmp_path / FEATURES).write_bytes(features_bytes(KIND, rows, part))
    assert bundled_features([tmp_path], KIND)["0" * 64].tolist() == [0.5, 1.5, 3, 4]
    assert bundled_features([tmp_path], part)["0" * 64].tolist() == [0.25, 2.25]
    assert bundled_features([tmp_path], other) == {}
