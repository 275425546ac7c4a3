"""What a library lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.models.trash import RemovedEntry
    from core.models.values import InstalledBackbone, InstalledDetector, ModelName
    from core.training.runs import RunSummary


@dataclass(frozen=True, slots=True)
class LibraryListing:
    """Models with their versions, unfinished runs, what can be restored, backbones to train on, and the detector."""

    names: tuple[ModelName, ...]
    runs: tuple[RunSummary, ...]
    removed: tuple[RemovedEntry, ...]
    backbones: tuple[InstalledBackbone, ...] = ()
    detector: InstalledDetector | None = None
