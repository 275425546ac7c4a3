"""The bill of materials of a bundle."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core.app import licences as core_licences
from core.base import paths

pytest.importorskip("cyclonedx", reason="cyclonedx-python-lib is not installed")
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def names() -> list[str]:
    return list(core_licences.runtime_requirements())


@pytest.fixture
def sbom() -> ModuleType:
    import sbom

    return sbom


@pytest.fixture
def text(sbom: ModuleType, names: list[str]) -> str:
    import licences

    return str(sbom.make(licences.collect(names), names, [], MOMENT))


def components(text: str) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in json.loads(text)["components"]}


def test_it_names_version_address_licence_and_hash_of_every_distribution(text: str, names: list[str]) -> None:
    from inputs import record_sha256

    found = {component.get("purl", "").partition("@")[0]: component for component in components(text).values()}
    for name in names:
        component = found[f"pkg:pypi/{name}"]
        assert component["version"] == core_licences.distribution_component(name).version
        assert component["hashes"] == [{"alg": "SHA-256", "content": record_sha256(name)}]
        assert component["licenses"]
    assert components(text)["Python"]["purl"].startswith("pkg:generic/python@3.")


def test_models_are_models_with_the_hash_of_their_weights(text: str) -> None:
    found = {name: one for name, one in components(text).items() if one["type"] == "machine-learning-model"}
    folders = {file.parent.name for file in paths.builtin_models().glob("*/card.json")}
    assert found.keys() == folders
    card = json.loads((paths.builtin_models() / "xception-imagenet" / "card.json").read_bytes())
    xception = found["xception-imagenet"]
    assert xception["hashes"][0]["content"] == card["sha256"]
    inside = {file["name"]: file["hashes"][0]["content"] for file in xception["components"]}
    assert inside["backbone.onnx"] == card["sha256"]
    assert "card.json" in inside


def test_it_says_what_needs_what(text: str) -> None:
    told = json.loads(text)
    references = {component["bom-ref"]: component["name"] for component in told["components"]}
    needs = {one["ref"]: {references[ref] for ref in one.get("dependsOn", ())} for one in told["dependencies"]}
    assert told["metadata"]["component"]["name"] == "Fovea"
    assert {"numpy", "rich", "general", "Python"} <= needs[told["metadata"]["component"]["bom-ref"]]
    (rich,) = [ref for ref, name in references.items() if name == "rich"]
    assert needs[rich] == {"markdown-it-py", "Pygments"}


def test_the_same_parts_give_the_same_bytes_with_one_serial_number(
    sbom: ModuleType, text: str, names: list[str]
) -> None:
    import licences

    again = sbom.make(licences.collect(names), reversed(names), [], MOMENT)
    assert again == text
    told = json.loads(text)
    assert told["metadata"]["timestamp"] == "2026-01-02T03:04:05+00:00"
    fewer = [name for name in names if name != "rich"]
    other = json.loads(sbom.make(licences.collect(fewer), fewer, [], MOMENT))
    assert other["serialNumber"] != told["serialNumber"]


def test_it_follows_the_schema(sbom: ModuleType, names: list[str], tmp_path: Path) -> None:
    pytest.importorskip("jsonschema", reason="the extra `json-validation` of cyclonedx-python-lib is not installed")
    import licences

    file = tmp_path / "sbom.json"
    sbom.write_sbom(licences.collect(names), names, [], file)
    assert json.loads(file.read_bytes())["specVersion"] == "1.6"


def test_what_does_not_follow_the_schema_is_not_written(
    sbom: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jsonschema", reason="the extra `json-validation` of cyclonedx-python-lib is not installed")
    monkeypatch.setattr(sbom, "make", lambda *_: '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": 7}')
    with pytest.raises(ValueError, match="not valid CycloneDX"):
        sbom.write_sbom((), (), (), tmp_path / "sbom.json")
    assert not (tmp_path / "sbom.json").exists()
