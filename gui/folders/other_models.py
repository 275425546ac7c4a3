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
    """The prediction of each further model: its title, the answer, and the most likely classes."""

    def __init__(self, title_of: Callable[[str], str]) -> None:
        """`title_of` is the title of the model of a name."""
        super().__init__(tr("Other models"))
        self._title_of = title_of
        self._blocks: list[tuple[QLabel, QLabel, ScoreBars]] = []
        self.hide()

    def show_predictions(self, predictions: Sequence[Prediction]) -> None:
        """Show these predictions; the panel is hidden if there are none."""
        while len(self._blocks) < len(predictions):
            self._add_block()
        for place, block in enumerate(self._blocks):
            for widget in block:
                widget.setVisible(place < len(predictions))
        for (title, answer, scores), one in zip(self._blocks, predictions, strict=False):
            title.setText(self._title_of(one.model))
            answer.setText(headline_text(one))
            scores.show_prediction(one)
        self.setVisible(bool(predictions))

    def title(self, place: int) -> str:
        """The title of a model that is shown."""
        return self._blocks[place][0].text()

    def answer(self, place: int) -> str:
        """What a model that is shown says."""
        return self._blocks[place][1].text()

    def _add_block(self) -> None:
        title, answer, scores = label(kind="muted", wrap=True), label(wrap=True), ScoreBars()
        for text in (title, answer):
            text.setMinimumWidth(1)  # a long name is cut rather than what is below it
        add(self.body, title, answer, scores)
        self._blocks.append((title, answer, scores))
