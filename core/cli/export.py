"""`fovea models export`: a model as one file for other programs, and what it lost on the way."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from core.cli import tables
from core.cli.progress import stages
from core.cli.streams import results_to, tell
from core.dataset.problems import quantity
from core.errors import UsageError
from core.judging.plots import percent
from core.learning.trial import Measured, TooMuchLostError, Trial
from core.library.installed import InstalledModel
from core.library.library import Library
from core.library.storage_forms import Storage
from core.progress import CancelToken

_ONNX: Final = ".onnx"
_FORMATS: Final = (_ONNX, ".tflite")
_COLUMNS: Final = ("form", "accuracy", "lost", "only exact right", "only it right", "p", "named otherwise", "cosine")
_COSTS: Final = ("ms per image", "size")


def run(library: Library, arguments: argparse.Namespace) -> None:
    """Write a model as one file, and print what a form in 8 bits loses.

    Raises:
        FoveaError: nothing was written; what was there before is unharmed.
        ReaderGoneError: nobody reads standard output any more.
    """
    file: Path = arguments.file
    storage = None if arguments.storage is None else Storage(arguments.storage)
    _check(file, storage, arguments.images)
    model = library.find(arguments.name)
    try:
        trial = _export(model, file, storage, arguments)
    except TooMuchLostError as error:
        _show(error.trial, as_json=arguments.format == "json")
        raise
    if trial is not None:
        _show(trial, as_json=arguments.format == "json")
    tell(f"{arguments.name!r} is written to {str(file)!r} ({tables.size(file.stat().st_size)}).")
