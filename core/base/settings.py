"""The person's settings: one frozen value, kept as JSON; what is unknown or out of range falls back to its default."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from core.base.errors import StorageError
from core.base.providers import Precision, ProviderPreference
from core.base.salvage import members, set_aside
from core.base.storage import reading_errors, write_atomically

_DEFAULTS: Final = "Choose your settings again where they differ from the defaults."
_log = logging.getLogger(__name__)


class Theme(StrEnum):
    """Which colours the window uses."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person chose.

    Attributes:
        model: name of the model in use.
        provider: the provider asked for.
        precision: whether a faster, slightly different arithmetic is welcome.
        top_k: how many classes are shown for an image, 1 to 20.
        theme: light, dark, or as the system says.
    """

    model: str = "general"
    provider: ProviderPreference = ProviderPreference.AUTO
    precision: Precision = Precision.AUTO
    top_k: int = 5
    theme: Theme = Theme.SYSTEM

    def __post_init__(self) -> None:
        if not self.model or not 1 <= self.top_k <= 20:
            raise ValueError("settings out of range")


def load(path: Path, warn: Callable[[str], None] = _log.warning) -> Settings:
    """Read settings; a missing, damaged or older file costs nothing but the fields it got wrong.

    A damaged file is set aside, and what can be read of it is written in its place.

    Args:
        path: the file.
        warn: takes what the person should know: settings are not what they chose.
    """
    try:
        with reading_errors(path):
            data = path.read_bytes() if path.exists() else b"{}"
    except StorageError as error:
        warn(f"The default settings are used. {error}")
        return Settings()
    content = _parse(data)
    return _recover(path, data, warn) if content is None else _from_json(content, path, warn)


def save(settings: Settings, path: Path) -> None:
    """Write settings whole or not at all; what a later version added stays.

    Raises:
        StorageError: the folder does not allow it, or the settings that are there cannot be read just now.
    """
    with reading_errors(path):
        there = _parse(path.read_bytes()) if path.exists() else {}
    if there is None:
        set_aside(path)
    unknown = {name: value for name, value in (there or {}).items() if name not in asdict(settings)}
    write_atomically(path, (json.dumps(asdict(settings) | unknown, indent=2) + "\n").encode())


def _parse(data: bytes) -> dict[str, Any] | None:
    """The content of a file of settings; None where it is damaged."""
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
        warn(f"The settings in {str(path)!r} are damaged, and the model {settings.model!r} is used. {error}")
        return settings
    warn(
        f"The settings in {str(path)!r} were damaged. Now the model {settings.model!r} is used; "
        f"the damaged file was kept as {str(aside)!r}. {_DEFAULTS}"
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
            default = getattr(settings, field.name)
            warn(f"The setting {field.name!r} in {str(path)!r} makes no sense, so {str(default)!r} is used.")
    return settings


def _checked(value: object, kind: type) -> object:
    """The value as its field's type; a number is never taken for a text nor the other way round."""
    plain = int if kind is int else str
    if type(value) is not plain:
        raise ValueError(f"{value!r} is not a {plain.__name__}")
    return kind(value)
