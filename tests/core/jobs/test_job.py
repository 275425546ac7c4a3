"""Whole jobs with a real model, including failures of folders, images, engine and process."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.base.errors import Cancelled, ModelError, ProviderError, StorageError, UsageError
from core.base.progress import CancelToken
from core.base.providers import Provider, ProviderPreference
from core.engine.engine import Engine
from core.engine.features import prefetch
from core.engine.limits import MAX_BATCH
from core.jobs import pipeline
from core.jobs.job import Job, JobResult, open_lazy_classifier
from core.jobs.job_list import job_summary
from core.jobs.journal import job_id
from core.jobs.pipeline import LazyClassifier
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, Group, JobCounts, JobProgress, JobRequest, JobState, View
from core.models.library import open_library
from core.prediction import Prediction
from tests import samples, tiny
from tests.patience import PATIENCE_S

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX alone has such signals and links")


@pytest.fixture
def request_of(tmp_path: Path) -> JobRequest:
    """A job with a red, a green and a blue image, and a grey one in a subfolder."""
    open_library().install(*tiny.packaged_model("colours"))
    folder = tmp_path / "photos"
    for colour in tiny.CLASSES:
        tiny.write_solid(folder / f"{colour}.png", colour)
    tiny.write_solid(folder / "more" / "grey.png", "grey")
    return JobRequest(folder, recursive=True, model="colours", provider=ProviderPreference.CPU)


def many(request: JobRequest, count: int) -> None:
    """Add red images to the folder, as links to one file."""
    for number in range(count):
        os.link(request.folder / "red.png", request.folder / f"{number}.png")


def run(request: JobRequest, answering: LazyClassifier | None = None, **more: object) -> list[JobResult]:
    with Job(request, answering or open_lazy_classifier(request), token=CancelToken(), **more) as job:  # type: ignore[arg-type]
        return list(job.results())


def summarized(results: list[JobResult]) -> list[tuple[str, str]]:
    return [
        (each.outcome.path.name, each.outcome.best.label if isinstance(each.outcome, Prediction) else each.outcome.kind)
        for each in results
    ]


def test_images_are_classified_in_input_order_and_recorded(request_of: JobRequest) -> None:
    results = run(request_of)
    assert summarized(results)[:3] == [("blue.png", "blue"), ("green.png", "green"), ("red.png", "red")]
    assert [result.outcome.path for result in results][3] == request_of.folder / "more" / "grey.png"
    assert all(result.is_new for result in results)
    facts = job_summary(job_id(request_of))
    assert (facts.state, facts.counts) == (JobState.FINISHED, JobCounts(done=4))
    with ResultStore(facts.id) as answers:
        rows = list(answers.each(View()))
    for row, result in zip(rows, results, strict=True):
        assert row.number == result.number
        assert isinstance(result.outcome, Prediction)
        assert row.outcome == replace(result.outcome, path=row.path)


def test_a_job_predicts_as_the_classifier_does(request_of: JobRequest) -> None:
    answering = open_lazy_classifier(request_of)
    paths = [result.outcome.path for result in run(request_of, answering)]
    for one, result in zip(answering.open().classify(paths, top_k=5), run(request_of, answering), strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(result.outcome, Prediction)
        assert [score.probability for score in result.outcome.scores] == pytest.approx(
            [score.probability for score in one.scores], abs=1e-6
        )


def test_a_second_run_opens_no_engine(request_of: JobRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(request_of)
    monkeypatch.setattr(pipeline.LazyClassifier, "open", lambda _: pytest.fail("nothing has to be computed"))
    second = run(request_of)
    assert [(each.number, each.outcome) for each in second] == [(each.number, each.outcome) for each in first]
    assert not any(each.is_new for each in second)


def test_another_head_on_the_same_backbone_uses_cached_features(
    request_of: JobRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping = replace(request_of, keep_features=True)
    first = run(keeping)
    open_library().install(*tiny.packaged_model("colours", shared=False, temperature=2.0))
    monkeypatch.setattr(pipeline, "prepare", lambda *_: pytest.fail("no image has to be read"))
    monkeypatch.setattr(pipeline.LazyClassifier, "open", lambda _: pytest.fail("no engine has to be opened"))
    second = run(keeping)
    assert [each.is_new for each in second] == [True] * 4
    assert summarized(second)[:3] == summarized(first)[:3]
    for one, other in zip(first, second, strict=True):
        assert isinstance(one.outcome, Prediction)
        assert isinstance(other.outcome, Prediction)
        assert other.outcome.provider == "kept"
        assert other.outcome.best.probability < one.outcome.best.probability or one.outcome.path.name == "grey.png"


def test_cached_features_of_identical_files_are_reused(request_of: JobRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping = replace(request_of, keep_features=True)
    run(keeping)
    shutil.copytree(request_of.folder, request_of.folder.with_name("copy"))
    monkeypatch.setattr(pipeline, "prepare", lambda *_: pytest.fail("no image has to be decoded"))
    assert len(run(replace(keeping, folder=request_of.folder.with_name("copy")))) == 4


def test_unreadable_images_do_not_affect_others(request_of: JobRequest) -> None:
    (request_of.folder / "empty.png").touch()
    (request_of.folder / "text.jpg").write_text("no image")
    kinds = [kind for _, kind in summarized(run(request_of)) if kind not in tiny.CLASSES]
    assert kinds == ["empty", "not-an-image"]
    with ResultStore(job_id(request_of)) as answers:
        assert answers.summary().counts == JobCounts(done=4, failed=2)


def test_warnings_are_stored_and_their_images_are_read_again(
    request_of: JobRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cached features have no warnings."""
    keeping = replace(request_of, keep_features=True)
    whole = samples.encoded(samples.photo_like(64, 48), "BMP")
    half = request_of.folder / "half.bmp"
    half.write_bytes(whole[:5000] + bytes(len(whole) - 5000))
    run(keeping)
    with ResultStore(job_id(keeping)) as answers:
        rows = {row.path.name: row.prediction.warnings if row.prediction else () for row in answers.each(View())}
    assert [name for name, warnings in rows.items() if warnings] == ["half.bmp"]
    read: list[str] = []
    plain = pipeline.prepare
    monkeypatch.setattr(pipeline, "prepare", lambda path, *how: (read.append(path.name), plain(path, *how))[1])
    shutil.copytree(request_of.folder, request_of.folder.with_name("copy"))
    copied = run(replace(keeping, folder=request_of.folder.with_name("copy")))
    assert read == ["half.bmp"]
    warned = [each.outcome for each in copied if isinstance(each.outcome, Prediction) and each.outcome.warnings]
    assert [(one.path.name, one.warnings) for one in warned] == [("half.bmp", rows["half.bmp"])]


