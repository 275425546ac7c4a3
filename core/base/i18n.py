"""Translation of what users read: gettext catalogs, looked up by the English message.

A message is a whole sentence with named placeholders, so that a translator can order its words; one that depends on a
number has its plural forms. The English messages are in the code, and need no catalog. `{name!r}` puts text from
outside in “…”, with its control characters escaped.
"""

from __future__ import annotations

import gettext
import os
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

DOMAIN: Final = "fovea"
LANGUAGE: Final = "FOVEA_LANGUAGE"
"""The environment variable that names the language, such as `de`, for this process and the ones it starts."""

_catalog: gettext.NullTranslations = gettext.NullTranslations()


def tr(message: str, /, **values: object) -> str:
    """Translate a message, and put the values into its placeholders: `tr("Removed {name}.", name=name)`.

    A message without values is taken as it is, braces included.
    """
    found = _catalog.gettext(message)
    return _format(found, values) if values else found


def tr_n(singular: str, plural: str, count: int, /, **values: object) -> str:
    """Translate a message in the form that its number needs: `tr_n("{count:,} photo", "{count:,} photos", count)`."""
    return _format(_catalog.ngettext(singular, plural, count), {"count": count, **values})


def _format(message: str, values: Mapping[str, object]) -> str:
    """Put values into a message; the formatter in Python is slower, so only where it is needed."""
    return _QUOTING.vformat(message, (), values) if "!r}" in message else message.format(**values)


class _Quoting(string.Formatter):
    def convert_field(self, value: object, conversion: str | None) -> object:
        if conversion == "r" and isinstance(value, str):
            return f"“{repr(value)[1:-1]}”"
        return super().convert_field(value, conversion)


_QUOTING: Final = _Quoting()


def mark(message: str, /) -> str:
    """Mark a message for translation where it is declared; `tr` translates it where it is shown."""
    return message


def use_language(language: str, catalogs: Path) -> None:
    """Translate into a language such as `de` or `pt_BR`, in this process and those that it starts from now on.

    The folder of catalogs has `<language>/LC_MESSAGES/fovea.mo`; where there is none, messages stay English.
    """
    global _catalog
    os.environ[LANGUAGE] = language
    _catalog = gettext.translation(DOMAIN, catalogs, [language], fallback=True)


def use_wording(wording: Callable[[str], str]) -> None:
    """Word English messages differently from now on, in this process: `wording` takes messages, plurals included."""
    _catalog.add_fallback(_Wording(wording))


class _Wording(gettext.NullTranslations):
    """Another English wording of some messages; a translation takes precedence."""

    def __init__(self, wording: Callable[[str], str]) -> None:
        super().__init__()
        self._wording = wording

    def gettext(self, message: str) -> str:
        return self._wording(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)
