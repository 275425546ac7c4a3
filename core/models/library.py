"""The library: the models that come with the program, and the person's own with their versions.

Shipped: `<shipped>/<name>/card.json` with its files. Own: `<own>/<name>/<number>/card.json`, and what else
`core.models.versions` keeps there. `NAME` means the active version of a name, `NAME@N` its version N.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.base import paths
from core.base.errors import ModelError
from core.base.storage import write_atomically
from core.card import BackboneCard, ModelCard, SharedBackbone, read_card
from core.models import versions
from core.models.files import REINSTALL, file_size, read_file
from core.models.installed import (
    BrokenEntry,
    Entry,
    InstalledBackbone,
    InstalledModel,
    Version,
    check_head,
    load_backbone,
    load_examples,
    load_head,
    load_training_hashes,
)
from core.models.training_examples import EXAMPLES, TrainingExample, serialize_examples
from core.models.training_hashes import TRAINING_HASHES, serialize_hashes
from core.models.versions import NameTakenError, split_reference

__all__ = [
    "CARD",
    "BrokenEntry",
    "Entry",
    "InstalledBackbone",
    "InstalledModel",
    "Library",
    "NameTakenError",
    "Version",
    "check_head",
    "load_backbone",
    "load_examples",
    "load_head",
    "load_training_hashes",
    "open_library",
    "split_reference",
]

CARD: Final = "card.json"


@dataclass(frozen=True, slots=True)
class Library:
    """The installed models.

    Attributes:
        builtin: the folder of the models that come with the program; only read.
        user: the folder of the person's models; need not exist.
    """

    builtin: Path
    user: Path

    def entries(self) -> Iterator[Entry]:
        """The active version of everything, by name: the person's own, then shipped ones of other names."""
        seen = set()
        for place in versions.subfolders(self.user):
            if (error := versions.history_error(place)) is not None:
                seen.add(place.name)
                yield BrokenEntry(place.name, place, error)
        for name, folder, number in self._folders():
            if name not in seen:
                seen.add(name)
                yield self._entry(name, folder, number)

    def models(self) -> tuple[InstalledModel, ...]:
        """The active version of every model that can be used."""
        return tuple(entry for entry in self.entries() if isinstance(entry, InstalledModel))

    def inactive(self) -> tuple[str, ...]:
        """The names that have versions, but none that is active."""
        active = {name for name, _, _ in self._folders()}
        return tuple(
            place.name
            for place in versions.subfolders(self.user)
            if place.name not in active and versions.numbers(place)
        )

    def active(self, name: str) -> int | None:
        """The number of the version that a name means, which may be gone; None where it means none."""
        return next((number for found, _, number in self._folders() if found == name), None)

    def numbers(self, name: str) -> tuple[int, ...]:
        """The numbers of the versions of a name, the lowest first; 0 stands for what came with the program."""
        return tuple(self._numbered(name))

    def versions(self, name: str) -> tuple[Version, ...]:
        """Every version of a name, the lowest number first; none where there is nothing of that name."""
        active = self.active(name)
        return tuple(
            Version(number, number == active, self._entry(name, folder, number), _installed(folder) if number else None)
            for number, folder in self._numbered(name).items()
        )

    def find(self, reference: str) -> InstalledModel:
        """The model of this name, or of `name@number`.

        Raises:
            ModelError: there is none, no version of it is active, it is a bare backbone, or it is broken.
        """
        name, number = split_reference(reference)
        match self._entry_named(name, number):
            case InstalledModel() as model:
                return model
            case BrokenEntry(error=error):
                raise error
            case InstalledBackbone():
                raise ModelError(f"{name!r} is a backbone: it has no classes to tell apart.", hint=self._choices())
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
        examples: Iterable[TrainingExample] | None = None,
    ) -> InstalledModel:
        """Add a model as the next version of its name.

        Args:
            card: the card's JSON.
            files: the files it names; their sums are checked.
            new_name: whether the name must be new in the person's own part, even if two programs install at once.
            activate: whether the name means that version from now on.
            trained_on: SHA-256 in hexadecimal of every image it was fitted to; None where nobody knows.
            examples: every image it was made of, those it was judged by included; None where nobody knows.

        Raises:
            NameTakenError: with `new_name`, the name is taken.
            ModelError: the card or a file is not right.
            StorageError: the disk does not allow it; nothing is left behind.
        """
        parsed = read_card(card)
        if not isinstance(parsed, ModelCard):
            raise ModelError("Only models can be installed, not bare backbones.", hint=REINSTALL)
        _check_names(parsed, files)
        versions.purge(self.user)
        place = self.user / parsed.name
        extra_files = {CARD: card}
        if trained_on is not None:
            extra_files[TRAINING_HASHES] = serialize_hashes(trained_on)
        if examples is not None:
            extra_files[EXAMPLES] = serialize_examples(examples)
        with versions.staging(place, new_name=new_name) as staging:
            for name, data in {**files, **extra_files}.items():
                write_atomically(staging / name, data)
            _verify(self._model(parsed, staging, version=1))
            with versions.locked(self.user):
                number = versions.publish(staging, place, activate=activate, before=self.active(parsed.name))
        return self.find(f"{parsed.name}@{number}")

    def activate(self, name: str, number: int) -> InstalledModel:
        """Have a name mean this version from now on; the one before it is remembered for `roll_back`.

        Raises:
            ModelError: there is no such version, it is broken, or the name is one that came with the program.
            StorageError: the disk does not allow it; what was active still is.
        """
        with self._changing(name) as place:
            model = self._verified(name, number)
            past = versions.history(place)
            if not past or past[-1] != number:
                versions.write_history(place, (*past, number))
        return model

    def roll_back(self, name: str) -> InstalledModel:
        """Have a name mean the version again that was active before; removed ones are passed over.

        Raises:
            ModelError: none was active before or it is broken, or the name is one that came with the program.
            StorageError: the disk does not allow it; what was active still is.
        """
        with self._changing(name) as place:
            past, there = versions.history(place), self._numbered(name)
            earlier = list(past[:-1])
            while earlier and (earlier[-1] not in there or earlier[-1] == past[-1]):
                earlier.pop()
            if not earlier:
                hint = (
                    f"There {_format_numbers(there, self.active(name))}; `fovea models activate {name}@N` chooses one."
                )
                raise ModelError(f"No other version of {name!r} that is still there was active before.", hint=hint)
            model = self._verified(name, earlier[-1])
            versions.write_history(place, earlier)
        return model

    def remove(self, name: str) -> None:
        """Take away a model of the person's own, all versions; see `core.models.trash`.

        Raises:
            ModelError: it is a shipped one, or there is none of that name.
            StorageError: the disk does not allow it; the model is as it was.
        """
        versions.purge(self.user)
        with self._changing(name) as place:
            versions.move_to_trash(place)

    def remove_version(self, name: str, number: int) -> None:
        """Take away one version; its number is not given again as long as there are others.

        Raises:
            ModelError: there is no such version, it is the active one, or it came with the program.
            StorageError: the disk does not allow it; the version is as it was.
        """
        versions.purge(self.user)
        with self._changing(name) as place:
            there = versions.numbers(place)
            if number not in there:
                raise self._missing_error(name, number)
            if number == versions.active(place):
                hint = "Activate another one first, or remove the model with all its versions."
                raise ModelError(f"Version {number} of {name!r} is the active one.", hint=hint)
            if there == (number,):
                versions.move_to_trash(place)
            else:
                versions.discard(place, number)

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[Path]:
        """The folder of a name of the person's own, while no other program changes it."""
        self._own_place(name)
        with versions.locked(self.user):
            yield self._own_place(name)

    def _own_place(self, name: str) -> Path:
        for place in versions.subfolders(self.user):
            if place.name == name:
                return place
        if self._numbered(name):
            what = f"{name!r} came with Fovea: it has no other version and cannot be removed."
        else:
            what = f"There is no model called {name!r}."
        raise ModelError(what, hint="`fovea models` lists what is installed.")

    def _verified(self, name: str, number: int) -> InstalledModel:
        model = self.find(f"{name}@{number}")
        _verify(model)
        return model

    def _folders(self) -> Iterator[tuple[str, Path, int]]:
        """The name, folder and number of every active version, the person's own first; number 0 means shipped."""
        for place in versions.subfolders(self.user):
            number = versions.active(place)
            if number:
                yield place.name, place / str(number), number
        for folder in versions.subfolders(self.builtin):
            if _has_card(folder):
                yield folder.name, folder, 0

    def _numbered(self, name: str) -> dict[int, Path]:
        """The folder of every version of a name, the lowest number first."""
        found = [(0, place) for place in versions.subfolders(self.builtin) if place.name == name and _has_card(place)]
        for place in versions.subfolders(self.user):
            if place.name == name:
                found += [(number, place / str(number)) for number in versions.numbers(place)]
        return dict(found)

    def _entry_named(self, name: str, number: int | None) -> Entry | None:
        if number is None:
            return next((entry for entry in self.entries() if entry.name == name), None)
        folder = self._numbered(name).get(number)
        return None if folder is None else self._entry(name, folder, number)

    def _missing_error(self, name: str, number: int | None) -> ModelError:
        numbers = self._numbered(name)
        if not numbers:
            return ModelError(f"There is no model called {name!r}.", hint=self._choices())
        available = _format_numbers(numbers, self.active(name))
        if number is None:
            hint = f"`fovea models activate {name}@{max(numbers)}` has the name mean that version."
            return ModelError(f"No version of {name!r} is active; there {available}.", hint=hint)
        hint = f"`fovea models versions {name}` tells about them."
        return ModelError(f"There is no version {number} of {name!r}; there {available}.", hint=hint)

    def _entry(self, name: str, folder: Path, number: int) -> Entry:
        try:
            return self._load(name, folder, number)
        except ModelError as error:
            return BrokenEntry(name, folder, error)

    def _load(self, name: str, folder: Path, number: int) -> Entry:
        card = _read_card_of(name, folder)
        if isinstance(card, BackboneCard):
            return _checked_files(InstalledBackbone(card, folder))
        model = self._model(card, folder, version=number)
        file_size(folder / card.head.file)
        return model

    def _model(self, card: ModelCard, folder: Path, *, version: int) -> InstalledModel:
        if isinstance(card.backbone, BackboneCard):
            backbone = _checked_files(InstalledBackbone(card.backbone, folder))
        else:
            backbone = self._shared(card.backbone)
        return InstalledModel(card, folder, backbone, is_builtin=version == 0, version=version)

    def _shared(self, wanted: SharedBackbone) -> InstalledBackbone:
        """The backbone wanted, even where the person has a model of its name; models are not looked into for it."""
        for name, folder, _ in self._folders():
            with contextlib.suppress(ModelError):
                card = _read_card_of(name, folder) if name == wanted.name else None
                if isinstance(card, BackboneCard) and card.sha256 == wanted.sha256:
                    return _checked_files(InstalledBackbone(card, folder))
        raise ModelError(f"The backbone {wanted.name!r} it stands on is missing or damaged.", hint=REINSTALL)

    def _choices(self) -> str:
        names = ", ".join(model.card.name for model in self.models())
        return f"Installed are: {names}." if names else "No model is installed; install Fovea again."


