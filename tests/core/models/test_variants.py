"""Models exported in float32 and float16, and imported again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from core.base.errors import Cancelled, ModelError
from core.base.progress import CancelToken, Progress
from core.base.providers import Precision, Provider
from core.card import BackboneCard
from core.engine import golden
from core.engine.engine import open_engine
from core.models import joined
from core.models.exchange import export, import_model
from core.models.heads import DenseHead, Head, LinearHead
from core.models.installed import load_backbone, load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.models.variants import (
    MAX_DIFFERENCE,
    MAX_ROUNDING,
    Outputs,
    Variant,
    check_joined,
    logits_of,
    make_variant,
    open_file,
    run_joined,
)
from core.models.weight_storage import Storage
from tests import tiny, wide

INPUTS = golden.golden_inputs(tiny.SIZE)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "shipped", tmp_path / "own")


@pytest.fixture
def other(tmp_path: Path) -> Library:
    """The empty library of someone else."""
    return Library(tmp_path / "other" / "shipped", tmp_path / "other" / "own")


def _exact_head() -> Head:
    """Weights that float16 does not hold."""
    return LinearHead(tiny.head().weights + np.float32(1e-5), tiny.head().bias)


def _dense_head() -> Head:
    draw = np.random.default_rng(3)
    shapes = ((tiny.WIDTH, 5), (5, len(tiny.CLASSES)))
    return DenseHead(
        tuple(LinearHead(draw.normal(size=s).astype(np.float32), np.ones(s[1], np.float32)) for s in shapes)
    )


def _outputs(file: Path) -> Outputs:
    return run_joined(open_file(file.read_bytes()), INPUTS)


def _logits(model: InstalledModel) -> np.ndarray:
    return logits_of(Variant(load_backbone(model.backbone), model.backbone.card), load_head(model))


def _types(file: Path) -> set[int]:
    return {array.data_type for array in onnx.ModelProto.FromString(file.read_bytes()).graph.initializer}


@pytest.mark.parametrize("head", [tiny.head(), _exact_head(), _dense_head()], ids=["half", "exact", "dense"])
@pytest.mark.parametrize("half", [True, False])
def test_float32_gives_the_same_outputs(library: Library, tmp_path: Path, head: Head, half: bool) -> None:
    model, file = wide.install(library, wide.backbone_bytes(half=half), head=head), tmp_path / "a.onnx"
    export(model, file, Storage.FLOAT32)
    assert _types(file) == {TensorProto.FLOAT}
    assert "Cast" not in [node.op_type for node in onnx.ModelProto.FromString(file.read_bytes()).graph.node][1:]
    assert np.abs(_outputs(file).logits - _logits(model)).max() <= MAX_DIFFERENCE
    exported = tmp_path / "as-stored.onnx"
    export(model, exported)
    np.testing.assert_array_equal(_outputs(file).features, _outputs(exported).features)


@pytest.mark.parametrize("head", [tiny.head(), _exact_head(), _dense_head()], ids=["half", "exact", "dense"])
def test_float16_is_smaller_and_gives_nearly_the_same_outputs(library: Library, tmp_path: Path, head: Head) -> None:
    model, file = wide.install(library, wide.backbone_bytes(half=False), head=head), tmp_path / "a.onnx"
    export(model, file, Storage.FLOAT16)
    exported = tmp_path / "as-stored.onnx"
    export(model, exported)
    assert file.stat().st_size < 0.7 * exported.stat().st_size
    wanted = _logits(model)
    assert 0 < np.abs(_outputs(file).logits - wanted).max() <= MAX_ROUNDING * np.abs(wanted).max()
    arrays = {array.name: array for array in onnx.ModelProto.FromString(file.read_bytes()).graph.initializer}
    assert arrays["fovea.head/weights_0" if isinstance(head, DenseHead) else "fovea.head/weights"].data_type == (
        TensorProto.FLOAT16
    )


def test_called_off_nothing_is_written(library: Library, tmp_path: Path) -> None:
    model, token, expected = wide.install(library, wide.backbone_bytes(half=False)), CancelToken(), list[int]()

    def cancel_after_one(progress: Progress) -> None:
        expected.append(progress.step)
        if progress.step:
            token.cancel()

    with pytest.raises(Cancelled):
        export(model, tmp_path / "a.onnx", Storage.FLOAT16, report=cancel_after_one, token=token)
    assert expected[0] == 0
    assert not list(tmp_path.glob("*.onnx"))


def test_a_form_that_the_model_has_already_changes_nothing(library: Library, tmp_path: Path) -> None:
    model = wide.install(library, wide.backbone_bytes(half=True))
    files = [tmp_path / "as-stored.onnx", tmp_path / "half.onnx"]
    export(model, files[0])
    export(model, files[1], Storage.FLOAT16)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(("storage", "half"), [(Storage.FLOAT32, True), (Storage.FLOAT16, False)])
def test_a_form_comes_back_as_a_model_of_its_own(
    library: Library, other: Library, tmp_path: Path, storage: Storage, half: bool
) -> None:
    model, file = wide.install(library, wide.backbone_bytes(half=half)), tmp_path / "a.onnx"
    export(model, file, storage)
    for place in (library, other):
        imported = import_model(file, place)
        assert imported.is_new
        assert imported.model.name == ("colours-2" if place is library else "colours")
        card = imported.model.backbone.card
        assert isinstance(imported.model.card.backbone, BackboneCard)
        assert (card.name, card.weights) == (f"wide-{storage}", model.backbone.card.weights)
        assert card.sha256 == tiny.sha256(load_backbone(imported.model.backbone)) != model.backbone.card.sha256
        engine = open_engine(load_backbone(imported.model.backbone), card, Provider.CPU, Precision.EXACT)
        np.testing.assert_array_equal(engine.run(INPUTS), _outputs(file).features)
        assert not import_model(file, place).is_new
    again = tmp_path / "again.onnx"
    export(other.find("colours"), again, storage)
    np.testing.assert_array_equal(_outputs(again).logits, _outputs(file).logits)


def test_a_long_name_makes_room_for_the_form() -> None:
    data = wide.backbone_bytes(half=False)
    form = make_variant(data, replace(wide.backbone_card(data), name="n" * 64), Storage.INT8)
    assert form.card.name == "n" * 59 + "-int8"


def test_a_form_that_cannot_be_leaves_the_file_as_it_was(library: Library, tmp_path: Path) -> None:
    kernel = wide.kernels()[0]
    kernel[0, 0, 0, 0] = 1e5
    model, file = wide.install(library, wide.backbone_bytes(half=False, there=kernel)), tmp_path / "a.onnx"
    file.write_text("old")
    with pytest.raises(ModelError, match="too large for float16"):
        export(model, file, Storage.FLOAT16)
    assert file.read_text() == "old"


def test_other_predictions_are_refused() -> None:
    data, head, card = tiny.backbone_bytes(), tiny.head(), tiny.model_card()
    backbone = tiny.backbone_card()
    file, wanted = joined.join(data, backbone, head, card), logits_of(Variant(data, backbone), head)
    check_joined(file, backbone, card, wanted, MAX_DIFFERENCE)
    with pytest.raises(ModelError, match=r"logits differ by 0\.01"):
        check_joined(file, backbone, card, wanted + np.float32(0.01), MAX_DIFFERENCE)
    with pytest.raises(ModelError, match="same predictions"):
        check_joined(file, backbone, replace(card, temperature=2.0), wanted, MAX_DIFFERENCE)


def test_a_changed_backbone_that_is_no_backbone_gets_no_card() -> None:
    with pytest.raises(ModelError, match="card"):
        make_variant(tiny.backbone_bytes(), tiny.backbone_card(feature_width=9), Storage.INT8)
