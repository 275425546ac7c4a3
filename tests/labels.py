"""Labels for tests: given and read as the views do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.datasets import folders
from core.datasets.label_file import open_labels
from core.datasets.label_store import LabelsByPath
from core.datasets.labels import Label, Scope, Source


def give(*labels: Label) -> None:
    """Store labels, in their own views, in this order."""
    with open_labels() as store:
        for label in labels:
            store.change({label.path: label}, Scope(label.model, label.folder))


def given(model: str) -> dict[Path, Label]:
    """The labels for predictions of a model."""
    with open_labels() as store:
        return store.of_model(model)


def correction(photo: Path, label: str, model: str = "mine", predicted: str = "red", confidence: float = 0.5) -> Label:
    """A correction of a prediction."""
    return Label(photo, label, Source.GALLERY, model, predicted=predicted, confidence=confidence)


def override(folder: Path, changes: Mapping[Path, str | None], *classes: str) -> LabelsByPath:
    """Change labels in the wizard; returns what undoes it."""
    undo = folders.change_labels(folder, changes, classes).undo
    assert isinstance(undo, Mapping)
    return undo
