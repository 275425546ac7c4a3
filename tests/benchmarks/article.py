"""The article's two stages at its size: features of 6000 images, and steps of fine-tuning; ours against Keras's.

    uv run --extra intel --extra train python tests/benchmarks/article.py PHOTOS [--images 6000] [--subset 96]

Images are made from labelled photos by cropping and recolouring, as JPEGs of 500 x 375 pixels, the size of those of
Kaggle's Dogs vs Cats. Both ways are warm, run in the same process and take turns on the same subset; then ours does all
of them. What Keras's weights are makes no difference to the time, so none are fetched.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image, ImageEnhance
from rich.console import Console
from rich.table import Table

from core.base.progress import CancelToken
from core.base.providers import TITLES, Precision, ProviderPreference
from core.engine.engine import Engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.engine.provider_selection import choose_engine
from core.images.decoding import decode
from core.models.heads import LinearHead
from core.models.installed import backbone_files
from core.models.library import open_library
from core.models.values import InstalledBackbone
from core.training.protocol import TrainerJob
from core.training.recipe_defaults import FINE_TUNE

SIZE = (500, 375)
ROUNDS = 3
BATCH = 16


@dataclass(frozen=True, slots=True)
class Content:
    """An image file, as `compute_features` wants it."""

    path: Path
    sha256: str


def draw(photos: Path, folder: Path, count: int) -> list[Path]:
    """Make images by cropping and recolouring photos, each another one."""
    generator, sources = np.random.default_rng(0), sorted(path for path in photos.rglob("*") if path.is_file())
    pixels = [Image.fromarray(decode(path, min_side=375)) for path in sources]
    made = []
    for number in range(count):
        image = pixels[number % len(pixels)]
        share = generator.uniform(0.6, 1.0)
        width, height = round(image.width * share), round(image.height * share)
        left, upper = generator.integers(0, image.width - width + 1), generator.integers(0, image.height - height + 1)
        crop = image.crop((left, upper, left + width, upper + height)).resize(SIZE, Image.Resampling.BICUBIC)
        coloured = ImageEnhance.Color(crop).enhance(generator.uniform(0.3, 1.7))
        made.append(folder / f"{('cat', 'dog')[number % 2]}.{number // 2}.jpg")
        ImageEnhance.Brightness(coloured).enhance(generator.uniform(0.7, 1.3)).save(made[-1], quality=90)
    return made


def features_by_fovea(engine: Engine, store: Path) -> Callable[[Sequence[Path]], None]:
    """Decode, preprocess, the engine, and keep what comes, as `fovea train` does."""
    source = FeatureExtractor(engine.card, engine.requested, lambda: engine)

    def compute(images: Sequence[Path]) -> None:
        contents = [Content(path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in images]
        (store / "features.sqlite").unlink(missing_ok=True)
        with FeatureStore(store / "features.sqlite") as kept:
            table = compute_features(contents, source, kept, report=lambda _: None, token=CancelToken())
        assert table.computed == len(images), table.failures

    return compute


def features_by_keras() -> Callable[[Sequence[Path]], None]:
    """What the article does: images resized in full precision, in order, through `predict`."""
    import keras
    import tensorflow as tf

    network = keras.applications.Xception(weights=None, include_top=False, pooling="avg")

    def read(path: object) -> object:
        return tf.image.resize(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), (299, 299)) / 127.5 - 1

    def compute(images: Sequence[Path]) -> None:
        dataset = tf.data.Dataset.from_tensor_slices([str(path) for path in images])
        dataset = dataset.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)
        network.predict(dataset, verbose=0)

    return compute


def taking_turns(ways: dict[str, Callable[[], int]]) -> dict[str, float]:
    """The median of milliseconds an image, each way giving how many images it did; the first round warms up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            count = way()
            if turn:
                times[name].append((time.perf_counter() - started) * 1000 / count)
    return {name: statistics.median(values) for name, values in times.items()}


def tabulated(title: str, medians: dict[str, float]) -> Table:
    slowest = max(medians.values())
    table = Table("way", "ms an image, median", "times faster", title=title)
    for name, median in medians.items():
        table.add_row(name, f"{median:.1f}", f"{slowest / median:.1f}")
    return table


def stage_one(images: Sequence[Path], subset: int, folder: Path, console: Console) -> None:
    """Features of a subset both ways, in turns, then of all images our way."""
    backbone = _backbone()
    engine = choose_engine(backbone_files(backbone), ProviderPreference.AUTO, Precision.AUTO)
    ours, theirs = features_by_fovea(engine, folder), features_by_keras()
    some = images[:subset]

    def counted(way: Callable[[Sequence[Path]], None]) -> Callable[[], int]:
        return lambda: way(some) or len(some)

    name = f"Fovea, {TITLES[engine.provider]}"
    medians = taking_turns({"tf.data and keras.Model.predict": counted(theirs), name: counted(ours)})
    console.print(tabulated(f"stage 1: features of {len(some)} images, {ROUNDS} rounds in turns", medians))
    started = time.perf_counter()
    ours(images)
    seconds = time.perf_counter() - started
    console.print(f"all {len(images):,} images: {seconds:.0f} s, {seconds * 1000 / len(images):.1f} ms an image")


