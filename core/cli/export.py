"""`fovea models export`: a model as one file for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from core.cli import tables
from core.cli.streams import tell
from core.errors import UsageError
from core.library.library import Library

_FORMATS: Final = (".onnx", ".tflite")


def run(library: Library, arguments: argparse.Namespace) -> None:
    """Write a model as one file.

    Raises:
        FoveaError: it could not be done; what was there before is unharmed.
    """
    from core.library.exchange import export

    file: Path = arguments.file
    if file.suffix.lower() not in _FORMATS:
        raise UsageError(f"{str(file)!r} says no format.", hint="Choose a name that ends in .onnx or .tflite.")
    export(library.find(arguments.name), file)
    tell(f"{arguments.name!r} is written to {str(file)!r} ({tables.size(file.stat().st_size)}).")
