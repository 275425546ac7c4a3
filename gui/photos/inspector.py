"""The inspector: a large view of the current photo with its prediction."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.base.providers import Provider, provider_text
from core.datasets.labels import Label
from core.prediction import Prediction
from gui.photos.second_opinion import SecondOpinion
from gui.photos.selection_panel import SelectionPanel
from gui.session.photo_order import Photo
from gui.session.session import Session
from gui.widgets.basic import ScrollColumn, link
from gui.widgets.formats import milliseconds
from gui.widgets.layouts import SPACE
from gui.widgets.model_details import ModelDetails
from gui.widgets.photo_panel import PhotoPanel, about_label_text


class Inspector(ScrollColumn):
    """Shows one photo and the model in use.

    Attributes:
        correction_wanted: the user requested to correct the prediction.
        removal_wanted: the user requested to remove the correction.
        training_wanted: the user wants to train a model, as the one in use cannot be retrained.
        selection: sums up several selected photos.
        photo: the photo with its prediction.
        map: where the model saw a class.
        neighbours: the most similar training photos.
        opinion: what another model says.
    """

    training_wanted = Signal()
    correction_wanted = Signal()
    removal_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(tr("Selected photo"), parent)
        self._correct = link(tr("Correct… (F2)"), self.correction_wanted.emit)
        self._remove = link(tr("Remove label (Shift+F2)"), self.removal_wanted.emit)
        why = tr("This model can't be retrained. A new model can keep its classes and add yours.")
        self._train = link(tr("Train your own model…"), self.training_wanted.emit, hint=why)
        self.photo = PhotoPanel(session.pictures, (self._correct, self._remove, self._train))
        self.map, self.neighbours = self.photo.map, self.photo.neighbours
        self.opinion = SecondOpinion(session)
        self.details = ModelDetails(tr("Model in use"))
        self.selection = SelectionPanel()
        self.show_column(self.selection, self.photo, self.opinion, self.details, SPACE)

    def show_photo(
        self,
        photo: Photo | None,
        correction: Label | None,
        remark: str = "",
        *,
        model: str = "",
        can_learn: bool = True,
    ) -> None:
        """Show a photo; None shows a placeholder.

        Args:
            photo: the photo.
            correction: the user's label.
            remark: what else there is to say, such as why the last retraining did not use it; empty if nothing.
            model: the title of the model that classified it; empty if it has none.
            can_learn: whether the model in use can be retrained.
        """
        outcome = None if photo is None else photo.outcome
        prediction = outcome if isinstance(outcome, Prediction) else None
        label = correction.label if correction is not None else ""
        about = "\n".join(one for one in (about_label_text(outcome, label) if label else "", remark) if one)
        properties = _properties(prediction, model) if prediction else ()
        self.photo.show_photo(None if photo is None else photo.path, outcome, label, about, properties)
        self.opinion.show_photo(prediction.path if prediction else None)
        self._correct.setVisible(prediction is not None)
        self._correct.setText(tr("Correct… (F2)") if correction is None else tr("Change… (F2)"))
        self._remove.setVisible(correction is not None)
        self._train.setVisible(prediction is not None and correction is None and not can_learn)


def _properties(prediction: Prediction, model: str) -> list[tuple[str, str]]:
    timing = prediction.timing
    steps = tr(
        "decoding {decoding}, preprocessing {preprocessing}, inference {inference}",
        decoding=milliseconds(timing.decode_ms),
        preprocessing=milliseconds(timing.preprocess_ms),
        inference=milliseconds(timing.inference_ms),
    )
    objects = [] if prediction.counts is None else [(tr("Objects"), prediction.counts or tr("None"))]
    return [
        *objects,
        (tr("Time"), milliseconds(timing.total_ms)),
        (tr("Steps"), steps),
        (tr("Model"), model or prediction.model),
        (tr("Provider"), provider_text(Provider(prediction.provider), prediction.precision)),
    ]
