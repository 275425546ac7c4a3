"""From files to answers: in order, whatever lies between them, and never more in memory than is needed."""

from __future__ import annotations

import itertools
import os
import threading
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.errors import ModelError, ProviderError
from core.base.file_state import FileState
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import Preprocessing, ResizeMode
from core.engine.feature_cache import LruFeatureCache
from core.engine.limits import MAX_BATCH
from core.images.decoding import DECODE_THREADS, decode
from core.images.drawing import Picture
from core.models.classifier import Classifier, open_classifier, prepared_ahead, swap_head
from core.models.library import Library
from core.prediction import NO_FILE, Failure, Outcome, Prediction
from tests import tiny

MOST_AHEAD = 2 * MAX_BATCH + DECODE_THREADS


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = tiny.make_library(tmp_path_factory.mktemp("library"))
    tiny.write_model(library.builtin, name="careful", unknown_below=0.5)
    tiny.write_model(library.builtin, name="mild", temperature=100.0)
    tiny.write_model(library.builtin, name="own", shared=False)
    library.install(*tiny.packaged_model("dense", shared=True, own_head=tiny.dense_head()))
    return library


def opened(library: Library, name: str = "colours") -> Classifier:
    return open_classifier(library.find(name), ProviderPreference.CPU, Precision.EXACT)


@pytest.fixture
def classifier(library: Library) -> Classifier:
    return opened(library)


@pytest.fixture
def solids(tmp_path: Path) -> dict[str, Path]:
    return {colour: tiny.write_solid(tmp_path / f"{colour}.png", colour) for colour in tiny.SOLID}


def labels(outcomes: Iterator[Outcome]) -> list[str]:
    return [outcome.best.label if isinstance(outcome, Prediction) else outcome.kind for outcome in outcomes]


def test_pixels_without_a_file_are_predicted_like_their_file(classifier: Classifier, solids: dict[str, Path]) -> None:
    pictures = [Picture.of(decode(path)) for path in solids.values()]
    mixed = [one for pair in zip(pictures, solids.values(), strict=True) for one in pair]
    found = [one for one in classifier.classify(mixed, top_k=3) if isinstance(one, Prediction)]
    assert [one.path for one in found] == [path for file in solids.values() for path in (NO_FILE, file)]
    for picture, file in zip(found[::2], found[1::2], strict=True):
        assert picture.scores == file.scores


def decoders() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_a_single_image_is_prepared_without_another_thread() -> None:
    names = {count: threads_of(range(count)) for count in (1, 3)}
    assert names[1] == [threading.current_thread().name]
    assert len(names[3]) == 3
    assert all(name.startswith("decode") for name in names[3])


def threads_of(images: Iterable[int]) -> list[str]:
    """The names of the threads in which images are prepared."""
    return list(itertools.chain(*prepared_ahead(images, lambda _: threading.current_thread().name, MAX_BATCH)))


@pytest.mark.parametrize("name", ["colours", "own"])
def test_a_photo_gets_its_answer(library: Library, solids: dict[str, Path], name: str) -> None:
    for colour in tiny.CLASSES:
        (answer,) = opened(library, name).classify([solids[colour]], top_k=3)
        assert isinstance(answer, Prediction)
        assert answer.path == solids[colour]
        assert answer.best.label == colour
        assert answer.best.probability > 0.9
        assert sum(score.probability for score in answer.scores) == pytest.approx(1)
        assert {score.label for score in answer.scores} == set(tiny.CLASSES)
        assert (answer.model, answer.provider) == (name, Provider.CPU)


def test_no_images_no_answers(classifier: Classifier) -> None:
    assert list(classifier.classify([], top_k=1)) == []
    assert not decoders()


def test_answers_keep_the_order_of_the_images(classifier: Classifier, tmp_path: Path) -> None:
    """Large and small ones mixed, so that they are ready in another order than asked."""
    colours = [tiny.CLASSES[number] for number in np.random.default_rng(0).integers(0, 3, 60)]
    sizes = itertools.cycle([(8, 8), (1600, 1200), (64, 64), (8, 8), (8, 8)])
    files = [
        tiny.write_solid(tmp_path / f"{number}.png", colour, size=size)
        for number, (colour, size) in enumerate(zip(colours, sizes, strict=False))
    ]
    outcomes = list(classifier.classify(files, top_k=1))
    assert [outcome.path for outcome in outcomes] == files
    assert labels(iter(outcomes)) == colours


