"""Whose the libraries are that come from the operating system."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

import pytest


@pytest.fixture
def library() -> Path:
    """One that a package of this system brought."""
    found = sorted(Path("/usr/lib").glob("*-linux-gnu/libz.so.1"))
    if not found or not shutil.which("dpkg-query"):
        pytest.skip("not a Debian system, or zlib is not installed on it")
    return found[0]


def test_a_library_of_the_system_is_its_packages(library: Path) -> None:
    from system_libraries import system_packages

    for name in (library, Path("/", *library.parts[2:])):  # /lib leads to /usr/lib
        (package,) = system_packages([name, name])
        assert (package.name, package.libraries) == ("zlib1g", (library.resolve(),))
        assert package.version
        component = package.component()
        assert component.licence == "Zlib"
        assert "Jean-loup Gailly" in component.texts[0].content
        assert library.resolve().name in component.note


@pytest.mark.parametrize(
    ("libraries", "licence"),
    [
        (["libssl.so.3", "libcrypto.so.3"], "Apache-2.0"),
        (["libxcb-randr.so.0.1.0"], "MIT"),
        (["libz.so.1", "libuuid.so.1"], "BSD-3-Clause AND Zlib"),
        (["libzoo.so.1"], ""),
    ],
)
def test_terms_are_those_of_the_library_not_of_its_whole_source(libraries: list[str], licence: str) -> None:
    from system_libraries import SystemPackage

    if not Path("/usr/share/doc/dpkg/copyright").is_file():
        pytest.skip("not a Debian system with its documentation")
    package = SystemPackage("dpkg", "1", "amd64", "debian", tuple(map(Path, libraries)))
    assert package.component().licence == licence


def test_texts_a_copyright_file_only_refers_to_are_added() -> None:
    from system_libraries import SystemPackage

    if not Path("/usr/share/doc/dpkg/copyright").is_file():
        pytest.skip("not a Debian system with its documentation")
    titles = [text.title for text in SystemPackage("dpkg", "1", "amd64", "debian", ()).component().texts]
    assert titles[0] == "copyright"
    assert "GPL-2.0.txt" in titles


def test_what_belongs_to_python_or_a_distribution_is_not_the_systems(tmp_path: Path) -> None:
    from system_libraries import system_packages

    owned = [Path(sysconfig.get_path("stdlib"), "a.so"), Path(sysconfig.get_path("platlib"), "PIL", "a.so")]
    assert system_packages([*owned, tmp_path / "libpython3.11.so.1.0"]) == []


def test_a_library_of_nobody_stops_the_build(tmp_path: Path) -> None:
    from system_libraries import UnknownLibrary, system_packages

    (tmp_path / "libfoo.so").write_bytes(b"")
    with pytest.raises(UnknownLibrary, match=r"libfoo\.so"):
        system_packages([tmp_path / "libfoo.so"])
