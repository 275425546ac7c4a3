"""Which images at hand a model has learned from: the very files, and copies of them that were changed or saved anew.

A copy is known by its look (`core.images.perceptual_hash`), as when a photo was saved as JPEG, resized or recoloured,
or by the cosine of its features, as when it was mirrored or cropped; that says nothing of a class whose photos all
look alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken, Report
from core.datasets.discovery import Labelled
from core.datasets.scan import Sight, see_all
from core.datasets.scan_cache import Memo
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureSource
from core.engine.near_duplicates import SAME, telling_cosine, unit
from core.evaluation.images import JudgedImage
from core.images.perceptual_hash import NEAR
from core.models.bundled_features import shipped_features
from core.models.installed import InstalledModel, load_examples, load_learnt

_BLOCK: Final = 512

Knows: TypeAlias = Callable[[str], bool]
"""Whether a model learned from the image of this SHA-256, in hexadecimal."""


@dataclass(frozen=True, slots=True, eq=False)
class Familiar:
    """The images a model learned from.

    Attributes:
        knows: says it of the very files.
        examples: SHA-256 of those that the library remembers, by class.
        looks: of these; fewer where not all were kept.
        folder: where the model lies, with features of its examples if it was shipped.
    """

    knows: Knows
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    looks: tuple[int, ...] = ()
    folder: Path = Path()

    @classmethod
    def of(cls, model: InstalledModel) -> Familiar | None:
        """What a model learned from; None where nobody knows."""
        learnt = load_learnt(model)
        if learnt is None:
            return None
        own = [one for one in load_examples(model) or () if learnt.knows(one.sha256)]
        looks = tuple(one.look for one in own if one.look is not None)
        examples = {label: [one.sha256 for one in own if one.label == label] for label in {one.label for one in own}}
        return cls(learnt.knows, examples, looks, model.folder)

    def among(
        self,
        images: Sequence[JudgedImage],
        features: NDArray[np.float32],
        source: FeatureSource,
        store: FeatureStore,
        *,
        report: Report,
        token: CancelToken,
    ) -> NDArray[np.bool_]:
        """Which of n images the model learned from, or from copies of them, [n].

        Args:
            images: the images.
            features: of them, [n, d], as the source makes them.
            source: says which kept features can be compared with these.
            store: may keep those of the images that were learned from.
            report: told of each image that has to be looked at.
            token: looked at all the time.

        Raises:
            Cancelled: the token was cancelled.
        """
        found = np.array([self.knows(image.sha256) for image in images], bool)
        found[~found] = self._by_features(features[~found], source, store, token)
        others = [image for image, is_known in zip(images, found, strict=True) if not is_known]
        found[~found] = self._by_looks(others, report, token)
        return found

    def _by_features(
        self, features: NDArray[np.float32], source: FeatureSource, store: FeatureStore, token: CancelToken
    ) -> NDArray[np.bool_]:
        found, shipped = np.zeros(len(features), bool), shipped_features([self.folder], source.kind)
        for examples in self.examples.values():
            kept = shipped | store.get(source.kind, examples)
            own = np.array([kept[one] for one in examples if one in kept], np.float32)
            cosine = telling_cosine(own, SAME, token=token) if len(own) else None
            for start in range(0, len(features) if cosine else 0, _BLOCK):
                token.check()
                block = slice(start, start + _BLOCK)
                found[block] |= (unit(features[block]) @ unit(own).T).max(axis=1) >= cosine
        return found

    def _by_looks(self, images: Sequence[JudgedImage], report: Report, token: CancelToken) -> NDArray[np.bool_]:
        found = np.zeros(len(images), bool)
        if not self.looks or not images:
            return found
        looks = np.array(self.looks, np.uint64)
        asked = [Labelled(image.path, image.label, None) for image in images]
        with Memo() as memo:
            for row, seen in enumerate(see_all(asked, memo, report, token)):
                if isinstance(seen, Sight):
                    found[row] = int(np.bitwise_count(looks ^ np.uint64(seen.look)).min()) <= NEAR
        return found
