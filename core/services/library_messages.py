"""What the window and its library process say to each other; light values, nothing heavy is imported for them.

The library process looks after the installed models and the unfinished runs, compares models, and brings them in and
out as files. It is neither the engine process, which must answer at once, nor the training process, which must not die
of an image or a file from outside.

The window chooses a ticket for each request; what answers it carries the same one. Every job has one last answer: what
its docstring says, or `Stopped` once it was called off.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from core.errors import FoveaError
from core.learning.runs import FoundRun
from core.library.foreign_values import ForeignAnswers, ForeignQuestions
from core.prediction import Outcome
from core.providers import Precision, ProviderWish
from core.services.library_values import AgreementFacts, NameFacts, RemovedFacts
from core.services.training_messages import Stage, Stopped

# ---- to the library process


@dataclass(frozen=True, slots=True)
class ListLibrary:
    """Say what there is. Last: `LibraryListed`."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Activate:
    """Have a name mean this version from now on. Last: `Changed`."""

    ticket: int
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class RollBack:
    """Have a name mean the version again that was active before. Last: `Changed`."""

    ticket: int
    name: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Take away a version, or with None the model and all its versions. Last: `Changed`."""

    ticket: int
    name: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring back what was removed last under a name, or as a version of it. Last: `Changed`."""

    ticket: int
    name: str
    version: int | None


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """Delete an unfinished run. Last: `Changed`."""

    ticket: int
    name: str


class ExportForm(StrEnum):
    """What kind of file a model becomes."""

    ONNX = "onnx"
    ONNX_FLOAT32 = "onnx-float32"
    ONNX_FLOAT16 = "onnx-float16"
    ONNX_INT8 = "onnx-int8"
    LITERT = "litert"
    LITERT_FLOAT16 = "litert-float16"
    LITERT_INT8 = "litert-int8"

    @property
    def suffix(self) -> str:
        """What the file's name ends in."""
        return ".tflite" if self.value.startswith("litert") else ".onnx"

    @property
    def needs_images(self) -> bool:
        """Whether labelled images are needed to find out what it loses."""
        return self.value.endswith("int8")


@dataclass(frozen=True, slots=True)
class Export:
    """Write a model as one file. Last: `Exported`.

    Attributes:
        ticket: of the request.
        reference: the model, `name` or `name@version`.
        file: to write or replace.
        form: what kind of file.
        images: a folder of labelled images, where the form needs them.
    """

    ticket: int
    reference: str
    file: Path
    form: ExportForm
    images: Path | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """Add the model in a file. Last: `Imported`.

    Attributes:
        ticket: of the request.
        file: that Fovea exported, or an ONNX classifier of another program.
        answers: to what another program's file leaves open; without them it is asked for them.
        photo: to try the answers on; then nothing is added.
    """

    ticket: int
    file: Path
    answers: ForeignAnswers | None = None
    photo: Path | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """Compare two models by photos. Last: `Compared`.

    Attributes:
        ticket: of the request.
        a: a model, `name` or `name@version`.
        b: another one.
        paths: photos and folders; one folder alone may be of labelled photos.
        wish: what is to run the backbones.
        precision: how exactly.
    """

    ticket: int
    a: str
    b: str
    paths: tuple[Path, ...]
    wish: ProviderWish
    precision: Precision


Job: TypeAlias = ListLibrary | Activate | RollBack | Remove | Restore | ThrowAway | Export | Import | Compare
"""What is answered in the end."""

# ---- from the library process


@dataclass(frozen=True, slots=True)
class LibraryListed:
    """What there is: models with their versions, unfinished runs, and what can be restored."""

    ticket: int
    names: tuple[NameFacts, ...]
    runs: tuple[FoundRun, ...]
    removed: tuple[RemovedFacts, ...]
    error: FoveaError | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What was asked to be changed is, or `error` says why not.

    Attributes:
        ticket: of the request.
        job: what was asked.
        version: the version that the name means now; None where it means none.
        error: why nothing changed; None where it did.
    """

    ticket: int
    job: Activate | RollBack | Remove | Restore | ThrowAway
    version: int | None
    error: FoveaError | None


@dataclass(frozen=True, slots=True)
class Exported:
    """The file is written, or `error` says why not.

    Attributes:
        ticket: of the request.
        file: that was to be written.
        size_bytes: of it.
        notes: what the person should know, such as what 8 bits lose; a sentence each.
        error: why nothing was written; None where it was.
    """

    ticket: int
    file: Path
    size_bytes: int
    notes: tuple[str, ...]
    error: FoveaError | None


@dataclass(frozen=True, slots=True)
class Imported:
    """The model is in the library, or `error` says why not.

    Attributes:
        ticket: of the request.
        file: it was in.
        name: the model's; empty where there is none.
        is_new: whether it was added; False where the library had the same model already.
        error: why it was not; None where it was, or may be once the questions are answered.
        questions: what another program's file leaves open, for each output that may be the answer; none where nothing
            is.
        preview: what the model would say about the photo that was asked about; None where none was.
    """

    ticket: int
    file: Path
    name: str
    is_new: bool
    error: FoveaError | None
    questions: tuple[ForeignQuestions, ...] = ()
    preview: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """How the two differ, or `error` says why they could not be compared."""

    ticket: int
    facts: AgreementFacts | None
    error: FoveaError | None


Last: TypeAlias = LibraryListed | Changed | Exported | Imported | Compared | Stopped
Answer: TypeAlias = Stage | Last


def last_words(job: Job, error: FoveaError) -> Last:
    """What answers a job in the end that came to nothing."""
    match job:
        case ListLibrary(ticket):
            return LibraryListed(ticket, (), (), (), error)
        case Export(ticket, _, file):
            return Exported(ticket, file, 0, (), error)
        case Import(ticket, file):
            return Imported(ticket, file, "", is_new=False, error=error)
        case Compare(ticket):
            return Compared(ticket, None, error)
        case Activate() | RollBack() | Remove() | Restore() | ThrowAway():
            return Changed(job.ticket, job, None, error)
