"""`fovea models`: list, show and manage installed models."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from rich.text import Text

from core.base import paths, settings
from core.base.i18n import tr, tr_n
from core.card import Preprocessing, ResizeMode
from core.cli import removal, tables, versions
from core.cli.streams import print_message, results_to
from core.models.library import BrokenEntry, Entry, InstalledBackbone, InstalledModel, Library, open_library

_CLASSES_SHOWN: Final = 40


def run(arguments: argparse.Namespace) -> int:
    """Run an action; return 0 on success, and the exit code of `compare`.

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
        numbers = tr("classes"), tr("size")
        result = tables.table((tr("name"), *numbers, tr("origin"), tr("description")), numbers=numbers)
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
            name = tr("{name} (in use)", name=row["name"]) if row["in_use"] else row["name"]
            values = (f"{row['classes']:,}", size, _row_origin(row), row["summary"])
            return (tables.cell(name, "bold"), *map(tables.cell, values))
        case "backbone":
            about = tr("{architecture}, shared backbone", architecture=row["architecture"])
            return (tables.cell(row["name"]), *map(tables.cell, ("", size, "", about)))
        case "inactive":
            about = tr("no active version; see `fovea models versions {name}`", name=row["name"])
            return (tables.cell(row["name"]), *map(tables.cell, ("", "", _row_origin(row), about)))
        case _:
            reason = tables.cell(tr("damaged: {reason}", reason=f"{row['message']} {row['hint']}"), "red")
            return (tables.cell(row["name"]), *map(tables.cell, ("", "", "")), reason)


def _row_origin(row: Mapping[str, Any]) -> str:
    if row.get("shipped"):
        return tr("Fovea")
    count = len(row["versions"])
    if row["kind"] == "inactive":
        return tr_n("you ({count} version)", "you ({count} versions)", count)
    if count <= 1:
        return tr("you, version {version}", version=row["version"])
    return tr_n("you, version {version} of {count}", "you, version {version} of {count}", count, version=row["version"])


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
    card, below = model.card, model.card.unknown_below
    return {
        tr("model"): f"{card.name}: {card.title}",
        tr("description"): card.summary,
        tr("classes"): f"{len(card.classes):,}: {_class_list(card.classes)}",
        tr("unknown"): tr("not measured") if below is None else tr("confidence below {limit:.2f}", limit=below),
        tr("temperature"): f"{card.temperature:g}",
        tr("source"): card.origin.source,
        tr("licence"): card.origin.licence,
        tr("total size"): tables.size(model.size_bytes),
        tr("origin"): tr("built in") if model.is_builtin else _origin(library, model),
        **{tr("training, {key}", key=key): _text(value) for key, value in card.training.items()},
        **{tr("evaluation, {key}", key=key): _text(value) for key, value in card.evaluation.items()},
        **_backbone_facts(model.backbone),
    }


def _class_list(classes: Sequence[str]) -> str:
    shown, more = ", ".join(classes[:_CLASSES_SHOWN]), len(classes) - _CLASSES_SHOWN
    if more <= 0:
        return shown
    return tr_n("{classes} and {count:,} more", "{classes} and {count:,} more", more, classes=shown)


def _origin(library: Library, model: InstalledModel) -> str:
    values = {"version": model.version, "count": len(library.numbers(model.name))}
    if library.active(model.name) == model.version:
        return tr("trained or imported by you, version {version} of {count} (active)", **values)
    return tr("trained or imported by you, version {version} of {count} (not active)", **values)


def _backbone_facts(backbone: InstalledBackbone) -> dict[str, str]:
    card = backbone.card
    return {
        tr("backbone"): backbone.name,
        tr("architecture"): card.architecture,
        tr("parameters"): f"{card.weights:,}",
        tr("multiply-adds"): tr("{count:,} per image", count=card.multiply_adds),
        tr("input"): _input(card.preprocessing),
        tr("features"): f"{card.feature_width:,}",
        tr("backbone size"): tables.size(backbone.size_bytes),
        tr("backbone source"): card.origin.source,
        tr("backbone licence"): card.origin.licence,
        tr("folder"): str(backbone.folder),
    }


def _input(plan: Preprocessing) -> str:
    if plan.fit is ResizeMode.STRETCH:
        return tr("{size} x {size} pixels, stretched", size=plan.size)
    return tr("{size} x {size} pixels, {fit}, {crop:.1%} kept", size=plan.size, fit=plan.fit, crop=plan.crop)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _use(library: Library, reference: str) -> None:
    model = library.find(versions.plain_name(reference))
    settings.save(replace(_settings(), model=model.name), paths.settings_file())
    print_message(tr("{name!r} is now the model in use.", name=model.name))


def _settings() -> settings.Settings:
    return settings.load(paths.settings_file())
