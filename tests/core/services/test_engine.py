"""The model in use, and the one stream through it: order, cancelling, failing providers, heads without a new engine."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.base import paths
from core.base.errors import Cancelled, ModelError, ProviderError
from core.base.progress import CancelToken
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import ResizeMode
from core.detection import NO_DETECTION, DetectionOptions
from core.engine.engine import Engine
from core.images.decoding import decode
from core.images.drawing import Picture
from core.models import classifier as classifiers
from core.models import prepare as preparing
from core.models.classifier import Classifier, open_classifier
from core.models.values import OpenedModel
from core.prediction import NO_FILE, Failure, Outcome, Prediction
from core.services import engine
from core.services.engine import EngineService
from tests import tiny
from tests.patience import PATIENCE_S
from tests.tiny_detector import write_detector, write_things


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineService:
    """A service with the model `colours` open; `hues` has another head over the same backbone."""
    library = tiny.make_library(tmp_path / "library", ("colours", "hues"))
    monkeypatch.setattr(engine, "open_library", lambda: library)
    made = EngineService()
    use(made, "colours")
    return made


@pytest.fixture
def images(tmp_path: Path) -> tuple[Path, ...]:
    colours = tiny.CLASSES * 20
    return tuple(tiny.write_solid(tmp_path / f"{number}.png", colour) for number, colour in enumerate(colours))


def use(service: EngineService, name: str, provider: ProviderPreference = ProviderPreference.CPU) -> OpenedModel:
    return service.open(name, provider, Precision.EXACT, 1, token=CancelToken())


def outcomes(service: EngineService, images: tuple[Path | Picture, ...]) -> list[Outcome]:
    reports: list[Outcome | OpenedModel] = []
    service.classify(images, report=reports.append, token=CancelToken())
    return [one for one in reports if not isinstance(one, OpenedModel)]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """All images but those named 0.png wait for it."""
    released, read_image = threading.Event(), preparing.read_image

    def read_released(path: Path, **options: int) -> object:
        if path.name != "0.png":
            released.wait(PATIENCE_S)
        return read_image(path, **options)

    monkeypatch.setattr(preparing, "read_image", read_released)
    yield released
    released.set()


def fail_while_running(monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """Let the engine fail at its next runs."""
    run, left = Engine.run, [None] * times

    def fragile(self: Engine, batch: object) -> object:
        if left:
            left.pop()
            raise ProviderError("CUDA failed while it ran: lost.", hint="Try another.")
        return run(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "run", fragile)


def test_images_are_answered_in_order(service: EngineService, images: tuple[Path, ...]) -> None:
    found = outcomes(service, images)
    assert [one.path for one in found] == list(images)
    assert [one.best.label for one in found if isinstance(one, Prediction)] == list(tiny.CLASSES * 20)


def test_images_of_calls_that_arrive_meanwhile_join_the_stream(
    service: EngineService, images: tuple[Path, ...], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams: list[Classifier] = []
    classify = Classifier.classify

    def counted(self: Classifier, paths: Iterator[Path], *, top_k: int) -> Iterator[Outcome]:
        streams.append(self)
        return classify(self, paths, top_k=top_k)

    monkeypatch.setattr(Classifier, "classify", counted)
    arrived = threading.Semaphore(0)

    class Waiting(deque):  # type: ignore[type-arg]
        def extend(self, more: Iterable[object]) -> None:
            super().extend(more)
            arrived.release()

    monkeypatch.setattr(service, "_waiting", Waiting())
    with ThreadPoolExecutor(3) as calls:
        answers = []
        for part in (images[1:31], images[31:40], images[40:]):
            answers.append(calls.submit(outcomes, service, part))
            assert arrived.acquire(timeout=PATIENCE_S)
        gate.set()
        found = [one for answer in answers for one in answer.result(PATIENCE_S)]
    assert [one.path for one in found] == list(images[1:])
    assert len(streams) == 1


def test_pixels_overtake_the_files_that_wait(
    service: EngineService, images: tuple[Path, ...], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, streamed = Picture.of(decode(images[2])), list[Path | Picture]()
    classify, begun, arrived = Classifier.classify, threading.Event(), threading.Event()

    def watched(self: Classifier, contents: Iterator[Path | Picture], *, top_k: int) -> Iterator[Outcome]:
        return classify(self, noted(contents), top_k=top_k)

    def noted(contents: Iterator[Path | Picture]) -> Iterator[Path | Picture]:
        for content in contents:
            streamed.append(content)
            begun.set()
            yield content

    class Waiting(deque):  # type: ignore[type-arg]
        def extendleft(self, more: Iterable[object]) -> None:
            before = len(self)
            super().extendleft(more)
            if len(self) > before:
                arrived.set()

    monkeypatch.setattr(Classifier, "classify", watched)
    monkeypatch.setattr(service, "_waiting", Waiting())
    with ThreadPoolExecutor(2) as calls:
        files = calls.submit(outcomes, service, images[1:])
        assert begun.wait(PATIENCE_S)
        pixels = calls.submit(outcomes, service, (frame,))
        assert arrived.wait(PATIENCE_S)
        gate.set()
        [answer] = pixels.result(PATIENCE_S)
        assert [one.path for one in files.result(PATIENCE_S)] == list(images[1:])
    assert isinstance(answer, Prediction)
    assert (answer.path, answer.best.label) == (NO_FILE, tiny.CLASSES[2])
    assert streamed.index(frame) < len(images) - 1


def test_a_cancelled_call_takes_back_what_was_not_begun(
    service: EngineService, images: tuple[Path, ...], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[Path] = []
    prepare = classifiers.prepare
    monkeypatch.setattr(classifiers, "prepare", lambda path, *how: (prepared.append(path), prepare(path, *how))[1])
    token, reports = CancelToken(), []

    def report(value: object) -> None:
        reports.append(value)
        token.cancel()

    with pytest.raises(Cancelled):
        service.classify(images, report=report, token=token)
    assert [one.path for one in reports] == [images[0]]
    gate.set()
    use(service, "colours")  # waits for the end of the stream
    assert len(prepared) < len(images)
    assert len(outcomes(service, images)) == len(images)


def test_a_provider_that_fails_is_replaced_by_the_cpu(
    service: EngineService, images: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reopen(classifier: Classifier, error: ProviderError) -> Classifier:
        return open_classifier(classifier.predictor.model, ProviderPreference.CPU, Precision.EXACT)

    monkeypatch.setattr(engine, "fallback_to_cpu", reopen)
    fail_while_running(monkeypatch, times=1)
    reports: list[Outcome | OpenedModel] = []
    service.classify(images, report=reports.append, token=CancelToken())
    (opened,) = [one for one in reports if isinstance(one, OpenedModel)]
    assert opened.refusal is not None
    assert (opened.provider, opened.refusal.what) == (Provider.CPU, "CUDA failed while it ran: lost.")
    assert [one.path for one in reports if isinstance(one, Prediction)] == list(images)


def test_images_fail_with_the_reason_if_the_cpu_fails(
    service: EngineService, images: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_while_running(monkeypatch, times=1)
    found = outcomes(service, images)
    failures = [one for one in found if isinstance(one, Failure)]
    assert failures
    assert {one.kind for one in failures} == {"provider"}
    assert [one.path for one in found] == list(images)


def test_an_unexpected_error_is_raised_by_the_call_and_ends_nothing(
    service: EngineService, images: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = classifiers.prepare
    monkeypatch.setattr(classifiers, "prepare", lambda path, *how: 1 / 0 if path == images[3] else prepare(path, *how))
    with pytest.raises(ZeroDivisionError):
        outcomes(service, images)
    assert len(outcomes(service, images[4:])) == len(images) - 4


def test_another_head_needs_no_new_engine(
    service: EngineService, images: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes(service, images)
    refuse: Callable[..., None] = lambda *_: pytest.fail("it was opened again")  # noqa: E731
    monkeypatch.setattr(engine, "open_classifier", refuse)
    monkeypatch.setattr(classifiers, "prepare", refuse)
    assert use(service, "hues").name == "hues"
    assert {one.model for one in outcomes(service, images) if isinstance(one, Prediction)} == {"hues"}


def test_a_refused_provider_is_reported_and_the_fastest_used(
    service: EngineService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(model: object, requested: ProviderPreference, precision: Precision) -> Classifier:
        if requested is ProviderPreference.CUDA:
            raise ProviderError("CUDA is not here.", hint="Try another.")
        return open_classifier(model, requested, precision)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "open_classifier", refuse)
    opened = use(service, "colours", ProviderPreference.CUDA)
    assert opened.refusal is not None
    assert opened.refusal.what == "CUDA is not here."


def test_a_model_that_cannot_be_opened_leaves_the_one_in_use(service: EngineService, images: tuple[Path, ...]) -> None:
    with pytest.raises(ModelError):
        use(service, "gone")
    superseded = CancelToken()
    superseded.cancel()
    with pytest.raises(Cancelled):
        service.open("hues", ProviderPreference.CPU, Precision.EXACT, 1, token=superseded)
    assert {one.model for one in outcomes(service, images) if isinstance(one, Prediction)} == {"colours"}


def test_nothing_is_classified_before_a_model_is_open(images: tuple[Path, ...]) -> None:
    with pytest.raises(ModelError, match="No model is open"):
        outcomes(EngineService(), images)


def test_a_question_is_answered_before_the_images_that_wait(
    service: EngineService, images: tuple[Path, ...], gate: threading.Event
) -> None:
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(outcomes, service, images)
        found = pool.submit(service.explain, images[0], "red", "colours")
        gate.set()
        assert found.result(PATIENCE_S).label == "red"
        assert [one.path for one in waiting.result(PATIENCE_S)] == list(images)


def test_a_question_that_cannot_be_answered_says_why(service: EngineService, images: tuple[Path, ...]) -> None:
    with pytest.raises(ModelError, match="has no class “pink”"):
        service.explain(images[0], "pink", "colours")
    with pytest.raises(ModelError, match="from the model “other”, which isn't in use"):
        service.explain(images[0], "red", "other")
    assert len(outcomes(service, images[:2])) == 2
    with pytest.raises(ModelError, match="No model is open"):
        EngineService().explain(images[0], "red", "colours")


def test_cropped_and_whole_images_never_share_cached_features(
    service: EngineService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "detector"
    monkeypatch.setattr(paths, "builtin_detector", lambda: folder)
    images = (write_things(tmp_path / "small.png", ("red", 1, 1)),)
    crop, count = DetectionOptions(crop=True), DetectionOptions(count=True)
    assert classified_with(service, crop, images) == (NO_DETECTION, "blue", None), "there is no detector yet"
    write_detector(folder)
    assert classified_with(service, crop, images) == (crop, "red", "1 apple")
    engine_in_use = service._classifier.engine  # type: ignore[union-attr]
    assert classified_with(service, count, images) == (count, "blue", "1 apple")
    assert classified_with(service, NO_DETECTION, images) == (NO_DETECTION, "blue", None)
    assert classified_with(service, crop, images, "hues")[:2] == (crop, "red")
    assert service._classifier.engine is engine_in_use, "only the detector changed"  # type: ignore[union-attr]


def classified_with(
    service: EngineService, detection: DetectionOptions, images: tuple[Path, ...], name: str = "colours"
) -> tuple[DetectionOptions, str, str | None]:
    """What is looked for once that was requested, and the best class and the counts of the first image."""
    opened = service.open(name, ProviderPreference.CPU, Precision.EXACT, 1, detection, token=CancelToken())
    assert (opened.detector_refusal is None) == (opened.detection == detection)
    (found,) = outcomes(service, images)
    assert isinstance(found, Prediction)
    return opened.detection, found.best.label, found.counts


def test_a_model_with_another_fit_needs_no_new_engine_and_no_cached_features(
    service: EngineService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.open_library().install(*tiny.packaged_model("centred", shared=True, fit=ResizeMode.CENTRE_CROP))
    photo = tiny.write_banner(tmp_path / "banner.png", "red", "blue")
    monkeypatch.setattr(engine, "open_classifier", lambda *_: pytest.fail("another engine was opened"))
    found = []
    for name in ("colours", "centred", "colours"):
        use(service, name)
        found += outcomes(service, (photo, Picture.of(decode(photo))))
    assert [one.best.label for one in found if isinstance(one, Prediction)] == ["blue"] * 2 + ["red"] * 2 + ["blue"] * 2
    shown = service.explain(photo, "blue", "colours")
    assert shown.area == (0, 0, 1, 1)
    use(service, "centred")
    assert service.explain(photo, "red", "centred").area == (pytest.approx(1 / 3), 0, pytest.approx(2 / 3), 1)
