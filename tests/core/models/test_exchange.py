"""Models written as one file and brought back, and files that are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import core
from core.base.errors import FoveaError, ModelError, StorageError
from core.base.providers import Precision, ProviderPreference
from core.card import BackboneCard, HeadReference, ModelCard, SharedBackbone, read_card, write_card
from core.models import joined
from core.models.classifier import open_classifier
from core.models.exchange import export, import_model
from core.models.heads import DenseHead, Head, LinearHead
from core.models.installed import load_backbone, load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.prediction import Prediction
from tests import tiny
from tests.patience import PATIENCE_S

ROOT = Path(core.__file__).parents[1]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library with the shared backbone `tiny`, and over it the shipped model `colours`."""
    return tiny.make_library(tmp_path / "library")


@pytest.fixture
def other(tmp_path: Path) -> Library:
    """The empty library of someone else."""
    return Library(tmp_path / "other" / "shipped", tmp_path / "other" / "own")


@pytest.fixture
def file(library: Library, tmp_path: Path) -> Path:
    """The model `colours` as one file."""
    target = tmp_path / "colours.onnx"
    export(library.find("colours"), target)
    return target


def _predictions(model: InstalledModel, folder: Path) -> list[dict[str, float]]:
    images = [tiny.write_solid(folder / f"{colour}.png", colour) for colour in tiny.SOLID]
    outcomes = open_classifier(model, ProviderPreference.CPU, Precision.EXACT).classify(images, top_k=3)
    return [
        {score.label: score.probability for score in outcome.scores}
        for outcome in outcomes
        if isinstance(outcome, Prediction)
    ]


def _installed(library: Library) -> list[str]:
    return [path.relative_to(library.user).as_posix() for path in library.user.rglob("*")]


def test_a_model_that_travels_gives_the_same_predictions(library: Library, other: Library, file: Path) -> None:
    imported = import_model(file, other)
    assert imported.is_new
    assert isinstance(imported.model.card.backbone, BackboneCard)
    before = _predictions(library.find("colours"), file.parent)
    after = _predictions(other.find("colours"), file.parent)
    assert len(before) == len(tiny.SOLID)
    for ours, theirs in zip(before, after, strict=True):
        assert ours.keys() == theirs.keys()
        assert max(abs(ours[label] - theirs[label]) for label in ours) <= 1e-5


def test_a_model_that_travels_keeps_its_card_and_its_files(library: Library, other: Library, file: Path) -> None:
    model, imported = library.find("colours"), import_model(file, other).model
    assert replace(imported.card, backbone=model.card.backbone) == model.card
    assert imported.backbone.card == model.backbone.card
    assert load_backbone(imported.backbone) == tiny.backbone_bytes()
    tiny.assert_same_head(load_head(imported), tiny.head())


def test_exporting_again_gives_the_same_bytes(other: Library, file: Path) -> None:
    again = file.with_name("again.onnx")
    export(import_model(file, other).model, again)
    assert again.read_bytes() == file.read_bytes()


def test_an_installed_backbone_is_shared_again(library: Library, file: Path, tmp_path: Path) -> None:
    neighbour = Library(tmp_path / "neighbour" / "shipped", tmp_path / "neighbour" / "own")
    tiny.write_backbone(neighbour.builtin)
    model = import_model(file, neighbour).model
    assert model.card.backbone == SharedBackbone("tiny", tiny.sha256(tiny.backbone_bytes()))
    assert sorted(path.name for path in model.folder.iterdir()) == ["card.json", "head.npz"]
    assert len(_predictions(model, tmp_path)) == 4


