"""An image and its label, from the folder where it is discovered to the model that was trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.datasets.problems import ProblemKind
from core.datasets.subsets import Subset


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image and its label.

    Attributes:
        path: the file; if a model recorded it, its path when it was used, and a relative one is only a name.
        label: its class; empty if it has none.
        subset: its subset; None if neither the folder layout nor a split defines it.
        sha256: of its content, in hexadecimal; empty if it was not read yet.
        phash: 64-bit perceptual hash (`core.images.perceptual_hash`); 0 if it was not computed.
        quality_flags: any of TINY, ELONGATED, BLANK, GREY.
        labels: its classes, in natural order, in a dataset whose images may have none, one or several; then `label` is
            empty. None if every image has exactly one.
    """

    path: Path
    label: str = ""
    subset: Subset | None = None
    sha256: str = ""
    phash: int = 0
    quality_flags: tuple[ProblemKind, ...] = ()
    labels: tuple[str, ...] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Its classes, whether it may have several or has exactly one."""
        return (self.label,) if self.labels is None else self.labels

    @property
    def label_text(self) -> str:
        """Its classes as one text, with semicolons between them."""
        return ";".join(self.classes)
