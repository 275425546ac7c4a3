"""Wrong labels found: some labels of a folder are exchanged at random, and how soon each ranking shows them.

    uv run --extra intel python tests/benchmarks/label_errors.py FOLDER

Ten times each, 5% and 20% of the labels are replaced by those of other classes. The rankings: by the out-of-fold
probability of the label, which Fovea uses; by its margin to the most likely other class; by the share of the label
among the nearest photos, weighted by their cosine; and by the sum of the logarithms of the first and the third. A
class divided in two at random must be reported, and no pair of the real classes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.datasets.dataset import read_dataset
from core.evaluation.calibration import fit_temperature
from core.models.heads import softmax
from core.models.library import open_library
from core.training import quick
from core.training.backbones import default_backbone
from core.training.dataset_check import confused_classes, predict_out_of_sample
from core.training.evaluated_head import Predictions
from core.training.training_data import LabelledFeatures, compute, extractor_of

SEEDS: Final = 10
SHARES: Final = (0.05, 0.2)
NEAREST: Final = 10
Ranking = Mapping[str, NDArray[np.float64]]


def read(folder: Path) -> tuple[LabelledFeatures, tuple[str, ...]]:
    """The photos of a folder with the features that training uses by default."""
    token = CancelToken()
    dataset = read_dataset(folder, report=lambda _: None, token=token)
    source = extractor_of(default_backbone(open_library()), ProviderPreference.AUTO, Precision.AUTO)
    table = compute(dataset.examples, source, report=lambda _: None, token=token)
    examples = tuple(dataset.examples[row] for row in table.rows.tolist())
    return LabelledFeatures(examples, table.features, dataset.labels()[table.rows]), dataset.classes


def exchange(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """Labels of which this share was replaced by other classes at random."""
    draw, classes = np.random.default_rng(seed), int(labels.max()) + 1
    rows = draw.choice(len(labels), round(share * len(labels)), replace=False)
    exchanged = labels.copy()
    exchanged[rows] = (labels[rows] + draw.integers(1, classes, len(rows))) % classes
    return exchanged


def predict(images: LabelledFeatures, labels: NDArray[np.int64]) -> Predictions:
    """The out-of-fold predictions for photos with these labels."""
    changed = LabelledFeatures(images.examples, images.features, labels)
    return predict_out_of_sample(changed, report=lambda _: None, token=CancelToken())


def nearest_shares(features: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each photo, the share of each class among the nearest photos [n, classes]; copies do not count."""
    centred = features - features.mean(axis=0)
    directions = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    groups = quick.near_duplicate_groups(features)
    cosines = np.where(groups[:, None] == groups, -1, directions @ directions.T)
    shares = np.full((len(labels), int(labels.max()) + 1), 0.02)
    for column in np.argsort(-cosines, axis=1)[:, :NEAREST].T:
        rows = np.arange(len(labels))
        shares[rows, labels[column]] += np.maximum(cosines[rows, column], 0)
    return shares / shares.sum(axis=1, keepdims=True)


def rank(images: LabelledFeatures, predictions: Predictions) -> Ranking:
    """The scores of each ranking, least first, of photos all of which have predictions."""
    labels = predictions.labels
    rows = np.arange(len(labels))
    temperature = fit_temperature(predictions.logits, labels)
    probabilities = softmax(predictions.logits, temperature).astype(np.float64)
    own, near = probabilities[rows, labels], nearest_shares(images.features, labels)[rows, labels]
    others = probabilities.copy()
    others[rows, labels] = 0
    return {
        "probability of the label": own,
        "margin to the next class": own - others.max(axis=1),
        f"the {NEAREST} nearest photos": near,
        "probability and nearest": np.log(np.maximum(own, np.finfo(np.float64).tiny)) + np.log(near),
    }


def score(ranked: NDArray[np.bool_]) -> tuple[float, float]:
    """The share of the wrong labels in the first tenth of a ranking, and its average precision."""
    found = np.flatnonzero(ranked)
    first = (found < len(ranked) // 10).sum() / min(len(found), len(ranked) // 10)
    return float(first), float(np.mean(np.arange(1, len(found) + 1) / (found + 1)))


def measure(images: LabelledFeatures, share: float) -> Table:
    """How soon the rankings show wrong labels, over all seeds."""
    scores: dict[str, list[tuple[float, float]]] = {}
    shown, wrong_among = [], []
    for seed in range(SEEDS):
        predictions = predict(images, exchange(images.labels, share, seed))
        is_wrong = predictions.labels != images.labels
        suspects = predictions.logits.argmax(axis=1) != predictions.labels
        shown.append(float(suspects[is_wrong].mean()))
        wrong_among.append(float(is_wrong[suspects].mean()))
        for name, values in rank(images, predictions).items():
            scores.setdefault(name, []).append(score(is_wrong[np.argsort(values, kind="stable")]))
    title = f"{share:.0%} of {len(images)} labels exchanged, {SEEDS} times"
    table = Table("ranking by", "in the first tenth, mean", "least", "average precision, mean", "least", title=title)
    for name, values in scores.items():
        first, precision = np.array(values).T
        table.add_row(name, *(f"{one:.3f}" for one in (first.mean(), first.min(), precision.mean(), precision.min())))
    table.caption = (
        f"{np.mean(shown):.1%} of the wrong labels are listed; {np.mean(wrong_among):.1%} of those listed are wrong"
    )
    return table


def measure_divided(images: LabelledFeatures, classes: tuple[str, ...]) -> Table:
    """Whether classes are reported as one: the real ones, and each class divided in two at random."""
    table = Table("class divided", "pairs reported", title="Classes that might be one")
    table.add_row("none", str(len(list(confused_classes(predict(images, images.labels), classes)))))
    for index, name in enumerate(classes):
        labels = images.labels.copy()
        (own,) = np.nonzero(labels == index)
        labels[np.random.default_rng(0).permutation(own)[: len(own) // 2]] = len(classes)
        pairs = list(confused_classes(predict(images, labels), (*classes, "the other half")))
        table.add_row(f"{name} ({len(own)})", "; ".join(pair.message for pair in pairs) or "none")
    return table


def main() -> None:
    console = Console(width=120)
    images, classes = read(Path(sys.argv[1]))
    for share in SHARES:
        console.print(measure(images, share))
    console.print(measure_divided(images, classes))


if __name__ == "__main__":
    main()
