"""Helper processes that misbehave, for the tests; importable by name, because a helper imports what it runs."""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

from core.jobs import pipeline, walk
from core.models import classifier
from core.services import batch_sorting
from core.services.processes import serve_batch, serve_engine

DEADLY = "deadly.png"


def serve_engine_that_dies_of_one_image(connection: Connection) -> None:
    """Serve like the engine, but die at once, as a crashing decoder would, when an image of that name is decoded."""
    read_image = classifier.read_image

    def fragile_read(path, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        if path.name == DEADLY:
            os._exit(11)
        return read_image(path, **options)

    classifier.read_image = fragile_read
    serve_engine(connection)


def serve_pictures_and_die(connection: Connection) -> None:
    """Die at the first request."""
    connection.recv()
    os._exit(11)


def die_at_once(connection: Connection) -> None:
    """What a broken installation does."""
    os._exit(1)


def echo(connection: Connection) -> None:
    """Send back what comes; die of the word `die`."""
    while (message := connection.recv()) != "die":
        connection.send(message)
    os._exit(3)


HELD_FROM = "08.png"
"""Photos called so or later are held; those before are one batch."""
RELEASE = "release"
"""Beside the folder of photos that are held, this lets them go."""
SEEN_AT_ONCE = 5
"""Photos that a slow folder shows at once."""


def serve_batch_held(connection: Connection) -> None:
    """Serve like the batch process, but read no more than a batch until a test lets the rest go."""
    prepare = pipeline.prepare

    def prepare_released(path, plan):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        while path.name >= HELD_FROM and not (path.parent.parent / RELEASE).exists():
            time.sleep(0.02)
        return prepare(path, plan)

    pipeline.prepare = prepare_released
    serve_batch(connection)


def serve_batch_that_walks_slowly(connection: Connection) -> None:
    """Serve like the batch process, but read a folder no further than to a few photos until a test lets it go on."""
    visible = walk.visible_entries

    def slowly_visible(folder, *pass_over):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
        for place, entry in enumerate(visible(folder, *pass_over)):
            while place >= SEEN_AT_ONCE and not (folder.parent / RELEASE).exists():
                time.sleep(0.02)
            yield entry

    walk.visible_entries = slowly_visible
    serve_batch(connection)


def serve_batch_that_sorts_slowly(connection: Connection) -> None:
    """Serve like the batch process, but wait with sorting, and undoing it, until a test lets it go on."""
    release = Path(os.environ["FOVEA_HOME"]).with_name(RELEASE)

    def slowly(deed):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        def do(*given, report, token):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
            while not release.exists():
                token.check()
                time.sleep(0.02)
            return deed(*given, report=report, token=token)

        return do

    batch_sorting.execute, batch_sorting.undo = slowly(batch_sorting.execute), slowly(batch_sorting.undo)
    serve_batch(connection)
