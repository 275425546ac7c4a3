"""Help > User guide: the guides of `docs`, offline and in the colours of the window."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QTextDocument
from PySide6.QtWidgets import QDialog, QListWidget, QTextBrowser, QWidget

from core.base.i18n import tr
from gui.widgets import theme
from gui.widgets.layouts import fill, hbox

_PAGES: Final = ("folders", "teaching", "models", "sorting", "keywords", "jobs", "servers")
"""In the order of the list, as far as they are there; the rest of `docs` is for developers."""
_CODE: Final = Path(__file__).parents[2]
_FOLDERS: Final = (_CODE / "gui" / "guide", _CODE / "docs")
"""Where the guides are: in a wheel, and in a bundle or a checkout."""


class GuideWindow(QDialog):
    """A non-modal window with the guides; Escape closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setWindowTitle(tr("User guide"))
        self.resize(980, 700)
        self.pages = pages()
        self.contents = QListWidget()
        self.contents.setObjectName("choices")
        self.contents.setAccessibleName(tr("Guides"))
        self.contents.setFixedWidth(280)
        self.contents.setWordWrap(True)
        self.contents.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.contents.ensurePolished()  # otherwise its rows are laid out without the padding of the style sheet
        self.contents.addItems([title_of(page) for page in self.pages])
        self.text = GuideText()
        self.contents.currentRowChanged.connect(self._show_page)
        self.text.sourceChanged.connect(self._mark_page)
        hbox(self.contents, fill(self.text), parent=self, margins=2 * theme.GRID, spacing=2 * theme.GRID)
        self.contents.setCurrentRow(0)

    def _show_page(self, row: int) -> None:
        if Path(self.text.source().toLocalFile()) != self.pages[row]:  # which a link may have shown
            self.text.setSource(QUrl.fromLocalFile(str(self.pages[row])))

    def _mark_page(self, source: QUrl) -> None:
        """Follow a link from one guide to another in the list."""
        if (page := Path(source.toLocalFile())) in self.pages:
            self.contents.setCurrentRow(self.pages.index(page))


class GuideText(QTextBrowser):
    """A guide; pictures fit its width, and links out of the guides open in the browser."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Guide"))
        self.setOpenLinks(False)
        self.anchorClicked.connect(self._follow)

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return super().loadResource(kind, name)
        picture = QImage(self.source().resolved(QUrl(name)).toLocalFile())
        width = min(picture.width(), max(320, self.viewport().width() - 6 * theme.GRID))
        return picture if picture.isNull() else picture.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation)

    def _follow(self, link: QUrl) -> None:
        target = self.source().resolved(link)
        if target.isLocalFile() and Path(target.toLocalFile()).suffix == ".md":
            if Path(target.toLocalFile()).is_file():
                self.setSource(target)
        else:
            QDesktopServices.openUrl(target)


def pages() -> list[Path]:
    """The guides that are there, in their order."""
    found = (folder / f"{name}.md" for name in _PAGES for folder in _FOLDERS)
    return [page for page in found if page.is_file()]


def title_of(page: Path) -> str:
    """The first heading of a guide."""
    with page.open(encoding="utf-8") as lines:
        return next(lines).removeprefix("#").strip()
