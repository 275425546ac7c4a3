"""The verbs: what Fovea can do, each named once; those of folder jobs and others are in modules beside it.

Scripts call them directly; the window calls them in a worker process (`core.worker`). Long-running verbs take
a progress callback and a cancel token. A verb that fails raises a `FoveaError` and changes nothing; one that was
cancelled raises `Cancelled`. Importing this module is cheap: each verb imports what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.api.library_values import LibraryListing
from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.base.providers import Precision, ProviderPreference
from core.detection import NO_DETECTION, DetectionOptions
from core.prediction import Failure, Outcome

if TYPE_CHECKING:
    from core.datasets.custom_datasets import Edit
    from core.datasets.problems import Problem
    from core.datasets.values import CustomDataset, FolderChange, FolderRead, UndoAction
    from core.evaluation.multi_label_values import MultiLabelEvaluation
    from core.evaluation.values import Comparison, Evaluation
    from core.images.drawing import Picture
    from core.models.values import BrokenEntry, InstalledModel, OpenedModel
    from core.training.protocol import Epoch
    from core.training.request import ForgetRequest, RetrainRequest, TrainRequest
    from core.training.values import Forecast, Forgotten, Previewed, RetrainingResult, TrainingResult

_LISTED_AT_ONCE: Final = 500


# ---- images


def list_images(
    paths: tuple[Path, ...], maximum: int | None, *, report: Callable[[tuple[Path, ...]], None], token: CancelToken
) -> tuple[Failure, ...]:
    """List files and the images in folders and their subfolders.

    Args:
        paths: files and folders.
        maximum: the maximum number of images; None for all.
        report: takes images as they are found, some hundreds at a time.
        token: checked before each report.

    Returns:
        The folders that could not be read, each with the reason.
    """
    from core.images.listing import find_images

    failures: list[Failure] = []
    found = find_images(paths, recursive=True, on_error=lambda path, error: failures.append(Failure.of(path, error)))
    images = islice(found, maximum)
    while chunk := tuple(islice(images, _LISTED_AT_ONCE)):
        token.check()
        report(chunk)
    return tuple(failures)


def export_predictions(
    outcomes: tuple[Outcome, ...],
    labels: Mapping[Path, str],
    file: Path,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> int:
    """Write predictions to a file in the format of its suffix, and return how many.

    Args:
        outcomes: predictions and failures, in order.
        labels: the user's labels.
        file: the file; CSV if its suffix says nothing.
        report: receives the progress.
        token: checked before each image.

    Raises:
        FoveaError: the format is unsupported, or the file cannot be written.
    """
    from core.outputs.reports import predictions

    return predictions.export(outcomes, labels, file, report=report, token=token)


# ---- the model in use


def list_models() -> tuple[InstalledModel | BrokenEntry, ...]:
    """List the installed models, each in its active version."""
    from core.models import examine
    from core.models.library import open_library

    return examine.list_models(open_library())


def open_model(
    name: str,
    provider: ProviderPreference,
    precision: Precision,
    top_k: int,
    detection: DetectionOptions = NO_DETECTION,
    *,
    token: CancelToken,
) -> OpenedModel:
    """Use a model from now on in this process; if it cannot be opened, the previous one stays in use.

    Args:
        name: the name of the model.
        provider: the provider; if it does not work, the fastest that does is used.
        precision: whether faster, slightly different arithmetic is allowed.
        top_k: how many classes to report for each image.
        detection: what to look for in images; nothing if the detector cannot be opened.
        token: cancels the call before it has opened the model.
    """
    from core.services.engine import SERVICE

    return SERVICE.open(name, provider, precision, top_k, detection, token=token)


def classify(
    images: tuple[Path | Picture, ...], *, report: Callable[[Outcome | OpenedModel], None], token: CancelToken
) -> None:
    """Classify images with the model in use, in one stream with those of calls that are running.

    Args:
        images: image files; or pixels, such as a camera's frame, which are classified before the files that wait.
        report: takes the outcome of each image, in order; and the model that is in use now, if its provider failed and
            it was opened on the CPU.
        token: cancels images that have not been started.
    """
    from core.services.engine import SERVICE

    SERVICE.classify(images, report=report, token=token)


# ---- the library


def list_library() -> LibraryListing:
    """List what is installed, unfinished or removed; broken versions are listed with the reason."""
    from core.models.examine import installed_detector, list_backbones, list_names
    from core.models.library import open_library
    from core.models.trash import list_removed
    from core.training.runs import list_runs

    library = open_library()
    own = list_names(library), list_runs(), list_removed(library.user)
    return LibraryListing(*own, list_backbones(library), installed_detector())


def load_evaluation(reference: str) -> Evaluation | MultiLabelEvaluation | None:
    """Load the evaluation of a version, `name` or `name@version`, on its test images; None if it was not kept."""
    from core.evaluation import kept
    from core.models.library import open_library

    return kept.load_evaluation(open_library().find(reference))


def activate(name: str, version: int) -> None:
    """Make a name mean this version."""
    from core.models.library import open_library

    open_library().activate(name, version)


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The version that a name means again, and the one that it meant until now; None if there was none."""

    version: int
    before: int | None


def roll_back(name: str) -> RolledBack:
    """Make a name mean the version that was active before."""
    from core.models.library import open_library

    library = open_library()
    before = library.active(name)
    return RolledBack(library.roll_back(name).version, before)


def remove(name: str, version: int | None) -> int | None:
    """Remove a version, or the model with all its versions; both can be restored for some days.

    Returns:
        The version that is active now; None if there is none.

    Raises:
        UsageError: it is a backbone that models need.
    """
    from core.models.library import open_library
    from core.models.user_backbones import check_unused

    library = open_library()
    check_unused(library, name)
    if version is None:
        library.remove(name)
    else:
        library.remove_version(name, version)
    return library.active(name)


