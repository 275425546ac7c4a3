"""The strip above the photos: how many corrections wait, how far learning them is, what it fixed and what it broke."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from core.datasets.corrections import Correction, ambiguous_text
from gui.photos.retraining import Phase, Retraining
from gui.widgets import theme
from gui.widgets.basic import ProgressBar, label

if TYPE_CHECKING:
    from core.services.training_values import BaselineComparison, RetrainingSummary

_BAR_WIDTH = 160


class RetrainStrip(QFrame):
    """Shows a `Retraining`; hidden while there is nothing to show.

    Attributes:
        changes_wanted: the person wants to see what changed.
        training_wanted: they want to teach a new model, as the one in use cannot learn.
    """

    changes_wanted = Signal()
    training_wanted = Signal()

    def __init__(self, retraining: Retraining, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("strip")
        self._retraining = retraining
        self.words = label(kind="number", wrap=True)
        self.more = label(kind="muted", wrap=True)
        self.bar = ProgressBar()
        self.bar.setFixedWidth(_BAR_WIDTH)
        self.bar.setAccessibleName("How far learning is")
        self.retrain = self._button("Retrain", retraining.start, kind="primary")
        self.retrain.setToolTip("Learn the corrections (Ctrl+R)")
        self.train = self._button("Teach a new model…", self.training_wanted.emit)
        self.cancel = self._button("Cancel", retraining.stop)
        self.show_changes = self._button("See what changed", self.changes_wanted.emit)
        self.show_changes.setToolTip("Photos named differently than before (Ctrl+Shift+D)")
        self.undo = self._button("Undo", retraining.undo)
        self.undo.setToolTip("Use the version before again; the corrections wait again (Ctrl+Alt+R)")
        self.close_button = self._button("Close", retraining.dismiss)
        self._lay_out()
        retraining.changed.connect(self.show_state)
        self.show_state()

    def _button(self, text: str, action: object, *, kind: str = "") -> QPushButton:
        button = QPushButton(text)
        if kind:
            button.setProperty("kind", kind)
        button.clicked.connect(lambda: action())  # type: ignore[operator]
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * theme.GRID, theme.GRID, theme.GRID, theme.GRID)
        row.setSpacing(theme.GRID)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(self.words)
        column.addWidget(self.more)
        row.addLayout(column, 1)
        row.addWidget(self.bar)
        buttons = (self.retrain, self.train, self.cancel, self.show_changes, self.undo, self.close_button)
        for button in buttons:
            row.addWidget(button, alignment=Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def show_state(self) -> None:
        """Show how things stand."""
        now, can_learn = self._retraining, self._can_learn()
        phase, waiting = now.phase, now.pending()
        words, more = self._texts(phase, waiting, can_learn=can_learn)
        had_focus = self.isAncestorOf(self.focusWidget()) if self.focusWidget() else False
        self.words.setText(words)
        self.more.setText(more)
        self.more.setVisible(bool(more))
        self.retrain.setText(f"Retrain with {_photos(waiting)}")
        self.retrain.setVisible(bool(waiting) and can_learn and phase is not Phase.RUNNING)
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
        if had_focus:
            self._keep_focus()

    def _keep_focus(self) -> None:
        """A button that had the keyboard and is not there any more hands it to the next one that is."""
        focused = self.focusWidget()
        if focused is None or not focused.isVisible() or not focused.isEnabled():
            for button in (self.cancel, self.show_changes, self.retrain, self.close_button):
                if button.isVisible() and button.isEnabled():
                    button.setFocus()
                    return

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

    def _texts(self, phase: Phase, waiting: Sequence[Correction], *, can_learn: bool) -> tuple[str, str]:
        now, name = self._retraining, self._retraining.model.card.name if self._retraining.model else ""
        match phase:
            case Phase.RUNNING:
                stage = now.progress.stage if now.progress else "starting"
                return (
                    f"Learning {describe_corrections(now.pending_corrections)}",
                    "stopping" if now.is_stopping else stage,
                )
            case Phase.FAILED if now.error is not None:
                return now.error.what, now.error.hint
            case Phase.DONE if now.facts is not None:
                return headline(now.facts), _beside(now.facts, len(now.photos_changed()))
            case _ if can_learn:
                more = "" if len(waiting) > 1 else "Put right whatever else is wrong, then let the model learn."
                more = ambiguous_text(now.ambiguous) or more
                return f"{describe_corrections(waiting)} wait{'s' if len(waiting) == 1 else ''}.", more
        kept = f"{describe_corrections(waiting)} {'is' if len(waiting) == 1 else 'are'} kept."
        them = "it" if len(waiting) == 1 else "them"
        reason = f"“{name}” cannot learn from {them}, for nobody kept what it was made of."
        return kept, f"{reason} A model that you teach can."


def describe_corrections(ones: Sequence[Correction]) -> str:
    """How many answers were put right and how many confirmed, in words."""
    confirmed = sum(one.is_confirmation for one in ones)
    corrected = len(ones) - confirmed
    parts = [
        *([_number(corrected, "correction")] if corrected or not ones else []),
        *([_number(confirmed, "confirmed answer")] if confirmed else []),
    ]
    return " and ".join(parts)


def headline(facts: RetrainingSummary) -> str:
    """What a retraining fixed and what it broke, in one line."""
    text = " and ".join(_correct_counts(facts))
    if facts.tests is None:
        return f"{text}."
    return f"{text}; of {facts.tests.images:,} test photos, {_flips(facts.tests)}."


def _correct_counts(facts: RetrainingSummary) -> Iterator[str]:
    """How many of the corrected photos are named rightly now, and how many of the confirmed ones still."""
    for confirms, photo, moment in ((False, "corrected photo", "now"), (True, "confirmed photo", "still")):
        learnt = [one for one in facts.corrections if one.correction.is_confirmation == confirms]
        correct = sum(one.is_correct for one in learnt)
        if learnt:
            yield (
                f"{correct:,} of {_number(len(learnt), photo)} {'is' if correct == 1 else 'are'} {moment} named rightly"
            )


def _photos(ones: Sequence[Correction]) -> str:
    """What is learnt, in as few words as go on a button."""
    return _number(len(ones), "photo") if any(one.is_confirmation for one in ones) else describe_corrections(ones)


def _number(count: int, name: str) -> str:
    return f"1 {name}" if count == 1 else f"{count:,} {name}s"


def _flips(tests: BaselineComparison) -> str:
    fixed, broke = tests.only_now_right, tests.only_before_right
    if not fixed and not broke:
        return "none got better or worse"
    return f"{fixed:,} got better and {broke:,} worse"


def _beside(facts: RetrainingSummary, photos: int) -> str:
    """What helps to judge that."""
    sentences = []
    if facts.tests is not None and facts.tests.only_now_right + facts.tests.only_before_right:
        sentences.append("That could be chance." if facts.tests.could_be_chance else "That is hardly chance.")
    if facts.tests is not None and facts.tests.training_overlap:
        sentences.append("The version before had learnt from those: it is flattered.")
    if photos:
        sentences.append(f"{photos:,} other photo{' is' if photos == 1 else 's are'} named differently in the list.")
    if facts.skipped:
        sentences.append(f"{len(facts.skipped):,} could not be learnt from.")
    return " ".join([*sentences, *facts.notes])
