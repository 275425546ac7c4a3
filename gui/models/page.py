"""The place *Models*: the library, with the details, versions and actions of each model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from core.api import LibraryListing
from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from core.base.settings import Settings
from core.models.onnx_import_values import ImportQuestions
from core.models.values import InstalledModel, ModelName, OpenedModel, Version
from gui.models import version_text
from gui.models.classes import ClassesPanel
from gui.models.evaluation_window import EvaluationController
from gui.models.files import ExportPanel, ModelImports
from gui.models.import_form import ImportForm
from gui.models.model_list import ModelList, model_lines
from gui.models.statistics_window import StatisticsController
from gui.models.versions import VersionsPanel
from gui.session.session import Session
from gui.tasks.notice import NoticeKind
from gui.widgets import theme
from gui.widgets.basic import Panel, ScrollColumn, button
from gui.widgets.context_menu import attach_menu
from gui.widgets.flow import FlowRow
from gui.widgets.layouts import SPACE, Placed, add, hbox
from gui.widgets.lazy import Lazy
from gui.widgets.model_details import ModelDetails
from gui.widgets.notices import Notices

KEPT_DAYS: Final = 7
"""How long `core.models.versions` keeps removed models; a copy, to import nothing heavy."""


class ModelsPage(QWidget):
    """Shows the library.

    Attributes:
        names: the models with their versions; empty until the library was listed.
        compare_wanted: compare this model, `name` or `name@version`, with another.
        networks_wanted: compare networks by accuracy and cost.
        shown: the page has something for the user to see and should be brought to the front.
    """

    compare_wanted = Signal(str)
    networks_wanted = Signal()
    shown = Signal()

    def __init__(self, session: Session, notices: Notices, evaluations: EvaluationController, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.counts = StatisticsController(session, notices, self)
        self._session, self._notices, self._evaluations = session, notices, evaluations
        self.names: dict[str, ModelName] = {}
        self.choices = ModelList()
        self.details = ModelDetails(tr("Model"))
        self.use = button(tr("Use this model"), self._use_chosen, kind="primary")
        self.repair = button(tr("Use another version"), self._use_intact, kind="primary")
        self.compare = button(tr("Compare…"), lambda: self.compare_wanted.emit(self._reference()))
        self.count_button = button(tr("Statistics"), self.show_statistics)
        self.export_button = button(tr("Export…"), self.export)
        self.remove = button(tr("Remove model"), self.remove_model)
        self.versions, self.classes = VersionsPanel(), ClassesPanel()
        self._export_panel, self._questions = Lazy(self._make_export_panel), Lazy(self._make_questions)
        self.imports = ModelImports(session.library.tasks, self)
        self.import_button = button(tr("Import…"), self.imports.choose_file)
        self.networks_button = button(tr("Compare networks"), self.networks_wanted.emit)
        self._lay_out()
        self._connect()

    # ---- layout

    def _lay_out(self) -> None:
        installed = Panel(tr("Installed models"))
        installed.setMaximumWidth(320)
        installed.setMinimumWidth(176)
        add(installed.body, self.choices, FlowRow(self.import_button, self.networks_button))
        actions = (self.use, self.repair, self.compare, self.count_button, self.export_button, self.remove)
        self.details.body.insertLayout(2, FlowRow(*actions))
        self._area = ScrollColumn(tr("Selected model"), self)
        self._column = self._area.show_column(self.details, self.versions, self.classes, SPACE)
        self._column.setSpacing(2 * theme.GRID)
        hbox(Placed(installed, 2), Placed(self._area, 5), parent=self, margins=16, spacing=16)

    def _connect(self) -> None:
        session, library = self._session, self._session.library
        attach_menu(
            self.choices, lambda: (self.use, self.compare, self.count_button, self.export_button, None, self.remove)
        )
        self.choices.currentItemChanged.connect(self._show_chosen)
        self.choices.itemActivated.connect(self._use_chosen)
        self.versions.chosen.connect(self._show_chosen)
        self.versions.use_wanted.connect(self._use_version)
        self.versions.result_wanted.connect(self._show_evaluation)
        self.versions.back_wanted.connect(self.roll_back)
        self.versions.remove_wanted.connect(lambda number: library.remove(self.choices.name, number))
        self.imports.noticed.connect(self._notices.show_one)
        self.imports.imported.connect(self._on_imported)
        self.imports.questioned.connect(self._on_questions)
        self.imports.statistics_wanted.connect(self.counts.open)
        session.models.changed.connect(self._show_models)
        session.models.opened.connect(self._on_opened)
        session.progressed.connect(self._show_chosen)
        session.watch.changed.connect(self.refresh)
        library.listed.connect(self._on_listed)
        library.failed.connect(self._notices.show_error)
        library.rolled_back.connect(self._on_rolled_back)
        library.removed.connect(self._on_removed)
        library.restored.connect(self._on_restored)
        if session.models.installed:
            self._show_models()

    @property
    def questions(self) -> ImportForm:
        """Asks about a file of another program; above all else."""
        return self._questions.get()

    def _make_questions(self) -> ImportForm:
        result = ImportForm()
        self.imports.refused.connect(result.show_error)
        self.imports.previewed.connect(result.show_preview)
        self.imports.imported.connect(result.show_imported)
        result.submitted.connect(self.imports.take_answered)
        result.preview_wanted.connect(self.imports.preview)
        result.statistics_wanted.connect(self.counts.open)
        self._column.insertWidget(0, result)
        return result

    @property
    def export_panel(self) -> ExportPanel:
        """Asks how to export; above the statistics."""
        return self._export_panel.get()

    def _make_export_panel(self) -> ExportPanel:
        result = ExportPanel(self._session.library.tasks, self._session.models.title_of, self)
        result.exported.connect(self._on_exported)
        self._column.insertWidget(self._column.indexOf(self.details), result)
        return result

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """List the library again, if the page is visible."""
        if self.isVisible():
            self._session.library.refresh()

    # ---- actions

    def _on_exported(self, text: str, file: Path | None) -> None:
        self._notices.show_notice(text, NoticeKind.ERROR if file is None else NoticeKind.SUCCESS)

    def export(self) -> None:
        """Ask how to export the selected version."""
        if self._reference():
            self.export_panel.open(self._reference())
            self._area.ensureWidgetVisible(self.export_panel)

    def show_statistics(self) -> None:
        """Show the statistics of the selected version."""
        if self.count_button.isEnabled() and self._reference():
            self.counts.open(self._reference())

    def roll_back(self) -> None:
        """Return the selected model to the version that was active before."""
        self._session.library.roll_back(self.choices.name)

    def remove_model(self) -> None:
        """Remove the selected model with all its versions; this can be undone."""
        if self.remove.isEnabled():
            self._session.library.remove(self.choices.name)

    def show_version(self, name: str, number: int) -> None:
        """Select this version, now or once it is listed."""
        self.versions.select(name, number)
        self.choices.select(name)
        self._show_chosen()

    def _show_evaluation(self) -> None:
        version = self.versions.version
        if version is not None and version.model is not None:
            self._evaluations.open(version.model)

    def _use_version(self, number: int) -> None:
        one = self.names.get(self.choices.name)
        if one is not None and one.active is not None and one.active.number == number:
            self._use_chosen()
        else:
            self._session.library.activate(self.choices.name, number)

    def _use_intact(self) -> None:
        version = self._intact()
        if version is not None:
            self._session.library.activate(self.choices.name, version.number)

    def _intact(self) -> Version | None:
        """The newest version of the selected model that can be used instead of the damaged one."""
        one = self.names.get(self.choices.name)
        found = (version for version in reversed(one.versions) if version.model and version.number) if one else iter(())
        return next(found, None)

    def _use_chosen(self) -> None:
        if self.choices.name in self._session.models.installed:
            self._session.models.open(model=self.choices.name)

    # ---- events

    def _on_opened(self, opened: OpenedModel) -> None:
        """Select the version that is in use now, unless the user is looking at another one."""
        if not self.isVisible():
            self.show_version(opened.name, opened.version)

    def _on_listed(self, listed: LibraryListing) -> None:
        self.names = {one.name: one for one in listed.names}
        self._show_models()

    def _on_questions(self, file: Path, questions: tuple[ImportQuestions, ...]) -> None:
        self.shown.emit()
        self.questions.open(file, questions)
        self._area.verticalScrollBar().setValue(0)

    def _on_imported(self, name: str) -> None:
        self.shown.emit()
        self._session.models.refresh()
        self._session.library.refresh()
        self.choices.select(name)

    def _on_rolled_back(self, name: str, version: int) -> None:
        title = self._session.models.title_of(name)
        again = tr("“{name}” now uses version {version} again.", name=title, version=version)
        self._notices.show_success(
            again if version else tr("“{name}” now uses the built-in version again.", name=title)
        )

    def _on_removed(self, name: str, version: int | None, active: int | None) -> None:
        models = self._session.models
        text = _removed_text(models.title_of(name), version)
        default = models.installed.get(Settings().model)
        if active is None and name == models.name and default is not None:
            text = " ".join((text, tr("Now using “{model}”.", model=default.card.title)))
        undo = (tr("Undo"), lambda: self._session.library.restore(name, version))
        self._notices.show_success(text, action=undo, key=f"removed {name}")

    def _on_restored(self, name: str, version: int | None) -> None:
        if name not in self.names:
            self.choices.select(name)
        reference = name if version is None else f"{name}@{version}"
        text = tr("Restored “{model}”.", model=self._session.models.title_of(reference))
        self._notices.show_success(text, key=f"removed {name}")

    # ---- display

    def _show_models(self) -> None:
        models = self._session.models
        in_use = models.name
        self.choices.show_models(model_lines(models.installed, self.names, in_use), in_use)
        self._show_chosen()

    def _show_chosen(self) -> None:
        name = self.choices.name
        one = self.names.get(name)
        opened = self._session.models.in_use
        self.versions.show_versions(one, opened.version if opened and opened.name == name else None)
        self.versions.setVisible(one is not None)
        version = self.versions.version if one else None
        facts = version.model if version else self._session.models.installed.get(name)
        self._show_actions(one, facts)
        self.classes.setVisible(facts is not None)
        if facts is not None:
            self._show_facts(facts)
        elif one is not None and version is not None and version.error is not None:
            reason = _damage_text(version.error, has_other=self._intact() is not None)
            self.details.show_unavailable(reason, one.title)
        else:
            self.details.show_unavailable(tr("This model can't be used.") if name else tr("No models installed."))

    def _show_facts(self, facts: InstalledModel) -> None:
        opened = self._session.models.in_use
        is_opened = opened is not None and (opened.name, opened.version) == (facts.card.name, facts.version)
        latency = self._session.models.speed.latency_text() if is_opened else ""
        self.details.show_model(facts, opened if is_opened else None, latency)
        self.classes.show_classes(facts.card.classes)

    def _show_actions(self, one: ModelName | None, facts: InstalledModel | None) -> None:
        """Show what can be done with the selected model; `facts` are None if the selected version is damaged."""
        name, models, intact = self.choices.name, self._session.models, self._intact()
        is_in_use = bool(name) and name == models.name
        is_usable = one.active.model is not None if one and one.active else name in models.installed
        self.use.setEnabled(is_usable and not is_in_use)
        self.use.setText(tr("In use") if is_in_use else tr("Use this model"))
        self.use.setToolTip("" if is_usable or not name else tr("This model is damaged and can't be used."))
        is_broken = one is not None and not is_usable
        self.use.setVisible(not is_broken or intact is None)
        self.repair.setVisible(is_broken and intact is not None)
        self.repair.setText(tr("Use version {number}", number=intact.number) if intact else tr("Use another version"))
        for one_button in (self.compare, self.count_button, self.export_button):
            one_button.setEnabled(facts is not None)
            one_button.setToolTip("" if facts is not None else tr("This model is damaged and can't be used."))
        numbers = [version.number for version in one.versions] if one else []
        self.remove.setEnabled(any(numbers))
        self.remove.setText(tr("Remove my versions") if any(numbers) and 0 in numbers else tr("Remove model"))
        self.remove.setToolTip("" if any(numbers) else tr("Built-in models can't be removed."))

    def _reference(self) -> str:
        """The reference to the selected version."""
        name, number = self.choices.name, self.versions.number
        one = self.names.get(name)
        return name if one is None or number is None else version_text.reference(one, number)


def _damage_text(error: FoveaError, *, has_other: bool) -> str:
    """What is damaged, and what to do; `has_other` says whether another version can be used."""
    if has_other:
        return " ".join((error.what, tr("You can use another version.")))
    return " ".join((error.what, tr("Remove the model, then import or train it again.")))


def _removed_text(name: str, version: int | None) -> str:
    if version is None:
        return tr_n(
            "Removed “{name}” with all its versions. You can restore it for {count} day.",
            "Removed “{name}” with all its versions. You can restore it for {count} days.",
            KEPT_DAYS,
            name=name,
        )
    return tr_n(
        "Removed version {version} of “{name}”. You can restore it for {count} day.",
        "Removed version {version} of “{name}”. You can restore it for {count} days.",
        KEPT_DAYS,
        name=name,
        version=version,
    )
