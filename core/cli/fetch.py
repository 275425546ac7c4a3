"""`fovea models fetch`: add a published network as a backbone."""

from __future__ import annotations

import argparse

from core.api import model_files
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.cli.progress import stages
from core.cli.streams import print_message, results_to
from core.training.networks import BackboneRequest


def run(arguments: argparse.Namespace) -> None:
    """Fetch a network.

    Raises:
        FoveaError: it could not be added.
    """
    request = BackboneRequest(arguments.network, arguments.alpha, arguments.image_size, arguments.weights)
    with stages() as report:
        name = model_files.fetch_backbone(request, report=report, token=CancelToken())
    hint = tr("To train on it, run `fovea train FOLDER --name NAME --backbone {name}`.", name=name)
    print_message(tr("Added the backbone {name!r} to the library.", name=name), hint=hint)
    with results_to(None) as stream:
        stream.write(f"{name}\n")
