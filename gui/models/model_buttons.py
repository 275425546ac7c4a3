"""The buttons for the model that is selected in the library."""

from __future__ import annotations

from core.base.i18n import tr
from core.models.values import InstalledModel, ModelName
from gui.widgets.basic import button
from gui.widgets.flow import FlowRow


class ModelButtons(FlowRow):
    """A row of buttons, each enabled if it can be used on the selected model; a tool tip says why not.

    Attributes:
        menu: the same buttons for a context menu, in its order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.use = button(tr("Use this model"), kind="primary")
        self.repair = button(tr("Use another version"), kind="primary")
        self.compare, self.statistics = button(tr("Compare…")), button(tr("Statistics"))
        self.export, self.remove = button(tr("Export…")), button(tr("Remove model"))
        self.menu = (self.use, self.compare, self.statistics, self.export, None, self.remove)
        for one in (self.use, self.repair, self.compare, self.statistics, self.export, self.remove):
            self.addWidget(one)

    def show_state(self, one: ModelName | None, facts: InstalledModel | None, *, is_in_use: bool) -> None:
        """Show what can be done with a model.

        Args:
            one: the model with its versions; None if there is none, or it is not listed yet.
            facts: its selected version; None if there is none, or it is damaged.
            is_in_use: whether it is the model in use.
        """
        self._show_use(one, facts, is_in_use=is_in_use)
        for one_button in (self.compare, self.statistics, self.export):
            one_button.setEnabled(facts is not None)
            one_button.setToolTip("" if facts is not None else tr("This model is damaged and can't be used."))
        if facts is not None and facts.card.is_multi_label:
            self.compare.setEnabled(False)
            self.compare.setToolTip(tr("Only models that give every photo exactly one class can be compared."))
        numbers = [version.number for version in one.versions] if one else []
        self.remove.setEnabled(any(numbers))
        self.remove.setText(tr("Remove my versions") if any(numbers) and 0 in numbers else tr("Remove model"))
        self.remove.setToolTip("" if any(numbers) else tr("Built-in models can't be removed."))

    def _show_use(self, one: ModelName | None, facts: InstalledModel | None, *, is_in_use: bool) -> None:
        active = one.active if one else None
        is_usable = active.model is not None if active else one is None and facts is not None
        is_broken = one is not None and not is_usable
        self.use.setEnabled(is_usable and not is_in_use)
        self.use.setText(tr("In use") if is_in_use else tr("Use this model"))
        self.use.setToolTip(tr("This model is damaged and can't be used.") if is_broken else "")
        intact = one.intact if one else None
        self.use.setVisible(not is_broken or intact is None)
        self.repair.setVisible(is_broken and intact is not None)
        self.repair.setText(tr("Use version {number}", number=intact.number) if intact else tr("Use another version"))
