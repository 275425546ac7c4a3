"""`fovea models fetch`: add a published network."""

from __future__ import annotations

import argparse

from core.api import model_files
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.cli.parsing import parse_path
from core.cli.progress import stages
from core.cli.streams import print_message, results_to
from core.training.networks import IMAGENET, NO_WEIGHTS, BackboneRequest, Design


def run(arguments: argparse.Namespace) -> None:
    """Fetch a network."""
    request = network_request(arguments.network, arguments)
    with stages() as report:
        name = model_files.fetch_network(request, report=report, token=CancelToken())
    if request.described.classes:
        hint = tr("To use it, run `fovea classify --model {name} PHOTO`.", name=name)
        print_message(tr("Added the model {name!r} to the library.", name=name), hint=hint)
    else:
        hint = tr("To train on it, run `fovea train FOLDER --name NAME --backbone {name}`.", name=name)
        print_message(tr("Added the backbone {name!r} to the library.", name=name), hint=hint)
    with results_to(None) as stream:
        stream.write(f"{name}\n")


def network_request(network: str, arguments: argparse.Namespace) -> BackboneRequest:
    """The request for a network with the options that `fovea models fetch` and `fovea train` share."""
    default = Design()
    blocks = default.middle_blocks if arguments.middle_blocks is None else arguments.middle_blocks
    design = Design(blocks, pointwise_first=arguments.pointwise_first, factorised=arguments.factorised)
    weights = arguments.weights
    return BackboneRequest(
        network,
        arguments.alpha,
        arguments.image_size,
        weights=None if weights in (None, IMAGENET, NO_WEIGHTS) else parse_path(weights),
        untrained=weights == NO_WEIGHTS,
        design=design,
    )
