"""The learning curve: fitted to half of the photos, what accuracy does it predict for all of them?

    uv run --extra intel python tests/benchmarks/learning_curve.py FOLDER

Ten times, half of each class is drawn; the accuracy that the curve predicts for all photos is compared with the
cross-validated one, and so is today's accuracy, of the half. The same for each class with ten photos or more, and with
a tenth and a quarter of the labels exchanged at random, so that errors level off.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.datasets.dataset import read_dataset
from core.datasets.values import FEW_IMAGES
from core.models.library import open_library
from core.training import quick
from core.training.backbones import default_backbone
from core.training.learning_curve import expected_gain, held_out_predictions
from core.training.training_data import compute, extractor_of
from core.training.values import ExpectedGain

SEEDS: Final = 10
SHARES: Final = (0.0, 0.1, 0.25)
C: Final = 0.01
Pairs = list[tuple[ExpectedGain, float, int]]
"""What was predicted, what is true, and of how many photos."""


def read(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The features and classes of the photos of a folder."""
    dataset = read_dataset(folder, report=lambda _: None, token=CancelToken())
    source = extractor_of(default_backbone(open_library()), ProviderPreference.AUTO, Precision.AUTO)
    table = compute(dataset.examples, source, report=lambda _: None, token=CancelToken())
    return table.features, dataset.labels()[table.rows]


def wrong(features: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Whether heads trained on each part of the photos misclassify each held-out one, [parts, n]."""
    groups = quick.near_duplicate_groups(features)
    found = held_out_predictions(features, labels, groups, C, report=lambda _: None, token=CancelToken())
    return np.asarray(found != labels, np.float64)


def compare(features: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[Pairs, Pairs]:
    """The predictions for all classes together, and for each."""
    truth, whole, each = wrong(features, labels)[-1], Pairs(), Pairs()
    for seed in range(SEEDS):
        drawn = np.random.default_rng(seed).permutation(len(labels))
        own = (drawn[labels[drawn] == label] for label in np.unique(labels))
        half = np.sort(np.concatenate([rows[: (len(rows) + 1) // 2] for rows in own]))
        found = wrong(features[half], labels[half])
        gain = expected_gain("", found, np.arange(len(half)), len(labels) - len(half))
        whole.append((gain, float(1 - truth.mean()), len(labels)))
        for label in np.unique(labels):
            rows, count = np.flatnonzero(labels[half] == label), int(np.sum(labels == label))
            if len(rows) >= FEW_IMAGES:
                gain = expected_gain(str(label), found, rows, count - len(rows))
                each.append((gain, float(1 - truth[labels == label].mean()), count))
    return whole, each


def _figures(pairs: Pairs) -> list[str]:
    errors = np.array([gain.expected - truth for gain, truth, _ in pairs])
    plain = np.array([gain.accuracy - truth for gain, truth, _ in pairs])
    inside = [gain.low - 1 / count <= truth <= gain.high + 1 / count for gain, truth, count in pairs]
    means = np.abs(errors).mean(), errors.mean(), np.abs(plain).mean()
    return [f"{len(pairs)} times", *(f"{mean:.3f}" for mean in means), f"{np.mean(inside):.0%}"]


def exchanged(labels: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """The labels, this share of them replaced by another class at random."""
    draw, classes = np.random.default_rng(1), int(labels.max()) + 1
    at = np.flatnonzero(draw.random(len(labels)) < share)
    result = labels.copy()
    result[at] = (labels[at] + draw.integers(1, classes, len(at))) % classes
    return result


def main() -> None:
    columns = "predicted", "mean error", "bias", "error without a curve", "inside the interval, to a photo"
    table = Table("accuracy of", "labels exchanged", *columns)
    features, labels = read(Path(sys.argv[1]))
    for share in SHARES:
        found = compare(features, exchanged(labels, share))
        for name, pairs in zip(("all classes", "single classes"), found, strict=True):
            table.add_row(name, f"{share:.0%}", *_figures(pairs))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
