"""Verbs of scripts: the library as the command line shows it, evaluation, and the check of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.base import paths, settings
from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.datasets.label_source import LabelSource
from core.models import trash
from core.models.installed import load_head
from core.models.library import open_library
from core.models.values import Entry, InstalledBackbone, InstalledModel, Version

if TYPE_CHECKING:
    from core.evaluation.values import FolderEvaluation
    from core.models.trash import RemovedEntry
    from core.training.values import DatasetCheck, RetrainingResult


def load_settings() -> settings.Settings:
    """Read the user's settings."""
    return settings.load(paths.settings_file())


# ---- the library


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """What a name in the library, or `name@version`, means.

    Attributes:
        name: the name.
        entry: the model, the backbone, or why it cannot be used; None if no version is active.
        versions: the numbers of all versions in ascending order; 0 is the built-in one.
        is_active: whether the name without a number means it.
        in_use: whether it is the model that is used by default.
    """

    name: str
    entry: Entry | None
    versions: tuple[int, ...]
    is_active: bool
    in_use: bool


def list_entries() -> tuple[LibraryEntry, ...]:
    """List what every name means: models, backbones, broken entries, and names without an active version at the end."""
    library, in_use = open_library(), load_settings().model
    entries = [
        LibraryEntry(one.name, one, library.numbers(one.name), is_active=True, in_use=one.name == in_use)
        for one in library.entries()
    ]
    inactive = (
        LibraryEntry(name, None, library.numbers(name), is_active=False, in_use=False) for name in library.inactive()
    )
    return (*entries, *inactive)


def find_entry(reference: str) -> LibraryEntry:
    """Find a model, `name` or `name@version`, or the backbone of this name."""
    library = open_library()
    entry = next((one for one in library.entries() if one.name == reference), None)
    if isinstance(entry, InstalledBackbone):
        return LibraryEntry(entry.name, entry, library.numbers(entry.name), is_active=True, in_use=False)
    model = library.find(reference)
    is_active = library.active(model.name) == model.version
    in_use = is_active and model.name == load_settings().model
    return LibraryEntry(model.name, model, library.numbers(model.name), is_active, in_use)


def list_versions(name: str) -> tuple[Version, ...]:
    """List all versions of a model, lowest number first."""
    library = open_library()
    found = library.versions(name)
    if not found:
        library.find(name)  # raises an error that names the models there are
    return found


def use(name: str) -> str:
    """Use a model by default, and return its name; the window keeps its settings itself."""
    model = open_library().find(name)
    settings.change(paths.settings_file(), model=model.name)
    return model.name


def use_default_if_gone(name: str) -> str | None:
    """Use the default model if the one in use had this name and is gone; return its name, or None if it stays."""
    chosen = load_settings()
    if chosen.model != name or name in {model.name for model in open_library().models()}:
        return None
    default = settings.Settings().model
    settings.change(paths.settings_file(), model=default)
    return default


def list_removed() -> tuple[RemovedEntry, ...]:
    """List the models and versions that can be restored, the latest first."""
    return trash.list_removed(open_library().user)


def add_class(
    name: str, label: str, paths: Sequence[Path], *, report: ProgressCallback, token: CancelToken
) -> RetrainingResult:
    """Teach a model, `name` or `name@version`, a class by images; see `core.training.new_class`."""
    from core.training import new_class

    provider = load_settings().provider
    return new_class.add_class(name, label, paths, open_library(), provider, report=report, token=token)


# ---- evaluation


def evaluate(
    folder: Path,
    reference: str | None,
    source: LabelSource = LabelSource.FOLDER,
    labels_file: Path | None = None,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[InstalledModel, FolderEvaluation]:
    """Evaluate a model on a folder of labelled images.

    Args:
        folder: the folder.
        reference: `name` or `name@version`; None for the model in use.
        source: where the classes of images come from, if not from their folders.
        labels_file: the table with them, with `LabelSource.FILE`.
        report: called for each stage.
        token: checked before each image.

    Raises:
        UsageError: the model gives each image one class, which only folders say.
        FoveaError: nothing could be evaluated.
    """
    from core.datasets.multi_label import LabelsFrom
    from core.engine.feature_store import FeatureStore
    from core.evaluation.folder_evaluation import evaluate_folder
    from core.evaluation.leakage import TrainingSet
    from core.evaluation.sources import feature_extractor
    from core.outputs.keywords.reading import read_keywords

    chosen = load_settings()
    model = open_library().find(reference or chosen.model)
    head, extractor = load_head(model), feature_extractor(model, chosen.provider, chosen.precision)
    seen, labels = TrainingSet.of(model), None
    if model.card.is_multi_label:
        folders = LabelSource.FOLDERS if source is LabelSource.FOLDER else source
        labels = LabelsFrom(folders, read_keywords, labels_file)
    elif source is not LabelSource.FOLDER:
        what = tr("“{name}” gives each image exactly one class.", name=model.name)
        raise UsageError(what, hint=tr("Put the images in a folder per class, and leave out --labels and --keywords."))
    with FeatureStore() as store:
        found = evaluate_folder(
            folder, model.card, head, extractor, store, training_set=seen, labels=labels, report=report, token=token
        )
    return model, found


def check_dataset(
    folder: Path,
    source: LabelSource = LabelSource.FOLDER,
    labels_file: Path | None = None,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> DatasetCheck:
    """Look for wrong labels, copies, outliers and classes that might be one; see `core.training.dataset_check`.

    Args:
        folder: the folder.
        source: where the classes of images come from.
        labels_file: the table with them, with `LabelSource.FILE`.
        report: called for each stage.
        token: checked frequently.
    """
    from core.datasets.multi_label import LabelsFrom
    from core.outputs.keywords.reading import read_keywords
    from core.training import dataset_check

    chosen = load_settings()
    labels = LabelsFrom(source, read_keywords, labels_file) if source.is_multi_label else None
    return dataset_check.check_dataset(
        folder, open_library(), chosen.provider, chosen.precision, labels, report=report, token=token
    )