def open_library() -> Library:
    """The library of this program and this person."""
    return Library(paths.builtin_models(), paths.user_models())


def _verify(model: InstalledModel) -> None:
    load_head(model)
    if isinstance(model.card.backbone, BackboneCard):
        load_backbone(model.backbone)


def _format_numbers(numbers: Iterable[int], active: int | None) -> str:
    """The versions there are, as the end of a sentence that begins with "there"."""
    names = [f"{number} (active)" if number == active else f"{number}" for number in numbers]
    return f"is only version {names[0]}" if len(names) == 1 else f"are versions {', '.join(names)}"


def _installed(folder: Path) -> datetime | None:
    """When a version was installed: its files are never written again."""
    try:
        return datetime.fromtimestamp((folder / CARD).stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _read_card_of(name: str, folder: Path) -> BackboneCard | ModelCard:
    data = read_file(folder / CARD)
    try:
        card = read_card(data)
    except ModelError as error:
        raise ModelError(f"Model {name!r}: {error.what[:1].lower()}{error.what[1:]}", hint=error.hint) from error
    if card.name != name:
        raise ModelError(f"The card in {name!r} is of {card.name!r}.", hint=REINSTALL)
    return card


def _has_card(folder: Path) -> bool:
    try:
        (folder / CARD).lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # what may not be looked at is listed, as broken
    return True


def _check_names(card: ModelCard, files: Mapping[str, bytes]) -> None:
    """Refuse files that the card does not name: a name could lead out of the library."""
    own = {card.backbone.file} if isinstance(card.backbone, BackboneCard) else set()
    named = own | {card.head.file}
    if set(files) != named:
        raise ModelError(f"The card names the files {sorted(named)}, {sorted(files)} came with it.", hint=REINSTALL)


def _checked_files(backbone: InstalledBackbone) -> InstalledBackbone:
    file_size(backbone.folder / backbone.card.file)
    return backbone
