"""The library process's service, spoken to over a pipe."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from typing import TypeVar

import pytest

from core import paths
from core.learning.request import Recipe
from core.learning.runs import unfinished_run
from core.library.heads import LinearHead
from core.library.library import open_library
from core.prediction import Prediction
from core.providers import Precision, ProviderWish
from core.services.library import LibraryService
from core.services.library_messages import (
    Activate,
    Changed,
    Compare,
    Compared,
    Export,
    Exported,
    ExportForm,
    Import,
    Imported,
    Job,
    LibraryListed,
    ListLibrary,
    Remove,
    Restore,
    RollBack,
    ThrowAway,
)
from core.services.training_messages import Stage, Stop, Stopped
from tests import tiny
from tests.core.library.test_foreign import ANSWERS, classifier
from tests.core.services.conftest import PATIENCE_S, request

Kind = TypeVar("Kind")


class Asker:
    """The other end of the pipe."""

    def __init__(self) -> None:
        self._ours, theirs = Pipe()
        self.heard: list[object] = []
        self.service = threading.Thread(target=self._serve, args=(theirs,), daemon=True)
        self.service.start()

    def _serve(self, connection) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        LibraryService(connection).run()
        connection.close()

    def ask(self, job: Job | Stop, kind: type[Kind]) -> Kind:
        self._ours.send(job)
        while self._ours.poll(PATIENCE_S):
            message = self._ours.recv()
            self.heard.append(message)
            if isinstance(message, kind):
                return message
        pytest.fail(f"no {kind.__name__} came, but {self.heard}")

    def tell(self, message: Job | Stop) -> None:
        self._ours.send(message)

    def close(self) -> None:
        self._ours.close()
        self.service.join(PATIENCE_S)


@pytest.fixture
def asker(home: Path) -> Iterator[Asker]:
    head = tiny.head()
    weights = head.weights.copy()
    weights[:, 2] += weights[:, 1] * 2
    open_library().install(*tiny.packaged_model("mine", own_head=LinearHead(weights, head.bias)))
    open_library().install(*tiny.packaged_model("mine", title="Better"), learnt=["0" * 64, "1" * 64])
    made = Asker()
    yield made
    made.close()
    assert not made.service.is_alive()


def listed(asker: Asker) -> LibraryListed:
    return asker.ask(ListLibrary(1), LibraryListed)


def test_every_version_is_told_with_what_is_known(asker: Asker) -> None:
    names = {one.name: one for one in listed(asker).names}
    mine = names["mine"]
    first, second = mine.versions
    assert (first.number, first.is_active, first.learnt) == (1, False, None)
    assert (second.number, second.is_active, second.learnt) == (2, True, 2)
    assert mine.title == "Better"
    assert mine.active is second
    assert second.facts is not None
    assert second.facts.card.classes == tiny.CLASSES
    assert second.installed is not None
    assert names["general"].versions[0].number == 0


def test_a_damaged_version_says_why_it_cannot_be_used(asker: Asker) -> None:
    (paths.own_models() / "mine" / "1" / "head.npz").write_bytes(b"damaged")
    first = next(one for one in listed(asker).names if one.name == "mine").versions[0]
    assert first.facts is None
    assert first.error is not None
    assert "head.npz" in str(first.error)


def test_versions_are_chosen_removed_and_brought_back(asker: Asker) -> None:
    assert asker.ask(Activate(1, "mine", 1), Changed).version == 1
    assert asker.ask(RollBack(2, "mine"), Changed).version == 2
    assert asker.ask(Remove(3, "mine", 1), Changed).error is None
    kept = listed(asker).removed
    assert [(one.name, one.version) for one in kept] == [("mine", 1)]
    assert asker.ask(Restore(4, "mine", 1), Changed).error is None
    assert asker.ask(Remove(5, "mine", None), Changed).version is None
    assert asker.ask(Restore(6, "mine", None), Changed).version == 2
    refused = asker.ask(Remove(7, "general", None), Changed)
    assert refused.error is not None
    assert "came with Fovea" in refused.error.what
    assert refused.job == Remove(7, "general", None)


def test_a_model_goes_out_as_a_file_and_comes_in_again(asker: Asker, tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    exported = asker.ask(Export(1, "mine@1", file, ExportForm.ONNX), Exported)
    assert exported.error is None
    assert exported.size_bytes == file.stat().st_size
    imported = asker.ask(Import(2, file), Imported)
    assert (imported.name, imported.is_new, imported.error) == ("mine-2", True, None)
    assert not asker.ask(Import(3, file), Imported).is_new
    refused = asker.ask(Export(4, "mine", tmp_path / "x.onnx", ExportForm.ONNX_INT8), Exported)
    assert refused.error is not None
    assert "labelled images" in refused.error.hint


def compare(*paths_: Path) -> Compare:
    return Compare(1, "mine@1", "mine@2", paths_, ProviderWish.CPU, Precision.AUTO)


def test_photos_are_compared_with_what_differs_first(asker: Asker, tmp_path: Path) -> None:
    photos = [
        tiny.write_solid(tmp_path / f"{number}.png", colour, size=(40 + number, 40))
        for number, colour in enumerate(("red", "green", "green", "blue"))
    ]
    facts = asker.ask(compare(*photos), Compared).facts
    assert facts is not None
    assert (facts.a, facts.b, facts.images, facts.flip_count) == ("mine@1", "mine@2", 4, 2)
    assert {(one.path, one.before, one.now, one.label) for one in facts.flips} == {
        (photo, "blue", "green", None) for photo in photos[1:3]
    }
    assert [(one.before, one.now, one.images) for one in facts.changes] == [("blue", "green", 2)]
    assert facts.known is None
    assert facts.computed == 4
    again = asker.ask(compare(*photos), Compared).facts
    assert again is not None
    assert again.computed == 0
    assert any(isinstance(one, Stage) for one in asker.heard)


def test_labelled_photos_tell_what_was_fixed_and_what_broke(asker: Asker, tmp_path: Path) -> None:
    for colour in tiny.CLASSES:
        for number in range(2):
            tiny.write_solid(tmp_path / "labelled" / colour / f"{number}.png", colour, size=(40 + number, 40))
    (tmp_path / "labelled" / "red" / "broken.png").write_bytes(b"nothing")
    facts = asker.ask(compare(tmp_path / "labelled"), Compared).facts
    assert facts is not None
    assert facts.known is not None
    assert (facts.known.fixed, facts.known.broke, facts.known.could_be_chance) == (2, 0, True)
    assert (facts.known.learnt_a, facts.known.learnt_b) == (None, 0)
    assert [(one.name, one.before, one.now) for one in facts.known.classes] == [
        ("red", 1.0, 1.0), ("green", 0.0, 1.0), ("blue", 1.0, 1.0)
    ]  # fmt: skip
    assert facts.unread_count == 1
    assert facts.unread[0].path.name == "broken.png"


def test_a_comparison_can_be_called_off(asker: Asker, tmp_path: Path) -> None:
    for number in range(300):
        tiny.write_solid(tmp_path / "many" / f"{number}.png", "red", size=(40 + number, 400))
    asker.ask(compare(tmp_path / "many"), Stage)
    asker.ask(Stop(1), Stopped)


def test_what_cannot_be_compared_says_why(asker: Asker, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused = asker.ask(compare(tmp_path / "empty"), Compared)
    assert refused.facts is None
    assert refused.error is not None
    assert "no photo" in refused.error.what


def test_unfinished_runs_are_told_and_thrown_away(asker: Asker, tmp_path: Path) -> None:
    asked = request(tmp_path, name="later", recipe=Recipe.DENSE)
    with unfinished_run(asked, {"recipe": "dense", "epochs": 3}, ["a"], restart=False):
        (run,) = listed(asker).runs
        assert run.is_under_way
        refused = asker.ask(ThrowAway(2, "later"), Changed)
        assert refused.error is not None
    (run,) = listed(asker).runs
    assert run.request == asked
    assert asker.ask(ThrowAway(3, "later"), Changed).error is None
    assert listed(asker).runs == ()


def test_another_programs_file_is_asked_about_and_then_imported(asker: Asker, tmp_path: Path) -> None:
    file = tmp_path / "theirs.onnx"
    file.write_bytes(classifier().SerializeToString())
    asked = asker.ask(Import(1, file), Imported)
    assert asked.error is None
    assert [one.class_count for one in asked.questions] == [3]
    photo = tiny.write_solid(tmp_path / "photo.png", "red")
    tried = asker.ask(Import(4, file, ANSWERS, photo), Imported)
    assert isinstance(tried.preview, Prediction)
    assert tried.preview.best.label == "red"
    assert asker.ask(Import(2, file, ANSWERS), Imported).name == "colours-of-others"
    refused = asker.ask(Import(3, file, replace(ANSWERS, classes=("a",))), Imported)
    assert refused.error is not None