def test_a_backbone_that_another_program_encoded_is_still_known(file: Path, tmp_path: Path) -> None:
    odd = tiny.backbone_bytes()
    odd += b"\x1a\x00"  # `producer_version`, field 3, comes after the graph, and is empty
    neighbour = Library(tmp_path / "neighbour" / "shipped", tmp_path / "neighbour" / "own")
    card = tiny.backbone_card(odd)
    tiny.write_folder(neighbour.builtin / "tiny", write_card(card), {tiny.MODEL_FILE: odd})
    head_card = tiny.model_card("colours", backbone=SharedBackbone("tiny", card.sha256))
    own = neighbour.install(write_card(head_card), {tiny.HEAD_FILE: tiny.packaged_model()[1][tiny.HEAD_FILE]})
    export(own, tmp_path / "odd.onnx")
    neighbour.remove("colours")
    model = import_model(tmp_path / "odd.onnx", neighbour).model
    assert model.card.backbone == SharedBackbone("tiny", card.sha256)


def test_the_same_model_is_not_added_twice(library: Library, other: Library, file: Path) -> None:
    assert not import_model(file, library).is_new
    first, second = import_model(file, other), import_model(file, other)
    assert (first.is_new, second.is_new) == (True, False)
    assert second.model == first.model
    assert not library.user.exists()


def test_a_name_that_is_taken_keeps_its_model(library: Library, file: Path) -> None:
    changed = file.with_name("changed.onnx")
    head = LinearHead(tiny.head().weights[:, ::-1].copy(), tiny.head().bias)
    model = library.find("colours")
    changed.write_bytes(joined.join(tiny.backbone_bytes(), model.backbone.card, head, model.card))
    imported = import_model(changed, library)
    assert (imported.is_new, imported.model.name) == (True, "colours-2")
    assert library.find("colours") == model
    again = import_model(changed, library)
    assert (again.is_new, again.model.name) == (False, "colours-2")
    assert _predictions(imported.model, file.parent)[0]["blue"] > 0.9


def test_a_long_name_makes_room_for_its_number(other: Library, library: Library, tmp_path: Path) -> None:
    name = "n" * 64
    for temperature in (1.0, 2.0):
        card = replace(tiny.model_card(name), temperature=temperature)
        file = tmp_path / "long.onnx"
        file.write_bytes(joined.join(tiny.backbone_bytes(), tiny.backbone_card(), tiny.head(), card))
        import_model(file, other)
    assert [model.name for model in other.models()] == ["n" * 62 + "-2", name]


def _exact_heads() -> dict[str, Head]:
    """Heads that float16 would round; of the dense one, the last layer only."""
    weights = np.random.default_rng(2).normal(0, 1e5, (tiny.WIDTH, 3)).astype(np.float32)
    last = LinearHead(np.full((6, 3), 0.1, np.float32), np.full(3, 0.3, np.float32))
    return {
        "linear": LinearHead(weights, np.zeros(3, np.float32)),
        "dense": DenseHead((*tiny.dense_head().layers[:2], last)),
    }


@pytest.mark.parametrize("kind", _exact_heads())
def test_exact_weights_of_a_head_survive(other: Library, tmp_path: Path, kind: str) -> None:
    head = _exact_heads()[kind]
    file = tmp_path / "exact.onnx"
    file.write_bytes(joined.join(tiny.backbone_bytes(), tiny.backbone_card(), head, tiny.model_card()))
    tiny.assert_same_head(load_head(import_model(file, other).model), head)


@pytest.mark.parametrize("shared", [True, False], ids=["a shared backbone", "a backbone of its own"])
def test_a_model_with_a_dense_head_travels(library: Library, other: Library, tmp_path: Path, shared: bool) -> None:
    model = library.install(*tiny.packaged_model("dense", shared=shared, own_head=tiny.dense_head()))
    file, again = tmp_path / "dense.onnx", tmp_path / "again.onnx"
    export(model, file)
    imported = import_model(file, other).model
    assert replace(imported.card, backbone=model.card.backbone) == model.card
    assert isinstance(imported.card.backbone, BackboneCard)
    tiny.assert_same_head(load_head(imported), tiny.dense_head())
    before = _predictions(model, tmp_path)
    assert [max(scores, key=lambda label: scores[label]) for scores in before[:3]] == list(tiny.CLASSES)
    assert _predictions(imported, tmp_path) == [pytest.approx(scores, abs=1e-5) for scores in before]
    export(imported, again)
    assert again.read_bytes() == file.read_bytes()


