"""A folder of labelled photos as the window shows it; light values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from core.base.errors import FoveaError
from core.datasets.custom_datasets import FileMoves
from core.datasets.labels import Label, OverriddenImage
from core.images.drawing import Picture
from core.services.training_values import ClassSummary, FoundProblem, PreviewedPhoto

UndoAction: TypeAlias = FileMoves | Mapping[Path, tuple[Label, ...]]
"""What undoes a change; the window only sends it back."""


@dataclass(frozen=True, slots=True)
class FolderRead:
    """What is in a folder.

    Attributes:
        folder: the folder.
        classes: its classes in their order; empty if no model can be trained, except for custom datasets.
        images: the number of usable images.
        has_subsets: whether the folder has its own split into training and test photos.
        problems: the first thousand problems, including all fatal ones.
        problem_count: the total number of problems.
        error: why no model can be trained; None if one can.
        overridden: the photos whose labels the user has overridden.
        is_custom: whether it is a custom dataset, built in the window.
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
    """A change to a folder, which is at `folder` now; `undo` undoes it, None if it cannot be undone."""

    folder: Path
    undo: UndoAction | None = None


@dataclass(frozen=True, slots=True)
class Previewed:
    """What the network reads.

    Attributes:
        seen: what it reads of each photo, and of which part of it.
        augmented: nine augmentations of the first photo.
        augmentations: descriptions of what augmentation does, one line each.
    """

    seen: tuple[PreviewedPhoto, ...]
    augmented: tuple[Picture, ...]
    augmentations: tuple[str, ...]
