"""`fovea models forget`: train a model without some images, and delete what was made with them."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from rich.text import Text

from core import api
from core.api import scripts
from core.base.progress import CancelToken
from core.cli import tables
from core.cli.progress import stages
from core.training.request import ForgetRequest


def run(arguments: argparse.Namespace) -> None:
    """Forget images."""
    request = ForgetRequest(arguments.name, tuple(arguments.photos), scripts.load_settings().provider)
    with stages() as report:
        done = api.forget(request, report=report, token=CancelToken())
    tables.print_result(arguments.format, lambda: asdict(done), lambda: [Text(note) for note in done.notes])