def steps_by_fovea(images: Sequence[Path]) -> tuple[str, Callable[[], int]]:
    """An epoch of fine-tuning the exit flow, from files: decoding, augmenting, the frozen trunk, the step itself."""
    from core.trainer.backbone import read_backbone
    from core.trainer.batches import DataLoader, TrainImage
    from core.trainer.fine_tune import with_head
    from core.trainer.framework import keras
    from core.trainer.frozen_base import open_frozen_base, open_int8_base
    from core.trainer.learner import ImageTrainer
    from core.trainer.precision import has_bfloat16, to_mixed_precision
    from core.trainer.xception import copy_weights, exit_flow

    backbone = read_backbone(_backbone().folder)
    ending = exit_flow(None)
    copy_weights(backbone.keras_model(), ending)
    trunk = open_int8_base(backbone.files, ProviderPreference.AUTO, Precision.AUTO)
    in_8_bits = ", int8" if trunk else ""
    trunk = trunk or open_frozen_base(backbone.data, backbone.card, ending, ProviderPreference.AUTO, Precision.AUTO)
    network = keras.Model(ending.input, ending.output["features"])
    head = LinearHead(np.zeros((backbone.card.feature_width, 2), np.float32), np.zeros(2, np.float32))
    model = with_head(to_mixed_precision(network) if has_bfloat16() else network, head)
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in images]
    photos = [TrainImage(path, sum_, number % 2) for number, (path, sum_) in enumerate(zip(images, sums, strict=True))]
    job = TrainerJob(
        recipe="fine-tune", classes=2, seed=0, epochs=1, learning_rate=FINE_TUNE.learning_rate,
        momentum=FINE_TUNE.momentum, batch=BATCH, depth="exit-flow", precision="auto", provider="auto", backbone="",
    )  # fmt: skip
    pipeline = DataLoader(backbone.card.preprocessing, trunk, CancelToken())
    learner, epochs = ImageTrainer(model, job, (photos, []), pipeline, lambda _: None), count(1)

    def learn() -> int:
        learner.train_epoch(next(epochs))
        return len(photos)

    arithmetic = "bfloat16" if has_bfloat16() else "float32"
    return f"Fovea, exit flow in {arithmetic}, the rest on {TITLES[trunk.provider]}{in_8_bits}, from files", learn


def steps_by_keras(images: Sequence[Path]) -> Callable[[], int]:
    """Steps of the whole network in float32; the images are in memory already, and not augmented."""
    import keras

    network = keras.applications.Xception(weights=None, include_top=False, pooling="avg")
    answer = keras.layers.Dense(2, activation="softmax")(network.output)
    model = keras.Model(network.input, answer)
    rates = keras.optimizers.SGD(FINE_TUNE.learning_rate, momentum=FINE_TUNE.momentum, nesterov=True)
    model.compile(rates, "sparse_categorical_crossentropy")
    pixels = np.stack([np.asarray(Image.open(path).resize((299, 299)), np.float32) for path in images]) / 127.5 - 1
    labels = np.arange(len(images)) % 2

    def learn() -> int:
        for start in range(0, len(pixels), BATCH):
            model.train_on_batch(pixels[start : start + BATCH], labels[start : start + BATCH])
        return len(pixels)

    return learn


def stage_two(images: Sequence[Path], console: Console) -> None:
    """An epoch over a subset both ways, in turns."""
    name, ours = steps_by_fovea(images)
    medians = taking_turns({"Keras, whole network in float32": steps_by_keras(images), name: ours})
    console.print(tabulated(f"stage 2: steps of {BATCH} images, {len(images)} images in turns", medians))


def _backbone() -> InstalledBackbone:
    found = next(entry for entry in open_library().entries() if entry.name == "xception-imagenet")
    assert isinstance(found, InstalledBackbone)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="The article's two stages at its size.")
    parser.add_argument("photos", type=Path, help="labelled photos to make images of")
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--subset", type=int, default=96, help="images that both ways do")
    parser.add_argument("--steps", type=int, default=4, help="steps of stage 2 in a turn")
    asked = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        images = draw(asked.photos, folder, asked.images)
        stage_two(images[: asked.steps * BATCH], console)
        stage_one(images, asked.subset, folder, console)


if __name__ == "__main__":
    main()