def test_a_batch_answers_as_each_image_alone(classifier: Classifier, solids: dict[str, Path]) -> None:
    together = list(classifier.classify(list(solids.values()) * 5, top_k=3))
    alone = [outcome for path in solids.values() for outcome in classifier.classify([path], top_k=3)] * 5
    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert [score.label for score in one.scores] == [score.label for score in other.scores]
        expected = [score.probability for score in other.scores]
        assert [score.probability for score in one.scores] == pytest.approx(expected, abs=1e-6)


def bad_images(place: Path) -> dict[str, Path]:
    place.mkdir()
    (place / "empty.jpg").write_bytes(b"")
    (place / "text.png").write_text("no image")
    (place / "folder.jpg").mkdir()
    whole = tiny.write_solid(place / "whole.png", "red", size=(300, 300)).read_bytes()
    (place / "cut.png").write_bytes(whole[: len(whole) // 2])
    return {
        "missing": place / "nothing.jpg",
        "empty": place / "empty.jpg",
        "not-an-image": place / "text.png",
        "not-a-file": place / "folder.jpg",
        "damaged": place / "cut.png",
    }


def test_bad_images_cost_only_themselves(classifier: Classifier, solids: dict[str, Path], tmp_path: Path) -> None:
    bad = bad_images(tmp_path / "bad")
    mixed = [path for file in bad.values() for path in (solids["red"], file, solids["blue"])]
    outcomes = list(classifier.classify(mixed, top_k=1))
    assert [outcome.path for outcome in outcomes] == mixed
    assert labels(iter(outcomes)) == [label for kind in bad for label in ("red", kind, "blue")]
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            assert outcome.message
            assert outcome.hint


def test_only_bad_images_is_no_reason_to_stop(classifier: Classifier, tmp_path: Path) -> None:
    bad = bad_images(tmp_path / "bad")
    assert labels(classifier.classify([*bad.values()] * 20, top_k=1)) == [*bad] * 20


@pytest.mark.skipif(os.name == "nt", reason="names of files are always Unicode on Windows")
def test_names_that_are_not_utf8_or_hold_newlines_are_names(classifier: Classifier, solids: dict[str, Path]) -> None:
    odd = [os.fsencode(solids["red"].parent) + name for name in (b"/\xff\xfe.png", b"/a\nb'\".png")]
    for name in odd:
        Path(os.fsdecode(name)).write_bytes(solids["red"].read_bytes())
    outcomes = list(classifier.classify([Path(os.fsdecode(name)) for name in odd], top_k=1))
    assert labels(iter(outcomes)) == ["red", "red"]
    assert [os.fsencode(outcome.path) for outcome in outcomes] == odd


def test_images_are_read_only_as_far_ahead_as_needed(classifier: Classifier, solids: dict[str, Path]) -> None:
    taken = 0

    def million() -> Iterator[Path]:
        nonlocal taken
        for taken in range(1, 1_000_001):  # noqa: B007 - counted here, looked at below
            yield solids["red"]

    answers = classifier.classify(million(), top_k=1)
    for given in range(100):
        next(answers)
        assert taken <= given + MOST_AHEAD
    answers.close()  # type: ignore[attr-defined]


def test_nothing_is_read_before_an_answer_is_asked_for(classifier: Classifier) -> None:
    def never() -> Iterator[Path]:
        pytest.fail("an image was taken")
        yield

    classifier.classify(never(), top_k=1)
    assert not decoders()


def test_closing_early_stops_everything(classifier: Classifier, solids: dict[str, Path]) -> None:
    answers = classifier.classify(itertools.repeat(solids["green"]), top_k=1)
    assert labels(itertools.islice(answers, 3)) == ["green"] * 3
    assert decoders()
    answers.close()  # type: ignore[attr-defined]
    assert not decoders()
    assert list(answers) == []


def test_closing_early_does_not_finish_what_was_queued(classifier: Classifier, tmp_path: Path) -> None:
    photos = [tiny.write_solid(tmp_path / "large.png", "green", size=(2000, 1500))] * MOST_AHEAD
    started = time.process_time()
    assert labels(classifier.classify(photos, top_k=1)) == ["green"] * MOST_AHEAD
    whole = time.process_time() - started
    answers = classifier.classify(photos, top_k=1)
    next(answers)
    started = time.process_time()
    answers.close()  # type: ignore[attr-defined]
    assert time.process_time() - started < whole / 2


def test_forgetting_the_answers_stops_everything_too(classifier: Classifier, solids: dict[str, Path]) -> None:
    answers = classifier.classify(itertools.repeat(solids["green"]), top_k=1)
    next(answers)
    del answers
    assert not decoders()


def test_a_source_that_fails_ends_the_answers_with_its_failure(classifier: Classifier, solids: dict[str, Path]) -> None:
    def failing() -> Iterator[Path]:
        yield from [solids["red"]] * (MOST_AHEAD + 1)
        raise RuntimeError("the folder went away")

    answers = classifier.classify(failing(), top_k=1)
    with pytest.raises(RuntimeError, match="went away"):
        list(answers)
    assert not decoders()


def test_memory_does_not_grow_with_the_folder(classifier: Classifier, tmp_path: Path) -> None:
    photo = tiny.write_solid(tmp_path / "photo.png", "blue", size=(800, 600))
    pixels_of_one = 800 * 600 * 3

    decoded, before = [], living_blocks()
    tracemalloc.start()
    for outcome in classifier.classify(itertools.repeat(photo, 4 * MOST_AHEAD), top_k=1):
        assert isinstance(outcome, Prediction)
        decoded.append(living_blocks() - before)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < pixels_of_one, "what waits for the engine is small"
    assert max(decoded) <= 4 * DECODE_THREADS


def living_blocks() -> int:
    """How many blocks of memory Pillow holds; an image of this size has one, and one for each image made of it."""
    counts = Image.core.get_stats()
    return counts["allocated_blocks"] - counts["freed_blocks"]


def test_times_are_reported_for_each_step(classifier: Classifier, tmp_path: Path) -> None:
    large = tiny.write_solid(tmp_path / "large.png", "red", size=(3000, 2000))
    small = tiny.write_solid(tmp_path / "small.png", "red", size=(32, 32))
    (slow,) = classifier.classify([large], top_k=1)
    (fast,) = classifier.classify([small], top_k=1)
    assert isinstance(slow, Prediction)
    assert isinstance(fast, Prediction)
    for timing in (slow.timing, fast.timing):
        assert timing.decode_ms > 0
        assert timing.preprocess_ms > 0
        assert timing.inference_ms > 0
        assert timing.total_ms == timing.decode_ms + timing.preprocess_ms + timing.inference_ms
    assert slow.timing.decode_ms > fast.timing.decode_ms


def test_unknown_images_are_reported_if_there_is_a_threshold(library: Library, solids: dict[str, Path]) -> None:
    def unknown(name: str, colour: str) -> bool | None:
        (answer,) = opened(library, name).classify([solids[colour]], top_k=1)
        assert isinstance(answer, Prediction)
        return answer.unknown

    assert unknown("careful", "grey") is True
    assert unknown("careful", "red") is False
    assert unknown("colours", "grey") is None


def test_a_cards_temperature_is_used(library: Library, solids: dict[str, Path]) -> None:
    (sure,) = opened(library).classify([solids["red"]], top_k=1)
    (mild,) = opened(library, "mild").classify([solids["red"]], top_k=1)
    assert isinstance(sure, Prediction)
    assert isinstance(mild, Prediction)
    assert 1 / 3 < mild.best.probability < 0.4 < sure.best.probability


def test_a_dense_head_answers_as_the_linear_one_that_computes_the_same(
    library: Library, solids: dict[str, Path]
) -> None:
    linear, dense = (opened(library, name).classify(solids.values(), top_k=3) for name in ("colours", "dense"))
    for one, other in zip(linear, dense, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert other.model == "dense"
        assert [score.label for score in other.scores] == [score.label for score in one.scores]
        expected = [score.probability for score in one.scores]
        assert [score.probability for score in other.scores] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("top_k", "count"), [(1, 1), (2, 2), (3, 3), (20, 3)])
def test_as_many_classes_are_reported_as_asked_for(
    classifier: Classifier, solids: dict[str, Path], top_k: int, count: int
) -> None:
    (answer,) = classifier.classify([solids["green"]], top_k=top_k)
    assert isinstance(answer, Prediction)
    assert len(answer.scores) == count
    probabilities = [score.probability for score in answer.scores]
    assert probabilities == sorted(probabilities, reverse=True)


@pytest.mark.parametrize(
    "plan", [Preprocessing(32, ResizeMode.CENTRE_CROP, 0.01), Preprocessing(32, ResizeMode.CENTRE_CROP, 1.0)]
)
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3)])
def test_the_thinnest_images_are_images(
    classifier: Classifier, tmp_path: Path, plan: Preprocessing, size: tuple[int, int]
) -> None:
    card = replace(classifier.engine.card, preprocessing=plan)
    cropping = replace(classifier, engine=replace(classifier.engine, card=card))
    photo = tiny.write_solid(tmp_path / "thin.png", "blue", size=size)
    assert labels(cropping.classify([photo], top_k=1)) == ["blue"]


