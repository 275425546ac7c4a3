"""What is in the library: light values, as it was when the library was read, that any process can hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from core.base.errors import FoveaError
from core.base.providers import ComputePrecision, Provider
from core.card import BackboneCard, ModelCard, ResizeMode
from core.detection import NO_DETECTION, DetectionOptions
from core.engine.values import NetworkStatistics


@dataclass(frozen=True, slots=True)
class InstalledBackbone:
    """A backbone that models can share.

    Attributes:
        card: its card.
        folder: the folder of its files.
        size_bytes: its size on disk, including its parts.
        parts: the backbones it is composed of when it is read; empty if it has a file of its own.
        fit: how its model makes images square, as `card` says, too; None if that is as the library has it.
    """

    card: BackboneCard
    folder: Path
    size_bytes: int
    parts: tuple[InstalledBackbone, ...] = ()
    fit: ResizeMode | None = None

    @property
    def name(self) -> str:
        """Its name in the library."""
        return self.card.name

    def with_fit(self, fit: ResizeMode | None) -> InstalledBackbone:
        """The same backbone for a model that makes images square in this way; None for its own."""
        own = self.card.preprocessing
        if fit in (None, own.fit):
            return self
        return replace(self, card=replace(self.card, preprocessing=replace(own, fit=fit, crop=1.0)), fit=fit)


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model in the library.

    Attributes:
        card: its card.
        folder: the folder of its files.
        backbone: its backbone, shared or its own.
        is_builtin: whether it is built in and cannot be removed.
        version: 1, 2, ... for the user's models; 0 for built-in models.
        size_bytes: its size on disk, including its backbone.
        has_training_data: whether its training data was saved, so that it can be retrained; `load_examples` validates
            it.
        has_evaluation: whether its evaluation was saved, so that it can be shown again.
        parameters: the number of parameters of backbone and head together; None until `core.models.examine` read them.
        training_images: the number of images it was trained on; None if unknown, or until that read them.
    """

    card: ModelCard
    folder: Path
    backbone: InstalledBackbone
    is_builtin: bool
    version: int
    size_bytes: int
    has_training_data: bool
    has_evaluation: bool = False
    parameters: int | None = None
    training_images: int | None = None

    @property
    def name(self) -> str:
        """Its name in the library."""
        return self.card.name


@dataclass(frozen=True, slots=True)
class InstalledDetector:
    """The detector that crops and counts; its file is not read.

    Attributes:
        architecture: the network.
        kinds: how many kinds of things it finds.
        size_bytes: the size of its file.
        licence: of its weights.
        file: where it is.
    """

    architecture: str
    kinds: int
    size_bytes: int
    licence: str
    file: Path


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """A folder in the library that cannot be used, and why."""

    name: str
    folder: Path
    error: FoveaError


Entry: TypeAlias = InstalledModel | InstalledBackbone | BrokenEntry


@dataclass(frozen=True, slots=True)
class Version:
    """One of the versions of a name.

    Attributes:
        number: 1, 2, ... for the user's models; 0 for built-in ones.
        is_active: whether this is the active version.
        entry: the installed model, or why it cannot be used.
        installed_at: when it was installed; None for built-in models, or if unknown.
    """

    number: int
    is_active: bool
    entry: Entry
    installed_at: datetime | None

    @property
    def model(self) -> InstalledModel | None:
        """The model; None if it cannot be used."""
        return self.entry if isinstance(self.entry, InstalledModel) else None

    @property
    def error(self) -> FoveaError | None:
        """Why it cannot be used; None if it can."""
        return self.entry.error if isinstance(self.entry, BrokenEntry) else None


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """The model in use.

    Attributes:
        model: the model as it is installed.
        provider: the provider that runs it.
        precision: the number format that its backbone is computed in.
        agreement: the minimum cosine similarity between its features of the golden inputs and those on the card.
        opening_ms: the time to open and verify it.
        refusal: why the requested provider is not in use; None if it is.
        detection: what is looked for in images.
        detector_refusal: why the detector cannot be opened; None if it is open, or if nobody asked for it.
        top_k: the number of classes that it reports for each image.
    """

    model: InstalledModel
    provider: Provider
    precision: ComputePrecision
    agreement: float
    opening_ms: float
    refusal: FoveaError | None
    detection: DetectionOptions = NO_DETECTION
    detector_refusal: FoveaError | None = None
    top_k: int = 1

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.model.card.name

    @property
    def version(self) -> int:
        """The version of the model."""
        return self.model.version


@dataclass(frozen=True, slots=True)
class ModelStatistics:
    """What a model, a backbone or an ONNX file consists of and costs.

    Attributes:
        title: for display.
        network: what was counted, layer by layer.
        file_bytes: the size of the files that it is read from.
        published_weights: how many weights the network and the head have according to their cards; None for files. A
            file stores fewer if BatchNormalization was folded into convolutions.
        precision: the variant that was counted; None for files.
        precisions: the variants that can be counted.
    """

    title: str
    network: NetworkStatistics
    file_bytes: int
    published_weights: int | None = None
    precision: ComputePrecision | None = None
    precisions: tuple[ComputePrecision, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model's name with its versions.

    Attributes:
        name: the name.
        versions: lowest number first; at least one.
        previous: the version that was active before and that `roll_back` returns to; None if there is none.
    """

    name: str
    versions: tuple[Version, ...]
    previous: int | None = None

    @property
    def active(self) -> Version | None:
        """The version that the name means; None if there is none."""
        return next((one for one in self.versions if one.is_active), None)

    @property
    def intact(self) -> Version | None:
        """The newest version of the user's that can be used; None if there is none."""
        return next((one for one in reversed(self.versions) if one.model and one.number), None)

    @property
    def title(self) -> str:
        """The name that users read."""
        shown = self.active or self.versions[-1]
        return self.name if shown.model is None else shown.model.card.title
