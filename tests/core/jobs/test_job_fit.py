"""A job never takes features of images that were made square in another way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.base.progress import CancelToken
from core.base.providers import ProviderPreference
from core.card import Preprocessing, ResizeMode, read_card, write_card
from core.jobs.job import Job, JobResult, open_lazy_classifier
from core.jobs.values import JobRequest
from core.models.library import open_library
from core.prediction import Prediction
from tests import tiny


def run(request: JobRequest) -> list[JobResult]:
    with Job(request, open_lazy_classifier(request), token=CancelToken()) as job:
        return list(job.results())


def test_cached_features_with_another_fit_are_not_used(tmp_path: Path) -> None:
    open_library().install(*tiny.packaged_model("colours"))
    tiny.write_solid(tmp_path / "photos" / "red.png", "red")
    tiny.write_banner(tmp_path / "photos" / "banner.png", "red", "blue")
    keeping = JobRequest(
        tmp_path / "photos", recursive=True, model="colours", provider=ProviderPreference.CPU, keep_features=True
    )
    first = {one.outcome.path.name: one.outcome for one in run(keeping)}
    card, files = tiny.packaged_model("centred", shared=False)
    backbone = tiny.backbone_card(preprocessing=Preprocessing(tiny.SIZE, ResizeMode.CENTRE_CROP))
    open_library().install(write_card(replace(read_card(card), backbone=backbone)), files)  # type: ignore[type-var]
    second = {one.outcome.path.name: one.outcome for one in run(replace(keeping, model="centred"))}
    found = [one["banner.png"] for one in (first, second)]
    assert [one.best.label for one in found if isinstance(one, Prediction)] == ["blue", "red"]
    assert not any(one.provider == "kept" for one in second.values() if isinstance(one, Prediction))
