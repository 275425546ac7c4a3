"""How many predictions can be accepted without a look above a minimum confidence, and how many of them are wrong."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSlider

from core.base.i18n import tr
from core.evaluation.acceptance import Acceptance, accepted_text, unreliable_text
from core.jobs.values import THRESHOLD, Filter
from gui.widgets.basic import Panel, PercentBox, label, link, show_text
from gui.widgets.layouts import LEFT, Placed, add, fill, hbox


class AcceptancePanel(Panel):
    """Lets the user choose a minimum confidence by what it means; of a multi-label model, a distance to the thresholds.

    Attributes:
        review_wanted: the user wants to review the photos that are not accepted; a filter of them.
        bar: the minimum confidence, in percent.
        box: the same, as a number.
        text: what it means.
        warning: why that isn't reliable for these photos; hidden if nothing suggests so.
    """

    review_wanted = Signal(Filter)

    def __init__(self) -> None:
        super().__init__(tr("Accept automatically"))
        self._found: Sequence[Acceptance] = ()
        self.bar, self.box = QSlider(Qt.Orientation.Horizontal), PercentBox(THRESHOLD)
        self.bar.setRange(0, 99)
        self.box.setRange(0, 99)
        self.bar.setAccessibleName(tr("Minimum confidence to accept predictions automatically"))
        self.box.setAccessibleName(self.bar.accessibleName())
        self.bar.setValue(self.box.value())
        self.text, self.warning = label(kind="muted", wrap=True), label(kind="warning", wrap=True)
        self.review = link(
            tr("Review the others"), lambda: self.review_wanted.emit(Filter(unsure_below=self.fraction()))
        )
        self.bar.valueChanged.connect(self.box.setValue)
        self.box.valueChanged.connect(self.bar.setValue)
        self.bar.valueChanged.connect(self._show)
        add(self.body, hbox(fill(self.bar), self.box), self.text, self.warning, Placed(self.review, alignment=LEFT))
        self.hide()

    @property
    def by_classes(self) -> bool:
        """Whether the model of the job has a threshold for each class instead of a minimum confidence."""
        return bool(self._found and self._found[0].by_classes)

    def fraction(self) -> float:
        """The minimum confidence, 0..1."""
        return self.bar.value() / 100

    def show_acceptance(self, found: Sequence[Acceptance]) -> None:
        """Show what accepting predictions means at 0%, 1%, ... minimum confidence; without any, hide the panel."""
        self._found = found
        self.heading.setText(tr("Unsure photos") if self.by_classes else tr("Accept automatically"))
        self.review.setToolTip(
            tr("Review the photos with a class that is nearer to its threshold")
            if self.by_classes
            else tr("Review the photos that are unknown or below this confidence")
        )
        self._show()

    def _show(self) -> None:
        found = self._found[self.bar.value()] if self._found else None
        self.setVisible(found is not None and found.images > 0)
        if found is not None and found.images:
            self.text.setText(accepted_text(found))
            show_text(self.warning, unreliable_text(found))
            self.review.setEnabled(found.accepted < found.images)
