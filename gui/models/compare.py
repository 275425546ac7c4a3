"""The window *Compare*: two models on the same photos; which predictions differ, and what that fixes and breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QMimeData, QSize
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QWidget

from core import api
from core.api.library_values import LibraryListing
from core.base.errors import FoveaError
from core.base.i18n import mark, tr, tr_n
from core.base.text import display_path
from core.evaluation.values import Comparison
from core.models.values import ModelName
from gui.models import version_text
from gui.models.comparison import ComparisonView
from gui.plots import warm
from gui.session.session import Session
from gui.widgets import theme
from gui.widgets.basic import Choice, button, label, show_text
from gui.widgets.drop import DropContent, read_drop
from gui.widgets.drop_target import DropTarget
from gui.widgets.files import ask_for_files, ask_for_folder
from gui.widgets.invitation import invitation
from gui.widgets.layouts import fill, hbox, vbox
from gui.widgets.second_window import SecondWindow
from gui.widgets.work_strip import WorkStrip

_WINDOW, _FOLDER, _FILES = "window", "folder", "files"
_MAX_DISAGREEMENTS: Final = 3000
_CHOICES: Final = {_FOLDER: mark("Choose a folder…"), _FILES: mark("Choose photos…")}
_HINT: Final = mark(
    "Both models classify the same photos, and you see where they differ. If the photos are in subfolders named after "
    "their classes, you also see what was fixed and what broke."
)


class CompareWindow(SecondWindow):
    """Compares two models."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(tr("Compare models"), "compare", QSize(1080, 760), QSize(720, 480), parent)
        self._session = session
        self._paths: tuple[Path, ...] = ()
        self._wanted: tuple[str, ...] = ()
        self.a, self.b = Choice(tr("First model")), Choice(tr("Second model"))
        self.source = Choice(tr("Photos to compare on"))
        self.go = button(tr("Compare"), self.compare, kind="primary")
        self.strip = WorkStrip(tr("Progress of the comparison"), tr("Cancel the comparison"))
        self.error_text = label(kind="danger", wrap=True)
        self.view = ComparisonView(session.pictures, self)
        self.invitation = self._make_invitation()
        self._lay_out()
        self._connect()
        self._show_source()
        self.overlay = DropTarget(self, _drop_text, self._take).overlay
        warm(self)

    def _lay_out(self) -> None:
        for box in (self.a, self.b, self.source):
            box.setMinimumWidth(120)
            box.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        arrow, photos = label("→", "muted"), label(tr("Photos:"), "muted")
        choices = hbox(fill(self.a), arrow, fill(self.b), photos, fill(self.source), self.go, spacing=theme.GRID)
        parts = (self.strip, self.error_text, fill(self.invitation), fill(self.view))
        vbox(choices, *parts, parent=self, margins=16, spacing=2 * theme.GRID)
        self.error_text.hide()
        self.view.hide()

    def _make_invitation(self) -> QFrame:
        folder, files = (
            button(tr(_CHOICES[_FOLDER]), self._choose_folder),
            button(tr(_CHOICES[_FILES]), self._choose_files),
        )
        return invitation("boxes", tr("Drop photos or a folder here"), [tr(_HINT)], (folder, files))

    def _connect(self) -> None:
        library = self._session.library
        self.source.activated.connect(self._on_source)
        self.view.noticed.connect(self._session.noticed)
        self._session.closing.connect(self.close)
        for box in (self.a, self.b):
            box.currentIndexChanged.connect(self._show_button)
        library.listed.connect(self._on_listed)
        self._session.progressed.connect(self._show_source)
        self._session.watch.changed.connect(self._refresh)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.strip.stop()
        super().closeEvent(event)

    # ---- the comparison

    def open(self, reference: str = "") -> None:
        """Show the window, and compare this model, `name` or `name@version`, with the one in use if one is given."""
        is_new = not self.a.count()
        self.bring_up()
        if reference or is_new:
            self.choose(reference)

    def choose(self, reference: str = "") -> None:
        """Compare this model with the one in use; if they are the same or none is given, another one is chosen."""
        opened = self._session.models.in_use
        self._wanted = (f"{opened.name}@{opened.version}" if opened else "", reference)
        self._refresh()

    def set_photos(self, paths: Sequence[Path]) -> None:
        """Choose these photos and folders to compare on."""
        self._paths = tuple(paths)
        self._show_source()
        self.source.setCurrentIndex(self.source.count() - 1)
        self._show_button()

    def compare(self) -> None:
        """Compare the chosen models on the chosen photos."""
        paths, settings = self.paths(), self._session.settings.value
        if not self.go.isEnabled() or not paths:
            return
        self.error_text.hide()
        references = str(self.a.currentData()), str(self.b.currentData())
        options = settings.provider, settings.precision, _MAX_DISAGREEMENTS
        task = self._session.library.tasks.start(api.compare, *references, paths, *options)
        self.strip.run(task, tr("Comparing…"))
        task.ended.connect(self._show_button)
        task.failed.connect(self._on_failed)
        task.succeeded.connect(self._on_compared)
        self._show_button()

    def paths(self) -> tuple[Path, ...]:
        """The chosen photos and folders."""
        if self.source.currentData() == _WINDOW:
            return tuple(photo.path for photo in self._session.photos.photos())
        return self._paths

    def _take(self, mime: QMimeData) -> bool:
        offer = read_drop(mime)
        if not isinstance(offer, DropContent) or not offer.paths:
            return False
        self.set_photos(offer.paths)
        self.compare()
        return True

    # ---- events

    def _refresh(self) -> None:
        if self.isVisible():
            self._session.library.refresh()

    def _on_listed(self, listed: LibraryListing) -> None:
        before = self._wanted or tuple(str(box.currentData() or "") for box in (self.a, self.b))
        found = {
            version_text.reference(one, version.number): version_text.version_title(one, version)
            for one in listed.names
            for version in reversed(one.versions)
            if version.model and not version.model.card.is_multi_label
        }
        self._wanted = ()
        for box, wanted, other in zip((self.a, self.b), before, (0, 1), strict=True):
            place = _index_of(listed.names, list(found), wanted)
            box.offer(found)
            box.setCurrentIndex(min(other, len(found) - 1) if place < 0 else place)
        if self.a.currentIndex() == self.b.currentIndex() and len(found) > 1:
            self.b.setCurrentIndex((self.a.currentIndex() + 1) % len(found))
        self._show_button()

    def _on_failed(self, error: FoveaError) -> None:
        show_text(self.error_text, str(error))

    def _on_compared(self, comparison: Comparison) -> None:
        self.invitation.hide()
        self.view.show()
        title_of = self._session.models.title_of
        self.view.show_comparison(replace(comparison, a=title_of(comparison.a), b=title_of(comparison.b)))

    # ---- the source of the photos

    def _on_source(self) -> None:
        if self.source.currentData() == _FOLDER:
            self._choose_folder()
        elif self.source.currentData() == _FILES:
            self._choose_files()
        self._show_button()

    def _choose_folder(self) -> None:
        ask_for_folder(self, tr("Choose a folder of photos"), lambda folder: self.set_photos([folder]))

    def _choose_files(self) -> None:
        ask_for_files(self, tr("Choose photos"), [tr("All files (*)")], self.set_photos)

    def _show_source(self) -> None:
        count = len(self._session.photos.photos())
        items = {_WINDOW: tr_n("{count:,} photo in the window", "{count:,} photos in the window", count)}
        items |= {key: tr(text) for key, text in _CHOICES.items()}
        if self._paths:
            items["chosen"] = _photos_text(self._paths)
        if [self.source.itemText(row) for row in range(self.source.count())] != list(items.values()):
            self.source.offer(items, self.source.currentData())
        self._show_button()

    def _show_button(self) -> None:
        is_pair = self.a.currentIndex() >= 0 and self.a.currentData() != self.b.currentData()
        has_photos = bool(self._paths if self.source.currentData() != _WINDOW else self._session.photos.photos())
        self.go.setEnabled(is_pair and has_photos and not self.strip.is_busy)
        if not is_pair:
            self.go.setToolTip(tr("Choose two different models or versions, each with exactly one class per photo."))
        else:
            self.go.setToolTip("" if has_photos else tr("Choose photos, or drop some here."))


def _index_of(names: Sequence[ModelName], references: Sequence[str], wanted: str) -> int:
    """The position of a model among all, or -1; a name alone means its active version."""
    if wanted in references:
        return references.index(wanted)
    name = wanted.partition("@")[0]
    active = next((one.active for one in names if one.name == name and one.active), None)
    one = next((one for one in names if one.name == name), None)
    reference = version_text.reference(one, active.number) if one and active else ""
    return references.index(reference) if reference in references else -1


def _drop_text(content: DropContent) -> str:
    return tr("Compare on {photos}", photos=_photos_text(content.paths)) if content.paths else ""


def _photos_text(paths: Sequence[Path]) -> str:
    if len(paths) == 1:
        return tr("“{name}”", name=display_path(paths[0].name))
    return tr_n("{count:,} selected file", "{count:,} selected files", len(paths))
