"""The person's settings: one frozen value, kept as JSON; what is unknown or out of range falls back to its default."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path

from core.providers import Precision, ProviderWish
from core.storage import write_atomically

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
    provider: ProviderWish = ProviderWish.AUTO
    precision: Precision = Precision.AUTO
    top_k: int = 5
    theme: Theme = Theme.SYSTEM

    def __post_init__(self) -> None:
        if not self.model or not 1 <= self.top_k <= 20:
            raise ValueError("settings out of range")


def load(path: Path) -> Settings:
    """Read settings; a missing, damaged or older file costs nothing but the fields it got wrong."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        _log.info("settings at %s could not be read (%s); defaults are used", path, error)
        return Settings()
    return _from_json(content if isinstance(content, dict) else {})


def save(settings: Settings, path: Path) -> None:
    """Write settings whole or not at all.

    Raises:
        StorageError: the folder does not allow it.
    """
    write_atomically(path, (json.dumps(asdict(settings), indent=2) + "\n").encode())


def _from_json(content: dict[str, object]) -> Settings:
    settings = Settings()
    for field in fields(Settings):
        if field.name not in content:
            continue
        kind = type(getattr(settings, field.name))
        try:
            values = asdict(settings) | {field.name: _checked(content[field.name], kind)}
            settings = Settings(**values)
        except ValueError:
            _log.info("setting %s=%r is not usable; its default is used", field.name, content[field.name])
    return settings


def _checked(value: object, kind: type) -> object:
    """The value as its field's type; a number is never taken for a text nor the other way round."""
    plain = int if kind is int else str
    if type(value) is not plain:
        raise ValueError(f"{value!r} is not a {plain.__name__}")
    return kind(value)
