"""Accuracy on photos with small subjects, without and with a crop around the subject.

    uv run python -m tests.benchmarks.crop PHOTOS SCENES [--model everyday --model general] [--keep FOLDER]

The photos are made here: cut-outs of PHOTOS (`<class>/<file>` with transparency) are pasted into SCENES, at several
heights, always at the same places. Each subject appears in three scenes. A prediction of `general` counts as right if
it belongs to the subject's class, as in `models/imagenet_groups.py`. `everyday` was trained on the cut-outs, but not in
scenes: its figures compare without and with the crop, and say little about new photos. The last row of a model has the
photos as they are, which a crop should not harm.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from core.base.providers import Precision, ProviderPreference
from core.detection import DetectionOptions
from core.models.classifier import open_classifier
from core.models.library import open_library
from core.prediction import Prediction, Score

HEIGHTS = (0.15, 0.25, 0.4)
"""Of the subject, as fractions of the scene's shorter side."""
SCENES_EACH = 3
SIDE = 1200
"""The shorter side of a scene in pixels."""
CLASSES = ("bird", "mammal", "fruit", "flower", "vegetable", "tool")
SEED = 5

Judge = Callable[[Score, str], bool]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Accuracy on small subjects, without and with a crop.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--model", action="append", choices=("everyday", "general"))
    parser.add_argument("--keep", type=Path, help="keep the photos in this folder")
    asked = parser.parse_args()
    table = Table("model", "height", "photos", "cropped", "whole", "with crop", "where cropped: whole", "crop")
    with tempfile.TemporaryDirectory() as place:
        made = make_photos(asked.photos, asked.scenes, asked.keep or Path(place))
        for model in asked.model or ("everyday", "general"):
            for cells in compare(model, made):
                table.add_row(*cells)
    Console(width=120).print(table)


def make_photos(photos: Path, scenes: Path, folder: Path) -> dict[str, list[tuple[Path, str]]]:
    """Write the photos; their paths and classes, by the height of the subject."""
    draw = random.Random(SEED)
    backgrounds = sorted(path for path in scenes.iterdir() if path.is_file())
    cutouts = [(path, name) for name in CLASSES for path in sorted((photos / name).glob("*")) if _is_cutout(path)]
    made: dict[str, list[tuple[Path, str]]] = {f"{height:.0%}": [] for height in HEIGHTS}
    folder.mkdir(parents=True, exist_ok=True)
    for path, name in cutouts:
        for scene in draw.sample(backgrounds, SCENES_EACH):
            place = draw.random(), draw.random()
            for height in HEIGHTS:
                file = folder / f"{name}-{path.stem}-{scene.stem}-{height}.jpg"
                _paste(path, scene, height, place).save(file, quality=92)
                made[f"{height:.0%}"].append((file, name))
    return made | {"as it is": [(path, path.parent.name) for path in sorted(photos.glob("*/*"))]}


def compare(model: str, made: dict[str, list[tuple[Path, str]]]) -> Iterator[tuple[str, ...]]:
    """The rows of the table for a model."""
    found = open_library().find(model)
    classifier = open_classifier(found, ProviderPreference.CPU, Precision.AUTO, DetectionOptions(crop=True))
    judge, answers = _judge(model), (_whole, _best)
    for height, photos in made.items():
        outcomes = classifier.classify((path for path, _ in photos), top_k=1)
        pairs = [(one, name) for one, (_, name) in zip(outcomes, photos, strict=True) if isinstance(one, Prediction)]
        cropped = [(one, name) for one, name in pairs if one.crop]
        yield (
            model, height, f"{len(pairs)}", f"{len(cropped)}",
            *(_share([judge(of(one), name) for one, name in some]) for some in (pairs, cropped) for of in answers),
        )  # fmt: skip


def _whole(outcome: Prediction) -> Score:
    return outcome.crop.best if outcome.crop else outcome.best


def _best(outcome: Prediction) -> Score:
    return outcome.best


def _judge(model: str) -> Judge:
    if model == "everyday":
        return lambda score, name: score.label == name
    sys.path.append(str(Path(__file__).resolve().parents[2] / "models"))
    from imagenet_groups import CLASSES as NAMES
    from imagenet_groups import groups

    members = {name: {NAMES[at] for at in found} for name, found in groups().items()}
    return lambda score, name: score.label in members[name]


def _share(right: Sequence[bool]) -> str:
    return f"{sum(right) / len(right):.1%}" if right else "-"


def _is_cutout(path: Path) -> bool:
    with Image.open(path) as image:
        return image.mode in ("RGBA", "LA", "P") and image.convert("RGBA").getextrema()[3][0] < 10


def _paste(path: Path, scene: Path, height: float, place: tuple[float, float]) -> Image.Image:
    with Image.open(scene) as background, Image.open(path) as subject:
        enlarged = SIDE / min(background.size)
        size = round(background.width * enlarged), round(background.height * enlarged)
        result = background.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        cutout = subject.convert("RGBA")
        cutout = cutout.crop(cutout.getbbox())
        scale = min(height * SIDE / cutout.height, 2 * height * SIDE / cutout.width)
        cutout = cutout.resize((max(1, round(cutout.width * scale)), max(1, round(cutout.height * scale))))
    free = result.width - cutout.width, result.height - cutout.height
    result.paste(cutout, (round(free[0] * place[0]), round(free[1] * place[1])), cutout)
    return result


if __name__ == "__main__":
    main()
