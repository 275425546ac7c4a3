"""The library: the models that come with the program, and the person's own with their versions.

Shipped: `<shipped>/<name>/card.json` with its files. Own: `<own>/<name>/<version>/card.json`, and in
`<own>/<name>/active` the number of the version in use, written last, so that a version half written is never seen.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core import paths
from core.card import BackboneCard, ModelCard, SharedBackbone, read_card
from core.engine import graph
from core.errors import ModelError, StorageError
from core.library.files import REINSTALL, file_size, read_checked, read_file
from core.library.heads import LinearHead, read_head
from core.storage import replace, storage_errors, write_atomically

CARD: Final = "card.json"
_ACTIVE: Final = "active"
_ABANDONED_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class InstalledBackbone:
    """A backbone that other models may stand on."""

    card: BackboneCard
    folder: Path

    @property
    def name(self) -> str:
        """Its name in the library."""
        return self.card.name

    @property
    def size_bytes(self) -> int:
        """What the backbone takes on disk.

        Raises:
            ModelError: its file is gone since the library was read.
        """
        return file_size(self.folder / self.card.file)


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model in the library.

    Attributes:
        card: what it is.
        folder: where its files lie.
        backbone: the backbone it stands on, shared or its own.
        shipped: whether it came with the program and so cannot be removed.
        version: 1, 2, ... for the person's own; 0 for shipped models.
    """

    card: ModelCard
    folder: Path
    backbone: InstalledBackbone
    shipped: bool
    version: int

    @property
    def name(self) -> str:
        """Its name in the library."""
        return self.card.name

    @property
    def size_bytes(self) -> int:
        """What the model takes on disk, its backbone included.

        Raises:
            ModelError: a file is gone since the library was read.
        """
        return self.backbone.size_bytes + file_size(self.folder / self.card.head.file)


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """A folder in the library that cannot be used, and why."""

    name: str
    folder: Path
    error: ModelError


class NameTakenError(ModelError):
    """A model was to be installed under a new name, and the name is not new."""


Entry = InstalledModel | InstalledBackbone | BrokenEntry


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
        """Everything installed, by name: the person's own, then shipped ones of other names."""
        seen = set()
        for name, folder, version in self._folders():
            if name not in seen:
                seen.add(name)
                yield self._entry(name, folder, version)

    def models(self) -> tuple[InstalledModel, ...]:
        """The models that can be used."""
        return tuple(entry for entry in self.entries() if isinstance(entry, InstalledModel))

    def find(self, name: str) -> InstalledModel:
        """The model of this name.

        Raises:
            ModelError: there is none, it is a bare backbone, or it is broken.
        """
        entry = next((entry for entry in self.entries() if entry.name == name), None)
        match entry:
            case InstalledModel():
                return entry
            case BrokenEntry():
                raise entry.error
            case InstalledBackbone():
                raise ModelError(f"{name!r} is a backbone: it has no classes to tell apart.", hint=self._choices())
            case None:
                raise ModelError(f"There is no model called {name!r}.", hint=self._choices())

    def install(self, card: bytes, files: Mapping[str, bytes], *, new_name: bool = False) -> InstalledModel:
        """Add a model as the next version of its name, and use that version from now on.

        Args:
            card: the card's JSON.
            files: the files it names; their sums are checked.
            new_name: whether the name must be new in the person's own part, even if two programs install at once.

        Raises:
            NameTakenError: with `new_name`, the name is taken.
            ModelError: the card or a file is not right.
            StorageError: the disk does not allow it; nothing is left behind.
        """
        parsed = read_card(card)
        if not isinstance(parsed, ModelCard):
            raise ModelError("Only models can be installed, not bare backbones.", hint=REINSTALL)
        _check_names(parsed, files)
        _sweep(self.own)
        place = self.own / parsed.name
        with storage_errors(place):
            _claim(place, new_name=new_name)
        with _staging(place) as staging:
            for name, data in {**files, CARD: card}.items():
                write_atomically(staging / name, data)
            self._prove(self._model(parsed, staging, version=1))
            self._publish(staging, place)
        return self.find(parsed.name)

    def remove(self, name: str) -> None:
        """Delete a model of the person's own, all versions.

        Raises:
            ModelError: it is a shipped one, or there is none of that name.
        """
        place = next((folder for folder in _subfolders(self.own) if folder.name == name), None)
        if place is None:
            shipped = any(entry.name == name for entry in self.entries())
            why = (
                f"{name!r} came with Fovea and cannot be removed." if shipped else f"There is no model called {name!r}."
            )
            raise ModelError(why, hint="`fovea models` lists what is installed.")
        with storage_errors(place):
            grave = Path(tempfile.mkdtemp(dir=self.own, prefix=".removed-"))
            try:
                replace(place, grave / name)
            finally:
                shutil.rmtree(grave, ignore_errors=True)  # what stays is swept by a later installation

    def _prove(self, model: InstalledModel) -> None:
        load_head(model)
        if isinstance(model.card.backbone, BackboneCard):
            load_backbone(model.backbone)

    def _publish(self, staging: Path, place: Path) -> None:
        """Make a finished folder the next version and the one in use, or leave no trace of it."""
        version = self._number(staging, place)
        try:
            write_atomically(place / _ACTIVE, f"{version}\n".encode())
        except StorageError:
            shutil.rmtree(place / str(version), ignore_errors=True)
            raise

    def _number(self, staging: Path, place: Path) -> int:
        """Give a finished folder the next free version number; two programs may do so at once."""
        with storage_errors(place):
            taken = [int(folder.name) for folder in place.iterdir() if folder.name.isdecimal()]
            version = max(taken, default=0) + 1
            while True:
                try:
                    staging.rename(place / str(version))
                except OSError:
                    if not (place / str(version)).exists():
                        raise
                    version += 1
                else:
                    return version

    def _folders(self) -> Iterator[tuple[str, Path, int]]:
        """The name, folder and version of everything installed, the person's own first; version 0 means shipped."""
        for place in _subfolders(self.own):
            version = _active_version(place)
            if version:
                yield place.name, place / str(version), version
        for folder in _subfolders(self.shipped):
            if _has_card(folder):
                yield folder.name, folder, 0

    def _entry(self, name: str, folder: Path, version: int) -> Entry:
        try:
            return self._whole(name, folder, version)
        except ModelError as error:
            return BrokenEntry(name, folder, error)

    def _whole(self, name: str, folder: Path, version: int) -> Entry:
        card = _read_card_of(name, folder)
        if isinstance(card, BackboneCard):
            return _present(InstalledBackbone(card, folder))
        model = self._model(card, folder, version=version)
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


