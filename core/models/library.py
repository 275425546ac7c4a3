"""The library: the built-in models, and the user's models with their versions.

Built-in models are in `<builtin>/<name>/card.json` with their files, the user's in `<user>/<name>/<number>/card.json`,
with the bookkeeping of `core.models.versions`. `NAME` means the active version of a name, `NAME@N` its version N.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from core.base import paths
from core.base.errors import ModelError
from core.base.i18n import tr, tr_n
from core.base.storage import write_atomically
from core.card import BackboneCard, ModelCard, read_card
from core.datasets.labelled_image import LabelledImage
from core.models import versions
from core.models.files import REINSTALL
from core.models.installed import EVALUATION, load_backbone, load_bank, load_head
from core.models.library_folders import CARD, LibraryFolders
from core.models.thumbnails import write_thumbnails
from core.models.training_examples import EXAMPLES, serialize_examples
from core.models.training_hashes import TRAINING_HASHES, serialize_hashes
from core.models.values import BrokenEntry, Entry, InstalledBackbone, InstalledModel, Version
from core.models.versions import split_reference

NORMALISATION: Final = "normalisation.npz"
"""What fine-tuning needs beside the file of some backbones: see `core.trainer.onnx_to_keras`."""


@dataclass(frozen=True, slots=True)
class Library:
    """The installed models.

    Attributes:
        builtin: the folder of the built-in models; read-only.
        user: the folder of the user's models; need not exist.
    """

    builtin: Path
    user: Path

    @property
    def _folders(self) -> LibraryFolders:
        return LibraryFolders(self.builtin, self.user)

    def entries(self) -> Iterator[Entry]:
        """Yield the active version of every name: the user's models, then built-in ones with other names."""
        seen = set()
        for place in versions.subfolders(self.user):
            if (error := versions.history_error(place)) is not None:
                seen.add(place.name)
                yield BrokenEntry(place.name, place, error)
        for name, folder, number in self._folders.active():
            if name not in seen:
                seen.add(name)
                yield self._folders.entry(name, folder, number)

    def models(self) -> tuple[InstalledModel, ...]:
        """The active version of every model that can be used."""
        return tuple(entry for entry in self.entries() if isinstance(entry, InstalledModel))

    def inactive(self) -> tuple[str, ...]:
        """The names that have versions but no active one."""
        active = {name for name, _, _ in self._folders.active()}
        return tuple(
            place.name
            for place in versions.subfolders(self.user)
            if place.name not in active and versions.numbers(place)
        )

    def active(self, name: str) -> int | None:
        """The number of the active version, which may be missing; None if there is none."""
        return next((number for found, _, number in self._folders.active() if found == name), None)

    def numbers(self, name: str) -> tuple[int, ...]:
        """The version numbers of a name in ascending order; 0 is the built-in version."""
        return tuple(self._folders.versions_of(name))

    def versions(self, name: str) -> tuple[Version, ...]:
        """All versions of a name in ascending order; empty if there is no such name."""
        active = self.active(name)
        found = (
            (number, self._folders.entry(name, folder, number), folder)
            for number, folder in self._folders.versions_of(name).items()
        )
        return tuple(
            Version(number, number == active, entry, _installed(folder) if number else None)
            for number, entry, folder in found
        )

    def find(self, reference: str) -> InstalledModel:
        """Find a model by `name` or `name@number`.

        Raises:
            ModelError: there is none, it has no active version, it is a backbone, or it is damaged.
        """
        name, number = split_reference(reference)
        match self._entry_named(name, number):
            case InstalledModel() as model:
                return model
            case BrokenEntry(error=error):
                raise error
            case InstalledBackbone():
                what = tr("{name!r} is a backbone, not a model: it has no classes.", name=name)
                raise ModelError(what, hint=self._choices())
            case None:
                raise self._missing_error(name, number)

    def install(
        self,
        card: bytes,
        files: Mapping[str, bytes],
        *,
        new_name: bool = False,
        activate: bool = True,
        trained_on: Iterable[str] | None = None,
        examples: Iterable[LabelledImage] | None = None,
        evaluation: bytes | None = None,
        thumbnails: Mapping[str, bytes] = MappingProxyType({}),
    ) -> InstalledModel:
        """Add a model as the next version of its name.

        Args:
            card: the card's JSON.
            files: the files it names; their hashes are checked.
            new_name: whether the name must be new among the user's models, even if two programs install at once.
            activate: whether to make the new version active.
            trained_on: SHA-256 in hexadecimal of every image it was fitted to; None if unknown.
            examples: all its training, validation and test images; None if unknown.
            evaluation: its evaluation, as a file; None if there is none.
            thumbnails: of its training photos, by their SHA-256.

        Raises:
            NameTakenError: with `new_name`, the name is taken.
            ModelError: the card or a file is invalid.
            StorageError: the disk does not allow it; nothing is left behind.
        """
        parsed = read_card(card)
        if not isinstance(parsed, ModelCard):
            raise ModelError(tr("Only models can be installed, not backbones."), hint=tr(REINSTALL))
        _check_names(parsed, files)
        versions.purge(self.user)
        place = self.user / parsed.name
        extra_files = {
            CARD: card,
            TRAINING_HASHES: None if trained_on is None else serialize_hashes(trained_on),
            EXAMPLES: None if examples is None else serialize_examples(examples),
            EVALUATION: evaluation,
        }
        with versions.staging(place, new_name=new_name) as staging:
            for name, data in {**files, **extra_files}.items():
                if data is not None:
                    write_atomically(staging / name, data)
            write_thumbnails(staging, thumbnails)
            _verify(self._folders.model(parsed, staging, version=1))
            with versions.locked(self.user):
                number = versions.publish(staging, place, activate=activate, before=self.active(parsed.name))
        return self.find(f"{parsed.name}@{number}")

    def activate(self, name: str, number: int) -> InstalledModel:
        """Make a version active; the previous one is remembered for `roll_back`.

        Raises:
            ModelError: there is no such version, it is damaged, or the model is built in.
            StorageError: the disk does not allow it; the active version is unchanged.
        """
        with self._changing(name) as place:
            model = self._verified(name, number)
            past = versions.history(place)
            if not past or past[-1] != number:
                versions.write_history(place, (*past, number))
        return model

    def roll_back(self, name: str) -> InstalledModel:
        """Make the previously active version active again; removed versions are skipped.

        Raises:
            ModelError: no other version was active before, it is damaged, or the model is built in.
            StorageError: the disk does not allow it; the active version is unchanged.
        """
        with self._changing(name) as place:
            earlier = versions.earlier(place, self.numbers(name))
            if not earlier:
                installed = _format_numbers(self._folders.versions_of(name), self.active(name))
                hint = tr("Run `fovea models activate {name}@N` to choose a version.", name=name)
                what = tr("{name!r} has no previously active version to go back to.", name=name)
                raise ModelError(f"{what} {installed}", hint=hint)
            model = self._verified(name, earlier[-1])
            versions.write_history(place, earlier)
        return model

    def previous(self, name: str) -> int | None:
        """The version that `roll_back` returns to; None if there is none."""
        earlier = versions.earlier(self.user / name, self.numbers(name))
        return earlier[-1] if earlier else None

    def remove(self, name: str) -> None:
        """Move a model of the user with all its versions to the trash; see `core.models.trash`.

        Raises:
            ModelError: it is built in, or there is no such model.
            StorageError: the disk does not allow it; the model is unchanged.
        """
        versions.purge(self.user)
        with self._changing(name) as place:
            versions.move_to_trash(place)

    def remove_version(self, name: str, number: int) -> None:
        """Move one version to the trash; its number is not reused as long as there are other versions.

        Raises:
            ModelError: there is no such version, it is active, or it is built in.
            StorageError: the disk does not allow it; the version is unchanged.
        """
        versions.purge(self.user)
        with self._changing(name) as place:
            existing = versions.numbers(place)
            if number not in existing:
                raise self._missing_error(name, number)
            if number == versions.active(place):
                hint = tr("Activate another version first, or remove the model with all its versions.")
                raise ModelError(tr("Version {number} of {name!r} is active.", number=number, name=name), hint=hint)
            if existing == (number,):
                versions.move_to_trash(place)
            else:
                versions.discard(place, number)

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[Path]:
        """Lock the user's models and yield the folder of a name."""
        self._own_place(name)
        with versions.locked(self.user):
            yield self._own_place(name)

    def _own_place(self, name: str) -> Path:
        for place in versions.subfolders(self.user):
            if place.name == name:
                return place
        if self._folders.versions_of(name):
            what = tr("{name!r} is built in. It can't be removed and has no other versions.", name=name)
        else:
            what = tr("There is no model named {name!r}.", name=name)
        raise ModelError(what, hint=tr("Run `fovea models` to list the installed models."))

    def _verified(self, name: str, number: int) -> InstalledModel:
        model = self.find(f"{name}@{number}")
        _verify(model)
        return model

    def _entry_named(self, name: str, number: int | None) -> Entry | None:
        if number is None:
            return next((entry for entry in self.entries() if entry.name == name), None)
        folder = self._folders.versions_of(name).get(number)
        return None if folder is None else self._folders.entry(name, folder, number)

    def _missing_error(self, name: str, number: int | None) -> ModelError:
        numbers = self._folders.versions_of(name)
        if not numbers:
            return ModelError(tr("There is no model named {name!r}.", name=name), hint=self._choices())
        installed = _format_numbers(numbers, self.active(name))
        if number is None:
            hint = tr("Run `fovea models activate {name}@{number}` to choose one.", name=name, number=max(numbers))
            return ModelError(f"{tr('{name!r} has no active version.', name=name)} {installed}", hint=hint)
        hint = tr("Run `fovea models versions {name}` to list the versions.", name=name)
        what = tr("There is no version {number} of {name!r}.", number=number, name=name)
        return ModelError(f"{what} {installed}", hint=hint)

    def _choices(self) -> str:
        names = ", ".join(model.card.name for model in self.models())
        installed = tr("Installed models: {names}.", names=names)
        return installed if names else tr("No models are installed. Install Fovea again.")


def open_library() -> Library:
    """The library of this program and this user."""
    return Library(paths.builtin_models(), paths.user_models())


def _verify(model: InstalledModel) -> None:
    load_head(model)
    load_bank(model)
    if isinstance(model.card.backbone, BackboneCard):
        load_backbone(model.backbone)


def _format_numbers(numbers: Iterable[int], active: int | None) -> str:
    """A sentence that lists the installed versions."""
    names = [tr("{number} (active)", number=number) if number == active else f"{number}" for number in numbers]
    return tr_n(
        "Installed version: {versions}.", "Installed versions: {versions}.", len(names), versions=", ".join(names)
    )


def _installed(folder: Path) -> datetime | None:
    """When a version was installed: its files are never changed afterwards."""
    try:
        return datetime.fromtimestamp((folder / CARD).stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _check_names(card: ModelCard, files: Mapping[str, bytes]) -> None:
    """Refuse files that the card does not name, whose names could lead out of the library."""
    named = card.files
    if set(files) != named:
        what = tr(
            "The files do not match the card: expected {expected}, found {found}.",
            expected=", ".join(sorted(named)),
            found=", ".join(sorted(files)),
        )
        raise ModelError(what, hint=tr(REINSTALL))
