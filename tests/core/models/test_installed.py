"""A model's files are what its card says they are, or are refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.providers import ComputePrecision
from core.models.heads import head_bytes
from core.models.installed import backbone_files, load_backbone, load_head
from core.models.library import Library
from core.models.values import InstalledModel
from tests import tiny


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return tiny.make_library(tmp_path)


def test_its_files_are_those_of_the_cards(library: Library) -> None:
    model = library.find("colours")
    assert load_backbone(model.backbone) == tiny.backbone_bytes()
    np.testing.assert_array_equal(load_head(model).weights, tiny.head().weights)


def test_a_file_that_goes_away_later_is_reported(library: Library) -> None:
    model = library.find("colours")
    (model.folder / tiny.HEAD_FILE).unlink()
    with pytest.raises(ModelError, match="missing"):
        load_head(model)
    with pytest.raises(ModelError, match="missing"):
        library.find("colours")
    assert model.size_bytes > len(tiny.backbone_bytes())


def test_a_changed_file_is_refused(library: Library) -> None:
    model = library.find("colours")
    for file, load in (
        (model.folder / tiny.HEAD_FILE, lambda: load_head(model)),
        (library.builtin / "tiny" / tiny.MODEL_FILE, lambda: load_backbone(model.backbone)),
    ):
        file.write_bytes(file.read_bytes() + b"\0")
        with pytest.raises(ModelError, match="is damaged or was changed"):
            load()


def test_a_file_larger_than_any_model_is_not_read(library: Library) -> None:
    model = library.find("colours")
    with (model.folder / tiny.HEAD_FILE).open("r+b") as file:
        file.truncate(2 * 1024**3)  # takes no room on the disk
    with pytest.raises(ModelError, match="is too large"):
        load_head(model)


def put_head(folder: Path, data: bytes) -> None:
    """Give a model another head, and its card that head's sum."""
    (folder / tiny.HEAD_FILE).write_bytes(data)
    tiny.rewrite_card(folder, head={"file": tiny.HEAD_FILE, "sha256": tiny.sha256(data)})


def test_a_card_that_lies_about_its_classes_is_refused(library: Library) -> None:
    tiny.rewrite_card(library.builtin / "colours", classes=["red", "green", "blue", "ultraviolet"])
    with pytest.raises(ModelError, match="4 classes, its head 3"):
        load_head(library.find("colours"))


def test_a_head_of_another_width_is_refused(library: Library) -> None:
    head = tiny.LinearHead(np.zeros((tiny.WIDTH + 1, 3), np.float32), np.zeros(3, np.float32))
    put_head(library.builtin / "colours", head_bytes(head))
    with pytest.raises(ModelError, match="expects 9 features, its backbone gives 8"):
        load_head(library.find("colours"))


def saved(weights: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, weights=weights, bias=np.zeros(3, np.float32))
    return buffer.getvalue()


HOSTILE_HEADS: dict[str, Callable[[], bytes]] = {
    "pickle": lambda: saved(np.array([[object] * 3] * 8, dtype=object)),
    "bomb": lambda: saved(np.zeros((45_000_000, 3), np.float16)),
    "not a number": lambda: saved(np.full((8, 3), np.nan, np.float16)),
    "no archive": lambda: b"weights",
}


@pytest.mark.parametrize("kind", HOSTILE_HEADS)
def test_a_hostile_head_whose_sum_is_right_is_refused(library: Library, kind: str) -> None:
    put_head(library.builtin / "colours", HOSTILE_HEADS[kind]())
    with pytest.raises(ModelError):
        load_head(library.find("colours"))


# ---- variants


def with_variant(library: Library, evaluation: dict[str, Any]) -> InstalledModel:
    """The model over the backbone with a variant in 8 bits, and what was measured with it."""
    tiny.write_variant(library.builtin)
    tiny.rewrite_card(library.builtin / "colours", evaluation=evaluation)
    return library.find("colours")


def measured(**changes: object) -> dict[str, Any]:
    return {"variants": {"int8": {"images": 200, "agreement": 0.99, "accuracy_lost": 0.005} | changes}}


def test_a_variant_that_keeps_the_predictions_may_be_used(library: Library) -> None:
    model = with_variant(library, measured())
    files = backbone_files(model.backbone, model.card)
    own, variant = files.cards
    assert (own, variant.precision) == (model.backbone.card, ComputePrecision.INT8)
    assert files.load(variant) == tiny.int8_backbone()[0]
    assert model.backbone.size_bytes == len(tiny.backbone_bytes()) + len(tiny.int8_backbone()[0])


@pytest.mark.parametrize(
    "evaluation",
    [
        {},
        {"variants": 3},
        {"variants": {}},
        {"variants": {"int8": None}},
        {"variants": {"int8": {"images": 200}}},
        measured(images=0),
        measured(images="200"),
        measured(agreement="1"),
        measured(agreement=0.9),
        measured(accuracy_lost=0.02),
    ],
)
def test_a_model_without_a_good_measurement_runs_in_float32(library: Library, evaluation: dict[str, Any]) -> None:
    model = with_variant(library, evaluation)
    assert backbone_files(model.backbone, model.card).cards == (model.backbone.card,)
    assert len(backbone_files(model.backbone).cards) == 2, "a new head can be trained on it"


def test_a_damaged_variant_is_refused_and_a_missing_one_harms_nothing(library: Library) -> None:
    model = with_variant(library, measured())
    files, file = backbone_files(model.backbone, model.card), library.builtin / "tiny" / tiny.INT8_FILE
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="is damaged or was changed"):
        files.load(files.cards[1])
    file.unlink()
    with pytest.raises(ModelError, match="is missing"):
        files.load(files.cards[1])
    assert load_backbone(library.find("colours").backbone) == tiny.backbone_bytes()
