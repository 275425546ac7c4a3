"""The errors that users see: what happened, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.base.i18n import tr


class FoveaError(Exception):
    """An expected error.

    Attributes:
        kind: a short, stable identifier for programs, as in the command line's jsonl.
        what: what happened, one sentence.
        hint: what the user can do, one sentence.
        can_resume: whether a training that ended with this error can be resumed.
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
        """Support pickling, because errors cross the pipe between processes and `hint` is a keyword argument."""
        return _rebuild, (type(self), self.__dict__.copy())


def os_reason(error: OSError) -> str:
    """Why the system refused something, in its words."""
    return error.strerror or type(error).__name__


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
    """A known format that is not supported: another kind of image, a raw photo, a video, a document."""
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    NO_MEMORY = "no-memory"
    """Temporary: there may be enough memory later."""


class ImageError(FoveaError):
    """One image could not be read; others are not affected."""

    def __init__(self, kind: ImageErrorKind, what: str, *, hint: str) -> None:
        super().__init__(what, hint=hint)
        self.kind = kind.value


class ModelError(FoveaError):
    """A model is missing, damaged, unsupported or malicious."""

    kind = "model"


class UnreadableModelError(ModelError):
    """A model's file cannot be read or parsed, so that nothing can be counted in it."""


class ProviderError(FoveaError):
    """A provider does not work on this machine."""

    kind = "provider"
    can_resume = True


class UsageError(FoveaError):
    """The request is invalid."""

    kind = "usage"


class StorageError(FoveaError):
    """A file could not be written or read: disk, folder or permission."""

    kind = "storage"
    can_resume = True


class DamagedError(StorageError):
    """One of Fovea's own files has invalid content. The error is permanent: the file can be set aside."""


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """A job or a sorting whose record cannot be read, and why."""

    id: str
    error: StorageError


class LaterVersionError(StorageError):
    """A file was written by a later version of Fovea; it is not changed."""

    def __init__(self, file: Path) -> None:
        what = tr("{file!r} was created by a newer version of Fovea. Nothing was changed.", file=str(file))
        super().__init__(what, hint=tr("Use the newer version, or move the file elsewhere."))


class DatasetError(FoveaError):
    """A folder has nothing to train on, or cannot be split as requested."""

    kind = "dataset"


class TrainerError(FoveaError):
    """The trainer process is missing, crashed, or sent an invalid message."""

    kind = "trainer"


class TrainerDiedError(TrainerError):
    """The trainer process ended early; its checkpoints are kept."""

    can_resume = True


class DivergedError(TrainerError):
    """The training loss diverged; there is nothing to resume."""

    kind = "diverged"


class Cancelled(Exception):  # noqa: N818 - not an error but the user's request
    """The work was cancelled; nothing needs to be reported."""