def test_an_engine_that_fails_under_way_says_so_and_stops(classifier: Classifier, solids: dict[str, Path]) -> None:
    """Its images are made larger than the network reads, as by a provider that loses its device."""
    card = replace(classifier.engine.card, preprocessing=Preprocessing(64))
    failing = replace(classifier, engine=replace(classifier.engine, card=card))
    with pytest.raises(ProviderError) as caught:
        list(failing.classify([solids["red"]] * 50, top_k=1))
    assert caught.value.hint
    assert not decoders()
    assert labels(classifier.classify([solids["red"]], top_k=1)) == ["red"]


def test_a_wrong_file_is_refused_at_opening(library: Library, tmp_path: Path) -> None:
    copy = tiny.make_library(tmp_path)
    head = copy.builtin / "colours" / tiny.HEAD_FILE
    head.write_bytes(head.read_bytes()[::-1])
    with pytest.raises(ModelError, match="is damaged or was changed"):
        opened(copy)


@pytest.mark.parametrize("form", ["jpg", "png", "webp", "gif", "tiff", "bmp"])
def test_every_common_kind_of_file_is_answered(classifier: Classifier, tmp_path: Path, form: str) -> None:
    photo = tiny.write_solid(tmp_path / f"photo.{form}", "green")
    assert labels(classifier.classify([photo], top_k=1)) == ["green"]


