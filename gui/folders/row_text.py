"""What a person reads of a row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from core.base.errors import ImageErrorKind
from core.base.text import display_path
from core.jobs.values import Review, Row, State, Verdict

_REASONS: Final[Mapping[str, str]] = {
    ImageErrorKind.MISSING: "Not there",
    ImageErrorKind.NOT_A_FILE: "No file",
    ImageErrorKind.NO_ACCESS: "No access",
    ImageErrorKind.EMPTY: "Empty file",
    ImageErrorKind.NOT_AN_IMAGE: "No image",
    ImageErrorKind.UNSUPPORTED: "Other kind",
    ImageErrorKind.DAMAGED: "Damaged",
    ImageErrorKind.TOO_LARGE: "Too large",
    ImageErrorKind.NO_MEMORY: "No memory",
}


def name_text(row: Row) -> str:
    """The file's name."""
    return display_path(row.path.name)


def folder_text(row: Row) -> str:
    """The folder it lies in, as seen from the job's."""
    return "" if row.folder == Path() else display_path(row.folder)


def prediction_text(row: Row) -> str:
    """What the model said."""
    if row.failure is not None:
        return row.failure.message
    if row.label is None:
        return "Waiting"
    return f"Unknown, perhaps {row.label}?" if row.unknown else row.label


def brief_text(row: Row) -> str:
    """That in a word or two, for a narrow column."""
    return prediction_text(row) if row.failure is None else _REASONS.get(row.failure.kind, "Cannot be read")


def percent_text(row: Row) -> str:
    """How sure it was."""
    return "" if row.confidence is None else f"{row.confidence:.0%}"


def review_text(review: Review | None) -> str:
    """What the person said."""
    if review is None:
        return ""
    return "skipped" if review.verdict is Verdict.SKIPPED else review.label or ""


def review_words(review: Review | None) -> str:
    """What the person said, in a sentence's part for a screen reader."""
    if review is None:
        return "not reviewed"
    match review.verdict:
        case Verdict.ACCEPTED:
            return "accepted"
        case Verdict.CORRECTED:
            return f"corrected to {review.label}"
        case Verdict.SKIPPED:
            return "skipped"


def time_text(row: Row) -> str:
    """When the file was last written."""
    if not row.modified:
        return ""
    return f"{datetime.fromtimestamp(row.modified):%Y-%m-%d %H:%M}"


def tooltip_text(row: Row) -> str:
    """The file's whole name and, for a failure, what to do, or else what should be known about the photo."""
    details = (f"{row.failure.message} {row.failure.hint}",) if row.failure is not None else row.warnings
    return "\n".join((display_path(row.path), *details))


def accessible_text(row: Row) -> str:
    """The row as a screen reader says it."""
    confidence = f", {percent_text(row)}" if row.state is State.DONE else ""
    return f"{name_text(row)}: {prediction_text(row)}{confidence}, {review_words(row.review)}"


def copied_text(row: Row) -> str:
    """The row as it is pasted: name, answer, confidence, the person's label, with tabs between."""
    return "\t".join((name_text(row), prediction_text(row), percent_text(row), review_text(row.review)))
