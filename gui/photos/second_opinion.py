"""What another model says of the current photo, beside the model in use."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from core.base.errors import FoveaError
from core.base.i18n import tr
from core.prediction import Outcome, Prediction
from gui.session.session import Session
from gui.tasks.task import LatestTask
from gui.widgets.basic import Choice, Panel, caption, label, show_text
from gui.widgets.layouts import add, fill, hbox
from gui.widgets.photo_panel import headline_text
from gui.widgets.score_bars import ScoreBars


class SecondOpinion(Panel):
    """Lets the user choose another model, which is then asked about each photo that is shown.

    Attributes:
        choice: the other models; the first entry is none.
        answer: its prediction, or why there is none.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._latest = session, LatestTask(session.engine.tasks)
        self._path: Path | None = None
        self._asked: tuple[Path, str] | None = None
        self.choice = Choice(tr("Also ask another model"))
        self.choice.currentIndexChanged.connect(self._ask)
        self.answer, self._scores = label(kind="title", wrap=True), ScoreBars()
        add(self.body, hbox(caption(tr("Also ask"), self.choice), fill(self.choice)), self.answer, self._scores)
        self.hide()
        for part in (self.answer, self._scores):
            part.hide()
        session.models.changed.connect(self._show_models)
        self._show_models()

    def show_photo(self, path: Path | None) -> None:
        """Ask about this photo, if a model is chosen; None hides the panel."""
        self._path = path
        self.setVisible(path is not None and self.choice.count() > 1)
        self._ask()

    def _show_models(self) -> None:
        """Offer the models that are not in use; the choice is kept if possible."""
        chosen, models = str(self.choice.currentData() or "").partition("@")[0], self._session.models
        others = {name: model for name, model in models.installed.items() if name != models.name}
        references = {name: f"{name}@{model.version}" for name, model in others.items()}
        titles = {references[name]: model.card.title for name, model in others.items()}
        self.choice.offer({"": tr("No other model"), **titles}, references.get(chosen))
        self.show_photo(self._path)

    def _ask(self) -> None:
        model = self.choice.currentData()
        asked = (self._path, model) if self._path and model else None
        if asked == self._asked:
            return
        self._asked = asked
        self._latest.abandon()
        self._scores.hide()
        show_text(self.answer, tr("Asking…") if asked else "")
        if asked is not None:
            from core.api import opinions  # not needed by the first paint

            task = self._latest.start(opinions.ask, *asked, self._session.settings.value.top_k)
            task.succeeded.connect(partial(self._show, asked))
            task.failed.connect(partial(self._show_error, asked))

    def _show(self, asked: tuple[Path, str], outcome: Outcome) -> None:
        if asked == self._asked:
            show_text(self.answer, headline_text(outcome))
            prediction = outcome if isinstance(outcome, Prediction) else None
            self._scores.show_prediction(prediction)
            self._scores.setVisible(prediction is not None)

    def _show_error(self, asked: tuple[Path, str], error: FoveaError) -> None:
        if asked == self._asked:
            show_text(self.answer, str(error))
