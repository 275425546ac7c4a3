"""Jobs with further models, whose predictions are in the journal."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.base.providers import ProviderPreference
from core.card import write_card
from core.engine.engine import Engine
from core.engine.limits import MAX_BATCH
from core.jobs import pipeline
from core.jobs.forgetting import forget_neighbours
from core.jobs.job import Job, JobResult, open_lazy_classifier
from core.jobs.job_list import job_summary, reset_results
from core.jobs.journal import ImageResult, Journal, ModelRef, job_folder, job_id
from core.jobs.queries import ResultStore
from core.jobs.schema import FILE
from core.jobs.values import Filter, JobRequest, Row, State, View
from core.models.heads import LinearHead
from core.models.library import open_library
from core.prediction import Evidence, Neighbour, Prediction
from tests import tiny
from tests.core.jobs.conftest import ANSWERER, failure, found, prediction

OTHERS = "opposite", "own"
"""A head on the same backbone, and a model with a backbone of its own."""


@pytest.fixture
def asked(tmp_path: Path) -> JobRequest:
    """A job with three models on a red, a green and a blue image, and one that cannot be read."""
    library = open_library()
    library.install(*tiny.packaged_model("colours"))
    library.install(*tiny.packaged_model("opposite", own_head=LinearHead(-tiny.head().weights, tiny.head().bias)))
    library.install(*own_backbone())
    folder = tmp_path / "photos"
    for colour in tiny.CLASSES:
        tiny.write_solid(folder / f"{colour}.png", colour)
    (folder / "torn.png").write_bytes(b"\x89PNG")
    return JobRequest(folder, recursive=True, model="colours", provider=ProviderPreference.CPU, others=OTHERS)


def own_backbone() -> tuple[bytes, dict[str, bytes]]:
    """A model on another file that computes the same."""
    proto = tiny.backbone_proto()
    other = type(proto)()
    other.CopyFrom(proto)
    other.doc_string = "another file"
    data = other.SerializeToString(deterministic=True)
    card = tiny.model_card("own", backbone=tiny.backbone_card(data, name="own-backbone"))
    return write_card(card), {tiny.HEAD_FILE: tiny.head_bytes(tiny.head()), tiny.MODEL_FILE: data}


def run(request: JobRequest, token: CancelToken | None = None) -> list[JobResult]:
    with Job(request, open_lazy_classifier(request), token=token or CancelToken()) as job:
        return list(job.results())


def rows(request: JobRequest) -> list[Row]:
    with ResultStore(job_id(request)) as results:
        return list(results.each(View()))


def said(row: Row) -> list[tuple[str, str]]:
    return [(one.model, one.best.label) for one in row.others]


def test_each_model_says_what_it_says_alone(asked: JobRequest) -> None:
    results = run(asked)
    together = rows(asked)
    assert [row.others for row in together] == [
        tuple(replace(one, path=row.path) for one in result.others)
        for row, result in zip(together, results, strict=True)
    ]
    assert together[-1].state is State.FAILED
    assert together[-1].others == ()
    for place, name in enumerate(OTHERS):
        run(replace(asked, model=name, others=()))
        for row, alone in zip(together[:3], rows(asked), strict=False):
            assert alone.prediction is not None
            other = row.others[place]
            assert (other.model, other.path, other.unknown) == (name, row.path, alone.prediction.unknown)
            assert [one.label for one in other.scores] == [one.label for one in alone.scores]
            assert other.best.probability == pytest.approx(alone.confidence, abs=1e-6)


def test_an_image_is_decoded_once_and_each_backbone_runs_once(
    asked: JobRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    ran = Counter[int]()
    plain_prepare, plain_run = pipeline.prepare, Engine.run
    classifier = open_lazy_classifier(asked)
    for one in (classifier, classifier.others[1]):
        one.open()  # which runs the engine to check it

    def run_engine(engine: Engine, images: object) -> object:
        ran[id(engine)] += len(images)  # type: ignore[arg-type]
        return plain_run(engine, images)  # type: ignore[arg-type]

    def prepare(path: Path, *how: object) -> object:
        read.append(path.name)
        return plain_prepare(path, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "prepare", prepare)
    monkeypatch.setattr(Engine, "run", run_engine)
    with Job(asked, classifier, token=CancelToken()) as job:
        assert len(list(job.results())) == 4
    assert sorted(read) == ["blue.png", "green.png", "red.png", "torn.png"]
    assert sorted(ran.values()) == [3, 3]
    assert classifier.others[0].engine is None


def test_a_second_run_computes_nothing_and_reports_all(asked: JobRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(asked)
    monkeypatch.setattr(pipeline.LazyClassifier, "open", lambda _: pytest.fail("nothing has to be computed"))
    second = run(asked)
    assert [each.others for each in second] == [each.others for each in first]
    assert not any(each.is_new for each in second)


def test_a_stopped_job_resumes_with_all_models(asked: JobRequest) -> None:
    for number in range(MAX_BATCH):
        os.link(asked.folder / "red.png", asked.folder / f"{number}.png")
    token = CancelToken()
    with Job(asked, open_lazy_classifier(asked), token=token) as job:
        results = job.results()
        next(results)
        token.cancel()
        with pytest.raises(Cancelled):
            list(results)
    stopped = job_summary(job_id(asked))
    assert stopped.others == ("opposite@1", "own@1")
    assert 0 < stopped.counts.done < MAX_BATCH + 3
    again = run(replace(asked, others=stopped.others))
    assert sum(each.is_new for each in again) == stopped.counts.waiting
    assert [[model for model, _ in said(row)] for row in rows(asked)] == [["opposite", "own"]] * (MAX_BATCH + 3) + [[]]


def test_a_model_can_be_added_and_left_out(asked: JobRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    run(replace(asked, others=()))
    assert [row.others for row in rows(asked)] == [()] * 4
    assert [each.is_new for each in run(asked)] == [True, True, True, False]  # the failure is the same for all
    monkeypatch.setattr(pipeline, "prepare", lambda *_: pytest.fail("no image has to be read"))
    run(replace(asked, others=()))
    assert (job_summary(job_id(asked)).others, [row.others for row in rows(asked)]) == ((), [()] * 4)
    run(asked)
    run(replace(asked, others=OTHERS[1:]))
    assert [[model for model, _ in said(row)] for row in rows(asked)] == [["own"]] * 3 + [[]]


def test_a_changed_image_is_asked_again(asked: JobRequest) -> None:
    run(asked)
    before = {row.path.name: said(row) for row in rows(asked)}
    tiny.write_solid(asked.folder / "red.png", "blue", size=(40, 40))
    with Journal(asked, ANSWERER) as journal:  # as an earlier version of Fovea runs it, which knows no further models
        journal.add_found([found("red.png", size=(asked.folder / "red.png").stat().st_size, mtime_ns=1)])
    assert [each.outcome.path.name for each in run(asked) if each.is_new][-1:] == ["red.png"]
    after = {row.path.name: said(row) for row in rows(asked)}
    assert after["red.png"] == before["blue.png"] != before["red.png"]


def test_kept_features_serve_all_models(asked: JobRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping = replace(asked, keep_features=True)
    run(keeping)
    reset_results(job_id(keeping))
    assert [row.others for row in rows(asked)] == [()] * 4
    monkeypatch.setattr(pipeline.LazyClassifier, "open", lambda _: pytest.fail("no engine has to be opened"))
    again = run(keeping)
    assert [[one.provider for one in each.others] for each in again] == [["kept", "kept"]] * 3 + [[]]


def test_filters_and_reviews_follow_the_first_model(asked: JobRequest) -> None:
    run(asked)
    with ResultStore(job_id(asked)) as results:
        (red,) = results.each(View(filter=Filter(labels=("red",))))
    assert red.path.name == "red.png"
    assert dict(said(red))["opposite"] != "red"


def test_a_journal_of_an_earlier_version_is_migrated(asked: JobRequest) -> None:
    run(replace(asked, others=()))
    before = rows(asked)
    file = job_folder(job_id(asked)) / FILE
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as database:
        for what in ("TRIGGER outdated_opinions", "TABLE opinions", "TABLE further"):
            database.execute(f"DROP {what}")
    assert rows(asked) == before
    assert job_summary(job_id(asked)).others == ()
    assert [len(each.others) for each in run(asked)] == [2, 2, 2, 0]


def test_forgotten_training_images_are_taken_out(request_of: JobRequest) -> None:
    near = tuple(Neighbour("red", 0.9, sha) for sha in ("a" * 64, "b" * 64))
    other = replace(prediction("blue", 0.7), model="other", evidence=Evidence(0.1, None, near))
    with Journal(request_of, ANSWERER, [ModelRef("key of other", "other", 2, 5)]) as journal:
        journal.add_found([found("a.png"), found("b.png")])
        journal.end_walk([])
        numbers = [image.number for image in journal.next_images(0, 9)]
        journal.record([ImageResult(numbers[0], prediction("red", 0.9), others=(other,))])
        journal.record([ImageResult(numbers[1], failure())])
    forget_neighbours(["a" * 64])
    (row, failed) = rows(request_of)
    (kept,) = row.others
    assert isinstance(kept, Prediction)
    assert kept.evidence is not None
    assert kept.evidence.nearest == near[1:]
    assert failed.others == ()
    content = (job_folder(job_id(request_of)) / FILE).read_bytes()
    assert b"a" * 64 not in content
