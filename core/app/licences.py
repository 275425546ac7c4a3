"""The components of Fovea and their licences, with the licence texts.

A bundle contains the list as a file, collected when it was built (`packaging/licences.py`). Otherwise it is collected
from the installed packages.
"""

from __future__ import annotations

import json
import platform
import re
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Final

from core.base import paths
from core.base.errors import StorageError
from core.base.i18n import tr
from core.card import ModelCard, read_card

FILE_NAME: Final = "licences.json"
_FORMAT: Final = 1
_ROOT: Final = Path(__file__).resolve().parents[2]
EXTRAS: Final = ("intel", "cuda")
"""The extras for classification; the trainer is a separate bundle."""
_LICENCE_FILES: Final = re.compile(r"licen[cs]e|copying|notice|third[-_]?party", re.IGNORECASE)
_PLAIN: Final = re.compile(r"(?!.*\.(py|pyi|pyc|h|c|so|pb|json|xml|svg|qml|js|css|html|pdf)\Z)", re.IGNORECASE)
_FOLDER: Final = re.compile(r"[^/]+\.dist-info/licen[cs]es/", re.IGNORECASE)
_INFO: Final = re.compile(r"[^/]+\.dist-info/(licen[cs]es/)?", re.IGNORECASE)
_CLASSIFIER: Final = "License :: OSI Approved :: "
_SPDX: Final = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
}
"""Legacy licence names that correspond to exactly one SPDX identifier."""


class ComponentKind(StrEnum):
    """The kind of a component, in listing order."""

    PROGRAM = "program"
    LIBRARY = "library"
    MODEL = "model"
    ARTWORK = "artwork"


@dataclass(frozen=True, slots=True)
class LicenceText:
    """One complete licence or notice: the name of its file, and its content."""

    title: str
    content: str


@dataclass(frozen=True, slots=True)
class Component:
    """A part or dependency of Fovea.

    Attributes:
        name: the official name.
        version: empty if it has none.
        kind: the kind of component.
        licence: an SPDX expression if stated, otherwise the stated text; empty if nothing is stated.
        homepage: its web page; may be empty.
        note: further information; may be empty.
        texts: the texts of its licences and notices.
    """

    name: str
    version: str
    kind: ComponentKind
    licence: str
    homepage: str = ""
    note: str = ""
    texts: tuple[LicenceText, ...] = ()


def components() -> tuple[Component, ...]:
    """All components of this Fovea; reads files, so do not call it in the window's thread.

    Raises:
        StorageError: the bundle's list cannot be read.
        ModelError: the card of a built-in model is damaged.
    """
    bundled = _ROOT / FILE_NAME
    if not bundled.is_file():
        libraries = [distribution_component(name) for name in runtime_requirements()]
        return sort_components(
            [fovea_component(), python_component(), *libraries, *model_components(), *artwork_components()]
        )
    try:
        return deserialize(bundled.read_bytes())
    except OSError as error:
        raise _unreadable() from error


def sort_components(found: Sequence[Component]) -> tuple[Component, ...]:
    """Sort by kind, Fovea first, then by name."""
    kinds = list(ComponentKind)
    return tuple(sorted(found, key=lambda one: (kinds.index(one.kind), one.name != "Fovea", one.name.casefold())))


def serialize(found: Sequence[Component]) -> bytes:
    """Encode the list as JSON, deterministically."""
    content = {"format": _FORMAT, "components": [asdict(component) for component in found]}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def deserialize(data: bytes) -> tuple[Component, ...]:
    """Decode a list written by `serialize`.

    Raises:
        StorageError: it is not such a list.
    """
    try:
        content = json.loads(data)
        found = tuple(_component(fields) for fields in content["components"])
        is_ours = content["format"] == _FORMAT
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable() from error
    if not is_ours:
        raise _unreadable()
    return found


def _component(fields: dict[str, object]) -> Component:
    texts = fields.pop("texts")
    if not isinstance(texts, list) or not all(isinstance(value, str) for value in fields.values()):
        raise TypeError("texts are a list, everything else is text")
    kind = ComponentKind(str(fields.pop("kind")))
    plain = {key: str(value) for key, value in fields.items()}
    return Component(**plain, kind=kind, texts=tuple(LicenceText(**text) for text in texts))


def _unreadable() -> StorageError:
    return StorageError(tr("Couldn't read the list of licences."), hint=tr("Install Fovea again."))


def runtime_requirements() -> tuple[str, ...]:
    """The installed distributions that Fovea needs for classification, without itself, sorted."""
    found = {("fovea", extra) for extra in ("", *EXTRAS)}
    waiting = sorted(found)
    while waiting:
        new = set(required(*waiting.pop())) - found
        found |= new
        waiting += new
    return tuple(sorted({name for name, _ in found} - {"fovea"}))


