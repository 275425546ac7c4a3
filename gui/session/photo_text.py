"""What is said about a photo of the list: its label, its prediction, and warnings."""

from __future__ import annotations

from core.base.i18n import tr
from core.base.label_sets import label_text
from core.base.text import display_path
from core.datasets.labels import Label
from core.prediction import Failure, Outcome, Prediction
from gui.session.photo_order import Photo
from gui.widgets.formats import confidence


def outcome_text(outcome: Outcome | None, correction: Label | None) -> str:
    """The label and the prediction of a photo as one line."""
    if isinstance(outcome, Prediction) and correction is not None:
        prediction = outcome_text(outcome, None)
        if correction.label == outcome.label and not outcome.is_guess:
            return tr("{prediction} · Confirmed by you", prediction=prediction)
        return tr("You: {label} · Model: {prediction}", label=label_text(correction.label), prediction=prediction)
    return _prediction_text(outcome) if isinstance(outcome, Prediction) else _other_text(outcome)


def _other_text(outcome: Failure | None) -> str:
    return tr("Waiting") if outcome is None else outcome.message


def _prediction_text(outcome: Prediction) -> str:
    if outcome.labels is not None:
        return outcome.answer
    match outcome:
        case Prediction(unknown=True, best=best):
            return tr("Unknown, maybe {label}  {confidence}", label=best.label, confidence=confidence(best.probability))
        case Prediction(is_unsure=True, best=best):
            return tr(
                "Not sure, maybe {label}  {confidence}", label=best.label, confidence=confidence(best.probability)
            )
    return tr("{label}  {confidence}", label=outcome.best.label, confidence=confidence(outcome.best.probability))


def tooltip_text(photo: Photo, correction: Label | None) -> str:
    """The full path, followed by the failure with its hint, or by the user's label and warnings."""
    if isinstance(photo.outcome, Failure):
        return f"{display_path(photo.path)}\n{photo.outcome.message} {photo.outcome.hint}"
    warnings = photo.outcome.warnings if isinstance(photo.outcome, Prediction) else ()
    details = (outcome_text(photo.outcome, correction),) if correction is not None else ()
    return "\n".join((display_path(photo.path), *details, *warnings))
