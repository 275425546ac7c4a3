"""Telling of damaged files when there may be no window to tell it in: with what every desktop has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Final

_TITLE: Final = "Fovea"
_PROGRAMS: Final = (
    ("zenity", "--error", "--no-markup", "--title", _TITLE, "--text"),
    ("kdialog", "--title", _TITLE, "--error"),
    ("xmessage", "-center"),
    ("notify-send", _TITLE),
)
"""The first of these that is installed shows a text on a Linux desktop."""


def tell(text: str) -> None:
    """Say it on standard error, and to a person who sees none, in a message of the desktop."""
    if sys.stderr is not None:
        print(f"fovea: {text}", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            return
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.MessageBoxW(None, text, _TITLE, 0x10)  # MB_ICONERROR
    elif sys.platform == "darwin":
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        _show("osascript", "-e", f'display alert "{_TITLE}" message "{quoted}" as critical')
    else:
        program = next((words for words in _PROGRAMS if shutil.which(words[0])), None)
        if program:
            _show(*program, text)


def _show(*command: str) -> None:
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
