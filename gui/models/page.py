"""The place *Models*: the library, with the details, versions and actions of each model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from core.api.library_values import LibraryListing
from core.api.statistics import Source
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.text import display_path
from core.models.onnx_import_values import ImportQuestions
from core.models.values import InstalledDetector, InstalledModel, ModelName, OpenedModel
from gui.models import version_text
from gui.models.classes import ClassesPanel
from gui.models.files import ExportPanel, ModelImports, import_key
from gui.models.import_form import ImportForm
from gui.models.model_buttons import ModelButtons
from gui.models.model_list import ModelList, model_lines
from gui.models.model_notices import ModelNotices
from gui.models.statistics_window import StatisticsWindow
from gui.models.versions import VersionsPanel
from gui.session.session import Session
from gui.widgets import theme
from gui.widgets.basic import Panel, ScrollColumn, button, label, show_text
from gui.widgets.context_menu import attach_menu
from gui.widgets.flow import FlowRow
from gui.widgets.formats import size
from gui.widgets.layouts import SPACE, Placed, add, hbox
from gui.widgets.model_details import ModelDetails
from gui.widgets.notices import Notices


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

    def __init__(
        self, session: Session, notices: Notices, show_evaluation: Callable[[InstalledModel], object], parent: QWidget
    ) -> None:
        """`show_evaluation` shows that of a version."""
        super().__init__(parent)
        self.setObjectName("page")
        self._session, self._notices, self._evaluate = session, notices, show_evaluation
        self._backbones: Sequence[str] = ()
        self.names: dict[str, ModelName] = {}
        self.choices = ModelList()
        self.details = ModelDetails(tr("Model"))
        self.buttons = ModelButtons()
        self._model_notices = ModelNotices(session.library, session.models, notices, self)
        self.versions, self.classes = VersionsPanel(), ClassesPanel()
        self.imports = ModelImports(session.library.tasks, self)
        self.import_button = button(tr("Import…"), self.imports.choose_file)
        self.networks_button = button(tr("Compare networks"), self.networks_wanted.emit)
        self.detector = label(kind="muted", wrap=True)
        self._lay_out()
        self._connect()

    # ---- layout

    def _lay_out(self) -> None:
        installed = Panel(tr("Installed models"))
        installed.setMaximumWidth(320)
        installed.setMinimumWidth(176)
        add(installed.body, self.choices, self.detector, FlowRow(self.import_button, self.networks_button))
        self.details.body.insertLayout(2, self.buttons)
        self._area = ScrollColumn(tr("Selected model"), self)
        self._column = self._area.show_column(self.details, self.versions, self.classes, SPACE)
        self._column.setSpacing(2 * theme.GRID)
        hbox(Placed(installed, 2), Placed(self._area, 5), parent=self, margins=16, spacing=16)

    def _connect(self) -> None:
        session, library = self._session, self._session.library
        attach_menu(self.choices, lambda: self.buttons.menu)
        self.buttons.use.clicked.connect(self._use_chosen)
        self.buttons.repair.clicked.connect(self._use_intact)
        self.buttons.compare.clicked.connect(lambda: self.compare_wanted.emit(self._reference()))
        self.buttons.statistics.clicked.connect(lambda: self.show_statistics(self._reference()))
        self.buttons.export.clicked.connect(self._export)
        self.buttons.remove.clicked.connect(lambda: library.remove(self.choices.name))
        self.choices.currentItemChanged.connect(self._show_chosen)
        self.choices.itemActivated.connect(self._use_chosen)
        self.versions.chosen.connect(self._show_chosen)
        self.versions.use_wanted.connect(self._use_version)
        self.versions.result_wanted.connect(self._show_evaluation)
        self.versions.back_wanted.connect(lambda: library.roll_back(self.choices.name))
        self.versions.remove_wanted.connect(lambda number: library.remove(self.choices.name, number))
        self.imports.noticed.connect(self._notices.show_one)
        self.imports.imported.connect(self._on_imported)
        self.imports.questioned.connect(self._on_questions)
        self.imports.statistics_wanted.connect(self.show_statistics)
        session.models.changed.connect(self._show_models)
        session.models.opened.connect(self._on_opened)
        session.progressed.connect(self._show_chosen)
        session.watch.changed.connect(self.refresh)
        library.listed.connect(self._on_listed)
        library.restored.connect(self._on_restored)
        if session.models.installed:
            self._show_models()

    @cached_property
    def questions(self) -> ImportForm:
        """Asks about a file of another program; above all else."""
        result = ImportForm()
        self.imports.refused.connect(result.show_error)
        self.imports.previewed.connect(result.show_preview)
        self.imports.imported.connect(result.show_imported)
        result.submitted.connect(self.imports.take_answered)
        result.preview_wanted.connect(self.imports.preview)
        result.statistics_wanted.connect(self.show_statistics)
        self._column.insertWidget(0, result)
        return result

    @cached_property
    def export_panel(self) -> ExportPanel:
        """Asks how to export; above the details."""
        result = ExportPanel(self._session.library.tasks, self._session.models.title_of, self)
        result.exported.connect(self._model_notices.show_exported)
        self._column.insertWidget(self._column.indexOf(self.details), result)
        return result

    @cached_property
    def statistics(self) -> StatisticsWindow:
        """Shows the statistics of a model or a file."""
        result = StatisticsWindow(self._session.library.tasks, self)
        result.view.noticed.connect(self._notices.show_one)
        self._session.library.listed.connect(lambda _: result.offer_backbones(self._backbones))
        self._session.closing.connect(result.close)
        return result

    def show_statistics(self, source: Source) -> None:
        """Show the statistics of a model, `name` or `name@version`, or of a file."""
        self.statistics.offer_backbones(self._backbones)
        title = "" if isinstance(source, Path) else self._session.models.title_of(source)
        self.statistics.show_source(source, title)
        self.statistics.bring_up()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """List the library again, if the page is visible."""
        if self.isVisible():
            self._session.library.refresh()

    # ---- actions

    def _export(self) -> None:
        version = self.versions.version
        several = bool(version and version.model and version.model.card.is_multi_label)
        self.export_panel.open(self._reference(), is_multi_label=several)
        self._area.ensureWidgetVisible(self.export_panel)

    def show_version(self, name: str, number: int) -> None:
        """Select this version, now or once it is listed."""
        self.versions.select(name, number)
        self.choices.select(name)
        self._show_chosen()

    def _show_evaluation(self) -> None:
        version = self.versions.version
        if version is not None and version.model is not None:
            self._evaluate(version.model)

    def _use_version(self, number: int) -> None:
        one = self.names.get(self.choices.name)
        if one is not None and one.active is not None and one.active.number == number:
            self._use_chosen()
        else:
            self._session.library.activate(self.choices.name, number)

    def _use_intact(self) -> None:
        one = self.names.get(self.choices.name)
        if one is not None and one.intact is not None:
            self._session.library.activate(one.name, one.intact.number)

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
        self._backbones = [one.name for one in listed.backbones]
        show_text(self.detector, _detector_text(listed.detector) if listed.detector else "")
        self.detector.setToolTip(display_path(listed.detector.file) if listed.detector else "")
        self._show_models()

    def _on_questions(self, file: Path, questions: tuple[ImportQuestions, ...]) -> None:
        self.shown.emit()
        self._notices.remove(import_key(file))  # it waits for the answers now
        self.questions.open(file, questions)
        self._area.verticalScrollBar().setValue(0)

    def _on_imported(self, name: str) -> None:
        self.shown.emit()
        self._session.models.refresh()
        self._session.library.refresh()
        self.choices.select(name)

    def _on_restored(self, name: str) -> None:
        if name not in self.names:
            self.choices.select(name)

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
        self.buttons.show_state(one, facts, is_in_use=bool(name) and name == self._session.models.name)
        self.classes.setVisible(facts is not None)
        if facts is not None:
            self._show_facts(facts)
        elif one is not None and version is not None and version.error is not None:
            reason = _damage_text(version.error, has_other=one.intact is not None)
            self.details.show_unavailable(reason, one.title)
        else:
            nothing = tr("No model selected.") if self.names else tr("No models installed.")
            self.details.show_unavailable(tr("This model can't be used.") if name else nothing)

    def _show_facts(self, facts: InstalledModel) -> None:
        opened = self._session.models.in_use
        is_opened = opened is not None and (opened.name, opened.version) == (facts.card.name, facts.version)
        latency = self._session.models.speed.latency_text() if is_opened else ""
        self.details.show_model(facts, opened if is_opened else None, latency)
        self.classes.show_classes(facts.card.classes)

    def _reference(self) -> str:
        name, number = self.choices.name, self.versions.number
        one = self.names.get(name)
        return name if one is None or number is None else version_text.reference(one, number)


def _damage_text(error: FoveaError, *, has_other: bool) -> str:
    """What is damaged, and what to do; `has_other` says whether another version can be used."""
    if has_other:
        return " ".join((error.what, tr("You can use another version.")))
    return " ".join((error.what, tr("Remove the model, then import or train it again.")))


def _detector_text(detector: InstalledDetector) -> str:
    return tr(
        "For cropping and counting: {architecture}, {kinds:,} kinds of things ({size}; {licence})",
        architecture=detector.architecture,
        kinds=detector.kinds,
        size=size(detector.size_bytes),
        licence=detector.licence.split(",")[0],
    )
