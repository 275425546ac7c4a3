"""What the core warns of, told to the window."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from core.services.messages import Remark


class _Remarks(logging.Handler):
    """Tells the window what the core warns of, from whichever thread."""

    def __init__(self, send: Callable[[Remark], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = send

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(Remark(record.getMessage()))


@contextlib.contextmanager
def remarks_to(send: Callable[[Remark], None]) -> Iterator[None]:
    """Have what the core warns of sent, as long as this lasts."""
    handler, core = _Remarks(send), logging.getLogger("core")
    core.addHandler(handler)
    try:
        yield
    finally:
        core.removeHandler(handler)
