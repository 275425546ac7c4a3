"""The software bill of materials of a bundle: CycloneDX 1.6 as JSON, the same bytes for the same parts."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from inputs import file_sha256, moment, record_sha256
from packageurl import PackageURL
from packaging.utils import canonicalize_name
from system_libraries import SystemPackage, system_packages

from core.app.licences import EXTRAS, ComponentKind, required
from core.app.licences import Component as Part
from core.base import paths
from core.base.storage import write_atomically
from core.card import BackboneCard, read_card

_HASHED: Final = Property(name="fovea:hash-of", value="the lines of RECORD for what the wheel brought, sorted")


def write_sbom(found: Sequence[Part], distributions: Iterable[str], binaries: Iterable[Path], file: Path) -> None:
    """Write the bill of materials, once it is known to be valid.

    Args:
        found: what `licences.collect` found for the same distributions and binaries.
        distributions: names of those that went in, as `importlib.metadata` knows them.
        binaries: the native files that went in, where they lay on this machine.
        file: where to.

    Raises:
        ValueError: it does not follow CycloneDX's schema.
    """
    text = make(found, distributions, binaries, moment())
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error:
        raise ValueError(f"the bill of materials is not valid CycloneDX 1.6: {error}")
    write_atomically(file, text.encode())


def make(found: Sequence[Part], distributions: Iterable[str], binaries: Iterable[Path], told: datetime) -> str:
    """The bill of materials as JSON; for the arguments see `write_sbom`, `told` is the only time in it."""
    parts: dict[str, Part] = {canonicalize_name(part.name): part for part in found}
    names = sorted({canonicalize_name(name) for name in distributions} - {"fovea"})
    wheels: dict[str, Component] = {name: _wheel(name, parts[name]) for name in names}
    others = [_python(parts["python"]), *map(_package, system_packages(binaries))]
    others += [_plain(part, ComponentType.DATA) for part in found if part.kind is ComponentKind.ARTWORK]
    others += _models() if any(part.kind is ComponentKind.MODEL for part in found) else ()
    fovea = _plain(parts["fovea"], ComponentType.APPLICATION)
    bom = Bom(components=[*wheels.values(), *others], metadata=BomMetaData(component=fovea, timestamp=told))
    bom.register_dependency(fovea, [*_needs("fovea", wheels, *EXTRAS), *others])
    for name, wheel in wheels.items():
        bom.register_dependency(wheel, _needs(name, wheels))
    return _written(bom)


def _written(bom: Bom) -> str:
    """As JSON, with a serial number drawn from the content instead of by chance."""
    bom.serial_number = UUID(int=0)
    bom.serial_number = uuid5(NAMESPACE_URL, JsonV1Dot6(bom).output_as_string(indent=1))
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _needs(name: str, wheels: dict[str, Component], *extras: str) -> list[Component]:
    wanted = {need for extra in ("", *extras) for need, _ in required(name, extra)}
    return [wheels[need] for need in sorted(wanted & wheels.keys())]


def _plain(part: Part, kind: ComponentType, address: PackageURL | None = None) -> Component:
    """What every part has: name, version, licence, where it comes from."""
    pages = [ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(part.homepage))] if part.homepage else []
    return Component(
        type=kind,
        name=part.name,
        version=part.version or None,
        bom_ref=f"{part.name} {part.version}".strip(),
        description=part.note or None,
        licenses=[LicenseFactory().make_from_string(part.licence)] if part.licence else (),
        external_references=pages,
        purl=address,
    )


def _wheel(name: str, part: Part) -> Component:
    made = _plain(part, ComponentType.LIBRARY, PackageURL("pypi", name=name, version=part.version))
    made.hashes = [_hash(record_sha256(name))]
    made.properties = [_HASHED]
    return made


def _python(part: Part) -> Component:
    made = _plain(part, ComponentType.PLATFORM, PackageURL("generic", name="python", version=part.version))
    made.hashes = [_hash(file_sha256(Path(sys.executable).resolve()))]
    return made


def _package(package: SystemPackage) -> Component:
    architecture = {"arch": package.architecture}
    address = PackageURL("deb", package.system, package.name, package.version, qualifiers=architecture)
    made = _plain(package.component(), ComponentType.LIBRARY, address)
    made.components = _files(package.libraries)
    return made


def _models() -> Iterator[Component]:
    """The shipped models; a model's own sha256 is that of its weights' main file, which its card names."""
    for file in sorted(paths.builtin_models().glob("*/card.json")):
        card = read_card(file.read_bytes())
        yield Component(
            type=ComponentType.MACHINE_LEARNING_MODEL,
            name=card.name,
            bom_ref=f"model:{card.name}",
            description=card.origin.source,
            licenses=[LicenseFactory().make_from_string(card.origin.licence)],
            hashes=[_hash(card.sha256 if isinstance(card, BackboneCard) else card.head.sha256)],
            components=_files(sorted(file.parent.iterdir())),
        )


def _files(files: Sequence[Path]) -> list[Component]:
    return [
        Component(
            type=ComponentType.FILE,
            name=file.name,
            bom_ref=f"file:{file.parent.name}/{file.name}",
            hashes=[_hash(file_sha256(file))],
        )
        for file in files
    ]


def _hash(sha256: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=sha256)
