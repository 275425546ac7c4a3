"""What is in the library and how two models differ, as light values that cross the pipe to the window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.base.errors import FoveaError
from core.services.messages import ModelSummary
from core.services.training_values import ChangedImage, UnreadImage


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """A version of a model.

    Attributes:
        number: 1, 2, ... for the person's own; 0 for what came with the program.
        is_active: whether the name without a number means this one.
        installed_at: when it was; None for what came with the program, and where nobody can tell.
        model: what it is; None where it cannot be used.
        training_images: how many images it learnt from; None where nobody knows.
        error: why it cannot be used; None where it can.
    """

    number: int
    is_active: bool
    installed_at: datetime | None
    model: ModelSummary | None
    training_images: int | None
    error: FoveaError | None


@dataclass(frozen=True, slots=True)
class NameSummary:
    """A model's name with its versions, the lowest number first; at least one."""

    name: str
    versions: tuple[VersionSummary, ...]

    @property
    def active(self) -> VersionSummary | None:
        """The version that the name means; None where it means none that is there."""
        return next((one for one in self.versions if one.is_active), None)

    @property
    def title(self) -> str:
        """The name a person reads."""
        shown = self.active or self.versions[-1]
        return self.name if shown.model is None else shown.model.card.title


@dataclass(frozen=True, slots=True)
class PredictionChange:
    """How many photos one model names `before` and the other `now`."""

    before: str
    now: str
    images: int


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Of the photos of a class, the share that each model names rightly, 0..1."""

    name: str
    images: int
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class LabelledSummary:
    """Two models on photos of which it is known what is on them.

    Attributes:
        accuracy_a: the share that the first names rightly, 0..1.
        interval_a: Wilson's 95 % interval of it.
        accuracy_b: the second's.
        interval_b: of that.
        broke: how many photos only the first names rightly.
        fixed: how many only the second does.
        p: of McNemar's exact test; small where the difference is hardly chance.
        could_be_chance: whether it is not small.
        training_overlap_a: how many of the photos the first has learnt from, which flatters it; None where nobody
            knows.
        training_overlap_b: likewise of the second.
        classes: those that have photos, in the first model's order.
    """

    accuracy_a: float
    interval_a: tuple[float, float]
    accuracy_b: float
    interval_b: tuple[float, float]
    broke: int
    fixed: int
    p: float
    could_be_chance: bool
    training_overlap_a: int | None
    training_overlap_b: int | None
    classes: tuple[ClassChange, ...]


@dataclass(frozen=True, slots=True)
class ComparisonSummary:
    """Two models on the same photos.

    Attributes:
        a: the first one's name, with its version where it is the person's own.
        b: the second one's.
        images: how many photos could be read.
        disagreements: those they name differently, at most some thousands, those with the largest margin first.
        disagreement_count: how many these are altogether.
        changes: what they name differently, the most frequent first.
        labelled: what is known where the photos are labelled; None where nobody says what is on them.
        unread: photos that could not be read, at most some hundreds.
        unread_count: how many these are altogether.
        notes: what the person should know, a sentence or two each.
        computed: how many photos a backbone had to look at.
        seconds: how long it took.
    """

    a: str
    b: str
    images: int
    disagreements: tuple[ChangedImage, ...]
    disagreement_count: int
    changes: tuple[PredictionChange, ...]
    labelled: LabelledSummary | None
    unread: tuple[UnreadImage, ...]
    unread_count: int
    notes: tuple[str, ...]
    computed: int
    seconds: float
