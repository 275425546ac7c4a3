"""`fovea models`: what is installed, and what can be done with it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from rich.text import Text

from core.base import paths, settings
from core.card import ResizeMode
from core.cli import removal, tables, versions
from core.cli.streams import print_message, results_to
from core.datasets.problems import pluralize
from core.models.library import BrokenEntry, Entry, InstalledBackbone, InstalledModel, Library, open_library

_CLASSES_SHOWN: Final = 40


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; 0 once it is done, and of `compare` what it returns.

    Raises:
        FoveaError: it could not be done.
    """
    library = open_library()
    match arguments.action:
        case "show":
            _show(library, arguments.name, as_json=arguments.format == "json")
        case "import":
            from core.cli import imports

            imports.run(library, arguments)
        case "export":
            from core.cli import export

            export.run(library, arguments)
        case "remove" | "restore":
            removal.run(library, arguments)
        case "use":
            _use(library, arguments.name)
        case "versions" | "activate" | "rollback":
            versions.run(library, arguments)
        case "compare":
            from core.cli import compare

            return compare.run(arguments)
        case _:
            _list(library, as_json=arguments.format == "json")
    return 0


def _list(library: Library, *, as_json: bool) -> None:
    in_use = _settings().model
    rows = [_row(entry, in_use, library.numbers(entry.name)) for entry in library.entries()]
    rows += [{"name": name, "kind": "inactive", "versions": library.numbers(name)} for name in library.inactive()]
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps(rows, indent=2) + "\n")
            return
        result = tables.table(("name", "classes", "size", "from", "about"), numbers=("classes", "size"))
        for row in rows:
            result.add_row(*_cells(row))
        tables.show(stream, result)


def _row(entry: Entry, in_use: str, numbers: tuple[int, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": entry.name}
    match entry:
        case InstalledModel(card=card):
            row |= {"kind": "model", "title": card.title, "summary": card.summary, "classes": len(card.classes)}
            row |= {"backbone": entry.backbone.name, "shipped": entry.is_builtin}
            row |= {"version": entry.version, "versions": numbers}
            return row | {"size_bytes": entry.size_bytes, "in_use": card.name == in_use}
        case InstalledBackbone(card=card):
            return row | {"kind": "backbone", "architecture": card.architecture, "size_bytes": entry.size_bytes}
        case BrokenEntry():
            row |= {"kind": "broken", "message": entry.error.what, "hint": entry.error.hint}
            return row | {"versions": numbers}


def _cells(row: Mapping[str, Any]) -> tuple[Text, ...]:
    size = tables.size(row["size_bytes"]) if "size_bytes" in row else ""
    match row["kind"]:
        case "model":
            count = len(row["versions"])
            origin = "Fovea" if row["shipped"] else f"you, version {row['version']}"
            origin += f" ({count} in all)" if count > 1 else ""
            name = tables.cell(f"{row['name']} (in use)" if row["in_use"] else row["name"], "bold")
            return (name, *map(tables.cell, (f"{row['classes']:,}", size, origin, row["summary"])))
        case "backbone":
            about = f"{row['architecture']}, a backbone for models to stand on"
            return (tables.cell(row["name"]), *map(tables.cell, ("", size, "", about)))
        case "inactive":
            origin = f"you, {pluralize(len(row['versions']), 'version')}"
            about = f"no version is active; see `fovea models versions {row['name']}`"
            return (tables.cell(row["name"]), *map(tables.cell, ("", "", origin, about)))
        case _:
            reason = tables.cell(f"broken: {row['message']} {row['hint']}", "red")
            return (tables.cell(row["name"]), *map(tables.cell, ("", "", "")), reason)


def _show(library: Library, reference: str, *, as_json: bool) -> None:
    entry = next((entry for entry in library.entries() if entry.name == reference), None)
    if not isinstance(entry, InstalledBackbone):
        entry = library.find(reference)
    with results_to(None) as stream:
        if as_json:
            content = _backbone_content(entry) if isinstance(entry, InstalledBackbone) else _content(library, entry)
            stream.write(json.dumps(content, indent=2) + "\n")
            return
        result = tables.facts()
        rows = _backbone_facts(entry) if isinstance(entry, InstalledBackbone) else _facts(library, entry)
        for key, value in rows.items():
            result.add_row(tables.cell(key), tables.cell(value))
        tables.show(stream, result)


def _content(library: Library, model: InstalledModel) -> dict[str, Any]:
    is_active = library.active(model.name) == model.version
    content = {"kind": "model", **asdict(model.card), "backbone": _backbone_content(model.backbone)}
    content |= {"size_bytes": model.size_bytes, "shipped": model.is_builtin}
    content |= {"version": model.version, "active": is_active, "versions": library.numbers(model.name)}
    return content | {"in_use": is_active and model.name == _settings().model, "folder": str(model.folder)}


def _backbone_content(backbone: InstalledBackbone) -> dict[str, Any]:
    content = {"kind": "backbone", **asdict(backbone.card), "size_bytes": backbone.size_bytes}
    del content["golden_features"]
    return content | {"folder": str(backbone.folder)}


def _facts(library: Library, model: InstalledModel) -> dict[str, str]:
    card = model.card
    shown = ", ".join(card.classes[:_CLASSES_SHOWN])
    rest = len(card.classes) - _CLASSES_SHOWN
    unknown = "never measured" if card.unknown_below is None else f"a best probability under {card.unknown_below:.2f}"
    return {
        "model": f"{card.name}: {card.title}",
        "about": card.summary,
        "classes": f"{len(card.classes):,}: {shown}{f' and {rest:,} more' if rest > 0 else ''}",
        "none of them": unknown,
        "temperature": f"{card.temperature:g}",
        "origin": card.origin.source,
        "licence": card.origin.licence,
        "size, all in all": tables.size(model.size_bytes),
        "installed": "with Fovea" if model.is_builtin else _origin(library, model),
        **{f"training, {key}": _text(value) for key, value in card.training.items()},
        **{f"evaluation, {key}": _text(value) for key, value in card.evaluation.items()},
        **_backbone_facts(model.backbone),
    }


def _origin(library: Library, model: InstalledModel) -> str:
    state = "active" if library.active(model.name) == model.version else "not active"
    return f"by you, version {model.version} ({state}; {len(library.numbers(model.name))} in all)"


def _backbone_facts(backbone: InstalledBackbone) -> dict[str, str]:
    card, plan = backbone.card, backbone.card.preprocessing
    crop = "" if plan.fit is ResizeMode.STRETCH else f", of which {plan.crop:.1%} are kept"
    return {
        "backbone": backbone.name,
        "architecture": card.architecture,
        "weights": f"{card.weights:,}",
        "multiply-adds": f"{card.multiply_adds:,} for one image",
        "input": f"{plan.size} x {plan.size} pixels, {plan.fit}{crop}",
        "features": f"{card.feature_width:,}",
        "backbone's size": tables.size(backbone.size_bytes),
        "backbone's origin": card.origin.source,
        "backbone's licence": card.origin.licence,
        "folder": str(backbone.folder),
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _use(library: Library, reference: str) -> None:
    model = library.find(versions.plain_name(reference))
    settings.save(replace(_settings(), model=model.name), paths.settings_file())
    print_message(f"{model.name!r} is now the model in use.")


def _settings() -> settings.Settings:
    return settings.load(paths.settings_file())
