"""Every failure a person may meet: what happened, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path


class FoveaError(Exception):
    """An expected failure.

    Attributes:
        kind: a short stable word for programs, as in the command line's jsonl.
        what: one sentence, what happened.
        hint: one sentence, what the person can do.
        can_resume: whether a training that it ended may be resumed.
    """

    kind = "error"
    can_resume = False

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what} {self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross the pipe between processes; keyword arguments need telling."""
        return _rebuild, (type(self), self.__dict__.copy())


def _rebuild(family: type[FoveaError], state: dict[str, object]) -> FoveaError:
    error = family.__new__(family, state["what"])
    error.__dict__.update(state)
    return error


class ImageErrorKind(StrEnum):
    """Why an image could not be read."""

    MISSING = "missing"
    NOT_A_FILE = "not-a-file"
    NO_ACCESS = "no-access"
    EMPTY = "empty"
    NOT_AN_IMAGE = "not-an-image"
    UNSUPPORTED = "unsupported"
    """Known, but not read: another kind of image, a raw photo, a video, a document."""
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    NO_MEMORY = "no-memory"
    """The machine had too little of it; later there may be enough."""


class ImageError(FoveaError):
    """One image could not be read; every other one is unharmed."""

    def __init__(self, kind: ImageErrorKind, what: str, *, hint: str) -> None:
        super().__init__(what, hint=hint)
        self.kind = kind.value


class ModelError(FoveaError):
    """A model is missing, damaged, foreign or hostile, and was refused."""

    kind = "model"


class ProviderError(FoveaError):
    """A provider does not work on this machine."""

    kind = "provider"
    can_resume = True


class UsageError(FoveaError):
    """The person asked for something that cannot be meant."""

    kind = "usage"


class StorageError(FoveaError):
    """Something could not be written or read back: disk, folder or permission."""

    kind = "storage"
    can_resume = True


class DamagedError(StorageError):
    """What a file of Fovea's own holds makes no sense. It is no passing failure: the file can be set aside."""


class LaterVersionError(StorageError):
    """A later version of Fovea wrote a file, which is left alone."""

    def __init__(self, file: Path) -> None:
        what = f"{str(file)!r} was written by a later version of Fovea. Nothing was changed."
        super().__init__(what, hint="Use that version, or move the file elsewhere.")


class DatasetError(FoveaError):
    """A folder holds nothing that can be learned from, or cannot be divided as asked."""

    kind = "dataset"


class TrainerError(FoveaError):
    """The trainer process is missing, died, or said what nobody understands."""

    kind = "trainer"


class TrainerDiedError(TrainerError):
    """The trainer process ended before its work did; what it has kept is kept."""

    can_resume = True


class DivergedError(TrainerError):
    """The loss of a training grew beyond all bounds: there is nothing to resume."""

    kind = "diverged"


class Cancelled(Exception):  # noqa: N818 - not an error: the person's wish
    """The work was called off; silence is the right answer."""
