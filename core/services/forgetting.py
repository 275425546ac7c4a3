"""Forgetting training images: no version, cache or label of this computer knows of them any more.

The next version is trained from the start without them, then the versions that were made with them are deleted. A kill
in between leaves these, and forgetting the images again goes on.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from core.base.errors import ModelError, UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path
from core.card import BackboneCard
from core.datasets.label_file import has_labels, open_labels
from core.datasets.problems import format_names
from core.datasets.scan_cache import ScanCache
from core.datasets.subsets import Subset
from core.engine.feature_store import FeatureStore
from core.engine.kept_features import erase_kept_features
from core.jobs.forgetting import forget_neighbours
from core.models.forgetting import VersionRecord, erase_versions, hashes_of, version_records
from core.models.library import Library
from core.models.values import InstalledModel
from core.training import runs
from core.training.evaluated_head import KEPT
from core.training.next_version import NextVersion, install_next, learnable_classes, saved_examples, train_next
from core.training.request import ForgetRequest
from core.training.values import Forgotten


def forget(request: ForgetRequest, library: Library, *, report: ProgressCallback, token: CancelToken) -> Forgotten:
    """Forget training images of a model.

    Raises:
        ModelError: there is no such model, it is broken, or it cannot be trained without the images.
        UsageError: an image is none of its training, validation and test images, or the model is being trained.
        DatasetError: too few images are left to train on.
        ProviderError: the engine cannot be opened or failed while running.
        StorageError: something could not be written or deleted.
        Cancelled: the token was cancelled; nothing has changed.
    """
    started, base = time.perf_counter(), library.find(request.name)
    records = version_records(library.user, base.name)
    images = _images(request.photos, records, base.name)
    affected = [one for one in records if one.has_any(images)]
    runs.discard(base.name)
    now = base
    if any(one.folder == base.folder for one in affected):
        now = _train_without(images, base, request, library, report, token)
    _erase_traces(images, {one.files[image] for one in affected for image in images if image in one.files})
    removed = erase_versions(library.user, base.name, {one.folder for one in affected})
    classes = tuple(one for one in base.card.classes if one not in now.card.classes)
    done = Forgotten(base.name, len(images), now.version, now is not base, removed, classes,
                     tuple(_others(images, base.name, library)), (), 0.0)  # fmt: skip
    notes = (*_notes(done), *(_recipe_notes(base, now)))
    return replace(done, notes=notes, seconds=time.perf_counter() - started)


def _images(photos: Collection[Path], records: Collection[VersionRecord], name: str) -> frozenset[str]:
    """The SHA-256 of photos that versions were made with."""
    found: frozenset[str] = frozenset()
    for photo in photos:
        own = hashes_of(photo, tuple(records))
        if not own:
            shown = display_path(photo.name)
            what = tr("“{photo}” is not among the images that “{name}” was trained on.", photo=shown, name=name)
            raise UsageError(what, hint=tr("A copy that was edited or saved again counts as another photo."))
        found |= own
    return found


def _train_without(
    images: Collection[str], base: InstalledModel, request: ForgetRequest, library: Library,
    report: ProgressCallback, token: CancelToken,
) -> InstalledModel:  # fmt: skip
    _check_own_backbone(base)
    _check_kept_classes(base, images, library)
    kept = tuple(one for one in saved_examples(base) if one.sha256 not in images)
    learnable = learnable_classes(kept)
    rest = tuple(one if learnable.issuperset(one.classes) else replace(one, subset=Subset.TRAIN) for one in kept)
    following = NextVersion(base, kept, rest, request.provider, library, report, token)
    data, head = train_next(following)
    token.check()
    return install_next(following, data, head)


def _check_own_backbone(base: InstalledModel) -> None:
    """Refuse a model whose backbone may have been trained on its images; extensions take that of another model."""
    if isinstance(base.card.backbone, BackboneCard) and not _extended(base):
        what = tr("“{name}” was fine-tuned, so all of its network may have learned from the images.", name=base.name)
        hint = tr("Train it again without the images under the same name, then forget them.")
        raise ModelError(what, hint=hint)


def _check_kept_classes(base: InstalledModel, images: Collection[str], library: Library) -> None:
    """Refuse a model that kept classes of one that was trained on the images."""
    kept = _extended(base)
    if kept and any(one.has_any(images) for one in version_records(library.user, kept)):
        what = tr("“{name}” has the classes of “{other}”, which was trained on the images.", name=base.name, other=kept)
        hint = tr("Forget them in “{other}” first, then train “{name}” again.", other=kept, name=base.name)
        raise ModelError(what, hint=hint)


def _extended(model: InstalledModel) -> str:
    """The name of the model whose classes a model kept; empty if there is none."""
    match model.card.training.get(KEPT):
        case {"of": str(name)}:
            return name
    return ""


def _erase_traces(images: Collection[str], files: Collection[Path]) -> None:
    if has_labels():
        with open_labels() as labels:
            labels.erase(images, files)
    with FeatureStore() as features, ScanCache() as scanned:
        features.erase(tuple(images))
        scanned.erase(tuple(images))
    erase_kept_features()
    forget_neighbours(images)


def _others(images: Collection[str], name: str, library: Library) -> Iterator[str]:
    """The names of other models that were trained on the images, or on top of this one."""
    for other in library.models():
        is_made = any(one.has_any(images) for one in version_records(library.user, other.name))
        if other.name != name and (is_made or _extended(other) == name):
            yield other.name


def _recipe_notes(base: InstalledModel, now: InstalledModel) -> Iterator[str]:
    before, recipe = (str(one.card.training.get("recipe", "")).partition(":")[0] for one in (base, now))
    if before != recipe:
        yield tr(
            "The version before was trained with the recipe {before}, this one with {recipe} on the same backbone.",
            before=before,
            recipe=recipe,
        )


def _notes(done: Forgotten) -> Iterator[str]:
    yield tr_n(
        "Forgot {count:,} image: no version of “{name}” knows it any more.",
        "Forgot {count:,} images: no version of “{name}” knows them any more.",
        done.images,
        name=done.name,
    )
    if done.is_new:
        yield tr("Version {version}, trained from the start on the others, is active now.", version=done.version)
    if done.removed:
        yield tr_n(
            "Deleted version {numbers}, which can't be restored.",
            "Deleted the versions {numbers}, which can't be restored.",
            len(done.removed),
            numbers=", ".join(map(str, done.removed)),
        )
    if done.classes:
        yield tr_n(
            "Removed class {names}: it has no training images left.",
            "Removed classes {names}: they have no training images left.",
            len(done.classes),
            names=format_names(done.classes),
        )
    if done.others:
        yield tr_n(
            "The model {names} was trained on the same images or extends this one. It is unchanged.",
            "The models {names} were trained on the same images or extend this one. They are unchanged.",
            len(done.others),
            names=format_names([f"“{one}”" for one in done.others]),
        )
