"""What the further models of a job say of the selected photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QLabel

from core.base.i18n import tr
from core.prediction import Prediction
from gui.widgets.basic import Panel, label
from gui.widgets.layouts import add
from gui.widgets.photo_panel import headline_text
from gui.widgets.score_bars import ScoreBars


class OtherModels(Panel):
    """The prediction of each further model.

    Attributes:
        blocks: the title, the answer, and the most likely classes of each.
    """

    def __init__(self, title_of: Callable[[str], str]) -> None:
        """`title_of` is the title of the model of a name."""
        super().__init__(tr("Other models"))
        self._title_of = title_of
        self.blocks: list[tuple[QLabel, QLabel, ScoreBars]] = []
        self.hide()

    def show_predictions(self, predictions: Sequence[Prediction]) -> None:
        """Show these predictions; the panel is hidden if there are none."""
        while len(self.blocks) < len(predictions):
            self._add_block()
        for place, block in enumerate(self.blocks):
            for widget in block:
                widget.setVisible(place < len(predictions))
        for (title, answer, scores), one in zip(self.blocks, predictions, strict=False):
            title.setText(self._title_of(one.model))
            answer.setText(headline_text(one))
            scores.show_prediction(one)
        self.setVisible(bool(predictions))

    def _add_block(self) -> None:
        title, answer, scores = label(kind="muted", wrap=True), label(wrap=True), ScoreBars()
        for text in (title, answer):
            text.setMinimumWidth(1)  # a long name is cut rather than what is below it
        add(self.body, title, answer, scores)
        self.blocks.append((title, answer, scores))
