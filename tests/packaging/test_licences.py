"""The lists of licences that a bundle carries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.app import licences as core_licences
from core.app.licences import Component, ComponentKind, LicenceText


def test_everything_fovea_stands_on_has_its_text() -> None:
    import licences

    found = {
        component.name: component for component in licences.collect([*core_licences.runtime_requirements(), "fovea"])
    }
    assert len([name for name in found if name == "Fovea"]) == 1
    assert {"numpy", "Python", "Lucide icons", "PySide6_Essentials", "flatbuffers"} <= found.keys()
    assert all(component.texts for component in found.values())
    titles = [text.title for text in found["PySide6_Essentials"].texts]
    assert titles[:2] == ["LGPL-3.0.txt", "GPL-3.0.txt"]
    assert all("Permission" in model.texts[0].content or "Apache" in model.texts[0].content for model in models(found))


def models(found: dict[str, Component]) -> list[Component]:
    return [component for component in found.values() if component.kind is ComponentKind.MODEL]


def test_without_a_window_there_are_neither_models_nor_icons() -> None:
    import licences

    kinds = {component.kind for component in licences.collect(["numpy"])}
    assert kinds == {ComponentKind.PROGRAM, ComponentKind.LIBRARY}


def test_the_texts_of_the_gnu_licences_are_whole() -> None:
    import licences

    for name, first, last in [
        ("GPL-3.0", "GNU GENERAL PUBLIC LICENSE\n                       Version 3", "why-not-lgpl.html>."),
        ("GPL-2.0", "GNU GENERAL PUBLIC LICENSE\n                       Version 2", "instead of this License."),
        (
            "LGPL-3.0",
            "GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 3",
            "choose that version for the\nLibrary.",
        ),
    ]:
        text = (licences.HERE / "texts" / f"{name}.txt").read_text("utf-8").strip()
        assert text.startswith(first)
        assert text.endswith(last)


@pytest.fixture
def unlicensed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    info = tmp_path / "alpha-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: alpha\nVersion: 1.0\nLicense-Expression: MIT\n")
    (info / "THIRD-PARTY-NOTICES").write_text("of others")
    (info / "RECORD").write_text("alpha-1.0.dist-info/METADATA,,\nalpha-1.0.dist-info/THIRD-PARTY-NOTICES,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_part_without_its_licence_stops_the_build(unlicensed: Path) -> None:
    import licences

    with pytest.raises(licences.LicenceMissing, match="no licence text for alpha;"):
        licences.collect(["numpy", "alpha"])


def test_what_a_part_leaves_out_can_be_supplied(unlicensed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import licences

    supply = licences.Supply((licences.HERE / "texts" / "MIT.txt",), "a test", "MIT-0", "a note")
    monkeypatch.setattr(licences, "SUPPLIED", {"alpha": supply})
    (alpha,) = [component for component in licences.collect(["alpha"]) if component.name == "alpha"]
    assert (alpha.licence, alpha.note) == ("MIT-0", "a note")
    assert [text.title for text in alpha.texts] == ["THIRD-PARTY-NOTICES", "MIT.txt"]


def test_everything_supplied_has_a_reason() -> None:
    import licences

    assert all(supply.reason and all(map(Path.is_file, supply.texts)) for supply in licences.SUPPLIED.values())


@pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
def test_it_is_said_how_to_replace_qt(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    import licences

    monkeypatch.setattr(sys, "platform", system)
    (qt,) = [one for one in licences.collect(["PySide6_Essentials"]) if one.name == "PySide6_Essentials"]
    assert f"build Qt {qt.version}" in qt.note
    assert {"linux": "libQt6Core.so.6", "win32": "Qt6Core.dll", "darwin": "frameworks"}[system] in qt.note
    assert "download.qt.io" in qt.note


def test_both_lists_are_written(tmp_path: Path) -> None:
    import licences

    found = (
        Component("Fovea", "1", ComponentKind.PROGRAM, "Apache-2.0", texts=(LicenceText("LICENSE", "ours\n"),)),
        Component(
            "alpha",
            "2",
            ComponentKind.LIBRARY,
            "",
            "https://a.example",
            "a note",
            (LicenceText("A", "one\n"), LicenceText("B", "two\n")),
        ),
    )
    licences.write(found, tmp_path / "inside", tmp_path)
    assert core_licences.deserialize((tmp_path / "inside" / core_licences.FILE_NAME).read_bytes()) == found
    lines = (tmp_path / "LICENCES.txt").read_text("utf-8").splitlines()
    assert lines.count("   2. alpha 2: see its text") == 1
    told = lines[lines.index("2. alpha 2: see its text") :]
    assert [line for line in told if line and line != "=" * 100][1:] == [
        "https://a.example",
        "a note",
        "---- A ----",
        "one",
        "---- B ----",
        "two",
    ]
