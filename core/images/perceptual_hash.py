"""Perceptual hashes: 64 bits that are nearly the same for images that look nearly the same.

The hash uses the cosine transform (C. Zauner, "Implementation and benchmarking of perceptual image hash functions",
2010), with the 64 lowest frequencies in zigzag order. Measured on 196 photos and cut-outs: up to 4 bits change when an
image is saved as JPEG at quality 50, up to 8 at half its size or a sixth brighter, and up to 10 when cropped by 2%; of
19,110 pairs of different images none differs in fewer than 12 bits.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images.decoding import Pixels

HAMMING_THRESHOLD: Final = 6
"""Maximum Hamming distance, of 64 bits, of hashes of the same picture."""

_SIDE: Final = 32
_BITS: Final = 64
_FLAT: Final = 2.0
"""Below this range of brightness, of 255, an image has only noise."""


def _low_frequencies() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the 64 lowest frequencies, without the mean."""
    frequencies = sorted((u + v, u, v) for u in range(_SIDE) for v in range(_SIDE) if u + v)[:_BITS]
    return np.array([place[1] for place in frequencies]), np.array([place[2] for place in frequencies])


_LOW: Final = _low_frequencies()
_COSINES: Final = np.cos(np.pi / (2 * _SIDE) * np.outer(np.arange(_SIDE), 2 * np.arange(_SIDE) + 1))
"""DCT-II; the scaling of its rows does not matter."""


def phash(pixels: Pixels) -> int:
    """The 64-bit perceptual hash of pixels [height, width, 3]; an image of one colour is hashed by its colour."""
    small = Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    grey = np.asarray(small, np.float64)
    if np.ptp(grey) <= _FLAT:
        return _colour_hash(pixels)
    waves = (_COSINES @ grey @ _COSINES.T)[_LOW]
    return int.from_bytes(np.packbits(waves > np.median(waves)).tobytes(), "big")


def _colour_hash(pixels: Pixels) -> int:
    """A hash that differs in many bits for any two colours."""
    colour = np.rint(pixels.mean(axis=(0, 1))).astype(np.uint8)
    return int.from_bytes(hashlib.blake2b(colour.tobytes(), digest_size=_BITS // 8).digest(), "big")


def hamming_distance(a: int, b: int) -> int:
    """The Hamming distance of two hashes."""
    return (a ^ b).bit_count()


def group_near_duplicates(hashes: NDArray[np.uint64], *, threshold: int = HAMMING_THRESHOLD) -> NDArray[np.int64]:
    """For each hash [n], the lowest index in its connected component of near hashes.

    Two hashes that differ in at most `threshold` bits are equal in at least one of `threshold + 1` bands of bits, so
    only those are compared: 100,000 hashes take seconds.
    """
    unique, places = np.unique(hashes, return_inverse=True)
    pairs = [_near_pairs(unique, mask, threshold) for mask in _bands(threshold + 1)]
    group_of_unique = connected_components(len(unique), np.concatenate(pairs).tolist())[places]
    _, first, group = np.unique(group_of_unique, return_index=True, return_inverse=True)
    return first[group].astype(np.int64)


def _bands(count: int) -> list[np.uint64]:
    """Masks that split the 64 bits into bands of nearly the same width."""
    edges = [round(band * _BITS / count) for band in range(count + 1)]
    return [np.uint64((1 << high) - (1 << low)) for low, high in itertools.pairwise(edges)]


def _near_pairs(unique: NDArray[np.uint64], mask: np.uint64, threshold: int) -> NDArray[np.int64]:
    """Pairs [k, 2] of indexes of near hashes that are equal in the masked bits.

    Sorted by those bits, each hash is compared with the following ones as long as any are equal.
    """
    order = np.argsort(unique & mask, kind="stable")
    sorted_hashes, band = unique[order], (unique & mask)[order]
    here, step, pairs = np.arange(len(unique)), 1, [np.empty((0, 2), np.int64)]
    while len(here := here[here + step < len(unique)]):
        here = here[band[here] == band[here + step]]
        is_near = np.bitwise_count(sorted_hashes[here] ^ sorted_hashes[here + step]) <= threshold
        pairs.append(np.stack([order[here[is_near]], order[here[is_near] + step]], axis=1))
        step += 1
    return np.concatenate(pairs)


def connected_components(count: int, pairs: Iterable[Iterable[int]]) -> NDArray[np.int64]:
    """For each of `count` nodes, the lowest index in its connected component."""
    parent = list(range(count))

    def root(thing: int) -> int:
        while parent[thing] != thing:
            parent[thing] = parent[parent[thing]]
            thing = parent[thing]
        return thing

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return np.array([root(thing) for thing in range(count)], np.int64)
