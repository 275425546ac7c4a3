"""The place *Models*: what is installed, what each one is, and which is in use."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.services.messages import ModelFacts
from gui.model_statistics import ModelStatistics
from gui.session import Session
from gui.widgets import Panel, label

_NAME = Qt.ItemDataRole.UserRole


class ModelsPage(QWidget):
    """Shows the session's models."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session = session
        self.choices = QListWidget()
        self.choices.setObjectName("choices")
        self.choices.setAccessibleName("Installed models")
        self.choices.setWordWrap(True)
        self.choices.currentItemChanged.connect(self._show_chosen)
        self.choices.itemActivated.connect(self._use_chosen)
        self.statistics = ModelStatistics("Model")
        self.use = QPushButton("Use this model")
        self.use.setProperty("kind", "primary")
        self.use.clicked.connect(self._use_chosen)
        self._classes = label(kind="muted", wrap=True)
        self._lay_out()
        session.models_changed.connect(self._show_models)
        session.progressed.connect(self._show_chosen)

    def _lay_out(self) -> None:
        page = QHBoxLayout(self)
        page.setContentsMargins(16, 16, 16, 16)
        page.setSpacing(16)
        installed = Panel("Installed models")
        installed.setMaximumWidth(360)
        installed.body.addWidget(self.choices)
        page.addWidget(installed, 2)
        details = QWidget()
        details.setObjectName("inspector")
        column = QVBoxLayout(details)
        column.setContentsMargins(0, 0, 8, 0)
        self.statistics.body.addWidget(self.use, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.statistics)
        classes = Panel("Classes it tells apart")
        classes.body.addWidget(self._classes)
        column.addWidget(classes)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(details)
        page.addWidget(scroll, 3)

    def _show_models(self) -> None:
        chosen = self._chosen_name()
        if [self.choices.item(row).data(_NAME) for row in range(self.choices.count())] != list(self._session.models):
            self.choices.clear()
            for name, facts in self._session.models.items():
                item = QListWidgetItem(f"{facts.card.title}\n{len(facts.card.classes):,} classes", self.choices)
                item.setData(_NAME, name)
        in_use = self._session.opened.name if self._session.opened else ""
        names = list(self._session.models)
        wanted = chosen or in_use
        if wanted in names:
            self.choices.setCurrentRow(names.index(wanted))
        self._show_chosen()

    def _show_chosen(self) -> None:
        facts = self._session.models.get(self._chosen_name())
        if facts is None:
            return
        is_in_use = self._session.opened is not None and self._session.opened.name == facts.card.name
        opened = self._session.opened if is_in_use else None
        self.statistics.show_model(facts, opened, self._session.latency.summary() if is_in_use else "")
        self.use.setEnabled(not is_in_use)
        self.use.setText("In use" if is_in_use else "Use this model")
        self._show_classes(facts)

    def _show_classes(self, facts: ModelFacts) -> None:
        text = ", ".join(facts.card.classes)
        if self._classes.text() != text:
            self._classes.setText(text)

    def _use_chosen(self) -> None:
        name = self._chosen_name()
        if name:
            self._session.open_model(model=name)

    def _chosen_name(self) -> str:
        item = self.choices.currentItem()
        return str(item.data(_NAME)) if item is not None else ""
