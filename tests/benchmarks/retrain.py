"""Learning from corrections: the shipped everyday and N corrected photos, from the request to the new version.

    uv run --extra intel python tests/benchmarks/retrain.py PHOTOS [--corrections 14]

The first round opens the engine and computes the features of the corrected photos, unless they are among those
the model was made of; the others find them kept, as a second retraining does. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from core.base.progress import CancelToken, Progress
from core.base.providers import ProviderPreference
from core.datasets.labels import Label, Source
from core.models.library import open_library
from core.training.request import RetrainRequest
from core.training.retrain import retrain

ROUNDS: Final = 5
MODEL: Final = "everyday"


def main() -> None:
    """Print how long each stage takes, in seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="any photos; each is called something new")
    parser.add_argument("--corrections", type=int, default=14)
    asked = parser.parse_args()
    found = sorted(path.absolute() for path in asked.photos.rglob("*") if path.is_file())[: asked.corrections]
    made = tuple(Label(path, "something new", Source.GALLERY, MODEL, "", "bird", 0.5) for path in found)
    with tempfile.TemporaryDirectory() as home:
        os.environ["FOVEA_HOME"] = home
        rounds = [_stages(made) for _ in range(1 + ROUNDS)]
    table = Table("stage", "first", f"median of {ROUNDS} more")
    for stage in rounds[0]:
        later = statistics.median(one.get(stage, 0.0) for one in rounds[1:])
        table.add_row(stage, f"{rounds[0][stage]:.2f}", f"{later:.2f}")
    Console().print(table)


def _stages(made: tuple[Label, ...]) -> dict[str, float]:
    """Seconds of each stage, and of all."""
    taken: dict[str, float] = {}
    began = last = time.perf_counter()
    current = "beginning"

    def report(progress: Progress) -> None:
        nonlocal last, current
        now = time.perf_counter()
        taken[current] = taken.get(current, 0.0) + now - last
        last, current = now, progress.stage

    retrain(RetrainRequest(MODEL, 0, made, ProviderPreference.AUTO), open_library(), report=report, token=CancelToken())
    end = time.perf_counter()
    taken[current] = taken.get(current, 0.0) + end - last
    return taken | {"all": end - began}


if __name__ == "__main__":
    main()
