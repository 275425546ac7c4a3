"""Where a model saw a class in an image: its class activation map (Zhou et al., CVPR 2016, arXiv:1512.04150).

Features are means of the feature map, so a linear head's logit is the mean of a map plus the bias:
`CAM_c(x, y) = sum_k w_kc f_k(x, y)`. In a composed backbone the features are the square roots of the means m_k
(`core.models.composite`); there, `w_kc f_k(x, y) / sqrt(m_k)` has the same property for this one image. A dense head is
replaced by its gradient at the image's features, which is what it is like nearby, not everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.base.errors import ModelError
from core.base.i18n import tr
from core.images.drawing import Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.models.classifier import Classifier
    from core.models.heads import Head

_MIN_AGREEMENT: Final = 0.99
"""Lowest cosine between the features and those computed from the feature maps; 8-bit variants round both."""


class MapMethod(StrEnum):
    """How far a map explains its logit."""

    EXACT = "exact"
    APPROXIMATE = "approximate"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a model saw a class in an image.

    Attributes:
        version: its version; 0 for a built-in one.
        method: EXACT if the map's mean plus the head's bias is the logit, before the temperature; APPROXIMATE for a
            dense head: gradient times input.
        grid: the map, rows of float32 from top to bottom, in units of the logit: above 0 speaks for the class.
        area: the part of the upright image that the map covers: left, top, right and bottom as fractions of its sides;
            below 0 and above 1 where the image was padded.
        seen: that part as the backbone sees it.
    """

    path: Path
    model: str
    version: int
    label: str
    method: MapMethod
    grid: tuple[tuple[float, ...], ...]
    area: tuple[float, float, float, float]
    seen: Picture


def explain(classifier: Classifier, path: Path, label: str) -> Explanation:
    """Compute where an open model saw a class in an image, in one forward pass, in the variant that is open.

    Raises:
        ImageError: the image cannot be read.
        ModelError: the model does not have this class, or its backbone has no feature map.
        ProviderError: the engine failed while running.
    """
    import numpy as np

    from core.images.decoding import read_image
    from core.images.preprocessing import crop_box, preprocess
    from core.models.heads import LinearHead

    predictor, plan = classifier.predictor, classifier.engine.card.preprocessing
    card, head = predictor.model.card, predictor.head
    if label not in card.classes:
        what = tr("The model “{model}” has no class “{label}”.", model=card.title, label=label)
        raise ModelError(what, hint=tr("Choose one of its classes."))
    pixels = read_image(path, min_side=plan.min_decode_side).pixels
    seen = preprocess(pixels, plan)
    features, maps = classifier.engine.run_with_maps(seen[np.newaxis])
    is_last = classifier.engine.card.feature_map_layout == "nhwc"
    maps = tuple(one[0] if is_last else np.moveaxis(one[0], 0, -1) for one in maps)
    weights = gradient(head, features[0], card.classes.index(label))
    grid = class_map(maps, features[0], weights, has_roots=bool(classifier.engine.card.parts))
    method = MapMethod.EXACT if isinstance(head, LinearHead) else MapMethod.APPROXIMATE
    height, width, _ = pixels.shape
    left, top, right, bottom = crop_box((width, height), plan)
    area = left / width, top / height, right / width, bottom / height
    rows = tuple(tuple(row) for row in grid.tolist())
    return Explanation(path, card.name, predictor.model.version, label, method, rows, area, Picture.of(seen))


def gradient(head: Head, features: NDArray[np.float32], index: int) -> NDArray[np.float32]:
    """The gradient float32 [d] of a class's logit by the features [d]; of a linear head, the weights of the class.

    Of a prototype head, that of the linear head of the same probabilities.
    """
    import numpy as np

    from core.models.heads import LinearHead, PrototypeHead

    if isinstance(head, PrototypeHead):
        head = head.as_linear()
    if isinstance(head, LinearHead):
        return head.weights[:, index]
    inputs, *hidden = [features]
    for layer in head.layers[:-1]:
        inputs = np.maximum(inputs @ layer.weights + layer.bias, 0)
        hidden.append(inputs)
    result = head.layers[-1].weights[:, index]
    for layer, output in zip(reversed(head.layers[:-1]), reversed(hidden), strict=True):
        result = layer.weights @ (result * (output > 0))
    return result


def class_map(
    maps: Sequence[NDArray[np.float32]], features: NDArray[np.float32], weights: NDArray[np.float32], *, has_roots: bool
) -> NDArray[np.float32]:
    """The class activation map float32 [h, w] of one image; its mean is `features @ weights`.

    Args:
        maps: the feature map [h, w, channels] of each part of the backbone; the result is as fine as the finest.
        features: the features [d], of all parts one after the other.
        weights: the weight [d] of each feature.
        has_roots: whether the features are the square roots of the means of the maps.

    Raises:
        ModelError: the maps have no places, or do not give the features.
    """
    import numpy as np

    means = np.concatenate([one.mean(axis=(0, 1), dtype=np.float64) for one in maps])
    height, width = (max(one.shape[axis] for one in maps) for axis in (0, 1))
    if height * width == 1 or not _give(features, np.sqrt(np.maximum(means, 0)) if has_roots else means):
        what = tr("This model can't show where it looked: its network keeps no map of the photo.")
        raise ModelError(what, hint=tr("Choose another model at the top, such as one that you trained here."))
    if has_roots:
        weights = np.where(means > 0, weights / np.sqrt(np.where(means > 0, means, 1)), 0)
    result, start = np.zeros((height, width)), 0
    for one in maps:
        end = start + one.shape[2]
        part = one.astype(np.float64) @ weights[start:end]
        result += _overlaps(part.shape[0], height) @ part @ _overlaps(part.shape[1], width).T
        start = end
    return result.astype(np.float32)


def _give(features: NDArray[np.float32], pooled: NDArray[np.float64]) -> bool:
    """Whether the features are the pooled ones, up to rounding."""
    import numpy as np

    if features.shape != pooled.shape:
        return False
    norms = float(np.linalg.norm(features) * np.linalg.norm(pooled))
    return bool(float(features @ pooled) >= _MIN_AGREEMENT * norms)


def _overlaps(cells: int, wanted: int) -> NDArray[np.float64]:
    """The matrix [wanted, cells] that resamples a row of cells by area, so that their mean stays the same."""
    import numpy as np

    old, new = np.arange(cells + 1) / cells, np.arange(wanted + 1) / wanted
    lower, upper = np.maximum(old[:-1], new[:-1, None]), np.minimum(old[1:], new[1:, None])
    return np.asarray(np.maximum(upper - lower, 0) * wanted)
