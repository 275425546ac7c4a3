"""Helper processes that misbehave; in a module of their own, because a helper imports what it runs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from core.app import benchmark, litert_benchmark
from core.base import paths
from core.base.errors import ModelError
from core.base.progress import CancelToken
from core.card import write_card
from core.jobs import pipeline, walk
from core.jobs.job import Job
from core.models import prepare as preparing
from core.outputs import sort
from core.services import jobs
from core.services.processes import serve_batch, serve_engine, serve_library, serve_training
from core.training import fetch, results
from tests import tiny

DEADLY = "deadly.png"


def serve_engine_that_dies_of_one_image(connection: Connection) -> None:
    """Serve like the engine, but die like from a crashing decoder when the deadly image is decoded."""
    _serve_fragile_engine(connection, lambda: os._exit(11))


def serve_engine_that_stumbles_over_one_image(connection: Connection) -> None:
    """Serve like the engine, but with a bug that shows when the deadly image is decoded."""
    _serve_fragile_engine(connection, lambda: 1 / 0)


def _serve_fragile_engine(connection: Connection, fail: Callable[[], object]) -> None:
    read_image = preparing.read_image

    def fragile_read(path, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        if path.name == DEADLY:
            fail()
        return read_image(path, **options)

    preparing.read_image = fragile_read
    serve_engine(connection)


def serve_engine_with_a_tiny_detector(connection: Connection) -> None:
    """Serve like the engine, with the detector in the folder `detector` of the user's home."""
    paths.builtin_detector = lambda: Path(os.environ["FOVEA_HOME"]) / "detector"
    serve_engine(connection)


def serve_pictures_and_die(connection: Connection) -> None:
    """Die at the first request."""
    connection.recv()
    os._exit(11)


def die_at_once(connection: Connection) -> None:
    """Die immediately, like a broken installation."""
    os._exit(1)


def echo(connection: Connection) -> None:
    """Echo messages; die at the message `die`."""
    while (message := connection.recv()) != "die":
        connection.send(message)
    os._exit(3)


HELD_FROM = "08.png"
"""Photos from this name on are held; those before form one batch."""
RELEASE = "release"
"""A file of this name beside the folder releases the held photos."""
SEEN_AT_ONCE = 5
"""Number of photos that a slow folder lists immediately."""


def serve_batch_held(connection: Connection) -> None:
    """Serve like the batch process, but read only one batch until a test stops the job or releases the rest.

    If a test released photos that the job should not classify any more, it could finish before it notices the stop.
    """
    prepare, tokens = pipeline.prepare, list[CancelToken]()

    def prepare_released(path, *how):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
        while path.name >= HELD_FROM and not (path.parent.parent / RELEASE).exists():
            if any(token.cancelled for token in tokens):
                break
            time.sleep(0.02)
        return prepare(path, *how)

    def stoppable(*given, token, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202
        tokens.append(token)
        return Job(*given, token=token, **options)

    pipeline.prepare, jobs.Job = prepare_released, stoppable  # type: ignore[assignment,misc]
    serve_batch(connection)


def serve_batch_that_walks_slowly(connection: Connection) -> None:
    """Serve like the batch process, but list only a few photos of a folder until a test releases the rest."""
    visible = walk.visible_entries

    def slowly_visible(folder, *pass_over):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
        for place, entry in enumerate(visible(folder, *pass_over)):
            while place >= SEEN_AT_ONCE and not (folder.parent / RELEASE).exists():
                time.sleep(0.02)
            yield entry

    walk.visible_entries = slowly_visible
    serve_batch(connection)


def serve_batch_that_sorts_slowly(connection: Connection) -> None:
    """Serve like the batch process, but delay sorting and undoing it until a test releases them."""
    release = Path(os.environ["FOVEA_HOME"]).with_name(RELEASE)

    def slowly(task):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        def do(*given, report, token):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
            while not release.exists():
                token.check()
                time.sleep(0.02)
            return task(*given, report=report, token=token)

        return do

    sort.execute, sort.undo = slowly(sort.execute), slowly(sort.undo)
    serve_batch(connection)


def serve_training_held(connection: Connection) -> None:
    """Serve like the training process, but wait after the first progress until a test stops or releases the training.

    On a busy machine it could otherwise end before the test does what it does during a training.
    """
    release, train = Path(os.environ["FOVEA_HOME"]).with_name(RELEASE), results.train_and_compare

    def train_held(*given, report, token, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202
        def report_and_wait(progress):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            report(progress)
            while not (token.cancelled or release.exists()):
                time.sleep(0.02)

        return train(*given, report=report_and_wait, token=token, **options)

    results.train_and_compare = train_held
    serve_training(connection)


def serve_training_that_adds_tiny_networks(connection: Connection) -> None:
    """Serve like the training process, with a trainer for which every network is the tiny one; it lacks VGG16."""

    def convert(arguments, **_):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        folder = Path(arguments[1])
        request = fetch.read_request(folder)
        if request.network == "vgg16":
            raise ModelError("No weights for VGG16.", hint="Choose another network.")
        card = tiny.backbone_card(name=request.name)
        files = {fetch.BACKBONE: tiny.backbone_bytes(), fetch.BACKBONE_CARD: write_card(card), fetch.NORMALISATION: b""}
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return {}

    fetch.run_trainer = convert
    serve_training(connection)


def serve_library_that_measures_litert(connection: Connection) -> None:
    """Serve like the library process, with a trainer that converts only MobileNetV2, in no time."""

    def convert(arguments, **_):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        names = {json.loads((place / "card.json").read_bytes())["name"]: int(place.name)
                 for place in Path(arguments[1]).glob("[0-9]*")}  # fmt: skip
        return {"files": [[names["mobilenet-v2"], "int8", 2_600_000, 3.5]]}

    litert_benchmark.run_trainer = convert
    serve_library(connection)


def serve_library_that_measures_little(connection: Connection) -> None:
    """Serve like the library process, but measure only the user's backbones, and a small photo."""
    benchmark.PHOTO = (400, 300)
    paths.builtin_models = lambda: Path(os.environ["FOVEA_HOME"]) / "none"
    serve_library(connection)
