"""Where the window's helper processes begin; light, because the window imports it to name what they run.

The heavy imports happen inside, in the helper.
"""

from __future__ import annotations

import contextlib
from multiprocessing.connection import Connection


def serve_engine(connection: Connection) -> None:
    """Open models and classify until the other end closes."""
    from core.engine_service import EngineService

    with contextlib.suppress(OSError, KeyboardInterrupt):  # the window is gone: nobody is left to tell
        EngineService(connection).run()


def serve_pictures(connection: Connection) -> None:
    """List folders and draw pictures until the other end closes."""
    from core.picture_service import PictureService

    with contextlib.suppress(OSError, KeyboardInterrupt):
        PictureService(connection).run()
