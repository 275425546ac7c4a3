"""Texts about rows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from core.base.i18n import tr
from core.base.label_sets import label_text
from core.base.text import display_path
from core.jobs.values import Review, Row, State, Verdict
from gui.widgets.formats import confidence
from gui.widgets.photo_panel import brief_failure_text, headline_text, note_text


def name_text(row: Row) -> str:
    """The file's name."""
    return display_path(row.path.name)


def folder_text(row: Row) -> str:
    """The file's folder, relative to the job's."""
    return "" if row.folder == Path() else display_path(row.folder)


def prediction_text(row: Row) -> str:
    """The prediction, or why there is none."""
    return headline_text(row.outcome) if row.failure is None else row.failure.message


def brief_text(row: Row) -> str:
    """The prediction, a guess with a question mark, or why there is none in a word or two, for a narrow column."""
    if row.failure is None:
        return tr("{label}?", label=row.label) if is_guess(row) else prediction_text(row)
    return brief_failure_text(row.failure)


def is_guess(row: Row) -> bool:
    """Whether the prediction should not be read as an answer: the photo is unknown, or the model is not sure."""
    return row.is_guess or (row.prediction is not None and row.prediction.is_unsure)


def other_text(row: Row, place: int) -> str:
    """What a further model says, a guess with a question mark, and its confidence; empty if it says nothing."""
    if place >= len(row.others):
        return ""
    one = row.others[place]
    is_guess = one.is_guess or one.is_unsure
    answer = tr("{label}?", label=one.best.label) if is_guess else headline_text(one)
    return f"{answer} {confidence(one.best.probability)}"


def percent_text(row: Row) -> str:
    """The confidence, in percent."""
    return "" if row.confidence is None else confidence(row.confidence)


def certainty_text(row: Row) -> str:
    """What the table shows, filters and sorts as the confidence, in percent, see `Prediction.certainty`."""
    return "" if row.certainty is None else confidence(row.certainty)


def objects_text(row: Row) -> str:
    """What is in the photo, such as “2 cats, 1 person”; empty if there is nothing, or nobody looked."""
    return (row.prediction.counts or "") if row.prediction else ""


def review_text(review: Review | None) -> str:
    """The user's label, or that they skipped the row; empty if not reviewed."""
    if review is None:
        return ""
    return tr("Skipped") if review.verdict is Verdict.SKIPPED else _said(review)


def _said(review: Review) -> str:
    return label_text(review.label) if review.label else ""


def reviewed_text(row: Row, review: Review | None) -> str:
    """What was just done with a row: its file and its new review."""
    name = name_text(row)
    if review is None:
        return tr("{name}: review undone", name=name)
    match review.verdict:
        case Verdict.ACCEPTED:
            return tr("{name}: confirmed {label}", name=name, label=_said(review))
        case Verdict.CORRECTED:
            return tr("{name} → {label}", name=name, label=_said(review))
        case Verdict.SKIPPED:
            return tr("{name}: skipped", name=name)


def _review_state(review: Review | None) -> str:
    if review is None:
        return tr("not reviewed")
    match review.verdict:
        case Verdict.ACCEPTED:
            return tr("confirmed")
        case Verdict.CORRECTED:
            return tr("corrected to {label}", label=_said(review))
        case Verdict.SKIPPED:
            return tr("skipped")


def time_text(row: Row) -> str:
    """When the file was last modified."""
    if not row.modified:
        return ""
    return f"{datetime.fromtimestamp(row.modified):%Y-%m-%d %H:%M}"


def tooltip_text(row: Row) -> str:
    """The path of the file, with the failure and what to do about it, or what there is to know about the prediction."""
    note = note_text(row.outcome, is_labelled=row.review is not None)
    return "\n".join(filter(None, (display_path(row.path), note)))


def accessible_text(row: Row) -> str:
    """The accessible text of the row."""
    name, prediction, review = name_text(row), prediction_text(row), _review_state(row.review)
    if row.state is not State.DONE:
        return tr("{name}: {prediction}, {review}", name=name, prediction=prediction, review=review)
    return tr(
        "{name}: {prediction}, {confidence}, {review}",
        name=name,
        prediction=prediction,
        confidence=certainty_text(row),
        review=review,
    )


def copied_text(row: Row) -> str:
    """The row as copied text: name, prediction, confidence and the user's label, separated by tabs."""
    return "\t".join((name_text(row), prediction_text(row), certainty_text(row), review_text(row.review)))
