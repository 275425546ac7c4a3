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
    load_learnt,
)
from core.models.training_examples import EXAMPLES, KeptExample, examples_bytes
from core.models.training_hashes import LEARNT, learnt_bytes
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
    "load_learnt",
    "open_library",
    "split_reference",
]

CARD: Final = "card.json"


@dataclass(frozen=True, slots=True)
class Library:
    """The installed models.

    Attributes:
        shipped: the folder of the models that come with the program; only read.
        own: the folder of the person's models; need not exist.
    """

    shipped: Path
    own: Path

    def entries(self) -> Iterator[Entry]:
        """The active version of everything, by name: the person's own, then shipped ones of other names."""
        seen = set()
        for place in versions.subfolders(self.own):
            if (error := versions.trouble(place)) is not None:
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
            for place in versions.subfolders(self.own)
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
        match self._named(name, number):
            case InstalledModel() as model:
                return model
            case BrokenEntry(error=error):
                raise error
            case InstalledBackbone():
                raise ModelError(f"{name!r} is a backbone: it has no classes to tell apart.", hint=self._choices())
            case None:
                raise self._missing(name, number)

    def install(
        self,
        card: bytes,
        files: Mapping[str, bytes],
        *,
        new_name: bool = False,
        activate: bool = True,
        learnt: Iterable[str] | None = None,
        examples: Iterable[KeptExample] | None = None,
    ) -> InstalledModel:
        """Add a model as the next version of its name.

        Args:
            card: the card's JSON.
            files: the files it names; their sums are checked.
            new_name: whether the name must be new in the person's own part, even if two programs install at once.
            activate: whether the name means that version from now on.
            learnt: SHA-256 in hexadecimal of every image it was fitted to; None where nobody knows.
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
        versions.sweep(self.own)
        place = self.own / parsed.name
        beside = {CARD: card}
        if learnt is not None:
            beside[LEARNT] = learnt_bytes(learnt)
        if examples is not None:
            beside[EXAMPLES] = examples_bytes(examples)
        with versions.staging(place, new_name=new_name) as staging:
            for name, data in {**files, **beside}.items():
                write_atomically(staging / name, data)
            _prove(self._model(parsed, staging, version=1))
            with versions.locked(self.own):
                number = versions.publish(staging, place, activate=activate, before=self.active(parsed.name))
        return self.find(f"{parsed.name}@{number}")

    def activate(self, name: str, number: int) -> InstalledModel:
        """Have a name mean this version from now on; the one before it is remembered for `roll_back`.

        Raises:
            ModelError: there is no such version, it is broken, or the name is one that came with the program.
            StorageError: the disk does not allow it; what was active still is.
        """
        with self._changing(name) as place:
            model = self._proven(name, number)
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
                hint = f"There {_told(there, self.active(name))}; `fovea models activate {name}@N` chooses one."
                raise ModelError(f"No other version of {name!r} that is still there was active before.", hint=hint)
            model = self._proven(name, earlier[-1])
            versions.write_history(place, earlier)
        return model

    def remove(self, name: str) -> None:
        """Take away a model of the person's own, all versions; see `core.models.trash`.

        Raises:
            ModelError: it is a shipped one, or there is none of that name.
            StorageError: the disk does not allow it; the model is as it was.
        """
        versions.sweep(self.own)
        with self._changing(name) as place:
            versions.bury(place)

    def remove_version(self, name: str, number: int) -> None:
        """Take away one version; its number is not given again as long as there are others.

        Raises:
            ModelError: there is no such version, it is the active one, or it came with the program.
            StorageError: the disk does not allow it; the version is as it was.
        """
        versions.sweep(self.own)
        with self._changing(name) as place:
            there = versions.numbers(place)
            if number not in there:
                raise self._missing(name, number)
            if number == versions.active(place):
                hint = "Activate another one first, or remove the model with all its versions."
                raise ModelError(f"Version {number} of {name!r} is the active one.", hint=hint)
            if there == (number,):
                versions.bury(place)
            else:
                versions.discard(place, number)

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[Path]:
        """The folder of a name of the person's own, while no other program changes it."""
        self._own_place(name)
        with versions.locked(self.own):
            yield self._own_place(name)

    def _own_place(self, name: str) -> Path:
        for place in versions.subfolders(self.own):
            if place.name == name:
                return place
        if self._numbered(name):
            what = f"{name!r} came with Fovea: it has no other version and cannot be removed."
        else:
            what = f"There is no model called {name!r}."
        raise ModelError(what, hint="`fovea models` lists what is installed.")

    def _proven(self, name: str, number: int) -> InstalledModel:
        model = self.find(f"{name}@{number}")
        _prove(model)
        return model

    def _folders(self) -> Iterator[tuple[str, Path, int]]:
        """The name, folder and number of every active version, the person's own first; number 0 means shipped."""
        for place in versions.subfolders(self.own):
            number = versions.active(place)
            if number:
                yield place.name, place / str(number), number
        for folder in versions.subfolders(self.shipped):
            if _has_card(folder):
                yield folder.name, folder, 0

    def _numbered(self, name: str) -> dict[int, Path]:
        """The folder of every version of a name, the lowest number first."""
        found = [(0, place) for place in versions.subfolders(self.shipped) if place.name == name and _has_card(place)]
        for place in versions.subfolders(self.own):
            if place.name == name:
                found += [(number, place / str(number)) for number in versions.numbers(place)]
        return dict(found)

    def _named(self, name: str, number: int | None) -> Entry | None:
        if number is None:
            return next((entry for entry in self.entries() if entry.name == name), None)
        folder = self._numbered(name).get(number)
        return None if folder is None else self._entry(name, folder, number)

    def _missing(self, name: str, number: int | None) -> ModelError:
        there = self._numbered(name)
        if not there:
            return ModelError(f"There is no model called {name!r}.", hint=self._choices())
        told = _told(there, self.active(name))
        if number is None:
            hint = f"`fovea models activate {name}@{max(there)}` has the name mean that version."
            return ModelError(f"No version of {name!r} is active; there {told}.", hint=hint)
        hint = f"`fovea models versions {name}` tells about them."
        return ModelError(f"There is no version {number} of {name!r}; there {told}.", hint=hint)

    def _entry(self, name: str, folder: Path, number: int) -> Entry:
        try:
            return self._whole(name, folder, number)
        except ModelError as error:
            return BrokenEntry(name, folder, error)

    def _whole(self, name: str, folder: Path, number: int) -> Entry:
        card = _read_card_of(name, folder)
        if isinstance(card, BackboneCard):
            return _present(InstalledBackbone(card, folder))
        model = self._model(card, folder, version=number)
        file_size(folder / card.head.file)
        return model

    def _model(self, card: ModelCard, folder: Path, *, version: int) -> InstalledModel:
        if isinstance(card.backbone, BackboneCard):
            backbone = _present(InstalledBackbone(card.backbone, folder))
        else:
            backbone = self._shared(card.backbone)
        return InstalledModel(card, folder, backbone, shipped=version == 0, version=version)

    def _shared(self, wanted: SharedBackbone) -> InstalledBackbone:
        """The backbone wanted, even where the person has a model of its name; models are not looked into for it."""
        for name, folder, _ in self._folders():
            with contextlib.suppress(ModelError):
                card = _read_card_of(name, folder) if name == wanted.name else None
                if isinstance(card, BackboneCard) and card.sha256 == wanted.sha256:
                    return _present(InstalledBackbone(card, folder))
        raise ModelError(f"The backbone {wanted.name!r} it stands on is missing or damaged.", hint=REINSTALL)

    def _choices(self) -> str:
        names = ", ".join(model.card.name for model in self.models())
        return f"Installed are: {names}." if names else "No model is installed; install Fovea again."


def open_library() -> Library:
    """The library of this program and this person."""
    return Library(paths.shipped_models(), paths.own_models())


def _prove(model: InstalledModel) -> None:
    load_head(model)
    if isinstance(model.card.backbone, BackboneCard):
        load_backbone(model.backbone)


def _told(numbers: Iterable[int], active: int | None) -> str:
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


def _present(backbone: InstalledBackbone) -> InstalledBackbone:
    file_size(backbone.folder / backbone.card.file)
    return backbone