def required(name: str, extra: str = "") -> Iterator[tuple[str, str]]:
    """Yield the installed requirements of a distribution, each with "" and every requested extra.

    Args:
        name: the distribution.
        extra: one of its extras, or "".
    """
    from packaging.requirements import Requirement  # takes 20 ms
    from packaging.utils import canonicalize_name

    for stated in (metadata.requires(name) or ()) if is_installed(name) else ():
        requirement = Requirement(stated)
        if (requirement.marker is None or requirement.marker.evaluate({"extra": extra})) and is_installed(
            requirement.name
        ):
            for wanted in ("", *sorted(requirement.extras)):
                yield canonicalize_name(requirement.name), wanted


def is_installed(name: str) -> bool:
    """Whether there is a distribution of this name."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def distribution_component(name: str) -> Component:
    """An installed distribution with all its licence texts.

    Raises:
        importlib.metadata.PackageNotFoundError: it is not installed.
    """
    distribution = metadata.distribution(name)
    about = distribution.metadata
    return Component(
        about["Name"],
        distribution.version,
        ComponentKind.LIBRARY,
        _licence(about),
        _homepage(about),
        "",
        _texts(distribution),
    )


def _licence(about: metadata.PackageMetadata) -> str:
    """The licence expression (PEP 639), otherwise the classifiers, otherwise the first line of the old field."""
    expression = _field(about, "License-Expression")
    if expression:
        return expression
    classifiers = [text for text in about.get_all("Classifier", []) if text.startswith(_CLASSIFIER)]
    names = [text.removeprefix(_CLASSIFIER) for text in classifiers]
    names = names or _field(about, "License").splitlines()[:1]
    return ", ".join(_SPDX.get(name, name) for name in names)


def _field(about: metadata.PackageMetadata, name: str) -> str:
    return str(about.get_all(name, [""])[0]).strip()


def _homepage(about: metadata.PackageMetadata) -> str:
    pages = {}
    for line in about.get_all("Project-URL", []):
        title, _, address = line.partition(",")
        pages[title.strip().casefold()] = address.strip()
    found = (pages.get(title) for title in ("homepage", "home", "source", "repository"))
    return _field(about, "Home-page") or next(filter(None, found), "")


def _texts(distribution: metadata.Distribution) -> tuple[LicenceText, ...]:
    """The files in the licence folder (PEP 639), and others named like a licence or notice; each text once."""
    names = [file.as_posix() for file in distribution.files or () if _is_licence_file(file.as_posix())]
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (not _INFO.match(name), name.count("/"), name)):
        path = Path(str(distribution.locate_file(name)))
        if path.is_file():
            found.setdefault(_read(path), _INFO.sub("", name))
    return tuple(LicenceText(title, content) for content, title in found.items())


def _is_licence_file(name: str) -> bool:
    file = name.rpartition("/")[2]
    return bool(_FOLDER.match(name) or (_LICENCE_FILES.search(file) and _PLAIN.match(file)))


def _read(file: Path) -> str:
    return file.read_text("utf-8", errors="replace").strip("\n") + "\n"


def fovea_component() -> Component:
    """Fovea itself; without a text if its licence file is missing."""
    installed = _texts(metadata.distribution("fovea")) if is_installed("fovea") else ()
    own = _ROOT / "LICENSE"
    texts = (LicenceText(own.name, _read(own)),) if own.is_file() else installed
    version = metadata.version("fovea") if is_installed("fovea") else ""
    return Component("Fovea", version, ComponentKind.PROGRAM, "Apache-2.0", texts=texts)


def python_component() -> Component:
    """The Python interpreter; without a text if its licence file is missing."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    places = (stdlib / "LICENSE.txt", stdlib.parent / "LICENSE.txt", stdlib.parent.parent / "LICENSE.txt")
    texts = tuple(LicenceText(place.name, _read(place)) for place in places if place.is_file())[:1]
    return Component(
        "Python", platform.python_version(), ComponentKind.LIBRARY, "PSF-2.0", "https://www.python.org", texts=texts
    )


def model_components() -> Iterator[Component]:
    """The built-in models, as described by their cards.

    Raises:
        ModelError: a card is damaged.
    """
    for file in sorted(paths.builtin_models().glob("*/card.json")):
        card = read_card(file.read_bytes())
        title = card.title if isinstance(card, ModelCard) else f"{card.architecture} backbone"
        yield Component(title, "", ComponentKind.MODEL, card.origin.licence, note=card.origin.source)


def artwork_components() -> Iterator[Component]:
    """The window's icons and sample photos."""
    folder = _ROOT / "gui"
    result = (
        (tr("Lucide icons"), "ISC AND MIT", "https://lucide.dev", folder / "icons" / "LICENSE"),
        (tr("Sample photos"), "CC0-1.0", "https://scikit-image.org", folder / "samples" / "README.md"),
    )
    for name, licence, homepage, file in result:
        texts = (LicenceText(file.name, _read(file)),) if file.is_file() else ()
        yield Component(name, "", ComponentKind.ARTWORK, licence, homepage, texts=texts)
