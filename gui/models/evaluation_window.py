"""The evaluation of a version, opened again from *Models* or *Training*."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from core import api
from core.base.i18n import tr, tr_n
from core.evaluation.multi_label_values import MultiLabelEvaluation
from core.evaluation.values import Evaluation
from core.models.values import InstalledModel
from core.services.wording import card_wording
from gui.models import version_text
from gui.models.evaluation_view import EvaluationView, headline, interval
from gui.plots import warm
from gui.session.session import Session
from gui.tasks.notice import Notice, NoticeKind
from gui.tasks.task import LatestTask
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.layouts import fill, vbox
from gui.widgets.second_window import SecondWindow


class EvaluationWindow(SecondWindow):
    """Shows the evaluations that were kept with versions."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__("", "evaluation", QSize(1080, 760), QSize(560, 400), parent)
        self._session, self._loading = session, LatestTask(session.library.tasks)
        self._headline, self._about = label(kind="title", wrap=True), label(wrap=True)
        self.view = EvaluationView(session.pictures, can_correct=False)
        self.view.map_created.connect(lambda it: session.explaining.serve_version(it, session.library.tasks))
        self.view.noticed.connect(session.noticed)
        session.closing.connect(self.close)
        head = vbox(self._headline, self._about, spacing=theme.GRID // 2)
        vbox(head, fill(self.view), parent=self, margins=3 * theme.GRID, spacing=2 * theme.GRID)
        warm(self)

    def open(self, model: InstalledModel) -> None:
        """Show the evaluation of this version, once it was read."""
        task = self._loading.start(api.load_evaluation, f"{model.name}@{model.version}")
        task.succeeded.connect(lambda found: self._show(model, found))
        task.failed.connect(lambda error: self._session.noticed.emit(Notice.of(error)))

    def _show(self, model: InstalledModel, evaluation: Evaluation | MultiLabelEvaluation | None) -> None:
        title = version_text.model_title(model)
        if evaluation is None:
            text = tr("The evaluation of {model} can't be read any more.", model=title)
            self._session.noticed.emit(Notice(text, NoticeKind.WARNING))
            return
        self.setWindowTitle(tr("Evaluation of {model}", model=title))
        self._headline.setText(f"{title}: {headline(evaluation)}")
        self._about.setText(interval(evaluation))
        self.view.show_evaluation(evaluation, (), _trained(model), f"{model.name}@{model.version}")
        self.bring_up()


def _trained(model: InstalledModel) -> str:
    """What the version was trained on."""
    if model.training_images is None:
        return card_wording(model.card.summary)
    return tr_n(
        "Trained on {count:,} photo. {summary}",
        "Trained on {count:,} photos. {summary}",
        model.training_images,
        summary=card_wording(model.card.summary),
    )
