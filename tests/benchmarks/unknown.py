"""How well unknown photos are distinguished from known ones, in each precision that works here.

    uv run python -m tests.benchmarks.unknown PHOTOS [--unknown FOLDER] [--backbone xception-lite0-imagenet]

Each class of PHOTOS is left out in turn, as unknown: the area under the ROC curve (AUROC) of its photos against those
of the other classes, whose predictions are out of fold, and the part of the others that is taken for unknown. Head,
rule and photos have the same precision. Photos of other things in `--unknown` are compared with all classes, with a
95% confidence interval by bootstrap; they are for the final figure, so choose nothing by them.

Measured on 196 photos of 8 classes and 12 of other things (AMD Zen 3): in float32 0.943 on average of the classes and
0.931 (0.876 to 0.974) for the other things, in 8 bits 0.942 and 0.930 (0.869 to 0.977); 5.2% false alarms in both.
With the distance by Xception's features alone, the average would be 0.947 and 0.944, but the other things 0.918 and
0.920, so it was not adopted.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core.base.hashing import file_sha256
from core.base.progress import CancelToken
from core.base.providers import Precision, Provider
from core.datasets.dataset import read_dataset
from core.datasets.labelled_image import LabelledImage
from core.engine.engine import Engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.engine.provider_selection import probe_provider
from core.evaluation.calibration import fit_temperature
from core.models.evidence import unknown_scores
from core.models.feature_bank import read_bank
from core.models.heads import softmax
from core.models.installed import backbone_files
from core.models.library import open_library
from core.models.values import InstalledBackbone
from core.training import quick
from core.training.evidence_rules import Known, fit_unknown_rule
from core.training.training_data import LabelledFeatures

DRAWS: Final = 2000
Scores = NDArray[np.float32]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--unknown", type=Path)
    parser.add_argument("--backbone", default="xception-lite0-imagenet")
    asked = parser.parse_args()
    dataset = read_dataset(asked.photos, report=lambda _: None, token=CancelToken())
    table = Table("precision", "unknown", "AUROC", "known taken for unknown")
    for engine in _engines(asked.backbone):
        photos = _features(engine, dataset.examples, dataset.labels())
        found = [scores(_classes(photos, photos.labels != label), photos.features[photos.labels == label])
                 for label in range(len(dataset.classes))]  # fmt: skip
        for label, (known, unknown) in zip(dataset.classes, found, strict=True):
            table.add_row(engine.precision, label, f"{auroc(known, unknown):.4f}", f"{np.mean(known > 0.5):.1%}")
        areas, alarms = [auroc(*one) for one in found], [np.mean(known > 0.5) for known, _ in found]
        table.add_row(engine.precision, "mean of the classes", f"{np.mean(areas):.4f}", f"{np.mean(alarms):.1%}")
        if asked.unknown:
            known, unknown = scores(photos, _others(engine, asked.unknown, dataset.examples[0]))
            low, high = interval(known, unknown)
            area = f"{auroc(known, unknown):.4f} ({low:.3f} to {high:.3f})"
            table.add_row(engine.precision, f"{len(unknown)} other photos", area, f"{np.mean(known > 0.5):.1%}")
    Console(width=100).print(table)


def scores(photos: LabelledFeatures, unknown: NDArray[np.float32]) -> tuple[Scores, Scores]:
    """The scores as unknown of photos out of fold [n], and of others by their features [m, d]: [m]."""
    features, labels, token = photos.features, photos.labels, CancelToken()
    c = quick.cross_validate(features, labels, seed=0, report=lambda _: None, token=token).best_c
    rows, logits = quick.out_of_fold(features, labels, c, token=token)
    temperature = fit_temperature(logits, labels[rows])
    fitted = fit_unknown_rule(photos, Known(features[rows], labels[rows], softmax(logits, temperature)))
    if fitted is None:
        raise SystemExit("There are too few photos.")
    confidence = softmax(quick.fit(features, labels, c).logits(unknown), temperature).max(axis=1)
    return fitted.known_scores, unknown_scores(fitted.rule, read_bank(fitted.bank).cosines(unknown), confidence)


def auroc(known: Scores, unknown: Scores) -> float:
    """The probability that an unknown photo has a higher score than a known one; equal scores count half."""
    higher, equal = unknown[:, None] > known, unknown[:, None] == known
    return float(np.mean(higher + 0.5 * equal))


def interval(known: Scores, unknown: Scores) -> tuple[float, float]:
    """The 95% confidence interval of the AUROC, by bootstrap over both kinds of photos."""
    draw = np.random.default_rng(0)
    found = [auroc(draw.choice(known, len(known)), draw.choice(unknown, len(unknown))) for _ in range(DRAWS)]
    low, high = np.percentile(found, [2.5, 97.5]).tolist()
    return low, high


def _engines(name: str) -> list[Engine]:
    """The backbone and its variants that work on this processor."""
    (entry,) = (one for one in open_library().entries() if one.name == name and isinstance(one, InstalledBackbone))
    files = backbone_files(entry)
    probes = [probe_provider(files, card, Provider.CPU, Precision.AUTO) for card in files.cards]
    return [probe.engine for probe in probes if probe.engine is not None]


def _features(engine: Engine, images: tuple[LabelledImage, ...], labels: NDArray[np.int64]) -> LabelledFeatures:
    source = FeatureExtractor(engine.card, Precision.AUTO, lambda: engine)
    with FeatureStore() as store:
        table = compute_features(images, source, store, report=lambda _: None, token=CancelToken())
    return LabelledFeatures(tuple(images[row] for row in table.rows.tolist()), table.features, labels[table.rows])


def _others(engine: Engine, folder: Path, like: LabelledImage) -> NDArray[np.float32]:
    files = sorted(path for path in folder.iterdir() if path.suffix != ".md")
    images = tuple(replace(like, path=path, sha256=file_sha256(path)) for path in files)
    return _features(engine, images, np.zeros(len(images), np.int64)).features


def _classes(photos: LabelledFeatures, kept: NDArray[np.bool_]) -> LabelledFeatures:
    """Some of the photos, with their classes numbered from 0."""
    some = photos.select(np.flatnonzero(kept).tolist())
    return replace(some, labels=np.unique(some.labels, return_inverse=True)[1])


if __name__ == "__main__":
    main()
