"""How long tests wait for what must happen: a wait costs nothing where it succeeds, however busy the machine."""

from __future__ import annotations

from typing import Final

PATIENCE_S: Final = 120
PATIENCE_MS: Final = 1000 * PATIENCE_S
