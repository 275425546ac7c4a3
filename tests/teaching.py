"""Labelled images to learn from, and a tiny backbone under the name of the one that heads are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from core.card import write_card
from core.models.library import Library
from core.training.backbones import BACKBONE, JOINED
from tests import tiny


def write_labelled(
    folder: Path, count: int, *, classes: Sequence[str] = tiny.CLASSES, suffix: str = "png", seed: int = 0
) -> Path:
    """Write `count` images of each class as folder/class/number.suffix: tinted as the class, no two alike."""
    draw = np.random.default_rng(seed)
    for label in classes:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            blots = draw.integers(0, 120, (8, 8, 3))
            blots[..., tiny.CLASSES.index(label)] += 90
            image = Image.fromarray(blots.astype(np.uint8)).resize((64, 48), Image.Resampling.BICUBIC)
            image.save(folder / label / f"{number}.{suffix}")
    return folder


def write_label_sets(folder: Path, count: int, seed: int = 0) -> dict[str, tuple[str, ...]]:
    """Write images tinted in none, one or several colours, and return the colours of each by its name."""
    draw, written = np.random.default_rng(seed), {}
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        has = draw.random(3) < 0.5
        blots = draw.integers(0, 100, (8, 8, 3)) + has * 150
        image = Image.fromarray(blots.astype(np.uint8)).resize((64, 48), Image.Resampling.BICUBIC)
        image.save(folder / f"{number}.png")
        written[f"{number}.png"] = tuple(np.array(tiny.CLASSES)[has].tolist())
    return written


def write_table(file: Path, labels: dict[str, tuple[str, ...]]) -> Path:
    """Write a table of images and their classes."""
    lines = [f"{name},{';'.join(classes)}" for name, classes in labels.items()]
    file.write_text("\n".join(["path,classes", *lines]))
    return file


def make_library(place: Path) -> Library:
    """A library under `place`: shipped are the tiny backbone as `BACKBONE` and the model `colours` over it."""
    tiny.write_backbone(place / "shipped", name=BACKBONE)
    tiny.write_model(place / "shipped", name="colours")
    return Library(place / "shipped", place / "own")


def replace_backbone(home: Path) -> None:
    """Make the command line train on the tiny backbone: the person's own things go before the shipped ones."""
    for name in (BACKBONE, JOINED):
        place = home / "models" / name
        files = {tiny.MODEL_FILE: tiny.backbone_bytes()}
        tiny.write_folder(place / "1", write_card(tiny.backbone_card(name=name)), files)
        (place / "active").write_text("1")
