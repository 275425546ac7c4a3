"""On what terms a bundle's parts may be used: `licences.json` for Help > Licences, and LICENCES.txt for reading.

A part without the text of its licence is an error of the build. What a distribution leaves out stands in `SUPPLIED`,
with the reason. Build scripts call `collect` with what PyInstaller put in, then `write`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name
from system_libraries import system_packages

from core.app import licences
from core.app.licences import Component, LicenceText
from core.base.storage import write_atomically

HERE: Final = Path(__file__).resolve().parent
READABLE: Final = "LICENCES.txt"
_TEXTS: Final = HERE / "texts"
_SHARED: Final = {"Apache-2.0": HERE.parent / "LICENSE", "MIT": _TEXTS / "MIT.txt"}
"""The terms a shipped model's card names, by the word its licence begins with."""
_RULE: Final = "=" * 100


class LicenceMissing(Exception):  # noqa: N818 - it is what is the matter
    """Something goes into the bundle of which nobody can read on what terms."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What a distribution does not bring itself.

    Attributes:
        texts: files of texts to add.
        reason: why they are needed, for whoever checks this table.
        licence: what to say instead of what the distribution states; empty where that is right.
        note: what a person who receives it must be told.
    """

    texts: tuple[Path, ...]
    reason: str
    licence: str = ""
    note: str = ""


_QT: Final = (_TEXTS / "LGPL-3.0.txt", _TEXTS / "GPL-3.0.txt")
SUPPLIED: Final[Mapping[str, Supply]] = {
    "flatbuffers": Supply((_SHARED["Apache-2.0"],), "The wheel states Apache 2.0 and holds no text of it."),
    "onnxruntime-ep-openvino": Supply(
        (_TEXTS / "onnxruntime-ep-openvino.txt",),
        "The wheel states MIT and holds only the notices of others; the copyright line is that of its __init__.py.",
    ),
    "pyinstaller": Supply(
        (),
        "It brings its text. What goes in is its bootloader, the program file itself.",
        "GPL-2.0-or-later WITH Bootloader-exception",
        "Only its bootloader, which starts the program, is part of Fovea; the exception allows that.",
    ),
    "pyside6-essentials": Supply(
        (*_QT, _TEXTS / "Qt-third-party.txt"),
        "The wheel holds no text of a licence, neither Qt's nor of what Qt contains.",
    ),
    "shiboken6": Supply(_QT, "The wheel holds no text of its licence."),
}


def collect(distributions: Iterable[str], binaries: Iterable[Path] = ()) -> tuple[Component, ...]:
    """Everything in a bundle, each with the texts of its licences.

    Args:
        distributions: names of those that went in, as `importlib.metadata` knows them; PyInstaller among them.
        binaries: the native files that went in, where they lay on this machine. Those of distributions and of Python
            count with them; of the others the package is asked.

    Raises:
        LicenceMissing: there is no text for some part; all such parts are named.
    """
    names = sorted({canonicalize_name(name) for name in distributions} - {"fovea"})
    libraries = [_supplied(name, licences.distribution_component(name)) for name in names]
    system = [package.component() for package in system_packages(binaries)]
    found = [licences.fovea_component(), licences.python_component(), *libraries, *system]
    if "pyside6-essentials" in names:  # the trainer's bundle has neither window nor models
        found += [*map(_with_terms, licences.model_components()), *licences.artwork_components()]
    missing = [component.name for component in found if not any(map(_is_licence, component.texts))]
    if missing:
        raise LicenceMissing(f"no licence text for {', '.join(missing)}; see SUPPLIED in {Path(__file__).name}")
    return licences.sort_components(found)


def write(found: Sequence[Component], data_folder: Path, readable_folder: Path) -> None:
    """Write licences.json into the folder that holds `core`, and LICENCES.txt where a person looks first."""
    write_atomically(data_folder / licences.FILE_NAME, licences.serialize(found))
    write_atomically(readable_folder / READABLE, readable(found).encode())


def readable(found: Sequence[Component]) -> str:
    """The whole list as plain text: what stands in it, then each part with its note and every text."""
    lines = [
        "What Fovea is made of, and on what terms",
        _RULE,
        "",
        "Fovea itself is under the Apache License 2.0. Everything below comes with it and has terms of its own.",
        "The same list, to look through and search, is in the window: Help > Licences. How Qt may be replaced by a",
        "build of your own stands with PySide6_Essentials.",
        "",
    ]
    for number, component in enumerate(found, 1):
        lines.append(f"{number:4}. {_title(component)}")
    for number, component in enumerate(found, 1):
        lines += ["", "", _RULE, f"{number}. {_title(component)}", _RULE, component.homepage, component.note]
        for text in component.texts:
            lines += ["", f"---- {text.title} ----", "", text.content.rstrip("\n")]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)) + "\n"


def _title(component: Component) -> str:
    name = f"{component.name} {component.version}".strip()
    return f"{name}: {component.licence or 'see its text'}"


def _supplied(name: str, component: Component) -> Component:
    supply = SUPPLIED.get(name, Supply((), ""))
    note = _how_to_replace_qt(component.version) if name == "pyside6-essentials" else supply.note
    texts = (*component.texts, *map(_text, supply.texts))
    return replace(component, licence=supply.licence or component.licence, note=note, texts=texts)


def _with_terms(model: Component) -> Component:
    """A model with the text of the licence its card names first."""
    terms = _SHARED.get(re.split(r"[ ,]", model.licence, maxsplit=1)[0])
    return replace(model, texts=(_text(terms),)) if terms else model


def _is_licence(text: LicenceText) -> bool:
    """Whether it is more than a list of notices of others' work."""
    return not re.search(r"notice|third[-_]?party", text.title, re.IGNORECASE)


def _text(file: Path) -> LicenceText:
    title = "Apache-2.0.txt" if file == _SHARED["Apache-2.0"] else file.name
    return LicenceText(title, file.read_text("utf-8"))


def _how_to_replace_qt(version: str) -> str:
    """What the LGPL-3.0 lets a person do (its section 4d), and how; Fovea's folder is laid out to allow it."""
    folder, files = {
        "win32": ("_internal\\PySide6", "Qt6Core.dll, Qt6Gui.dll, Qt6Widgets.dll, Qt6Svg.dll and the others there"),
        "darwin": ("_internal/PySide6/Qt/lib", "QtCore, QtGui, QtWidgets, QtSvg and the other frameworks there"),
    }.get(
        sys.platform,
        (
            "_internal/PySide6/Qt/lib",
            "libQt6Core.so.6, libQt6Gui.so.6, libQt6Widgets.so.6, libQt6Svg.so.6 and the others there",
        ),
    )
    return (
        "Qt and PySide6 are used under the LGPL-3.0, unmodified. You may replace them by builds of your own, changed "
        f"as you like: build Qt {version} (the same version, as shared libraries), then replace in {folder} the files "
        f"{files}, all of them, and in the folder plugins beside what is there. PySide6's and "
        "shiboken6's own libraries lie in _internal/PySide6 and _internal/shiboken6 and are replaced in the same way. "
        "Fovea loads them from these folders when it starts; nothing checks or seals them. Qt's source: "
        "https://download.qt.io/official_releases/qt/ and PySide6's: "
        f"https://download.qt.io/official_releases/QtForPython/pyside6/ (folder of version {version})."
    )
