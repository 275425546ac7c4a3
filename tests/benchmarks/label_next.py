"""What to label next: the accuracy after labels were added in different orders.

    uv run --extra intel python tests/benchmarks/label_next.py FOLDER [UNKNOWN]

Twenty times each, a third of the photos is kept aside to measure the accuracy, and three photos of each class have
labels at the start. The others, and the photos in UNKNOWN, are the unreviewed ones of a job; a tenth of them is
there twice, slightly changed, as in a series. Then 16 and 32 of them get labels, chosen at once by each order; a photo
of no class costs a label and teaches nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core.base.hashing import file_sha256
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.datasets.dataset import read_dataset
from core.datasets.labelled_image import LabelledImage
from core.engine.facilities import most_useful
from core.engine.near_duplicates import normalize
from core.models.heads import softmax
from core.models.library import open_library
from core.training import quick
from core.training.backbones import default_backbone
from core.training.training_data import compute, extractor_of

SEEDS: Final = 20
START: Final = 3
ADDED: Final = (16, 32)
C: Final = 0.01
Real = NDArray[np.float32]
Order = Callable[[Real, Real, Real, np.random.Generator, int], NDArray[np.int64]]
"""From probabilities [n, classes], features of the photos [n, d] and of the labelled ones [m, d], to those to label."""


def read(folder: Path, unknown: Path | None) -> tuple[Real, NDArray[np.int64], Real]:
    """The features and classes of labelled photos, and the features of unknown ones."""
    token = CancelToken()
    source = extractor_of(default_backbone(open_library()), ProviderPreference.AUTO, Precision.AUTO)
    dataset = read_dataset(folder, report=lambda _: None, token=token)
    table = compute(dataset.examples, source, report=lambda _: None, token=token)
    files = sorted(unknown.iterdir()) if unknown else []
    others = [LabelledImage(path, sha256=file_sha256(path)) for path in files]
    found = compute(others, source, report=lambda _: None, token=token)
    return table.features, dataset.labels()[table.rows], found.features


def margins(probabilities: Real) -> Real:
    """The probability of the second class relative to the first, 0..1."""
    highest = np.sort(probabilities, axis=1)
    return np.asarray(highest[:, -2] / highest[:, -1], np.float32)


def entropies(probabilities: Real) -> Real:
    """The entropy, 0..1."""
    terms = probabilities * np.log(np.maximum(probabilities, 1e-12))
    return np.asarray(-terms.sum(axis=1) / np.log(probabilities.shape[1]), np.float32)


def spread(weights: Real, features: Real, labelled: Real, count: int, power: float) -> NDArray[np.int64]:
    """Greedy k-centre: each time the photo with the largest weight ** power times distance to all chosen ones."""
    photos, near = normalize(features), normalize(labelled)
    distance = 1 - (photos @ near.T).max(axis=1)
    chosen: list[int] = []
    for _ in range(count):
        score = np.maximum(weights, 1e-6) ** power * distance
        score[chosen] = -1
        chosen.append(int(score.argmax()))
        distance = np.minimum(distance, 1 - photos @ photos[chosen[-1]])
    return np.array(chosen)


def facilities(weights: Real, features: Real, labelled: Real, count: int) -> NDArray[np.int64]:
    """Facility location, as `core.jobs.arrangements` uses it."""
    photos, near = normalize(features), normalize(labelled)
    known = (photos @ near.T).max(axis=1)
    return np.array(most_useful(photos @ photos.T, known, weights, token=CancelToken())[:count])


def inliers(features: Real, labelled: Real, share: float) -> Real:
    """0 for this share of photos, the least like any other, 1 for the others."""
    photos = normalize(features)
    cosines = photos @ np.concatenate([photos, normalize(labelled)]).T
    np.fill_diagonal(cosines, -1)
    typical = np.sort(cosines, axis=1)[:, -5:].mean(axis=1)
    return np.asarray(typical >= np.quantile(typical, share), np.float32)


ORDERS: Final[Mapping[str, Order]] = {
    "random": lambda p, f, known, draw, n: draw.permutation(len(p))[:n],
    "least confident": lambda p, f, known, draw, n: np.argsort(p.max(axis=1))[:n],
    "margin": lambda p, f, known, draw, n: np.argsort(-margins(p))[:n],
    "entropy": lambda p, f, known, draw, n: np.argsort(-entropies(p))[:n],
    "k-centre": lambda p, f, known, draw, n: spread(np.ones(len(p), np.float32), f, known, n, 1),
    "margin x k-centre": lambda p, f, known, draw, n: spread(margins(p), f, known, n, 1),
    "sqrt margin x k-centre": lambda p, f, known, draw, n: spread(margins(p), f, known, n, 0.5),
    "entropy x k-centre": lambda p, f, known, draw, n: spread(entropies(p), f, known, n, 1),
    "margin x k-centre, inliers": lambda p, f, known, draw, n: spread(
        margins(p) * inliers(f, known, 0.1), f, known, n, 1
    ),
    "facilities": lambda p, f, known, draw, n: facilities(np.ones(len(p), np.float32), f, known, n),
    "margin x facilities": lambda p, f, known, draw, n: facilities(margins(p), f, known, n),
    "entropy x facilities": lambda p, f, known, draw, n: facilities(entropies(p), f, known, n),
}


def simulate(x: Real, y: NDArray[np.int64], unknown: Real, seed: int) -> dict[str, list[float]]:
    """The accuracy before, and after labels were added in each order."""
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(y))
    test, pool = order[: len(y) // 3], order[len(y) // 3 :]
    start = np.concatenate([pool[y[pool] == label][:START] for label in range(int(y.max()) + 1)])
    rest = np.setdiff1d(pool, start)
    again = draw.choice(rest, len(rest) // 10, replace=False)
    noise = draw.normal(0, 0.15, (len(again), x.shape[1])) * x[again].std(axis=1, keepdims=True)
    photos = np.concatenate([x[rest], np.maximum(x[again] + noise, 0), unknown]).astype(np.float32)
    truth = np.concatenate([y[rest], y[again], np.full(len(unknown), -1)])
    head = quick.fit(x[start], y[start], C)
    centre = x[start].mean(axis=0)
    probabilities = softmax(head.logits(photos), 1.0)
    before = float(np.mean(head.logits(x[test]).argmax(axis=1) == y[test]))
    found = {}
    for name, choose in ORDERS.items():
        chosen = choose(probabilities, photos - centre, x[start] - centre, np.random.default_rng(seed), max(ADDED))
        found[name] = [before]
        for count in ADDED:
            known = chosen[:count][truth[chosen[:count]] >= 0]
            features, labels = np.concatenate([x[start], photos[known]]), np.concatenate([y[start], truth[known]])
            logits = quick.fit(features, labels, C).logits(x[test])
            found[name].append(float(np.mean(logits.argmax(axis=1) == y[test])))
    return found


def main() -> None:
    x, y, unknown = read(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    runs = [simulate(x, y, unknown, seed) for seed in range(SEEDS)]
    table = Table(
        "order", "before", *(f"+{count}" for count in ADDED), *(f"against random, +{count}" for count in ADDED)
    )
    plain = np.array([run["random"] for run in runs])
    for name in ORDERS:
        found = np.array([run[name] for run in runs])
        gains = found[:, 1:] - plain[:, 1:]
        errors = gains.std(axis=0, ddof=1) / np.sqrt(SEEDS)
        cells = [f"{gain:+.3f} +- {error:.3f}" for gain, error in zip(gains.mean(axis=0), errors, strict=True)]
        table.add_row(name, *(f"{mean:.3f}" for mean in found.mean(axis=0)), *cells)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
