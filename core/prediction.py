"""The prediction of a model for an image, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from core.base.errors import FoveaError
from core.base.label_sets import classes_text, label_of
from core.base.text import either_text
from core.detection import Box, Detection, counts_text

_UNSURE_BELOW = 0.3
_UNKNOWN = 0.5
"""Images with a higher score as unknown are unknown."""
NO_FILE = Path()
"""The path in the outcome of pixels that came without a file."""


@dataclass(frozen=True, slots=True)
class Score:
    """A class's label and its probability, 0..1.

    Attributes:
        label: the class.
        probability: its probability.
        threshold: the probability from which an image has it by a multi-label model, in (0, 1); None for other models.
    """

    label: str
    probability: float
    threshold: float | None = None

    @property
    def certainty(self) -> float:
        """How far the probability is from the threshold, as a fraction of the way to 0 or 1; 1 without a threshold."""
        if self.threshold is None:
            return 1.0
        way = 1 - self.threshold if self.probability >= self.threshold else self.threshold
        return abs(self.probability - self.threshold) / way


@dataclass(frozen=True, slots=True)
class Timing:
    """The time for one image, in milliseconds; inference is its fraction of the batch."""

    decode_ms: float
    preprocess_ms: float
    inference_ms: float

    @property
    def total_ms(self) -> float:
        """The total time from file to prediction."""
        return self.decode_ms + self.preprocess_ms + self.inference_ms


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training image that is near an image.

    Attributes:
        label: its class, or the label of all that it has, see `core.base.label_sets`.
        similarity: the cosine of their features, -1..1.
        sha256: of the training image, in hexadecimal; empty if unknown, as in models from elsewhere.
        path: where it was when the model was trained; None if unknown.
        thumbnail: a small copy of it, kept with the model; None if there is none.
    """

    label: str
    similarity: float
    sha256: str = ""
    path: Path | None = None
    thumbnail: Path | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A class or a group of classes in a model's hierarchy.

    Attributes:
        path: the names of its levels, from the broadest to itself.
        probability: the sum of its classes' probabilities, 0..1.
    """

    path: tuple[str, ...]
    probability: float

    @property
    def label(self) -> str:
        """Its own name."""
        return self.path[-1]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against a prediction.

    Attributes:
        unknown_score: 0..1; the higher, the more likely the image belongs to none of the classes.
        set: the classes that the image may have at the coverage that the model states, most likely first; empty if it
            is unlike the images of every class, None if the model states no coverage.
        nearest: the training images nearest to it, the nearest first; empty if the model does not keep them.
        coverage: the fraction of images of every class whose set has their class, in (0, 1); None without a set, or if
            an earlier version of Fovea made the prediction.
        levels: the levels of the model's hierarchy that are sure enough, each within the one before; empty if none is,
            or the model has no hierarchy.
    """

    unknown_score: float
    set: tuple[str, ...] | None = None
    nearest: tuple[Neighbour, ...] = ()
    coverage: float | None = None
    levels: tuple[Level, ...] = ()

    def without_paths(self) -> Evidence:
        """The evidence for a file that is shared: where training images are stays on this computer."""
        return replace(self, nearest=tuple(replace(one, path=None, thumbnail=None) for one in self.nearest))


