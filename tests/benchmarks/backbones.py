"""Backbones compared on the same labelled photos, as in the article: accuracy, milliseconds, megabytes; and heads.

    uv run --extra train python -m tests.benchmarks.backbones PHOTOS [BACKBONE ...] [--heads] [--repeats 3]

Accuracy and log loss are of nested cross-validation: five folds, near-duplicates in the same one, C chosen within the
other four. Each backbone has a row for each of its variants that works here, trained and tested on its features; the
divisions are the same. Times are medians of single images on the processor; all take turns. With `--heads`, linear,
prototype and dense heads are compared instead, on each of them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from core.base.progress import CancelToken
from core.base.providers import Precision, Provider
from core.datasets.dataset import read_dataset
from core.engine import golden
from core.engine.engine import Engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.engine.provider_selection import probe_provider
from core.evaluation.calibration import fit_temperature, log_loss
from core.models.installed import backbone_files, load_backbone
from core.models.library import open_library
from core.models.values import InstalledBackbone
from core.training import quick
from core.training.quick import Features, Labels
from core.training.request import HeadKind

TIMED = 30
Fit = Callable[[Features, Labels, Features], Features]
"""From training features, their classes and other features to the logits of the others."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare backbones on labelled photos.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("names", nargs="*", metavar="BACKBONE")
    parser.add_argument("--heads", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    installed = [entry for entry in open_library().entries() if isinstance(entry, InstalledBackbone)]
    chosen = [entry for entry in installed if not asked.names or entry.name in asked.names]
    chosen = [entry for entry in chosen if not entry.card.untrained]
    table = Table("backbone", "precision", "head", "features", "accuracy", "log loss", "ms", "MB", "multiply-adds")
    tried = [(entry, _engines(entry)) for entry in chosen]
    engines = [engine for _, opened in tried for engine in opened]
    times = {} if asked.heads else _times(engines)
    for entry, opened in tried:
        groups = None
        size = sum(len(load_backbone(part)) for part in entry.parts or (entry,)) / 1e6
        for engine in opened:
            features, labels = _features(engine, asked.photos)
            groups = quick.near_duplicate_groups(features) if groups is None else groups
            for name, fit in (_heads() if asked.heads else {"linear": partial(_quick, HeadKind.LINEAR)}).items():
                accuracy, loss = evaluate(features, labels, fit, groups, asked.repeats)
                card = engine.card
                table.add_row(
                    entry.name, card.precision, name, str(card.feature_width), f"{accuracy:.3f}", f"{loss:.3f}",
                    f"{times.get(engine, float('nan')):.1f}", f"{size:.1f}", f"{card.multiply_adds / 1e9:.2f} G",
                )  # fmt: skip
    Console(width=130).print(table)


def evaluate(features: Features, labels: Labels, fit: Fit, groups: Labels, repeats: int) -> tuple[float, float]:
    """Accuracy and calibrated log loss by nested cross-validation, mean over divisions into folds.

    Args:
        features: of the images.
        labels: their classes.
        fit: trains a head, and applies it.
        groups: a number for each image; those of near-duplicates, which stay in one fold, are the same.
        repeats: the number of divisions.
    """
    found = []
    for seed in range(repeats):
        folds, logits = (
            quick.assign_folds(groups, labels, seed),
            np.zeros((len(labels), int(labels.max()) + 1), np.float32),
        )
        for fold in range(quick.FOLDS):
            held = folds == fold
            logits[held] = fit(features[~held], labels[~held], features[held])
        correct = float(np.mean(logits.argmax(axis=1) == labels))
        found.append((correct, log_loss(logits, labels, fit_temperature(logits, labels))))
    accuracies, losses = zip(*found, strict=True)
    return statistics.mean(accuracies), statistics.mean(losses)


def _heads() -> dict[str, Fit]:
    return {**{kind.value: partial(_quick, kind) for kind in HeadKind}, "dense": _dense}


def _quick(kind: HeadKind, features: Features, labels: Labels, others: Features) -> Features:
    choice = quick.cross_validate(features, labels, seed=0, report=lambda _: None, token=CancelToken(), kind=kind)
    fit = quick.fit if kind is HeadKind.LINEAR else quick.fit_prototypes
    return fit(features, labels, choice.best_c).logits(others)


def _dense(features: Features, labels: Labels, others: Features) -> Features:
    """The recipe dense with its default hyperparameters; there is no validation, so the last epoch counts."""
    from core.trainer.dense import DenseData, DenseTrainer, fold_standardization
    from core.trainer.head_export import exported_head
    from core.training.protocol import TrainerJob
    from core.training.recipe_defaults import DENSE

    classes = int(labels.max()) + 1
    job = TrainerJob("dense", classes, 0, DENSE.epochs, DENSE.learning_rate, 0.0, DENSE.batch, "", "exact", "cpu", "")
    data = DenseData.of(features, labels, features[:0], labels[:0])
    trainer = DenseTrainer(job, data, "learning", lambda _: None, CancelToken())
    for epoch in range(1, job.epochs + 1):
        trainer.train_epoch(epoch)
    return exported_head(fold_standardization(trainer.model, data)).logits(others)


def _engines(entry: InstalledBackbone) -> list[Engine]:
    """The backbone and its variants that work on this processor."""
    files = backbone_files(entry)
    probes = [probe_provider(files, card, Provider.CPU, Precision.AUTO) for card in files.cards]
    return [probe.engine for probe in probes if probe.engine is not None]


def _features(engine: Engine, photos: Path) -> tuple[Features, Labels]:
    token = CancelToken()
    dataset = read_dataset(photos, report=lambda _: None, token=token)
    source = FeatureExtractor(engine.card, Precision.AUTO, lambda: engine)
    with FeatureStore() as store:
        table = compute_features(dataset.examples, source, store, report=lambda _: None, token=token)
    return table.features, dataset.labels()[table.rows]


def _times(engines: Sequence[Engine]) -> dict[Engine, float]:
    """Median milliseconds for one image."""
    found: dict[Engine, list[float]] = {engine: [] for engine in engines}
    for _ in range(TIMED):
        for engine, own in found.items():
            image = golden.golden_inputs(engine.card.preprocessing.size)[:1]
            start = time.perf_counter()
            engine.run(image)
            own.append(1000 * (time.perf_counter() - start))
    return {engine: statistics.median(own) for engine, own in found.items()}


if __name__ == "__main__":
    main()