def test_a_file_deleted_before_it_is_read_fails_and_is_gone_later(
    request_of: JobRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = pipeline.prepare

    def prepare(path: Path, *more: object) -> object:
        if path.name == "green.png":
            path.unlink(missing_ok=True)
        return plain(path, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "prepare", prepare)
    assert summarized(run(request_of))[1] == ("green.png", "missing")
    run(request_of)
    with ResultStore(job_id(request_of)) as answers:
        assert answers.summary().counts == JobCounts(done=3, gone=1)


def test_a_file_that_changes_is_classified_again(request_of: JobRequest) -> None:
    run(request_of)
    tiny.write_solid(request_of.folder / "red.png", "green", size=(50, 50))
    results = run(request_of)
    assert [each.outcome.path.name for each in results if each.is_new] == ["red.png"]
    assert summarized(results)[2] == ("red.png", "green")


def test_a_missing_folder_stops_the_job_which_resumes_later(request_of: JobRequest) -> None:
    many(request_of, 100)
    away = request_of.folder.with_name("away")
    with Job(request_of, open_lazy_classifier(request_of), token=CancelToken()) as job:
        results = job.results()
        next(results)
        request_of.folder.rename(away)
        with pytest.raises(StorageError, match="no longer available"):
            list(results)
    assert job_summary(job.id).state is JobState.STOPPED
    assert job_summary(job.id).counts.failed == 0
    with pytest.raises(UsageError, match="There is no folder"):
        run(request_of)
    away.rename(request_of.folder)
    assert len(run(request_of)) == 104
    assert job_summary(job.id).counts == JobCounts(done=104)


def test_an_unreadable_folder_is_in_the_journal(request_of: JobRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    run(request_of)
    plain = os.scandir

    def scandir(folder: Path) -> object:
        if Path(folder).name == "more":
            raise PermissionError(13, "Permission denied")
        return plain(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with Job(request_of, open_lazy_classifier(request_of), token=CancelToken()) as job:
        assert len(list(job.results())) == 3
        assert [trouble.path.name for trouble in job.walk.unreadable_folders] == ["more"]
    with ResultStore(job.id) as answers:
        assert answers.summary().counts == JobCounts(done=4)
        assert len(answers.unreadable_folders()) == 1


def test_progress_includes_speed_and_remaining_time(request_of: JobRequest) -> None:
    many(request_of, 200)
    seen: list[JobProgress] = []
    run(request_of, report=seen.append)
    last = seen[-1]
    assert (last.found, last.walked, last.finished, last.fresh, last.failed) == (204, True, 204, 204, 0)
    assert last.remaining_s == 0
    assert [each.finished for each in seen] == sorted(each.finished for each in seen)
    run(request_of, report=seen.append)
    assert (seen[-1].finished, seen[-1].fresh) == (204, 0)


def test_a_cancelled_job_keeps_its_results_and_suspects_no_image(request_of: JobRequest) -> None:
    many(request_of, 100)
    token = CancelToken()
    with Job(request_of, open_lazy_classifier(request_of), token=token) as job:
        results = job.results()
        next(results)
        token.cancel()
        with pytest.raises(Cancelled):
            list(results)
    done = job_summary(job.id).counts.done
    assert 0 < done < 104
    results_after = run(request_of)
    assert sum(not each.is_new for each in results_after) == done
    assert len(results_after) == 104


def test_a_job_whose_results_are_abandoned_ends(request_of: JobRequest) -> None:
    many(request_of, 100)
    with Job(request_of, open_lazy_classifier(request_of), token=CancelToken()) as job:
        next(iter(job.results()))
    with ResultStore(job.id) as answers:
        assert 0 < answers.count(View()) < 104
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith(("decode", "walk"))]


def test_a_paused_job_waits(request_of: JobRequest) -> None:
    many(request_of, 100)
    token = CancelToken()
    taken: list[JobResult] = []

    def work() -> None:
        with Job(request_of, open_lazy_classifier(request_of), token=token) as job:
            for result in job.results():
                taken.append(result)
                if len(taken) == 8:
                    token.pause()

    thread = threading.Thread(target=work)
    thread.start()
    while not token.paused:
        time.sleep(0.01)
    time.sleep(0.3)
    assert len(taken) == 8
    token.resume()
    thread.join()
    assert len(taken) == 104


def test_images_are_read_only_as_far_ahead_as_needed(request_of: JobRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    many(request_of, 200)
    read: list[Path] = []
    plain = pipeline.prepare
    monkeypatch.setattr(pipeline, "prepare", lambda path, *how: (read.append(path), plain(path, *how))[1])
    with Job(request_of, open_lazy_classifier(request_of), token=CancelToken()) as job:
        for given, _ in enumerate(job.results()):
            assert len(read) <= given + prefetch(MAX_BATCH) + 8


def test_a_failing_provider_is_replaced_by_the_cpu(
    request_of: JobRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    many(request_of, 30)
    answering = open_lazy_classifier(request_of)
    opened = answering.open()
    runs = iter(range(100))
    plain = Engine.run

    def failing(engine: Engine, batch: object) -> object:
        if engine.provider is not Provider.CPU and next(runs) > 0:
            raise ProviderError("CUDA failed while it ran: lost.", hint="Try another.")
        return plain(engine, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "run", failing)
    engine = replace(opened.engine, provider=Provider.CUDA)
    monkeypatch.setattr(answering, "_classifier", replace(opened, engine=engine))
    with caplog.at_level(logging.WARNING):
        results = run(request_of, answering)
    providers = [each.outcome.provider for each in results if isinstance(each.outcome, Prediction)]
    assert providers == ["cuda"] * 8 + ["cpu"] * 26
    assert "Continuing on the CPU" in caplog.text


def test_a_failing_cpu_stops_the_job_and_all_images_are_waiting(
    request_of: JobRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise ProviderError("The CPU failed while it ran: no memory.", hint="Try fewer.")

    with monkeypatch.context() as patch:
        answering = open_lazy_classifier(request_of)
        answering.open()
        patch.setattr(Engine, "run", failing)
        with pytest.raises(ProviderError, match="no memory"):
            run(request_of, answering)
    assert job_summary(job_id(request_of)).counts == JobCounts(waiting=4)
    assert len(run(request_of)) == 4


def test_a_missing_model_is_reported(request_of: JobRequest) -> None:
    with pytest.raises(ModelError, match="no model named"):
        open_lazy_classifier(replace(request_of, model="nobody"))


def test_an_empty_folder_is_a_job_without_images(request_of: JobRequest, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    assert run(replace(request_of, folder=tmp_path / "bare")) == []


def test_near_duplicates_are_grouped(request_of: JobRequest, photos: Path) -> None:
    chosen = sorted((photos / "bird").iterdir())[:3]
    folder = request_of.folder.with_name("birds")
    folder.mkdir()
    for place, photo in enumerate([*chosen, chosen[1]]):
        shutil.copy(photo, folder / f"{place}{photo.suffix}")
    request = replace(request_of, folder=folder)
    run(request)
    with ResultStore(job_id(request)) as answers:
        view = View(group=Group.SIMILARITY)
        assert [row.path.stem for row in answers.each(view)] == ["1", "3"]
        assert [(group.title, group.first, group.count) for group in answers.listing(view).groups] == [("1", 0, 2)]


_DYING = """
import os, sys
from pathlib import Path
from core.jobs import pipeline
from core.jobs.job import Job, open_lazy_classifier
from core.jobs.values import JobRequest
from core.base.progress import CancelToken
from core.base.providers import ProviderPreference
plain, where = pipeline.prepare, sys.argv[2]
def prepare(path, *how):
    if path.name == where:
        os.kill(os.getpid(), 9)
    return plain(path, *how)
pipeline.prepare = prepare
if where == "opening":
    pipeline.LazyClassifier.open = lambda _: os.kill(os.getpid(), 9)
request = JobRequest(Path(sys.argv[1]), recursive=True, model="colours", provider=ProviderPreference.CPU)
with Job(request, open_lazy_classifier(request), token=CancelToken()) as job:
    print(sum(1 for _ in job.results()))
"""


def attempt(request: JobRequest, where: str) -> tuple[int, str]:
    """Run the job in a process that crashes while reading an image with this name, or while opening the engine."""
    words = [sys.executable, "-c", _DYING, str(request.folder), where]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.returncode, done.stdout.strip()


@posix_only
def test_a_crash_before_reading_suspects_no_image(request_of: JobRequest) -> None:
    assert [attempt(request_of, "opening") for _ in range(5)] == [(-9, "")] * 5
    assert summarized(run(request_of))[:3] == [("blue.png", "blue"), ("green.png", "green"), ("red.png", "red")]


@posix_only
def test_an_image_that_crashes_the_program_repeatedly_becomes_a_failure(request_of: JobRequest) -> None:
    many(request_of, 40)

    deaths = [attempt(request_of, "5.png") for _ in range(5)]
    assert deaths == [*[(-9, "")] * 4, (0, "44")]
    with ResultStore(job_id(request_of)) as answers:
        (failed,) = answers.each(View(filter=Filter(failed=True)))
        assert (failed.path.name, failed.failure and failed.failure.kind) == ("5.png", "crashed")
        assert answers.summary().counts == JobCounts(done=43, failed=1)
    assert len([each for each in run(request_of) if each.is_new]) == 0
