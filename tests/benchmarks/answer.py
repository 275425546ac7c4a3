"""One 12-megapixel JPEG from file to answer: Fovea's path against Pillow's full decode and `keras.Model.predict`.

    uv run --extra intel --extra train python tests/benchmarks/answer.py [PHOTO]

Both are warm, run in the same process and take turns, so that the ratio holds although times drift. Without a photo a
sample is enlarged to 4000 x 3000 pixels.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `core` does, which is imported after NumPy here

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from core.base.providers import TITLES, Precision, ProviderPreference
from core.models.classifier import Classifier, open_classifier
from core.models.library import open_library
from core.prediction import Prediction

ROUNDS = 15
SAMPLE = Path(__file__).resolve().parents[2] / "gui" / "samples" / "cat.jpg"


def keras_way() -> Callable[[Path], object]:
    """What the article does: decode in full, resize, scale, `predict`."""
    import keras

    network = keras.applications.Xception(weights=None, include_top=False, pooling="avg")

    def answer(photo: Path) -> object:
        with Image.open(photo) as image:
            pixels = np.asarray(image.convert("RGB").resize((299, 299), Image.Resampling.BICUBIC), dtype=np.float32)
        return network.predict(pixels[None] / 127.5 - 1, verbose=0)

    return answer


def fovea_way(classifier: Classifier) -> Callable[[Path], Prediction]:
    """File to answer, as the window and the command line do it."""

    def answer(photo: Path) -> Prediction:
        (outcome,) = classifier.classify([photo], top_k=5)
        assert isinstance(outcome, Prediction), outcome
        return outcome

    return answer


def milliseconds(answer: Callable[[Path], object], photo: Path) -> float:
    started = time.perf_counter()
    answer(photo)
    return (time.perf_counter() - started) * 1000


def measure(photo: Path) -> Table:
    """Let every way take turns and tabulate the medians."""
    model = open_library().find("everyday")
    auto = open_classifier(model, ProviderPreference.AUTO, Precision.AUTO)
    ways: dict[str, Callable[[Path], object]] = {
        "Pillow in full, keras.Model.predict": keras_way(),
        f"Fovea, {TITLES[auto.engine.provider]}": fovea_way(auto),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 2):
        for name, answer in ways.items():
            taken = milliseconds(answer, photo)
            if turn >= 2:  # the first two warm up
                times[name].append(taken)
    medians = {name: statistics.median(values) for name, values in times.items()}
    slowest = max(medians.values())
    table = Table("way", "median ms", "best ms", "times faster", title=f"{photo.name}, {ROUNDS} rounds in turns")
    for name, median in medians.items():
        table.add_row(name, f"{median:.1f}", f"{min(times[name]):.1f}", f"{slowest / median:.1f}")
    (last,) = auto.classify([photo], top_k=1)
    assert isinstance(last, Prediction)
    timing = last.timing
    table.caption = (
        f"of which decode {timing.decode_ms:.1f}, preprocess {timing.preprocess_ms:.1f}, "
        f"inference {timing.inference_ms:.1f} ms"
    )
    return table


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "12-megapixels.jpg"
        if len(sys.argv) == 1:
            with Image.open(SAMPLE) as sample:
                sample.resize((4000, 3000), Image.Resampling.LANCZOS).save(photo, quality=92)
        Console(width=100).print(measure(photo))


if __name__ == "__main__":
    main()
