"""What Fovea is made of: what it needs, what a distribution tells of itself, and the list of a bundle."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from core.app import licences
from core.app.licences import Component, ComponentKind, LicenceText
from core.base.errors import StorageError


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that distributions are found in."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def install(site: Path, name: str, about: str = "", files: dict[str, str] | None = None) -> None:
    """Put a distribution there, as an installer does."""
    info = f"{name}-1.0.dist-info"
    texts = {f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{about}", **(files or {})}
    for path, content in texts.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(content, "utf-8")
    (site / info / "RECORD").write_text("".join(f"{path},,\n" for path in texts))


@pytest.mark.parametrize(
    ("about", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: old words\n", "MIT OR Apache-2.0"),
        ("Classifier: License :: OSI Approved :: MIT License\nLicense: Expat\n", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License\n", "BSD License"),
        ("Classifier: License :: OSI Approved\nLicense: Zope\n        and more lines\n", "Zope"),
        ("", ""),
    ],
    ids=["expression", "classifier", "vague classifier", "old field", "nothing"],
)
def test_the_clearest_word_on_a_licence_counts(site: Path, about: str, licence: str) -> None:
    install(site, "alpha", about)
    assert licences.distribution_component("alpha").licence == licence


@pytest.mark.parametrize(
    ("about", "page"),
    [
        ("Project-URL: Source, https://a.example\nProject-URL: Homepage, https://b.example\n", "https://b.example"),
        ("Home-page: https://c.example\nProject-URL: Source, https://a.example\n", "https://c.example"),
        ("Project-URL: Source, https://a.example\n", "https://a.example"),
        ("Project-URL: Funding, https://a.example\n", ""),
    ],
)
def test_a_homepage_is_found(site: Path, about: str, page: str) -> None:
    install(site, "alpha", about)
    assert licences.distribution_component("alpha").homepage == page


def test_every_text_of_a_distribution_is_found_once_its_own_licence_first(site: Path) -> None:
    files = {
        "alpha/ThirdPartyNotices.txt": "notices\n",
        "alpha/vendored/LICENSE": "the vendored one's",
        "alpha/copying.py": "license = 1",
        "alpha-1.0.dist-info/licenses/AUTHORS": "we",
        "alpha-1.0.dist-info/licenses/LICENSE.APACHE": "Apache\r\n",
        "alpha-1.0.dist-info/COPYING": "old style",
        "alpha-1.0.dist-info/licenses/more/LICENSE": "Apache\n",
    }
    install(site, "alpha", files=files)
    assert licences.distribution_component("alpha").texts == (
        LicenceText("COPYING", "old style\n"),
        LicenceText("AUTHORS", "we\n"),
        LicenceText("LICENSE.APACHE", "Apache\n"),
        LicenceText("alpha/ThirdPartyNotices.txt", "notices\n"),
        LicenceText("alpha/vendored/LICENSE", "the vendored one's\n"),
    )


def test_bytes_that_are_no_utf_8_do_not_hide_a_licence(site: Path) -> None:
    install(site, "alpha", files={"alpha-1.0.dist-info/LICENSE": ""})
    (site / "alpha-1.0.dist-info" / "LICENSE").write_bytes(b"Copyright \xa9 me")
    assert licences.distribution_component("alpha").texts == (LicenceText("LICENSE", "Copyright � me\n"),)


def test_requirements_are_followed_through_extras_and_markers(site: Path) -> None:
    needs = 'Requires-Dist: beta[fast]\nRequires-Dist: gone\nRequires-Dist: delta; sys_platform == "nowhere"\n'
    install(site, "alpha", needs)
    install(site, "beta", 'Requires-Dist: gamma; extra == "fast"\nRequires-Dist: delta; extra == "slow"\n')
    install(site, "gamma")
    install(site, "delta")
    assert set(licences.required("alpha")) == {("beta", ""), ("beta", "fast")}
    assert set(licences.required("beta")) == set()
    assert set(licences.required("beta", "fast")) == {("gamma", "")}
    assert set(licences.required("absent")) == set()


def test_what_classifies_is_listed_and_the_trainer_is_not() -> None:
    needed = licences.runtime_requirements()
    assert {"numpy", "pyside6-essentials", "shiboken6", "onnx", "protobuf", "packaging"} <= set(needed)
    assert set(needed).isdisjoint({"tensorflow", "keras", "pytest", "fovea"})
    assert list(needed) == sorted(needed)


def test_everything_that_is_installed_is_reported() -> None:
    found = licences.components()
    by_name = {component.name: component for component in found}
    assert found[0].name == "Fovea"
    assert "Apache License" in found[0].texts[0].content
    assert by_name["numpy"].version == metadata.version("numpy")
    assert any("NumPy Developers" in text.content for text in by_name["numpy"].texts)
    assert {"Python", "PySide6_Essentials", "Lucide icons", "Sample photos"} <= set(by_name)
    assert sum(component.kind is ComponentKind.MODEL for component in found) >= 3
    assert all(component.note for component in found if component.kind is ComponentKind.MODEL)


LIST = (
    Component("Fovea", "1", ComponentKind.PROGRAM, "Apache-2.0", texts=(LicenceText("LICENSE", "Ünïcode\n"),)),
    Component("alpha", "", ComponentKind.MODEL, "", "https://a.example", "a note"),
)


def test_a_bundles_list_is_read_back_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licences, "_ROOT", tmp_path)
    (tmp_path / licences.FILE_NAME).write_bytes(licences.serialize(LIST))
    assert licences.components() == LIST


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"format": 2, "components": []}',
        b'{"format": 1, "components": [{"name": "a"}]}',
        b'{"format": 1, "components": "ab"}',
        licences.serialize(LIST).replace(b'"alpha"', b"7"),
        licences.serialize(LIST).replace(b'"model"', b'"ship"'),
        licences.serialize(LIST).replace(b'"note"', b'"unknown"'),
        licences.serialize(LIST).replace(b'"content"', b'"unknown"'),
    ],
)
def test_a_damaged_list_is_refused_in_words(damage: bytes) -> None:
    with pytest.raises(StorageError, match="Install Fovea again"):
        licences.deserialize(damage)


def test_the_list_is_json_that_others_can_read() -> None:
    assert json.loads(licences.serialize(LIST))["components"][0]["texts"] == [
        {"title": "LICENSE", "content": "Ünïcode\n"}
    ]


def test_fovea_comes_first_then_kinds_then_names() -> None:
    made = [
        ("b", ComponentKind.LIBRARY),
        ("Fovea", ComponentKind.PROGRAM),
        ("A", ComponentKind.MODEL),
        ("C", ComponentKind.LIBRARY),
        ("z", ComponentKind.ARTWORK),
    ]
    given = [Component(name, "", kind, "") for name, kind in made]
    assert [component.name for component in licences.sort_components(given)] == ["Fovea", "b", "C", "A", "z"]
