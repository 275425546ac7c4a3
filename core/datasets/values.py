"""What is in a folder of labelled images, and how it changes: light values that any process can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from core.base.errors import FoveaError
from core.datasets.custom_datasets import FileMoves
from core.datasets.label_source import LabelSource
from core.datasets.labels import Label, OverriddenImage
from core.datasets.problems import Problem

UndoAction: TypeAlias = FileMoves | Mapping[Path, tuple[Label, ...]]
"""What undoes a change; whoever asked for the change only sends it back."""

FEW_IMAGES: Final = 10
"""A class with fewer images is reported to the user."""


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """A class in a folder.

    Attributes:
        name: its label.
        images: the number of usable images.
        samples: up to two hundred of them, evenly spaced; all of them in custom datasets.
    """

    name: str
    images: int
    samples: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class FolderRead:
    """What is in a folder.

    Attributes:
        folder: the folder.
        classes: its classes in their order; empty if no model can be trained, except for custom datasets.
        images: the number of usable images.
        problems: the first thousand problems, including all fatal ones.
        error: why no model can be trained; None if one can.
        overridden: the photos whose labels the user has overridden.
        confirmed: those whose label by the folder the user confirmed.
        is_custom: whether it is a custom dataset, built in Fovea.
        has_nested: whether there are photos in folders inside class folders, which could be classes of their own.
        nested: whether they were read as classes of their own.
        hierarchy: the text file that the hierarchy was read from; None for none.
        paths: the levels of some classes in a hierarchy, see `core.datasets.dataset.Dataset`.
        labels: where the classes of the photos come from, and so whether a photo may have several.
        labels_file: the table with them, with `LabelSource.FILE`; None otherwise.
    """

    folder: Path
    classes: tuple[ClassSummary, ...] = ()
    images: int = 0
    problems: tuple[Problem, ...] = ()
    error: FoveaError | None = None
    overridden: tuple[OverriddenImage, ...] = ()
    is_custom: bool = False
    confirmed: frozenset[Path] = frozenset()
    has_nested: bool = False
    nested: bool = False
    hierarchy: Path | None = None
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: LabelSource = LabelSource.FOLDER
    labels_file: Path | None = None


@dataclass(frozen=True, slots=True)
class FolderChange:
    """A change to a folder, which is at `folder` now; `undo` undoes it, None if it cannot be undone."""

    folder: Path
    undo: UndoAction | None = None


@dataclass(frozen=True, slots=True)
class CustomDataset:
    """A dataset that was built in Fovea: its folder, and the numbers of classes and photos."""

    folder: Path
    classes: int
    photos: int
