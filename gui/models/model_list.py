"""The list of installed models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from core.base.i18n import tr, tr_n
from core.models.values import InstalledModel, ModelName

_NAME: Final = Qt.ItemDataRole.UserRole


class ModelList(QListWidget):
    """Lists models; the selected one is remembered by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("choices")
        self.setAccessibleName(tr("Installed models"))
        self.setWordWrap(True)
        self._wanted = ""

    @property
    def name(self) -> str:
        """The name of the selected model; empty if there is none."""
        item = self.currentItem()
        return str(item.data(_NAME)) if item is not None else ""

    def select(self, name: str) -> None:
        """Select this model, now or once it is listed."""
        names = self._names()
        if name in names:
            self.setCurrentRow(names.index(name))
            self.setFocus()
        else:
            self._wanted = name

    def show_models(self, texts: Mapping[str, str], in_use: str) -> None:
        """Show the text of each model, by name; if none is selected, the one in use is."""
        names = list(texts)
        if self._names() != names:
            self._list(names, in_use)
        for row, text in enumerate(texts.values()):
            self.item(row).setText(text)
        if self.currentItem() is None and in_use in names:
            self.setCurrentRow(names.index(in_use))

    def _names(self) -> list[str]:
        return [self.item(row).data(_NAME) for row in range(self.count())]

    def _list(self, names: Sequence[str], in_use: str) -> None:
        chosen = self.name
        with QSignalBlocker(self):
            self.clear()
            for name in names:
                QListWidgetItem(self).setData(_NAME, name)
            selected = next((name for name in (self._wanted, chosen, in_use) if name in names), None)
            if selected is not None:
                self.setCurrentRow(names.index(selected))
        if selected == self._wanted:
            self._wanted = ""


def model_texts(models: Mapping[str, InstalledModel], names: Mapping[str, ModelName], in_use: str) -> dict[str, str]:
    """The text of each model, by name: its title, and on a second line what it knows and whether it is in use.

    Args:
        models: the models that can be opened.
        names: the models with their versions; empty until the library was listed.
        in_use: the name of the model in use.
    """
    return {name: _text(name, models.get(name), names.get(name), in_use) for name in {**models, **names}}


def _text(name: str, model: InstalledModel | None, one: ModelName | None, in_use: str) -> str:
    title = model.card.title if model else one.title if one else name
    count = len(one.versions) if one else 1
    about = [_class_count(model)]
    if count > 1:
        about.append(tr_n("{count} version", "{count} versions", count))
    if name == in_use:
        about.append(tr("in use"))
    return f"{title}\n{' · '.join(about)}"


def _class_count(model: InstalledModel | None) -> str:
    if model is None:
        return tr("no active version")
    return tr_n("{count:,} class", "{count:,} classes", len(model.card.classes))
