"""A folder of labelled photos as the window shows it; light values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from core.base.errors import FoveaError
from core.datasets.custom_datasets import FileMoves
from core.datasets.label_overrides import LabelOverride, OverriddenImage
from core.images.drawing import Picture
from core.services.training_values import ClassSummary, FoundProblem, PreviewedPhoto

UndoAction: TypeAlias = FileMoves | Mapping[Path, LabelOverride | None]
"""What undoes a change; for the window it is a thing to send back and nothing else."""


@dataclass(frozen=True, slots=True)
class FolderRead:
    """What is in a folder.

    Attributes:
        folder: that was read.
        classes: in their order; none where nothing can be learned, but for a set built here.
        images: how many can be learned from.
        has_subsets: whether the folder itself says what is for training and what for tests.
        problems: the first thousand things that are wrong, what is fatal among them.
        problem_count: how many there are altogether.
        error: why nothing can be learned; None where something can.
        overridden: the photos that are not taken as the folder has them, because the user decided so.
        is_custom: whether it is a set that was built in the window.
    """

    folder: Path
    classes: tuple[ClassSummary, ...] = ()
    images: int = 0
    has_subsets: bool = False
    problems: tuple[FoundProblem, ...] = ()
    problem_count: int = 0
    error: FoveaError | None = None
    overridden: tuple[OverriddenImage, ...] = ()
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class FolderChange:
    """A change to a folder, which lies at `folder` now; `undo` undoes it, None where it cannot be undone."""

    folder: Path
    undo: UndoAction | None = None


@dataclass(frozen=True, slots=True)
class Previewed:
    """What the network reads.

    Attributes:
        seen: what it reads of each photo, and of which part of it.
        augmented: nine ways in which the first one would be learned from.
        told: what is done to photos, one line each.
    """

    seen: tuple[PreviewedPhoto, ...]
    augmented: tuple[Picture, ...]
    told: tuple[str, ...]