def load_backbone(backbone: InstalledBackbone) -> bytes:
    """The backbone's file, proven to be the one its card means and to be safe to open.

    Raises:
        ModelError: it is missing, changed, foreign or hostile.
    """
    data = read_checked(backbone.folder / backbone.card.file, backbone.card.sha256)
    graph.check_backbone(data, backbone.card)
    return data


def load_head(model: InstalledModel) -> LinearHead:
    """The model's head, proven to fit its card and its backbone.

    Raises:
        ModelError: it is missing, changed, or does not have the classes the card names.
    """
    head = read_head(read_checked(model.folder / model.card.head.file, model.card.head.sha256))
    check_head(head, model.card, model.backbone.card)
    return head


def check_head(head: LinearHead, card: ModelCard, backbone: BackboneCard) -> None:
    """Refuse a head that does not fit between its backbone and the classes of its card.

    Raises:
        ModelError: it tells another number of classes apart, or reads another number of features.
    """
    if head.class_count != len(card.classes):
        raise ModelError(
            f"The card of {card.name!r} names {len(card.classes)} classes, its head tells {head.class_count} apart.",
            hint=REINSTALL,
        )
    if head.feature_width != backbone.feature_width:
        raise ModelError(
            f"The head of {card.name!r} reads {head.feature_width} features, "
            f"its backbone gives {backbone.feature_width}.",
            hint=REINSTALL,
        )


def _claim(place: Path, *, new_name: bool) -> None:
    """Make the folder of a name; with `new_name` only one program can succeed in that."""
    try:
        place.mkdir(parents=True, exist_ok=not new_name)
    except FileExistsError as error:
        raise NameTakenError(f"There already is a model called {place.name!r}.", hint="Choose another name.") from error


@contextlib.contextmanager
def _staging(place: Path) -> Iterator[Path]:
    """A folder to build a version in, gone afterwards unless it was renamed."""
    try:
        with storage_errors(place):
            staging = Path(tempfile.mkdtemp(dir=place, prefix=".new-"))
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    finally:
        _remove_if_empty(place)


def _sweep(own: Path) -> None:
    """Delete what a killed program left half done, once it is too old to be the work of one that still runs."""
    for leftover in (*own.glob(".removed-*"), *own.glob("*/.new-*")):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(leftover)
                _remove_if_empty(leftover.parent)


def _remove_if_empty(place: Path) -> None:
    with contextlib.suppress(OSError):
        place.rmdir()


def _read_card_of(name: str, folder: Path) -> BackboneCard | ModelCard:
    card = read_card(read_file(folder / CARD))
    if card.name != name:
        raise ModelError(f"The card in {name!r} is of {card.name!r}.", hint=REINSTALL)
    return card


def _subfolders(place: Path) -> list[Path]:
    try:
        return sorted(
            folder for folder in place.iterdir() if folder.is_dir() and not folder.name.startswith((".", "_"))
        )
    except OSError:
        return []


def _has_card(folder: Path) -> bool:
    try:
        (folder / CARD).lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # what may not be looked at is listed, as broken
    return True


def _active_version(place: Path) -> int:
    """The number of the version in use; 0 where none was ever finished."""
    try:
        return int((place / _ACTIVE).read_text("ascii"))
    except (OSError, ValueError):
        return 0


def _check_names(card: ModelCard, files: Mapping[str, bytes]) -> None:
    """Refuse files that the card does not name: a name could lead out of the library."""
    own = {card.backbone.file} if isinstance(card.backbone, BackboneCard) else set()
    named = own | {card.head.file}
    if set(files) != named:
        raise ModelError(f"The card names the files {sorted(named)}, {sorted(files)} came with it.", hint=REINSTALL)


def _present(backbone: InstalledBackbone) -> InstalledBackbone:
    file_size(backbone.folder / backbone.card.file)
    return backbone
