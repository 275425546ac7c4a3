"""Published networks that can become backbones, with Keras's weights from ImageNet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.text import display_path
from core.card import MAX_SIZE

_MIT, _APACHE = "MIT, as its authors say", "Apache-2.0, as its authors say"
_MAX_SIZE: Final = 1024
"""Larger images make features slower, not better; `core.card.MAX_SIZE` is the limit of the card."""
assert _MAX_SIZE <= MAX_SIZE


@dataclass(frozen=True, slots=True)
class Network:
    """A published network.

    Attributes:
        title: its name, as in cards.
        size: side of the images it was trained on, in pixels.
        min_size: the smallest side it can process.
        licence: of its weights from ImageNet.
        alphas: width multipliers (numbers of channels) for which there are weights; empty if it has only one width.
    """

    title: str
    size: int
    min_size: int
    licence: str
    alphas: tuple[float, ...] = ()


NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(
    {
        "xception": Network("Xception", 299, 71, _MIT),
        "inception-v3": Network("InceptionV3", 299, 75, _APACHE),
        "inception-resnet-v2": Network("InceptionResNetV2", 299, 75, _APACHE),
        "resnet50": Network("ResNet50", 224, 32, _MIT),
        "vgg16": Network("VGG16", 224, 32, "CC-BY-4.0, as its authors say"),
        "mobilenet-v1": Network("MobileNetV1", 224, 32, _APACHE, (0.25, 0.5, 0.75, 1.0)),
        "mobilenet-v2": Network("MobileNetV2", 224, 32, _APACHE, (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)),
    }
)
"""By the name that users give."""


@dataclass(frozen=True, slots=True)
class BackboneRequest:
    """A request to add a published network as a backbone.

    Attributes:
        network: its name in `NETWORKS`.
        alpha: width multiplier; None for 1.0, or for networks of only one width.
        size: side of its images in pixels; None for the one it was trained on.
        weights: a file of weights without the classifier (.h5), as Keras offers them; None to download Keras's.
    """

    network: str
    alpha: float | None = None
    size: int | None = None
    weights: Path | None = None

    @property
    def described(self) -> Network:
        """The network."""
        return NETWORKS[self.network]

    @property
    def side(self) -> int:
        """The side of its images in pixels."""
        return self.size or self.described.size

    @property
    def width(self) -> float:
        """Its width multiplier."""
        return 1.0 if self.alpha is None else self.alpha

    @property
    def name(self) -> str:
        """The name of the backbone in the library: `mobilenet-v2-0.35-96`, `resnet50-224`."""
        width = f"-{self.width}" if self.described.alphas else ""
        return f"{self.network}{width}-{self.side}"


def check_request(request: BackboneRequest) -> None:
    """Check that there is such a network.

    Raises:
        UsageError: the network, its width or its image size does not exist; the hint says what does.
    """
    network = NETWORKS.get(request.network)
    if network is None:
        what = tr("There is no network named “{name}”.", name=display_path(request.network))
        raise UsageError(what, hint=tr("Networks: {names}.", names=", ".join(NETWORKS)))
    if request.alpha is not None and request.alpha not in network.alphas:
        raise _alpha_error(network, request.alpha)
    if not network.min_size <= request.side <= _MAX_SIZE:
        what = tr("{network} can't process images of {size:,} pixels.", network=network.title, size=request.side)
        hint = tr("Use {least} to {most:,} pixels.", least=network.min_size, most=_MAX_SIZE)
        raise UsageError(what, hint=hint)


def _alpha_error(network: Network, alpha: float) -> UsageError:
    if not network.alphas:
        what = tr("{network} has only one width.", network=network.title)
        return UsageError(what, hint=tr("Remove --alpha."))
    what = tr("There are no weights of {network} with alpha {alpha}.", network=network.title, alpha=alpha)
    return UsageError(what, hint=tr("Use one of {values}.", values=", ".join(map(str, network.alphas))))
