"""Values of classification by scripts: what to classify and how, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from core.base import settings
from core.base.providers import ComputePrecision, Precision, Provider, ProviderPreference
from core.detection import NO_DETECTION, DetectionOptions
from core.jobs.values import JobProgress, JobRequest
from core.models.values import InstalledModel
from core.prediction import Failure, Outcome, Prediction

Warn: TypeAlias = Callable[[str, str], None]
"""Takes what the user should know, and what can be done about it."""


@dataclass(frozen=True, slots=True)
class ClassifyRequest:
    """What to classify, and how; None where the user's settings apply.

    Attributes:
        paths: files and folders, at least one; of a cluster, also addresses (`core.jobs.cluster.addresses`).
        model: the name of the model.
        top: how many classes to report for each image.
        provider: the requested provider.
        precision: whether faster, slightly different arithmetic is allowed.
        recursive: whether subfolders are included.
        include: patterns of which an image in a folder must match at least one; empty for all images.
        exclude: patterns of files and folders to skip.
        fresh: whether to discard earlier results.
        keep_features: whether to store features for other heads over the same backbone.
        on_cluster: whether to use a Ray cluster, where no journal is kept.
        others: the names of further models for the same images.
        detection: what to look for in the images.
        for_sorting: whether the journal is needed, and the model that last classified the folder is preferred.
    """

    paths: tuple[Path, ...]
    model: str | None = None
    top: int | None = None
    provider: ProviderPreference | None = None
    precision: Precision | None = None
    recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    fresh: bool = False
    keep_features: bool = False
    on_cluster: bool = False
    others: tuple[str, ...] = ()
    detection: DetectionOptions = NO_DETECTION
    for_sorting: bool = False

    @property
    def needs_journal(self) -> bool:
        """Whether something was requested that only journals allow."""
        return bool(self.include or self.exclude or self.fresh or self.keep_features)

    def job(self, folder: Path) -> JobRequest:
        """The job of one of the folders, without its model."""
        own = folder, self.recursive, self.include, self.exclude
        return JobRequest(*own, keep_features=self.keep_features, detection=self.detection, others=self.others)


@dataclass(slots=True)
class ClassifyTotals:
    """Counts of the images so far: all, those of earlier runs, without a prediction, and with warnings.

    Attributes:
        skipped: the number of files of unsupported types, by type.
        provider: what ran the model; None if nothing was computed, or on a cluster.
        precision: the number format that it was computed in; None if nothing was computed, or on a cluster.
    """

    images: int = 0
    already_done: int = 0
    failed: int = 0
    warned: int = 0
    unreadable_folders: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    model: str = ""
    provider: Provider | None = None
    precision: ComputePrecision | None = None
    seconds: float = 0.0

    @property
    def has_failures(self) -> bool:
        """Whether anything could not be read."""
        return bool(self.failed or self.unreadable_folders)

    def count(self, outcome: Outcome) -> None:
        """Count one image."""
        self.images += 1
        self.failed += isinstance(outcome, Failure)
        self.warned += isinstance(outcome, Prediction) and bool(outcome.warnings)


@dataclass(frozen=True, slots=True)
class ClassifyStart:
    """A classification that is about to start.

    Attributes:
        model: the model.
        top_k: the number of classes of each prediction.
        paths: what is classified, without credentials.
        is_job: whether it can be resumed, and reports progress.
        others: the further models.
    """

    model: InstalledModel
    top_k: int
    paths: tuple[Path, ...]
    is_job: bool
    others: tuple[InstalledModel, ...] = ()

    @classmethod
    def of(
        cls, request: ClassifyRequest, chosen: settings.Settings, model: InstalledModel, *, is_job: bool = True
    ) -> ClassifyStart:
        """Combine a request with the user's settings."""
        top_k = min(request.top or chosen.top_k, len(model.card.classes))
        return cls(model, top_k, request.paths, is_job)


Outcomes: TypeAlias = tuple[Outcome, ...]
"""What several models say of an image, in their order."""
Report: TypeAlias = Callable[[Outcome | Outcomes | JobProgress], None]
OpenReport: TypeAlias = Callable[[ClassifyStart], AbstractContextManager[Report]]
"""Opens what takes the outcomes, in order, and the progress of a job."""
