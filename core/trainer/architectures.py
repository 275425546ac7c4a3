"""The networks that can be built in Keras, by their names in cards: from pixels to features, ready to be trained."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from core.base.errors import ModelError
from core.base.i18n import tr
from core.engine import graph
from core.trainer.efficientnet_lite import SCALINGS, efficientnet_lite
from core.trainer.framework import keras
from core.trainer.layers import FrozenStatistics
from core.trainer.torch_mobilenet_v2 import SYMMETRIC, torch_mobilenet_v2
from core.trainer.xception import xception
from core.training.networks import REBUILT, Design, is_known

Build: TypeAlias = Callable[..., keras.Model]

APPLICATIONS: Final[Mapping[str, Build]] = {
    "InceptionV3": keras.applications.InceptionV3,
    "InceptionResNetV2": keras.applications.InceptionResNetV2,
    "ResNet50": keras.applications.ResNet50,
    "VGG16": keras.applications.VGG16,
    "MobileNetV1": keras.applications.MobileNet,
    "MobileNetV2": keras.applications.MobileNetV2,
}
"""Those that come with Keras."""
CAFFE: Final = frozenset({"ResNet50", "VGG16"})
"""Networks trained on BGR pixels minus their mean; the others on RGB pixels scaled to -1..1."""
_MEAN_RGB: Final = (123.68, 116.779, 103.939)


def build(architecture: str, size: int, design: Mapping[str, Any]) -> keras.Model:
    """Build a network without its classifier, with random weights and frozen BatchNormalization statistics.

    Args:
        architecture: its name in cards.
        size: side of the square image, in pixels.
        design: how it differs from the published network, as in cards.

    Returns:
        As `core.trainer.xception.xception`: from pixels of 0..255 [n, size, size, 3] to a dict of `features` and
        `feature_map`.

    Raises:
        ModelError: there is no such network.
    """
    if not is_known(architecture, design):
        what = tr("Networks of the type “{name}” can't be trained.", name=architecture)
        raise ModelError(what, hint=tr("Supported networks: {names}.", names=", ".join(REBUILT)))
    try:
        if architecture in _OWN:
            return _OWN[architecture](size, **design)
        return with_frozen_statistics(application(architecture, size, None, **design))
    except (TypeError, ValueError) as error:
        what = tr("{network} can't be built as its card says.", network=architecture)
        raise ModelError(what, hint=tr("Install the model again, or train another one.")) from error


def application(architecture: str, size: int, weights: str | None, **options: Any) -> keras.Model:
    """A network of `APPLICATIONS` as Keras builds it, with the scaling of pixels before it, from pixels to maps.

    Args:
        architecture: its name.
        size: side of the square image, in pixels.
        weights: `imagenet` to download Keras's; None for random ones.
        options: of its function in Keras.
    """
    scale, offset = (1.0, [-mean for mean in _MEAN_RGB]) if architecture in CAFFE else (1 / 127.5, -1.0)
    image = keras.Input((size, size, 3), dtype="float32", name="image")
    scaled = keras.layers.Rescaling(scale, offset=offset, name="scaling")(image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that weights of another image size are used: all sizes have the same
        return APPLICATIONS[architecture](
            include_top=False, input_tensor=scaled, input_shape=(size, size, 3), weights=weights, **options
        )


def with_frozen_statistics(network: keras.Model) -> keras.Model:
    """A copy of a network of `application` with frozen statistics, average pooling, and layers named by their place.

    Keras numbers the layers of some networks by how many it has built so far.
    """
    places = {layer.name: place for place, layer in enumerate(network.layers)}

    def clone(layer: Any) -> Any:
        kind = FrozenStatistics if isinstance(layer, keras.layers.BatchNormalization) else layer.__class__
        return kind.from_config(layer.get_config() | {"name": f"layer_{places[layer.name]}"})

    copy = keras.models.clone_model(network, clone_function=clone)
    copy.set_weights(network.get_weights())
    features = keras.layers.GlobalAveragePooling2D(name="features")(copy.output)
    return keras.Model(copy.inputs[0], {graph.FEATURES: features, graph.FEATURE_MAP: copy.output})


def _xception(size: int, **design: Any) -> keras.Model:
    return xception(size, Design(**design))


def _mobilenet_v2(size: int, padding: str = "", **design: Any) -> keras.Model:
    """Keras's or, with symmetric padding, PyTorch's."""
    if (padding, design) == (SYMMETRIC, {"alpha": 1.0}):
        return torch_mobilenet_v2(size)
    if padding:
        raise ValueError(padding)
    return with_frozen_statistics(application("MobileNetV2", size, None, **design))


_OWN: Final[Mapping[str, Build]] = {
    "Xception": _xception,
    "MobileNetV2": _mobilenet_v2,
    **{f"EfficientNet-Lite{number}": partial(efficientnet_lite, number) for number in range(len(SCALINGS))},
}
"""Those that are built here."""
