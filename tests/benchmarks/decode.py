"""What reducing a JPEG while decoding saves: `python -m tests.benchmarks.decode [PHOTO]`.

Takes a photo's file through to what the backbone reads, once by Pillow's full decode and resize, once by ours, in
turns, so that whatever else the machine does meets both alike. Without a photo, one of 12 megapixels is drawn.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from core.images.decoding import Pixels, decode, decode_thumbnail
from core.images.preprocessing import Preprocessing, preprocess
from tests import samples

PLAN = Preprocessing(299)
ROUNDS = 15
AT_ONCE = 8


def pillow(path: Path) -> Pixels:
    """The usual way: everything decoded, then resized."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((PLAN.size, PLAN.size), Image.Resampling.BICUBIC))


def ours(path: Path) -> Pixels:
    """Decoded at the reduced size that the plan allows, then resized."""
    return preprocess(decode(path, min_side=PLAN.min_decode_side), PLAN)


def preview(path: Path) -> Pixels:
    """What the gallery shows."""
    return decode_thumbnail(path, 256)


def in_two_threads(path: Path) -> None:
    """`ours` for several images, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(ours, [path] * AT_ONCE))


def milliseconds(work: Callable[[Path], object], path: Path) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work(path)
    return 1000 * (time.perf_counter() - started)


def measure(path: Path) -> Table:
    """Medians over rounds in which every way has its turn."""
    ways: dict[str, tuple[Callable[[Path], object], int]] = {
        "Pillow, full decode, to 299 × 299": (pillow, 1),
        "Fovea, reduced decode, to 299 × 299": (ours, 1),
        "Fovea, the same in two threads": (in_two_threads, AT_ONCE),
        "Fovea, preview of 256 pixels": (preview, 1),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (work, images) in ways.items():
            times[name].append(milliseconds(work, path) / images)
    usual = median(times["Pillow, full decode, to 299 × 299"])
    difference = np.abs(pillow(path).astype(int) - ours(path)).mean()
    table = Table(
        "Way", "ms per image", "times as fast", title=f"{path.name}, median of {ROUNDS} rounds",
        caption=f"mean difference between the two ways to 299 × 299: {difference:.2f} of 255",
    )  # fmt: skip
    for name, taken in times.items():
        table.add_row(name, f"{median(taken):.1f}", f"{usual / median(taken):.1f}")
    return table


def main() -> None:
    """Measure the photo that is named, or one that is drawn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if sys.argv[1:] else Path(folder) / "drawn, 12 megapixels.jpg"
        if not sys.argv[1:]:
            photo = Image.fromarray(samples.photo_like(2000, 1500)).resize((4000, 3000), Image.Resampling.BICUBIC)
            path.write_bytes(samples.encoded(photo, "JPEG", quality=90, subsampling=2))
        Console().print(measure(path))


if __name__ == "__main__":
    main()