@pytest.mark.parametrize("shared", [True, False], ids=["a shared backbone", "a backbone of its own"])
def test_a_model_with_a_dense_head_is_not_added_twice(library: Library, tmp_path: Path, shared: bool) -> None:
    model = library.install(*tiny.packaged_model("dense", shared=shared, own_head=tiny.dense_head()))
    file = tmp_path / "dense.onnx"
    export(model, file)
    imported = import_model(file, library)
    assert (imported.is_new, imported.model) == (False, model)
    library.remove("dense")
    anew = import_model(file, library)
    assert anew.is_new
    assert isinstance(anew.model.card.backbone, SharedBackbone)
    assert sorted(path.name for path in anew.model.folder.iterdir()) == ["card.json", "head.npz"]


def test_heads_of_two_kinds_are_two_models_though_they_answer_alike(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "dense.onnx"
    card = library.find("colours").card
    file.write_bytes(joined.join(tiny.backbone_bytes(), tiny.backbone_card(), tiny.dense_head(), card))
    imported = import_model(file, library)
    assert (imported.is_new, imported.model.name) == (True, "colours-2")


def test_a_dense_head_for_other_classes_or_features_is_refused(other: Library, tmp_path: Path) -> None:
    first, middle, last = tiny.dense_head().layers
    file = tmp_path / "dense.onnx"
    for head, reported in (
        (DenseHead((first, middle)), "its card has 3 classes, its head 6"),
        (DenseHead((middle, last)), "its head expects 6 features, its backbone gives 8"),
    ):
        file.write_bytes(joined.join(tiny.backbone_bytes(), tiny.backbone_card(), head, tiny.model_card()))
        with pytest.raises(ModelError, match=reported):
            import_model(file, other)
    assert _installed(other) == []


def _tampered(file: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    """Change a file on purpose, its sum included."""
    model = onnx.ModelProto.FromString(file.read_bytes())
    sums = [entry for entry in model.metadata_props if entry.key == joined.SEAL_KEY]
    model.metadata_props.remove(sums[0])
    change(model)
    file.write_bytes(joined.seal(model))


def _change_cards(model: onnx.ModelProto, change: Callable[[ModelCard, BackboneCard], ModelCard]) -> None:
    entry = next(entry for entry in model.metadata_props if entry.key == joined.CARD_KEY)
    card = read_card(entry.value.encode())
    assert isinstance(card, ModelCard)
    assert isinstance(card.backbone, BackboneCard)
    entry.value = write_card(change(card, card.backbone)).decode()


def _lie(change: Callable[[ModelCard, BackboneCard], ModelCard]) -> Callable[[onnx.ModelProto], object]:
    return lambda model: _change_cards(model, change)


TAMPERINGS: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "a class too many": (
        _lie(lambda card, _: replace(card, classes=(*card.classes, "yellow"))),
        "its card has 4 classes, its head 3",
    ),
    "another size": (
        _lie(lambda card, own: replace(card, backbone=replace(own, preprocessing=replace(own.preprocessing, size=64)))),
        "does not match its card",
    ),
    "another layout": (
        _lie(lambda card, own: replace(card, backbone=replace(own, feature_map_layout="nhwc"))),
        "does not match its card",
    ),
    "other golden features": (
        _lie(lambda card, own: replace(card, backbone=replace(own, golden_features="A" * 42 + "8="))),
        "reproduce the features in its card",
    ),
    "the same name for two files": (
        _lie(lambda card, own: replace(card, head=HeadReference(own.file, card.head.sha256))),
        "is damaged or was changed",
    ),
    "the card's name for the head": (
        _lie(lambda card, _: replace(card, head=HeadReference("card.json", card.head.sha256))),
        "is damaged or was changed",
    ),
    "other weights": (
        lambda model: setattr(model.graph.initializer[0], "raw_data", bytes(len(model.graph.initializer[0].raw_data))),
        "reproduce the features in its card",
    ),
    "an operator without input": (
        lambda model: model.graph.node[3].input.__setitem__(0, "nowhere"),
        "array “nowhere” before it is computed",
    ),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_file_that_lies_is_refused_and_nothing_is_installed(other: Library, file: Path, tampering: str) -> None:
    change, reported = TAMPERINGS[tampering]
    _tampered(file, change)
    with pytest.raises(FoveaError, match=reported) as caught:
        import_model(file, other)
    assert caught.value.hint
    assert list(other.entries()) == []
    assert _installed(other) == []


def test_a_changed_backbone_becomes_the_models_own(library: Library, file: Path, tmp_path: Path) -> None:
    _tampered(file, lambda model: setattr(model, "producer_name", "another program"))
    neighbour = Library(library.builtin, tmp_path / "own")
    imported = import_model(file, neighbour)
    assert (imported.is_new, imported.model.name) == (True, "colours-2")
    assert isinstance(imported.model.card.backbone, BackboneCard)
    assert len(_predictions(imported.model, tmp_path)) == 4


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "not an ONNX file"),
        (b"PK\x03\x04" + bytes(100), "not an ONNX file"),
        (b"<html>", "not an ONNX file"),
    ],
)
def test_a_file_of_another_kind_is_refused(other: Library, tmp_path: Path, content: bytes, reported: str) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=reported):
        import_model(file, other)
    assert _installed(other) == []


