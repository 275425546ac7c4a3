"""The article's eleven networks, and two more that Fovea uses, with the accuracies that their authors published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

from core.architectures import networks
from core.architectures.counting import Counts

KERAS: Final = "Keras documentation, 2018"
TF_SLIM: Final = "TensorFlow-Slim, MobileNet checkpoints"
TPU_MODELS: Final = "TensorFlow TPU models, EfficientNet-Lite"


@dataclass(frozen=True)
class PublishedNetwork:
    """A network with its published accuracy.

    Attributes:
        architecture: the name of the network, as in the cards of backbones.
        top1: the fraction of ImageNet's 50,000 validation images for which its first answer is right.
        top5: the fraction for which one of its first five answers is right; None if it was not published.
        alpha: the width multiplier of a MobileNet; None for networks of only one width.
        rho: the resolution multiplier of a MobileNet, as the article rounds it; None for other networks.
    """

    architecture: str
    size: int
    top1: float
    top5: float | None
    source: str
    alpha: float | None = None
    rho: float | None = None

    @property
    def title(self) -> str:
        """Its name, with the multipliers of a MobileNet as in the article."""
        multipliers = "" if self.alpha is None else f" ({self.alpha:g}, {self.rho:g})"
        return self.architecture + multipliers

    @cached_property
    def counts(self) -> Counts:
        """Its weights and multiply-adds, computed from its layers."""
        match self.architecture:
            case "MobileNetV1":
                return networks.mobilenet_v1(self.size, self.alpha or 1.0)
            case "MobileNetV2":
                return networks.mobilenet_v2(self.size, self.alpha or 1.0)
            case _:
                return _COUNTED[self.architecture](self.size)


_COUNTED: Final[Mapping[str, Callable[[int], Counts]]] = {
    "Xception": networks.xception,
    "ResNet50": networks.resnet50,
    "InceptionResNetV2": networks.inception_resnet_v2,
    "InceptionV3": networks.inception_v3,
    "VGG16": networks.vgg16,
    "EfficientNet-Lite0": networks.efficientnet_lite,
    "EfficientNet-Lite2": partial(networks.efficientnet_lite, width=1.1, depth=1.2),
}

PUBLISHED: Final = (
    PublishedNetwork("Xception", 299, 0.790, 0.945, KERAS),
    PublishedNetwork("ResNet50", 224, 0.759, 0.929, KERAS),
    PublishedNetwork("InceptionResNetV2", 299, 0.804, 0.953, KERAS),
    PublishedNetwork("InceptionV3", 299, 0.788, 0.944, KERAS),
    PublishedNetwork("VGG16", 224, 0.715, 0.901, KERAS),
    PublishedNetwork("MobileNetV1", 224, 0.709, 0.899, TF_SLIM, 1.0, 1.0),
    PublishedNetwork("MobileNetV1", 192, 0.672, 0.873, TF_SLIM, 0.75, 0.85),
    PublishedNetwork("MobileNetV1", 128, 0.415, 0.663, TF_SLIM, 0.25, 0.57),
    PublishedNetwork("MobileNetV2", 224, 0.750, 0.925, TF_SLIM, 1.4, 1.0),
    PublishedNetwork("MobileNetV2", 224, 0.718, 0.910, TF_SLIM, 1.0, 1.0),
    PublishedNetwork("MobileNetV2", 96, 0.455, 0.704, TF_SLIM, 0.35, 0.43),
)
"""In the article's order; where the article has no top-5, it is from the same source as the top-1."""

OTHERS: Final = (
    PublishedNetwork("EfficientNet-Lite0", 224, 0.751, None, TPU_MODELS),
    PublishedNetwork("EfficientNet-Lite2", 260, 0.776, None, TPU_MODELS),
)
"""Networks that the article does not have."""