@dataclass(frozen=True, slots=True)
class Crop:
    """The crop around the subject that a prediction was made from, and what the model says about the whole image.

    Attributes:
        box: the crop.
        subject: the thing that it was made around.
        scores: of the whole image, from most to least likely.
        unknown: whether the whole image probably belongs to none of the classes, as in `Prediction`.
    """

    box: Box
    subject: Detection
    scores: tuple[Score, ...]
    unknown: bool | None

    @property
    def best(self) -> Score:
        """The most likely class of the whole image."""
        return self.scores[0]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction of one model for one image.

    Attributes:
        path: the image; `NO_FILE` for pixels.
        scores: from most to least likely; at least one. By a multi-label model, the least certain class is among them.
        unknown: whether the image probably belongs to none of the classes, as when a multi-label model finds none; None
            if the model has no threshold.
        model: the name of the model.
        provider: the provider that actually ran it.
        timing: how long it took.
        warnings: warnings about the image, such as that a part of it is missing.
        precision: the number format that its backbone was computed in; empty if unknown.
        evidence: what speaks for and against it; None if an earlier version of Fovea made it.
        detections: the things in the image, the surest first; None if nobody looked for them.
        crop: the crop that it was made from; None if it was made from the whole image.
        labels: the classes that the image has by a multi-label model, most likely first, maybe none; None if the model
            gives every image exactly one class. Probabilities then do not sum to 1.
    """

    path: Path
    scores: tuple[Score, ...]
    unknown: bool | None
    model: str
    provider: str
    timing: Timing
    warnings: tuple[str, ...] = ()
    precision: str = ""
    evidence: Evidence | None = None
    detections: tuple[Detection, ...] | None = None
    crop: Crop | None = None
    labels: tuple[str, ...] | None = None

    @property
    def answer(self) -> str:
        """The answer to show if the image is not unknown, or the model is multi-label: “fox or dog”, “fox, snow”."""
        if self.labels is None:
            return either_text(self.candidates)
        return classes_text(self.labels)

    @property
    def label(self) -> str:
        """The label that agrees with it, see `core.base.label_sets`."""
        return self.best.label if self.labels is None else label_of(self.labels)

    @property
    def is_guess(self) -> bool:
        """Whether the most likely class is only a guess, as the image is unknown by a model with one class per image.

        That a multi-label model finds none of its classes is an answer like any other.
        """
        return bool(self.unknown) and self.labels is None

    @property
    def is_unlike(self) -> bool:
        """Whether a multi-label model finds no class as the image is unlike all of its training images."""
        found = self.evidence
        return self.labels == () and found is not None and bool(found.nearest) and found.unknown_score > _UNKNOWN

    @property
    def is_unsure(self) -> bool:
        """Whether the best guess should not be read as an answer, although the model has no threshold for “unknown”."""
        return self.unknown is None and self.best.probability < _UNSURE_BELOW

    @property
    def candidates(self) -> tuple[str, ...]:
        """The most likely class, and others that the image may have at the coverage that the model states; by a
        multi-label model, those that it has.
        """
        if self.labels is not None:
            return self.labels
        others = self.evidence.set or () if self.evidence else ()
        return tuple(dict.fromkeys((self.best.label, *others)))

    @property
    def rolled_up(self) -> Level | None:
        """The narrowest level of the hierarchy that is sure enough; None if there is none or the image is unknown."""
        return self.evidence.levels[-1] if self.evidence and self.evidence.levels and not self.unknown else None

    @property
    def group(self) -> Level | None:
        """The group of classes that is sure enough although no single class is; None if there is none."""
        found = self.rolled_up
        return found if found and found.label != self.best.label else None

    @property
    def best(self) -> Score:
        """The most likely class, by a multi-label model of those that the image has, if there are any."""
        if not self.labels:
            return self.scores[0]
        return next((score for score in self.scores if score.label in (self.labels or ())), self.scores[0])

    @property
    def certainty(self) -> float:
        """The probability of the most likely class; by a multi-label model, how far the least certain class is from its
        threshold, see `Score.certainty`, and 0 if the image is unlike the training images.
        """
        if self.labels is None:
            return self.best.probability
        return 0.0 if self.is_unlike else min(score.certainty for score in self.scores)

    def likely(self, count: int) -> tuple[Score, ...]:
        """This many of the most likely classes, and at least all that the image has by a multi-label model."""
        last = max((at for at, one in enumerate(self.scores, start=1) if one.label in (self.labels or ())), default=0)
        return self.scores[: max(count, last)]

    @property
    def counts(self) -> str | None:
        """What is in the image, such as “2 cats, 1 person”; empty if there is nothing, None if nobody looked."""
        return None if self.detections is None else counts_text(self.detections)

    def without_paths(self) -> Prediction:
        """The prediction for a file that is shared; `path` remains, for its writer to shorten."""
        return replace(self, evidence=self.evidence and self.evidence.without_paths())


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one image has no prediction, or why a folder or file could not be read or changed."""

    path: Path
    kind: str
    message: str
    hint: str

    @classmethod
    def of(cls, path: Path, error: FoveaError) -> Failure:
        """Make the failure of the image at `path` from an error."""
        return cls(path, error.kind, error.what, error.hint)


Outcome = Prediction | Failure
