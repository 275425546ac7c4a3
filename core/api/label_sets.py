"""The verbs for photos that may have several classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.base.progress import CancelToken, ProgressCallback
from core.datasets.label_source import LabelSource

if TYPE_CHECKING:
    from core.datasets.values import FolderRead


def read_label_sets(
    folder: Path, source: LabelSource, file: Path | None, *, report: ProgressCallback, token: CancelToken
) -> FolderRead:
    """Read a folder whose photos may have several classes, from their folders, this table or their keywords."""
    from core.datasets import folders
    from core.datasets.multi_label import LabelsFrom
    from core.outputs.keywords.reading import read_keywords

    return folders.read_label_sets(folder, LabelsFrom(source, read_keywords, file), report=report, token=token)