def restore(name: str, version: int | None) -> None:
    """Restore the model of this name, or the version of it, that was removed last."""
    from core.models import trash
    from core.models.library import open_library

    trash.restore(open_library().user, name, version)


def discard_run(name: str) -> None:
    """Delete the unfinished run of this name."""
    from core.training import runs

    runs.discard(name)


# ---- evaluation


def compare(
    a: str,
    b: str,
    paths: tuple[Path, ...],
    provider: ProviderPreference,
    precision: Precision,
    max_disagreements: int | None = None,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> Comparison:
    """Compare two models, each `name` or `name@version`, on photos, or on one folder of labelled photos.

    Of the photos with different predictions, at most `max_disagreements` are listed.
    """
    from core.engine.feature_store import FeatureStore
    from core.evaluation.comparison import compare_by_paths, compared_model
    from core.models.library import open_library

    library = open_library()
    models = library.find(a), library.find(b)
    if models[0] == models[1]:
        what = tr("{a!r} and {b!r} are the same model.", a=a, b=b)
        raise UsageError(what, hint=tr("Choose two different models or versions."))
    first, second = (compared_model(model, provider, precision) for model in models)
    with FeatureStore() as store:
        found = compare_by_paths(paths, first, second, store, report=report, token=token)
    return replace(found, disagreements=found.disagreements[:max_disagreements])


# ---- training photos


def read_folder(
    folder: Path, min_classes: int = 2, nested: bool = False, hierarchy: Path | None = None, *,  # noqa: FBT001, FBT002
    report: ProgressCallback, token: CancelToken,
) -> FolderRead:  # fmt: skip
    """Read a folder of labelled photos; the result includes why no model can be trained with it.

    One class is enough for a model that keeps those of another one. See `core.datasets.folders.read`.
    """
    from core.datasets import folders

    return folders.read(folder, min_classes, nested=nested, hierarchy=hierarchy, report=report, token=token)


def list_datasets() -> tuple[CustomDataset, ...]:
    """List the datasets that were built here, most recently changed first."""
    from core.datasets import folders

    return folders.list_datasets()


def change_labels(folder: Path, changes: Mapping[Path, str | None], classes: Collection[str] = ()) -> FolderChange:
    """Put photos of a folder in other classes or leave them out; None returns to the labels of the folder.

    Args:
        folder: the folder.
        changes: the label of each photo; LEFT_OUT leaves it out.
        classes: those of the data set: None also removes labels that were given elsewhere and say one of them.
    """
    from core.datasets import folders

    return folders.change_labels(folder, changes, classes)


def undo_edit(folder: Path, action: UndoAction) -> FolderChange:
    """Undo a change to a folder."""
    from core.datasets import folders

    return folders.undo(folder, action)


def create_dataset(name: str, classes: Mapping[str, tuple[Path, ...]]) -> FolderChange:
    """Build a dataset with these classes; if the name is taken, a number is appended."""
    from core.datasets import folders

    return folders.create_dataset(name, classes)


def edit_dataset(folder: Path, edit: Edit) -> FolderChange:
    """Change a dataset that was built here."""
    from core.datasets import folders

    return folders.edit_dataset(folder, edit)


def rename_dataset(folder: Path, name: str) -> FolderChange:
    """Rename a dataset that was built here."""
    from core.datasets import folders

    return folders.rename_dataset(folder, name)


# ---- training


def preview_training(request: TrainRequest, photos: tuple[Path, ...], *, token: CancelToken) -> Previewed:
    """Draw what the network reads of some photos, and nine augmentations of the first one."""
    from core.models.library import open_library
    from core.training.previews import preview

    return preview(photos, request.seed, open_library(), request.backbone, request.fit.mode, token=token)


def forecast(request: TrainRequest, *, token: CancelToken) -> tuple[Forecast, ...]:
    """Forecast how long each recipe would take; the recipe of the request does not matter."""
    from core.models.library import open_library
    from core.training.forecast import forecast_recipes

    return forecast_recipes(request, open_library(), token=token)


def train(
    request: TrainRequest,
    against: str | None,
    *,
    report: Callable[[Progress | Epoch], None],
    token: CancelToken,
    on_problems: Callable[[Sequence[Problem]], None] = lambda _: None,
) -> TrainingResult:
    """Train a model, install it, and compare it with another one on its test photos.

    Args:
        request: what to train.
        against: the model to compare with, `name` or `name@version`; None for none.
        report: takes progress and epochs.
        token: cancels and pauses the training.
        on_problems: takes the problems of the folder before the training starts.
    """
    from core.models.library import open_library
    from core.training.results import train_and_compare

    return train_and_compare(request, open_library(), against, report=report, token=token, on_problems=on_problems)


def settle_run(request: TrainRequest, *, discard: bool) -> bool:
    """Keep or discard the progress of a cancelled training, and return whether it can be resumed."""
    from core.training import runs

    return runs.settle(request.name, keep=not discard)


def retrain(request: RetrainRequest, *, report: ProgressCallback, token: CancelToken) -> RetrainingResult:
    """Make the next version of a model from corrections."""
    from core.models.library import open_library
    from core.training.retrain import retrain as make_next_version

    return make_next_version(request, open_library(), report=report, token=token)


def forget(request: ForgetRequest, *, report: ProgressCallback, token: CancelToken) -> Forgotten:
    """Train the next version of a model without some photos, and delete everything that was made with them."""
    from core.models.library import open_library
    from core.services import forgetting

    return forgetting.forget(request, open_library(), report=report, token=token)
