"""Published networks that can become backbones: with weights from ImageNet, or untrained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.text import display_path
from core.card import MAX_SIZE, BackboneCard

_MIT, _APACHE = "MIT, as its authors say", "Apache-2.0, as its authors say"
MAX_SIDE: Final = 1024
"""The largest side of images in pixels; larger ones make features slower, not better. See also `core.card.MAX_SIZE`."""
assert MAX_SIDE <= MAX_SIZE
_MAX_MIDDLE_BLOCKS: Final = 100
_WIDTHS: Final = (0.05, 2.0)
"""The smallest and the largest width of an Xception."""
IMAGENET: Final = "imagenet"
NO_WEIGHTS: Final = "none"


@dataclass(frozen=True, slots=True)
class Design:
    """How a network differs from the published Xception; the defaults are Xception itself.

    Attributes:
        middle_blocks: the number of blocks with identity shortcuts.
        width: factor of all numbers of channels, which are then rounded to multiples of 8.
        pointwise_first: whether separable convolutions begin with their pointwise half, as in the paper's text.
        factorised: whether a depthwise 3x3 kernel is a 1x3 and a 3x1 kernel, one after the other.
    """

    middle_blocks: int = 8
    width: float = 1.0
    pointwise_first: bool = False
    factorised: bool = False

    def scaled(self, channels: int) -> int:
        """A number of channels at this width."""
        return max(8, round(channels * self.width / 8) * 8)


XCEPTION: Final = Design()


@dataclass(frozen=True, slots=True)
class Network:
    """A published network.

    Attributes:
        title: its name, as in cards.
        size: side of the images it was trained on, in pixels.
        min_size: the smallest side it can process.
        licence: of its weights from ImageNet.
        alphas: width multipliers (numbers of channels) for which there are weights; empty if it has only one width.
        is_in_keras: whether Keras offers its weights for download.
        classes: the number of classes of its classifier; 0 for a backbone, which has none.
    """

    title: str
    size: int
    min_size: int
    licence: str
    alphas: tuple[float, ...] = ()
    is_in_keras: bool = True
    classes: int = 0


NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(
    {
        "xception": Network("Xception", 299, 71, _MIT),
        "inception-v3": Network("InceptionV3", 299, 75, _APACHE),
        "inception-resnet-v2": Network("InceptionResNetV2", 299, 75, _APACHE),
        "resnet50": Network("ResNet50", 224, 32, _MIT),
        "vgg16": Network("VGG16", 224, 32, "CC-BY-4.0, as its authors say"),
        "mobilenet-v1": Network("MobileNetV1", 224, 32, _APACHE, (0.25, 0.5, 0.75, 1.0)),
        "mobilenet-v2": Network("MobileNetV2", 224, 32, _APACHE, (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)),
        "efficientnet-lite0": Network("EfficientNet-Lite0", 224, 32, _APACHE, is_in_keras=False),
        "efficientnet-lite2": Network("EfficientNet-Lite2", 260, 32, _APACHE, is_in_keras=False),
        "xception-1000": Network("Xception", 299, 299, _MIT, classes=1000),
    }
)
"""By the name that users give."""
BACKBONES: Final = tuple(name for name, network in NETWORKS.items() if not network.classes)
"""The names of those that heads can be trained on."""
REBUILT: Final[Mapping[str, bool]] = MappingProxyType(
    {network.title: bool(network.alphas) for network in NETWORKS.values()}
    | {f"EfficientNet-Lite{number}": False for number in range(5)}
)
"""The networks that the trainer can build in Keras, by their names in cards; whether they have a width multiplier."""


@dataclass(frozen=True, slots=True)
class BackboneRequest:
    """A request to add a published network as a backbone.

    Attributes:
        network: its name in `NETWORKS`.
        alpha: width multiplier; None for 1.0, or for networks of only one width.
        size: side of its images in pixels; None for the one it was trained on.
        weights: a file of weights (.h5), as Keras offers them; None to download Keras's.
        untrained: whether it gets random weights instead.
        design: how it differs from Xception, apart from its width; only untrained ones differ.
    """

    network: str
    alpha: float | None = None
    size: int | None = None
    weights: Path | None = None
    untrained: bool = False
    design: Design = XCEPTION

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
        """The name in the library: `mobilenet-v2-0.35-96`, `resnet50-224`, `xception-16-blocks-299-untrained`."""
        if self.described.classes:
            return self.network
        words = [self.network, *_design_words(self.design)]
        words += [str(self.width)] if self.described.alphas or self.width != 1 else []
        return "-".join([*words, str(self.side), *(["untrained"] if self.untrained else [])])

    @property
    def card_design(self) -> dict[str, Any]:
        """What a card says of its design: how it differs from the published network, and the width of a MobileNet."""
        if self.described.alphas:
            return {"alpha": self.width}
        default = asdict(XCEPTION)
        chosen = asdict(self.design) | {"width": self.width}
        return {key: value for key, value in chosen.items() if value != default[key]}


def check_request(request: BackboneRequest) -> None:
    """Check that there is such a network, with such weights.

    Raises:
        UsageError: the network, its width, its image size or its weights do not exist; the hint says what does.
    """
    network = NETWORKS.get(request.network)
    if network is None:
        what = tr("There is no network named “{name}”.", name=display_path(request.network))
        raise UsageError(what, hint=tr("Networks: {names}.", names=", ".join(NETWORKS)))
    _check_width(request)
    _check_design(request)
    _check_weights(request)
    most = network.size if network.classes else MAX_SIDE
    if not network.min_size <= request.side <= most:
        what = tr("{network} can't process images of {size:,} pixels.", network=network.title, size=request.side)
        hint = tr("Use {least} to {most:,} pixels.", least=network.min_size, most=most)
        raise UsageError(what, hint=tr("Remove --image-size.") if network.classes else hint)


def can_fine_tune(card: BackboneCard) -> bool:
    """Whether the recipe fine-tune supports the network of a backbone."""
    return card.architecture in {NETWORKS[name].title for name in BACKBONES} and can_rebuild(card)


def can_rebuild(card: BackboneCard) -> bool:
    """Whether the trainer can build all parts of a backbone in Keras."""
    return all(is_known(architecture, card.design) for architecture in card.architectures)


def is_known(architecture: str, design: Mapping[str, Any]) -> bool:
    """Whether the trainer can build a network; a MobileNet without its width in the design is another program's."""
    has_width = REBUILT.get(architecture)
    return has_width is not None and (not has_width or "alpha" in design)


