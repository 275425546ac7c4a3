"""Damaged files, drawn by chance: `python -m tests.benchmarks.fuzz [--rounds N] [--seed N] [--seconds N]`.

Each family makes damaged files from whole ones and tries them one by one; the table counts what came of them. Another
kind of file is another entry of `FAMILIES`: its name, what gives whole files, and what tries a damaged one.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from core.base.errors import FoveaError
from core.images.decoding import read_image
from core.images.png import PASSES
from tests import samples

_SLOW_S: Final = 5.0
_LARGE_BYTES: Final = 10**9
OUTCOMES: Final = ("tried", "refused", "warned", "same", "silent", "over 5 s", "over 1 GB", "foreign")


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a file: what was read, which can be compared, and whether there was a warning."""

    content: bytes
    is_warned: bool


Damage = Callable[[bytes, random.Random], bytes]
Try = Callable[[Path], Tried]


def flipped(data: bytes, draw: random.Random) -> bytes:
    """One to eight bytes changed."""
    torn = bytearray(data)
    for _ in range(draw.randint(1, 8)):
        torn[draw.randrange(len(torn))] = draw.randrange(256)
    return bytes(torn)


def header_flipped(data: bytes, draw: random.Random) -> bytes:
    """One to four bytes changed among the first hundred, where sizes and counts stand."""
    torn = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        torn[draw.randrange(min(100, len(torn)))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    return bytes(torn)


def shuffled(data: bytes, draw: random.Random) -> bytes:
    """A stretch taken out, doubled, or put elsewhere."""
    start, end = sorted(draw.randrange(len(data)) for _ in range(2))
    part, rest = data[start:end], data[:start] + data[end:]
    place = draw.randrange(len(rest) + 1)
    return draw.choice((rest, data[:end] + part + data[end:], rest[:place] + part + rest[place:]))


def cut(data: bytes, draw: random.Random) -> bytes:
    """The end missing."""
    return data[: draw.randrange(1, len(data))]


def zero_tail(data: bytes, draw: random.Random) -> bytes:
    """The right length, at least a tenth at the end all zeros."""
    kept = draw.randrange(1, len(data) * 9 // 10)
    return data[:kept] + bytes(len(data) - kept)


def one_tail(data: bytes, draw: random.Random) -> bytes:
    """The right length, at least a tenth at the end all ones."""
    kept = draw.randrange(1, len(data) * 9 // 10)
    return data[:kept] + b"\xff" * (len(data) - kept)


DAMAGES: Final[Mapping[str, Damage]] = {
    "bytes changed": flipped,
    "header changed": header_flipped,
    "stretch moved": shuffled,
    "cut off": cut,
    "end all zeros": zero_tail,
    "end all ones": one_tail,
}


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of file.

    Attributes:
        whole: whole files, by name.
        read: tries one file; a `FoveaError` is a refusal.
        damages: how files are damaged, by name.
    """

    whole: Callable[[], Mapping[str, bytes]]
    read: Try
    damages: Mapping[str, Damage] = field(default_factory=lambda: DAMAGES)


def images() -> Mapping[str, bytes]:
    """A photo-like picture in every form."""
    small = samples.photo_like(200, 150)
    found = {form.lower(): samples.encoded(small, form) for form in samples.FORMATS}
    found |= {f"jpeg, {name}": samples.encoded(small, "JPEG", **options) for name, options in _JPEGS.items()}
    found["webp, lossy"] = samples.encoded(small, "WEBP", lossless=False)
    found["png, interlaced"] = interlaced_png(small)
    found |= {f"tiff, {name}": samples.encoded(small, "TIFF", compression=name) for name in ("tiff_lzw", "jpeg")}
    return found


_JPEGS: Final[Mapping[str, dict[str, object]]] = {
    "4:2:0": {"quality": 85, "subsampling": 2},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "restarts": {"restart_marker_blocks": 4},
}


def interlaced_png(pixels: np.ndarray) -> bytes:
    """A PNG by Adam7; Pillow writes none."""
    parts = (pixels[top::down, left::across] for left, across, top, down in PASSES)
    rows = b"".join(b"\0" + row.tobytes() for part in parts for row in part)
    return samples.png(pixels.shape[1], pixels.shape[0], 8, 2, rows, interlaced=True)


def read_pixels(path: Path) -> Tried:
    """An image as it is classified."""
    found = read_image(path, min_side=64)
    return Tried(found.pixels.tobytes(), bool(found.warnings))


FAMILIES: Final[Mapping[str, Family]] = {"image": Family(images, read_pixels)}


def outcomes(family: Family, whole: bytes, torn: bytes, path: Path) -> Iterator[str]:
    """What came of one damaged file, by the names of columns."""
    path.write_bytes(whole)
    right = family.read(path).content
    path.write_bytes(torn)
    started, before = time.process_time(), _peak()
    yield "tried"
    try:
        found = family.read(path)
        yield "warned" if found.is_warned else "same" if found.content == right else "silent"
    except FoveaError:
        yield "refused"
    except Exception:  # noqa: BLE001 - it is what is looked for
        yield "foreign"
    if time.process_time() - started > _SLOW_S:
        yield "over 5 s"
    if _peak() - before > _LARGE_BYTES:
        yield "over 1 GB"


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fuzz(rounds: int, seed: int, seconds: float) -> dict[tuple[str, str], Counter[str]]:
    """Try every damage of every whole file that many times, or until the time is up.

    Returns:
        Counts of `OUTCOMES` by the names of the damage and of the file.
    """
    counts: dict[tuple[str, str], Counter[str]] = {}
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "torn"
        for number in range(rounds):
            for family in FAMILIES.values():
                for name, whole in family.whole().items():
                    for damage, make in family.damages.items():
                        if time.monotonic() > until:
                            return counts
                        torn = make(whole, random.Random(f"{seed} {number} {name} {damage}"))
                        counts.setdefault((damage, name), Counter()).update(outcomes(family, whole, torn, path))
    return counts


def table(counts: Mapping[tuple[str, str], Counter[str]]) -> Table:
    """A row for each damage, and for each file where anything was silent, slow, large or foreign."""
    made = Table("damage", "file", *OUTCOMES)
    for damage in dict.fromkeys(damage for damage, _ in counts):
        rows = {name: count for (kind, name), count in counts.items() if kind == damage}
        total = sum(rows.values(), Counter[str]())
        made.add_row(damage, "all", *(str(total[name]) for name in OUTCOMES), style="bold")
        for name, count in rows.items():
            if any(count[column] for column in OUTCOMES[4:]):
                made.add_row("", name, *(str(count[column]) for column in OUTCOMES))
    return made


def main() -> None:
    """Fuzz as asked and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="damaged files of each kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=300, help="time limit (default: %(default)s)")
    asked = parser.parse_args()
    Console(width=140).print(table(fuzz(asked.rounds, asked.seed, asked.seconds)))


if __name__ == "__main__":
    main()
