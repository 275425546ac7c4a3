"""The strip above the photos: pending corrections, retraining progress, and what a retraining fixed or broke."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QFrame, QPushButton, QSizePolicy, QWidget

from core.base.i18n import tr, tr_n
from core.datasets.labels import ambiguous_text
from gui.photos.pending_corrections import PendingCorrections
from gui.photos.retraining import Phase, Retraining
from gui.widgets import theme
from gui.widgets.announcing import announce
from gui.widgets.basic import ProgressBar, button, label, link, show_text
from gui.widgets.formats import sentence
from gui.widgets.layouts import Placed, fill, hbox, vbox

if TYPE_CHECKING:
    from core.evaluation.values import BaselineComparison
    from core.training.values import RetrainingResult

_BAR_WIDTH = 160


class RetrainStrip(QFrame):
    """Shows a `Retraining`; hidden while there is nothing to show.

    Attributes:
        changes_wanted: the user requested to see what changed.
        labels_wanted: the user requested to see the photos whose labels are not learned yet.
        training_wanted: the user requested to train a new model, as the one in use can't be retrained.
        vacated: the button that had the keyboard focus disappeared, and no other one is left.
    """

    changes_wanted = Signal()
    labels_wanted = Signal()
    training_wanted = Signal()
    vacated = Signal()

    def __init__(self, retraining: Retraining, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self._retraining, self._phase = retraining, Phase.IDLE
        self.words = label(kind="number", wrap=True)
        self.details = label(kind="muted", wrap=True)
        self.bar = ProgressBar()
        self.bar.setFixedWidth(_BAR_WIDTH)
        self.bar.setAccessibleName(tr("Retraining progress"))
        texts = vbox(self.words, self.details, spacing=2)
        margins = (2 * theme.GRID, theme.GRID, theme.GRID, theme.GRID)
        centred = (Placed(one, alignment=Qt.AlignmentFlag.AlignVCenter) for one in self._make_buttons())
        hbox(fill(texts), self.bar, *centred, parent=self, margins=margins, spacing=theme.GRID)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        retraining.changed.connect(self.show_state)
        self.show_state()

    def _make_buttons(self) -> Sequence[QPushButton]:
        """The buttons from left to right."""
        learn = tr("Retrain the model with your corrections (Ctrl+R)")
        keeps = tr("Use the previous version again and keep your corrections")
        self.show_labels = link(
            tr("Show them"), self.labels_wanted.emit, hint=tr("Show these photos, to check or change labels")
        )
        self.retrain = button(tr("Retrain"), self._retraining.start, kind="primary", hint=learn)
        self.train = button(tr("Train a new model…"), self.training_wanted.emit)
        self.cancel = button(tr("Cancel"), self._retraining.stop)
        self.show_changes = button(
            tr("Show changes"), self.changes_wanted.emit, hint=tr("Photos whose prediction changed (Ctrl+Shift+D)")
        )
        self.undo = button(tr("Undo"), self._retraining.undo, hint=keeps)
        self.close_button = button(tr("Close"), self._retraining.dismiss)
        first = self.show_labels, self.retrain, self.train, self.cancel
        return *first, self.show_changes, self.undo, self.close_button

    def show_state(self) -> None:
        """Show the current state of the retraining."""
        now, can_learn = self._retraining, self._can_learn()
        phase, pending = now.phase, now.pending
        title, details = self._texts(phase, pending, can_learn=can_learn)
        focused = QApplication.focusWidget()
        focused = focused if focused is not None and self.isAncestorOf(focused) else None
        self.words.setText(title)
        show_text(self.details, details)
        self.retrain.setText(_button_text(pending))
        self.retrain.setVisible(bool(pending.labels) and can_learn and phase is not Phase.RUNNING)
        self.show_labels.setVisible(phase is Phase.PENDING or bool(now.skipped))
        self.train.setVisible(phase is Phase.PENDING and not can_learn)
        self.cancel.setVisible(phase is Phase.RUNNING)
        self.cancel.setEnabled(not now.is_stopping)
        self.bar.setVisible(phase is Phase.RUNNING)
        self.show_changes.setVisible(phase is Phase.DONE)
        self.undo.setVisible(phase is Phase.DONE)
        self.undo.setEnabled(now.can_undo)
        self.close_button.setVisible(phase in (Phase.DONE, Phase.FAILED))
        self._show_progress()
        self.setVisible(phase is not Phase.IDLE)
        self._announce(phase)
        if focused is not None and not (focused.isVisible() and focused.isEnabled()):
            self._pass_focus()

    def _announce(self, phase: Phase) -> None:
        """Have a screen reader say that a retraining started or ended, and how."""
        if phase is not self._phase and phase in (Phase.RUNNING, Phase.DONE, Phase.FAILED):
            announce(
                self, self.words.text() if phase is Phase.RUNNING else f"{self.words.text()} {self.details.text()}"
            )
        self._phase = phase

    def _pass_focus(self) -> None:
        """Move the keyboard focus from a button that disappeared to the next visible one."""
        for one in (self.cancel, self.show_changes, self.retrain, self.close_button):
            if one.isVisible() and one.isEnabled():
                one.setFocus()
                return
        self.vacated.emit()

    def _can_learn(self) -> bool:
        model = self._retraining.model
        return model is not None and model.has_training_data

    def _show_progress(self) -> None:
        progress = self._retraining.progress
        if progress is None or progress.total <= 1:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.step)

    def _texts(self, phase: Phase, pending: PendingCorrections, *, can_learn: bool) -> tuple[str, str]:
        now, name = self._retraining, self._retraining.model.card.title if self._retraining.model else ""
        is_only = len(pending.labels) <= 1
        match phase:
            case Phase.RUNNING:
                stage = sentence(now.progress.stage) if now.progress else tr("Starting…")
                return running_text(now.requested), tr("Stopping…") if now.is_stopping else stage
            case Phase.FAILED if now.error is not None:
                return now.error.what, now.error.hint
            case Phase.DONE if now.summary is not None:
                return headline(now.summary), _details(now.summary, len(now.photos_changed()))
            case _ if can_learn:
                advice = tr("Correct any other wrong photos, then retrain the model.") if is_only else ""
                return pending_text(pending), ambiguous_text(pending.ambiguous) or advice
        reason = tr("“{model}” can't be retrained: its training data was not saved.", model=name)
        advice = tr("Train a new model with your corrections: it can keep these classes and add yours.")
        return pending_text(pending), f"{reason} {advice}"


def pending_text(ones: PendingCorrections) -> str:
    """The numbers of corrected and confirmed photos that the model has not learned yet."""
    corrected, confirmed = len(ones.labels) - ones.confirmed, ones.confirmed
    if not confirmed:
        return tr_n("{count:,} correction not learned yet", "{count:,} corrections not learned yet", corrected)
    if not corrected:
        return tr_n(
            "{count:,} confirmed photo not learned yet", "{count:,} confirmed photos not learned yet", confirmed
        )
    return tr_n(
        "{corrected:,} corrected and {confirmed:,} confirmed photo not learned yet",
        "{corrected:,} corrected and {confirmed:,} confirmed photos not learned yet",
        confirmed,
        corrected=corrected,
        confirmed=confirmed,
    )


def running_text(ones: PendingCorrections) -> str:
    """The numbers of corrected and confirmed photos that the model is learning."""
    corrected, confirmed = len(ones.labels) - ones.confirmed, ones.confirmed
    if not confirmed:
        return tr_n("Learning {count:,} correction", "Learning {count:,} corrections", corrected)
    if not corrected:
        return tr_n("Learning {count:,} confirmed photo", "Learning {count:,} confirmed photos", confirmed)
    return tr_n(
        "Learning {corrected:,} corrected and {confirmed:,} confirmed photo",
        "Learning {corrected:,} corrected and {confirmed:,} confirmed photos",
        confirmed,
        corrected=corrected,
        confirmed=confirmed,
    )


def headline(summary: RetrainingResult) -> str:
    """What a retraining fixed and what it broke, in one line."""
    return " ".join((*_correct_counts(summary), *_test_changes(summary.tests)))


def _correct_counts(summary: RetrainingResult) -> Iterator[str]:
    """How many of the corrected and of the confirmed photos are classified correctly now."""
    corrected = [one.is_correct for one in summary.corrections if not one.correction.is_confirmation]
    confirmed = [one.is_correct for one in summary.corrections if one.correction.is_confirmation]
    if corrected and all(corrected):
        yield tr_n("The corrected photo is now right.", "All {count:,} corrected photos are now right.", len(corrected))
    elif corrected:
        yield tr_n(
            "The corrected photo is still wrong.",
            "{correct:,} of {count:,} corrected photos are now right.",
            len(corrected),
            correct=sum(corrected),
        )
    if confirmed and all(confirmed):
        yield tr_n(
            "The confirmed photo is still right.", "All {count:,} confirmed photos are still right.", len(confirmed)
        )
    elif confirmed:
        yield tr_n(
            "The confirmed photo is now wrong.",
            "{correct:,} of {count:,} confirmed photos are still right.",
            len(confirmed),
            correct=sum(confirmed),
        )


def _test_changes(tests: BaselineComparison | None) -> Iterator[str]:
    """How many test photos are right now and were not before, and the other way round."""
    if tests is None:
        return
    fixed, broke = tests.result.only_b_correct, tests.result.only_a_correct
    if fixed or broke:
        yield tr_n(
            "On {count:,} test photo: {fixed:,} better, {broke:,} worse.",
            "On {count:,} test photos: {fixed:,} better, {broke:,} worse.",
            tests.result.a.images,
            fixed=fixed,
            broke=broke,
        )
    else:
        yield tr_n("No change on the test photo.", "No change on the {count:,} test photos.", tests.result.a.images)


def _button_text(ones: PendingCorrections) -> str:
    corrected, confirmed = len(ones.labels) - ones.confirmed, ones.confirmed
    if confirmed:
        return tr_n("Retrain with {count:,} photo", "Retrain with {count:,} photos", corrected + confirmed)
    return tr_n("Retrain with {count:,} correction", "Retrain with {count:,} corrections", corrected)


def _details(summary: RetrainingResult, changed_photos: int) -> str:
    """What helps to interpret the headline."""
    return " ".join((*_reliability(summary.tests), *_other_changes(summary, changed_photos), *summary.notes))


def _reliability(tests: BaselineComparison | None) -> Iterator[str]:
    """How far the change on the test photos can be trusted."""
    if tests is None:
        return
    if tests.result.only_a_correct + tests.result.only_b_correct:
        chance, real = tr("The difference could be chance."), tr("The difference is unlikely to be chance.")
        yield chance if tests.result.could_be_chance else real
    if tests.training_overlap:
        yield tr("The previous version was trained on these photos, so its score is optimistic.")


def _other_changes(summary: RetrainingResult, changed_photos: int) -> Iterator[str]:
    if changed_photos:
        yield tr_n(
            "{count:,} other photo in the list has a different prediction.",
            "{count:,} other photos in the list have different predictions.",
            changed_photos,
        )
    if summary.skipped:
        reasons = {one.message for one in summary.skipped}
        count, reason = len(summary.skipped), reasons.pop() if len(reasons) == 1 else tr("“Show changes” lists them.")
        yield tr_n(
            "{count:,} photo was left out. {reason}", "{count:,} photos were left out. {reason}", count, reason=reason
        )
