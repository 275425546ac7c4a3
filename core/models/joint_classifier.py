"""Several models on the same images: each image is decoded once, and each backbone runs once for all heads on it.

Models that make images square in different ways share an open backbone, but not its features.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from core.base.providers import Precision, ProviderPreference
from core.detection import NO_DETECTION, DetectionOptions
from core.engine.engine import Engine
from core.models.classifier import (
    Classifier,
    open_classifier,
    prepared_ahead,
    swap_head,
)
from core.models.prepare import PreprocessedImage, prepare
from core.models.values import InstalledModel
from core.prediction import Failure, Outcome


@dataclass(frozen=True, slots=True, eq=False)
class JointClassifier:
    """Open models that classify the same images.

    Attributes:
        classifiers: the models; those with the same backbone that make images square alike have the same engine.
    """

    classifiers: tuple[Classifier, ...]

    @property
    def engines(self) -> tuple[Engine, ...]:
        """Their engines, each once."""
        return tuple({id(one.engine): one.engine for one in self.classifiers}.values())

    def classify(self, images: Iterable[Path], *, top_k: int) -> Iterator[tuple[Outcome, ...]]:
        """Yield the outcomes of each image, one of every model; an unreadable image has the same failure for all.

        Args:
            images: files, read only as far ahead as needed.
            top_k: how many classes to report for each.

        Raises:
            ProviderError: an engine failed while running.
        """
        batch = min(engine.batch for engine in self.engines)
        with closing(prepared_ahead(images, self._prepare, batch)) as groups:
            for prepared in groups:
                yield from self._predict_all(prepared, top_k)

    def _prepare(self, path: Path) -> list[PreprocessedImage] | Failure:
        return prepare(path, [engine.card.preprocessing for engine in self.engines], self.classifiers[0].detector)

    def _predict_all(
        self, prepared: Sequence[list[PreprocessedImage] | Failure], top_k: int
    ) -> Iterator[tuple[Outcome, ...]]:
        features = {}
        for place, engine in enumerate(self.engines):
            first = next(one for one in self.classifiers if one.engine is engine)
            own = [one if isinstance(one, Failure) else one[place] for one in prepared]
            features[id(engine)] = first.compute_features(own)
        return zip(*(one.predictor.predict(features[id(one.engine)], top_k) for one in self.classifiers), strict=True)


def open_joint(
    models: Sequence[InstalledModel],
    requested: ProviderPreference,
    precision: Precision,
    detection: DetectionOptions = NO_DETECTION,
) -> JointClassifier:
    """Check the files of models and open each of their backbones once.

    Raises:
        ModelError: a file is missing, damaged, unsupported or malicious.
        ProviderError: the requested provider does not work.
    """
    opened: list[Classifier] = []
    for model in models:
        plan = model.backbone.card.preprocessing
        by_fit = sorted(opened, key=lambda one: one.engine.card.preprocessing != plan)  # to share features
        shared = next(filter(None, (_with_backbone_of(one, model) for one in by_fit)), None)
        opened.append(shared or open_classifier(model, requested, precision, NO_DETECTION if opened else detection))
    return JointClassifier(tuple(opened))


def _with_backbone_of(classifier: Classifier, model: InstalledModel) -> Classifier | None:
    """A model on the backbone of an open one; None if it has another."""
    with suppress(ValueError):
        return swap_head(classifier, model)
    return None