def _design_words(design: Design) -> list[str]:
    words = {
        f"{design.middle_blocks}-blocks": design.middle_blocks != XCEPTION.middle_blocks,
        "pointwise-first": design.pointwise_first,
        "factorised": design.factorised,
    }
    return [word for word, is_used in words.items() if is_used]


def _check_width(request: BackboneRequest) -> None:
    network, alpha = request.described, request.alpha
    if alpha is None or alpha in network.alphas:
        return
    is_free = request.network == "xception" and request.untrained
    if not is_free:
        raise _alpha_error(network, alpha)
    least, most = _WIDTHS
    if not least <= alpha <= most:
        what = tr("{network} can't have the width {alpha}.", network=network.title, alpha=alpha)
        raise UsageError(what, hint=tr("Use {least} to {most}.", least=least, most=most))


def _check_design(request: BackboneRequest) -> None:
    if request.design == XCEPTION:
        return
    if request.network != "xception" or not request.untrained:
        what = tr("There are no weights of {network} with another design.", network=request.described.title)
        hint = tr("Use --middle-blocks, --pointwise-first and --factorised for xception with --weights none.")
        raise UsageError(what, hint=hint)
    if not 1 <= request.design.middle_blocks <= _MAX_MIDDLE_BLOCKS:
        what = tr("Xception can't have {count:,} middle blocks.", count=request.design.middle_blocks)
        raise UsageError(what, hint=tr("Use 1 to {most}.", most=_MAX_MIDDLE_BLOCKS))


def _check_weights(request: BackboneRequest) -> None:
    network = request.described
    if network.classes and request.untrained:
        what = tr("A classifier of {count:,} classes can't be added without its weights.", count=network.classes)
        raise UsageError(what, hint=tr("Use xception instead to train from scratch."))
    if not network.is_in_keras and request.weights is None and not request.untrained:
        what = tr("Keras has no weights of {network}.", network=network.title)
        hint = tr("Give a file with --weights FILE, or train from scratch with --weights none.")
        raise UsageError(what, hint=hint)


def _alpha_error(network: Network, alpha: float) -> UsageError:
    if not network.alphas:
        what = tr("{network} has only one width.", network=network.title)
        return UsageError(what, hint=tr("Remove --alpha."))
    what = tr("There are no weights of {network} with alpha {alpha}.", network=network.title, alpha=alpha)
    return UsageError(what, hint=tr("Use one of {values}.", values=", ".join(map(str, network.alphas))))
