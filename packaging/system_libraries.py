"""Whose the native libraries are that PyInstaller takes from the system, asked of Debian's package manager."""

from __future__ import annotations

import platform
import re
import subprocess
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.app.licences import Component, ComponentKind, LicenceText

_TEXTS: Final = Path(__file__).resolve().parent / "texts"
_REFERRED: Final = re.compile(r"/usr/share/common-licenses/([A-Za-z]+(?:-[\d.]*\d)?)")
_COMMON: Final = {
    "Apache-2.0": _TEXTS.parent.parent / "LICENSE",
    "GPL": _TEXTS / "GPL-3.0.txt",
    "GPL-2": _TEXTS / "GPL-2.0.txt",
    "GPL-3": _TEXTS / "GPL-3.0.txt",
    "LGPL": _TEXTS / "LGPL-3.0.txt",
    "LGPL-2": _TEXTS / "LGPL-2.0.txt",
    "LGPL-2.1": _TEXTS / "LGPL-2.1.txt",
    "LGPL-3": _TEXTS / "LGPL-3.0.txt",
}
"""What copyright files mean by the names in /usr/share/common-licenses; not read there, as it differs by machine."""
_TERMS: Final = {
    r"libbz2": "bzip2-1.0.6",
    r"lib(crypto|ssl)": "Apache-2.0",
    r"lib(com_err|expat|ffi|gssapi_krb5|k5crypto|krb5|krb5support|xcb|xcb-.+|xkbcommon|xkbcommon-x11)": "MIT",
    r"libkeyutils": "LGPL-2.0-or-later",
    r"liblzma": "public domain",
    r"libmpdec": "BSD-2-Clause",
    r"libsqlite3": "blessing",
    r"libuuid": "BSD-3-Clause",
    r"libz": "Zlib",
}
"""By library, because a copyright file tells of the whole source package, whose programs have other terms."""
_PYTHONS_OWN: Final = re.compile(r"(lib)?python3")


class UnknownLibrary(Exception):  # noqa: N818 - it is what is the matter
    """A native library goes into the bundle, and nobody knows whose it is."""


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """A package of the system and its libraries in the bundle.

    Attributes:
        name: of the binary package.
        version: with the distribution's own part.
        architecture: as the package manager calls it.
        system: the operating system's id, "debian" or "ubuntu".
        libraries: where they lie on this machine, sorted.
    """

    name: str
    version: str
    architecture: str
    system: str
    libraries: tuple[Path, ...]

    def component(self) -> Component:
        """The package with its copyright file, and the texts that one refers to."""
        text = Path("/usr/share/doc", self.name, "copyright").read_text("utf-8", errors="replace")
        terms = {_terms(library) for library in self.libraries} - {""}
        referred = {_COMMON[name] for name in _REFERRED.findall(text) if name in _COMMON}
        texts = (
            LicenceText("copyright", text),
            *(LicenceText(file.name, file.read_text("utf-8")) for file in sorted(referred)),
        )
        files = ", ".join(library.name for library in self.libraries)
        return Component(
            self.name,
            self.version,
            ComponentKind.LIBRARY,
            " AND ".join(sorted(terms)),
            note=f"Taken from {self.system} as it is: {files}.",
            texts=texts,
        )


def system_packages(binaries: Iterable[Path]) -> list[SystemPackage]:
    """The packages of those files that are neither a distribution's nor Python's own, by name.

    Raises:
        UnknownLibrary: the package manager does not know a file, or is not Debian's.
    """
    foreign = sorted({path.resolve() for path in binaries if not _is_pythons(path)})
    if not foreign:
        return []
    owned: dict[str, list[Path]] = {}
    for path in foreign:
        owned.setdefault(_owner(path), []).append(path)
    return [_package(name, paths) for name, paths in sorted(owned.items())]


def _terms(library: Path) -> str:
    """An SPDX licence or plain words; empty where nobody has looked yet, so that its text must tell."""
    stem = library.name.partition(".so")[0]
    return next((licence for pattern, licence in _TERMS.items() if re.fullmatch(pattern, stem)), "")


def _is_pythons(path: Path) -> bool:
    folders = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")}
    whole = path.resolve()
    return _PYTHONS_OWN.match(whole.name) is not None or any(whole.is_relative_to(folder) for folder in folders)


def _owner(path: Path) -> str:
    """The package a file belongs to; since /lib became a link to /usr/lib it may be known by either name."""
    names = (path, Path("/", *path.parts[2:]) if path.parts[:2] == ("/", "usr") else Path("/usr", *path.parts[1:]))
    for name in names:
        answer = _ask("dpkg-query", "--search", str(name))
        if answer:
            return answer.splitlines()[0].partition(": ")[0].partition(", ")[0]
    raise UnknownLibrary(f"no package of this system holds {path}; leave it out, or build on Debian or Ubuntu")


def _package(name: str, libraries: Sequence[Path]) -> SystemPackage:
    answer = _ask("dpkg-query", "--show", "--showformat", "${Package}\t${Version}\t${Architecture}", name)
    package, version, architecture = answer.split("\t")
    return SystemPackage(package, version, architecture, platform.freedesktop_os_release()["ID"], tuple(libraries))


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""
