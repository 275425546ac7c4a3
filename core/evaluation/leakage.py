"""Detection of evaluation images that a model was trained on: the same files, or edited and re-encoded copies.

Copies are recognized by perceptual hash (`core.images.perceptual_hash`) if they were re-encoded, resized or recoloured,
or by the cosine similarity of their features if they were mirrored or cropped. The latter is not used for classes whose
photos all look alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken, ProgressCallback
from core.datasets.labelled_image import LabelledImage
from core.datasets.scan import scan_images
from core.datasets.scan_cache import ScanCache
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor
from core.engine.near_duplicates import DUPLICATE_COSINE, choose_cosine, normalize
from core.images.perceptual_hash import HAMMING_THRESHOLD
from core.models.bundled_features import bundled_features
from core.models.installed import load_examples, load_training_hashes
from core.models.values import InstalledModel

_BLOCK: Final = 512

ContainsHash: TypeAlias = Callable[[str], bool]
"""Whether a model was trained on the image with this SHA-256, in hexadecimal."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """The images that a model was trained on.

    Attributes:
        examples: SHA-256 of the training images that the library recorded, by class.
        hashes: their perceptual hashes; fewer if not all were recorded.
        folder: the model's folder, with features of its examples if the model is built in.
    """

    contains: ContainsHash
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hashes: tuple[int, ...] = ()
    folder: Path = Path()

    @classmethod
    def of(cls, model: InstalledModel) -> TrainingSet | None:
        """The training set of a model; None if unknown."""
        training_hashes = load_training_hashes(model)
        if training_hashes is None:
            return None
        own = [one for one in load_examples(model) or () if training_hashes.contains(one.sha256)]
        hashes = tuple(one.phash for one in own if one.phash)
        examples = {
            text: [one.sha256 for one in own if one.label_text == text] for text in {one.label_text for one in own}
        }
        return cls(training_hashes.contains, examples, hashes, model.folder)

    def find_seen(
        self,
        images: Sequence[LabelledImage],
        features: NDArray[np.float32],
        source: FeatureExtractor,
        store: FeatureStore,
        *,
        report: ProgressCallback,
        token: CancelToken,
    ) -> NDArray[np.bool_]:
        """Which of n images, or copies of them, the model was trained on, [n].

        The features [n, d] are from the source, which determines the cached features they can be compared with; the
        store may have those of training images.
        """
        found = np.array([self.contains(image.sha256) for image in images], bool)
        found[~found] = self._by_features(features[~found], source, store, token)
        others = [image for image, is_known in zip(images, found, strict=True) if not is_known]
        found[~found] = self._by_phash(others, report, token)
        return found

    def _by_features(
        self, features: NDArray[np.float32], source: FeatureExtractor, store: FeatureStore, token: CancelToken
    ) -> NDArray[np.bool_]:
        found, shipped = np.zeros(len(features), bool), bundled_features([self.folder], source.kind)
        for examples in self.examples.values():
            kept = shipped | store.get(source.kind, examples)
            own = np.array([kept[one] for one in examples if one in kept], np.float32)
            cosine = choose_cosine(own, DUPLICATE_COSINE, token=token) if len(own) else None
            for start in range(0, len(features) if cosine else 0, _BLOCK):
                token.check()
                block = slice(start, start + _BLOCK)
                found[block] |= (normalize(features[block]) @ normalize(own).T).max(axis=1) >= cosine
        return found

    def _by_phash(
        self, images: Sequence[LabelledImage], report: ProgressCallback, token: CancelToken
    ) -> NDArray[np.bool_]:
        found = np.zeros(len(images), bool)
        if not self.hashes or not images:
            return found
        hashes = np.array(self.hashes, np.uint64)
        with ScanCache() as cache:
            for row, result in enumerate(scan_images(images, cache, report, token)):
                if isinstance(result, LabelledImage):
                    found[row] = int(np.bitwise_count(hashes ^ np.uint64(result.phash)).min()) <= HAMMING_THRESHOLD
        return found
