"""A new class, or more photos of one: they are labelled in the one store, then the model is retrained with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.base.errors import DatasetError, ImageError, ModelError, UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import ProviderPreference
from core.datasets.class_labels import normalize_label
from core.datasets.label_file import open_labels
from core.datasets.labels import Label, Scope, Source
from core.images.listing import find_images
from core.models.library import Library
from core.training.request import RetrainRequest
from core.training.retrain import retrain
from core.training.values import RetrainingResult


def add_class(
    name: str,
    label: str,
    paths: Sequence[Path],
    library: Library,
    provider: ProviderPreference,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> RetrainingResult:
    """Teach a model a class: label images, and make the next version with them.

    If the retraining fails, the images stay labelled, and can be learned later.

    Args:
        name: of the model, or `name@version`.
        label: the class, new or not.
        paths: images, and folders of images.
        library: where the model is.
        provider: the preferred provider for the backbone.
        report: called with the progress.
        token: checked frequently.

    Raises:
        UsageError: the name of the class is empty.
        DatasetError: there are no images.
        ImageError: a folder cannot be read.
        ModelError: there is no such model, or its training data was not saved; no image was labelled.
        FoveaError: as for `retrain`.
        Cancelled: the token was cancelled.
    """
    base, label = library.find(name), normalize_label(label)
    if not label:
        raise UsageError(tr("The class has no name."), hint=tr("Give one, such as windmill."))
    if base.card.is_multi_label:
        what = tr("“{name}” gives images several classes, so images of one class can't teach it.", name=base.name)
        raise UsageError(what, hint=tr("Train it again with the labels of all classes."))
    if not base.has_training_data:
        what = tr("“{name}” can't be retrained: its training data was not saved.", name=base.name)
        hint = tr("Run `fovea train FOLDER --name NAME --keep-classes-of {name}`: a new model keeps its classes.",
                  name=base.name)  # fmt: skip
        raise ModelError(what, hint=hint)
    found = find_images(paths, recursive=True, on_error=_refuse)
    images = tuple(Label(path.absolute(), label, Source.GALLERY, base.name) for path in found)
    if not images:
        raise DatasetError(tr("There are no images."), hint=tr("Name images, or folders of images."))
    with open_labels() as store:
        there = {one.path: one for one in images if one.path.is_file()}
        store.change(there, Scope(base.name, "", base.card.classes))
    return retrain(RetrainRequest(base.name, base.version, images, provider), library, report=report, token=token)


def _refuse(_: Path, error: ImageError) -> None:
    raise error
