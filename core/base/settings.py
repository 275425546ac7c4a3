"""The user's settings: one frozen value, stored as JSON; invalid values fall back to their defaults."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.base.errors import StorageError
from core.base.i18n import tr
from core.base.providers import Precision, ProviderPreference
from core.base.salvage import members, set_aside
from core.base.storage import reading_errors, write_atomically

_log = logging.getLogger(__name__)


class Theme(StrEnum):
    """The colour theme of the window."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's settings.

    Attributes:
        precision: whether faster, slightly different arithmetic is allowed.
        top_k: how many classes are shown for an image, 1 to 20.
        fill_tiles: whether tiles crop photos so that they fill them.
        crop: whether photos in the window are classified by a crop around their subject.
    """

    model: str = "general"
    provider: ProviderPreference = ProviderPreference.AUTO
    precision: Precision = Precision.AUTO
    top_k: int = 5
    theme: Theme = Theme.SYSTEM
    fill_tiles: bool = False
    file_names: bool = False
    crop: bool = False
    count_objects: bool = False

    def __post_init__(self) -> None:
        if not self.model or not 1 <= self.top_k <= 20:
            raise ValueError("settings out of range")


def load(path: Path, warn: Callable[[str], None] = _log.warning) -> Settings:
    """Read the settings; missing or invalid fields get their defaults.

    A damaged file is set aside and replaced by one with the readable fields. `warn` gets a message if settings are
    not what the user chose.
    """
    try:
        with reading_errors(path):
            data = path.read_bytes() if path.exists() else b"{}"
    except StorageError as error:
        warn(f"{tr('Using the default settings.')} {error}")
        return Settings()
    content = _parse(data)
    return _recover(path, data, warn) if content is None else _from_json(content, path, warn)


def save(settings: Settings, path: Path) -> None:
    """Write the settings atomically; fields of later versions are kept.

    Raises StorageError if the folder does not allow it, or the existing settings cannot be read at the moment.
    """
    with reading_errors(path):
        existing = _parse(path.read_bytes()) if path.exists() else {}
    if existing is None:
        set_aside(path)
    unknown = {name: value for name, value in (existing or {}).items() if name not in asdict(settings)}
    write_atomically(path, (json.dumps(asdict(settings) | unknown, indent=2) + "\n").encode())


def change(path: Path, **fields: Any) -> None:  # noqa: ANN401 - checked by Settings itself
    """Change these fields of the stored settings; the others stay as another program may have stored them meanwhile.

    Raises:
        StorageError: the folder does not allow it, or the existing settings cannot be read at the moment.
        ValueError: a value is out of range.
    """
    save(replace(load(path), **fields), path)


def _parse(data: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _recover(path: Path, data: bytes, warn: Callable[[str], None]) -> Settings:
    settings = _from_json(dict(members(data)), path, lambda _: None)
    try:
        aside = set_aside(path)
        save(settings, path)
    except StorageError as error:
        what = tr(
            "The settings in {file!r} are damaged. Using the model {model!r}.", file=str(path), model=settings.model
        )
        warn(f"{what} {error}")
        return settings
    warn(
        tr(
            "The settings in {file!r} were damaged. Using the model {model!r}. The damaged file was kept as {aside!r}. "
            "Check your settings.",
            file=str(path),
            model=settings.model,
            aside=str(aside),
        )
    )
    return settings


def _from_json(content: Mapping[str, object], path: Path, warn: Callable[[str], None]) -> Settings:
    settings = Settings()
    for field in fields(Settings):
        if field.name not in content:
            continue
        kind = type(getattr(settings, field.name))
        try:
            values = asdict(settings) | {field.name: _checked(content[field.name], kind)}
            settings = Settings(**values)
        except ValueError:
            default = str(getattr(settings, field.name))
            warn(
                tr(
                    "The setting {name!r} in {file!r} is invalid. Using {default!r} instead.",
                    name=field.name,
                    file=str(path),
                    default=default,
                )
            )
    return settings


def _checked(value: object, kind: type) -> object:
    """Convert a value to its field's type; numbers and strings are not converted into each other."""
    plain = kind if kind in (bool, int) else str
    if type(value) is not plain:
        raise ValueError(f"{value!r} is not a {plain.__name__}")
    return kind(value)
