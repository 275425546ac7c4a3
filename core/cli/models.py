"""`fovea models`: list, show and manage installed models."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from typing import Any, Final

from rich.text import Text

from core.api import scripts
from core.base.i18n import tr, tr_n
from core.card import ModelCard, Preprocessing, ResizeMode
from core.card_rules import Hierarchy
from core.cli import statistics, tables, versions
from core.models.values import BrokenEntry, InstalledBackbone, InstalledModel

_CLASSES_SHOWN: Final = 40
_MODULES: Final = {"import": "imports", "add-class": "add_class"} | {
    name: name for name in ("compare", "export", "fetch", "forget", "networks")
}
"""The actions with a module of their own, which is imported only when it is used."""


def run(arguments: argparse.Namespace) -> int:
    """Run an action; return 0 on success, and the exit code of `add-class` and `compare`."""
    match arguments.action:
        case None:
            entries, numbers = scripts.list_entries(), (tr("classes"), tr("size"))
            columns = tr("name"), *numbers, tr("origin"), tr("description")
            shown = tables.table(columns, map(_cells, entries), numbers=numbers)
            tables.print_result(arguments.format, lambda: list(map(_row, entries)), lambda: [shown])
        case "show":
            _show(arguments)
        case str(action) if module := _MODULES.get(action):
            code: int | None = import_module(f"core.cli.{module}").run(arguments)
            return code or 0
        case _:
            versions.run(arguments)
    return 0


def _show(arguments: argparse.Namespace) -> None:
    if statistics.is_wanted(arguments):
        statistics.run(arguments, lambda: _content(scripts.find_entry(arguments.name)))
        return
    one = scripts.find_entry(arguments.name)
    tables.print_result(arguments.format, lambda: _content(one), lambda: [tables.facts(_facts(one).items())])


def _row(one: scripts.LibraryEntry) -> dict[str, Any]:
    row: dict[str, Any] = {"name": one.name}
    match one.entry:
        case InstalledModel(card=card) as model:
            row |= {"kind": "model", "title": card.title, "summary": card.summary, "classes": len(card.classes)}
            row |= {"backbone": model.backbone.name, "shipped": model.is_builtin}
            row |= {"version": model.version, "versions": one.versions}
            return row | {"size_bytes": model.size_bytes, "in_use": one.in_use}
        case InstalledBackbone(card=card) as backbone:
            return row | {"kind": "backbone", "architecture": card.architecture, "size_bytes": backbone.size_bytes}
        case BrokenEntry(error=error):
            return row | {"kind": "broken", "message": error.what, "hint": error.hint, "versions": one.versions}
        case None:
            return row | {"kind": "inactive", "versions": one.versions}


def _cells(one: scripts.LibraryEntry) -> tuple[str | Text, ...]:
    match one.entry:
        case InstalledModel(card=card) as model:
            name = tr("{name} (in use)", name=one.name) if one.in_use else one.name
            size, origin = tables.size(model.size_bytes), _short_origin(model, one)
            return (tables.cell(name, "bold"), f"{len(card.classes):,}", size, origin, card.summary)
        case InstalledBackbone(card=card) as backbone:
            return (one.name, "", tables.size(backbone.size_bytes), "", versions.backbone_text(card))
        case BrokenEntry(error=error):
            return (one.name, "", "", "", versions.damage(error))
        case None:
            count = len(one.versions)
            origin = tr_n("you ({count} version)", "you ({count} versions)", count)
            about = tr("no active version; see `fovea models versions {name}`", name=one.name)
            return (one.name, "", "", origin, about)


def _short_origin(model: InstalledModel, one: scripts.LibraryEntry) -> str:
    if model.is_builtin:
        return tr("Fovea")
    count, version = len(one.versions), model.version
    if count <= 1:
        return tr("you, version {version}", version=version)
    return tr_n("you, version {version} of {count}", "you, version {version} of {count}", count, version=version)


def _content(one: scripts.LibraryEntry) -> dict[str, Any]:
    if isinstance(one.entry, InstalledBackbone):
        return _backbone_content(one.entry)
    model = _model(one)
    content = {"kind": "model", **asdict(model.card), "backbone": _backbone_content(model.backbone)}
    content |= {"size_bytes": model.size_bytes, "shipped": model.is_builtin}
    content |= {"version": model.version, "active": one.is_active, "versions": one.versions}
    return content | {"in_use": one.in_use, "folder": str(model.folder)}


def _backbone_content(backbone: InstalledBackbone) -> dict[str, Any]:
    content = {"kind": "backbone", **asdict(backbone.card), "size_bytes": backbone.size_bytes}
    del content["golden_features"]
    return content | {"folder": str(backbone.folder)}


def _model(one: scripts.LibraryEntry) -> InstalledModel:
    assert isinstance(one.entry, InstalledModel)  # `scripts.find_entry` returns only models and backbones
    return one.entry


def _facts(one: scripts.LibraryEntry) -> dict[str, str]:
    if isinstance(one.entry, InstalledBackbone):
        return _backbone_facts(one.entry)
    model = _model(one)
    card = model.card
    return {
        tr("model"): f"{card.name}: {card.title}",
        tr("description"): card.summary,
        tr("classes"): f"{len(card.classes):,}: {_class_list(card.classes)}",
        **({tr("hierarchy"): _hierarchy(card.hierarchy)} if card.hierarchy else {}),
        **({tr("several classes per image"): _thresholds(card)} if card.is_multi_label else {}),
        tr("unknown"): tables.unknown_rule(card) or tr("not measured"),
        tr("temperature"): f"{card.temperature:g}",
        tr("source"): card.origin.source,
        tr("licence"): card.origin.licence,
        tr("total size"): tables.size(model.size_bytes),
        tr("origin"): tr("built in") if model.is_builtin else _origin(model, one),
        **{tr("training, {key}", key=key): _text(value) for key, value in card.training.items()},
        **{tr("evaluation, {key}", key=key): _text(value) for key, value in card.evaluation.items()},
        **_backbone_facts(model.backbone),
    }


def _hierarchy(hierarchy: Hierarchy) -> str:
    classes = _class_list(["/".join(path) for path in hierarchy.paths])
    return tr("{classes}; a level is sure from {minimum:.0%}", classes=classes, minimum=hierarchy.minimum)


def _thresholds(card: ModelCard) -> str:
    each = [f"{name} {threshold:.0%}" for name, threshold in zip(card.classes, card.thresholds, strict=True)]
    return tr("from {thresholds}", thresholds=_class_list(each))


def _class_list(classes: Sequence[str]) -> str:
    shown, more = ", ".join(classes[:_CLASSES_SHOWN]), len(classes) - _CLASSES_SHOWN
    if more <= 0:
        return shown
    return tr_n("{classes} and {count:,} more", "{classes} and {count:,} more", more, classes=shown)


def _origin(model: InstalledModel, one: scripts.LibraryEntry) -> str:
    values = {"version": model.version, "count": len(one.versions)}
    if one.is_active:
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
    if plan.fit is ResizeMode.PAD:
        return tr("{size} x {size} pixels, padded", size=plan.size)
    return tr("{size} x {size} pixels, {fit}, {crop:.1%} kept", size=plan.size, fit=plan.fit, crop=plan.crop)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
