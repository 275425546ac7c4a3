"""A hierarchy of classes in a text file: one class per line with its levels, such as `animal/bird/owl`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError
from core.base.i18n import mark, tr
from core.base.text import display_path
from core.datasets.class_labels import normalize_label
from core.datasets.problems import format_names

_MAX_BYTES: Final = 16 * 1024**2
_HINT: Final = mark("Write each class on a line of its own, with the groups it belongs to: animal/bird/owl.")


def read_hierarchy_file(file: Path, classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read the levels of classes, from the broadest to the class itself; classes are found by name, in any case.

    Lines that start with # and empty lines are skipped, and so are classes that are not asked for.

    Raises:
        DatasetError: the file cannot be read, a class is missing, or it is on two lines.
    """
    paths: dict[str, tuple[str, ...]] = {}
    for path in _paths(file):
        add_path(paths, path, key=path[-1].casefold())
    missing = [name for name in classes if name.casefold() not in paths]
    if missing:
        what = tr("“{file}” has no line for {names}.", file=_shown(file), names=format_names(missing))
        raise DatasetError(what, hint=tr(_HINT))
    return {name: (*paths[name.casefold()][:-1], name) for name in classes}


def add_path(paths: dict[str, tuple[str, ...]], path: tuple[str, ...], key: str) -> None:
    """Add the levels of a class, unless they are known.

    Raises:
        DatasetError: the class has other levels.
    """
    if paths.setdefault(key, path) != path:
        one, other = ("/".join(levels) for levels in (paths[key], path))
        what = tr("Two classes have the same name: “{one}” and “{other}”.", one=one, other=other)
        hint = tr("Rename one of them, for example “{name}”.", name=f"{path[-1]} ({path[-2] if len(path) > 1 else 2})")
        raise DatasetError(what, hint=hint)


def _paths(file: Path) -> Iterator[tuple[str, ...]]:
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or tr("it is not text in UTF-8")
        what = tr("Couldn't read the hierarchy “{file}”: {reason}.", file=_shown(file), reason=reason)
        is_there = isinstance(error, UnicodeDecodeError)
        hint = tr(_HINT) if is_there else tr("Check that the file exists and that you can open it.")
        raise DatasetError(what, hint=hint) from error
    for line in text.splitlines():
        levels = tuple(filter(None, map(normalize_label, line.split("/"))))
        if levels and not line.lstrip().startswith("#"):
            yield levels


def _shown(file: Path) -> str:
    return display_path(file.name)