def test_a_model_of_another_program_is_refused_with_where_it_can_be_imported(other: Library, tmp_path: Path) -> None:
    file = tmp_path / "foreign.onnx"
    file.write_bytes(tiny.backbone_bytes())
    with pytest.raises(ModelError, match="not exported by Fovea") as caught:
        import_model(file, other)
    assert "give the missing details" in caught.value.hint


def test_what_is_no_file_is_refused_at_once(other: Library, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Couldn't read"):
        import_model(tmp_path / "nowhere.onnx", other)
    with pytest.raises(ModelError, match="not a file"):
        import_model(tmp_path, other)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.onnx")
        with pytest.raises(ModelError, match="not a file"):
            import_model(tmp_path / "pipe.onnx", other)


def test_a_file_of_impossible_size_is_not_even_read(other: Library, tmp_path: Path) -> None:
    huge = tmp_path / "huge.onnx"
    with huge.open("wb") as stream:
        stream.truncate(5 * 1024**3)
    with pytest.raises(ModelError, match="too large"):
        import_model(huge, other)


def test_a_model_whose_files_changed_is_not_exported(library: Library, tmp_path: Path) -> None:
    target = tmp_path / "colours.onnx"
    target.write_text("old")
    (library.builtin / "tiny" / tiny.MODEL_FILE).write_bytes(b"changed")
    with pytest.raises(ModelError, match="is damaged or was changed"):
        export(library.find("colours"), target)
    assert target.read_text() == "old"


def test_an_export_to_where_nothing_can_be_written_is_reported(library: Library, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        export(library.find("colours"), tmp_path)
    assert not list(tmp_path.glob(".*.onnx*"))


def test_two_programs_import_at_once(file: Path, home: Path, tmp_path: Path) -> None:
    changed = tmp_path / "warmer.onnx"
    card = replace(tiny.model_card("colours"), temperature=2.0)
    changed.write_bytes(joined.join(tiny.backbone_bytes(), tiny.backbone_card(), tiny.head(), card))
    files = [file, changed] * 2
    programs = [
        subprocess.Popen([sys.executable, "-m", "core.cli", "models", "import", path], cwd=ROOT, stderr=subprocess.PIPE)
        for path in files
    ]
    reported = [program.communicate(timeout=PATIENCE_S)[1] for program in programs]
    assert [program.returncode for program in programs] == [0] * 4, reported
    models = Library(tmp_path / "none", home / "models").models()
    assert {model.card.temperature for model in models} == {1.0, 2.0}
    assert all(model.version == 1 for model in models)
    assert all(len(_predictions(model, tmp_path)) == 4 for model in models)
    assert not list((home / "models").rglob(".new-*"))