def test_a_photo_that_is_mostly_one_colour_is_that_colour(classifier: Classifier, tmp_path: Path) -> None:
    picture = np.random.default_rng(3).integers(0, 120, (90, 160, 3), dtype=np.uint8)
    picture[..., 2] += 130
    Image.fromarray(picture).save(tmp_path / "noise.png")
    assert labels(classifier.classify([tmp_path / "noise.png"], top_k=1)) == ["blue"]


class TestRecentImages:
    """Another head over the same engine answers what was looked at lately from memory."""

    @pytest.fixture
    def remembering(self, classifier: Classifier) -> Classifier:
        return replace(classifier, feature_cache=LruFeatureCache())

    def test_another_head_looks_at_nothing_again(
        self, remembering: Classifier, library: Library, solids: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = list(remembering.classify(solids.values(), top_k=1))
        other = swap_head(remembering, library.find("mild"))
        monkeypatch.setattr("core.models.classifier.prepare", lambda *_: pytest.fail("it was read again"))
        again = list(other.classify(reversed(solids.values()), top_k=1))
        assert [one.path for one in again] == [one.path for one in reversed(first)]
        assert labels(iter(again)) == labels(reversed(first))
        assert {one.model for one in again if isinstance(one, Prediction)} == {"mild"}
        assert all(isinstance(one, Prediction) and one.timing.total_ms > 0 for one in again), "as long as it took then"

    def test_a_file_written_again_is_looked_at_again(self, remembering: Classifier, tmp_path: Path) -> None:
        photo = tiny.write_solid(tmp_path / "photo.png", "red")
        assert labels(remembering.classify([photo], top_k=1)) == ["red"]
        tiny.write_solid(photo, "blue")
        assert labels(remembering.classify([photo, tmp_path / "gone.png"], top_k=1)) == ["blue", "missing"]

    def test_known_and_new_images_keep_their_order(self, remembering: Classifier, solids: dict[str, Path]) -> None:
        some = list(solids.values())[::2]
        list(remembering.classify(some, top_k=1))
        assert labels(remembering.classify(solids.values(), top_k=1)) == labels(
            remembering.classify(solids.values(), top_k=1)
        )
        assert labels(remembering.classify(some, top_k=1)) == list(solids)[::2]

    def test_only_the_latest_stay(self, remembering: Classifier, solids: dict[str, Path]) -> None:
        recent = LruFeatureCache(capacity=2)
        list(replace(remembering, feature_cache=recent).classify(solids.values(), top_k=1))
        kept = [path for path in solids.values() if (state := FileState.of(path)) and recent.get(path, state)]
        assert kept == list(solids.values())[-2:]
