"""Walk through the place *Folders* with real photos and take a picture of every state.

    xvfb-run -a -s "-screen 0 4200x2400x24" uv run --extra intel python packaging/folders_pictures.py \
        PHOTOS FOLDER [--theme dark] [--size 900x600] [--model everyday]

QT_SCALE_FACTOR=2 before it shows what the pages are at 200 %. The photos are copied first, and only the copies are
written to.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pictures import Walk

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from gui.folders.page import FoldersPage
    from gui.shell.main_window import MainWindow

_UNDER_WAY: Final = 40
"""Photos after which a job under way is worth a picture."""


class FoldersWalk(Walk):
    """A walk through the place."""

    def __init__(self, application: QApplication, window: MainWindow, folder: Path) -> None:
        super().__init__(application, window, folder)
        self._window, self.page = window, window.pages.folders

    def run(self, photos: Path) -> None:
        """Go from a folder to sorted photos and back."""
        from gui.shell.actions import ActionId

        act, page = self._window.actions_by_id, self.page
        act[ActionId.SHOW_FOLDERS].trigger()
        self.take("1-empty")
        act[ActionId.CLASSIFY_FOLDER].trigger()
        page.stack.form.open(photos)
        self.take("2-form")
        page.stack.form.begin.click()
        self.wait(lambda: page.job is not None and page.job.progress is not None)
        self.wait(lambda: _finished(page) >= _UNDER_WAY)
        self.take("3-under-way", 0.3)
        self.wait(lambda: page.job is not None and page.job.state == "finished")
        self.take("4-table", 2.5)
        act[ActionId.AS_GALLERY].trigger()
        self.take("5-gallery", 2.5)
        self._look_closer()
        self._review()
        self._use()
        act[ActionId.ALL_JOBS].trigger()
        self.take("9-jobs")

    def _look_closer(self) -> None:
        """Sorted by confidence, and brushed."""
        from core.jobs.values import Group, Order

        results = self.page.stack.results
        results.show_as(gallery=False)
        results.sort(replace(results.view, order=Order.CONFIDENCE))
        self.wait(lambda: results.filters.histogram is not None)
        assert results.filters.histogram is not None
        results.filters.histogram.brushed.emit((0.3, 0.8))
        self.take("6-brushed", 2.0)
        results.filters.reset()
        results.sort(replace(results.view, order=Order.FOUND, group=Group.SIMILARITY))
        self.take("6-alike", 2.0)
        results.filters.text.setText("nothing like this")
        self.take("6-nothing", 1.5)
        results.filters.reset()
        results.sort(replace(results.view, order=Order.CONFIDENCE, group=Group.NONE))

    def _review(self) -> None:
        """Some photos reviewed."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        page = self.page
        page.open_review()
        self.wait(lambda: page.stack.review.rows.rowCount() > 0 and page.stack.review.rows.row(0) is not None)
        self.take("7-review", 2.0)
        for _ in range(3):
            page.stack.review.accept()
            self.take("7-review-later", 0.4)
        page.stack.review.choices.offers[1].click()
        page.stack.review.ask_for_class()
        self.take("7-review-class", 0.5)
        QTest.keyClick(self._window.focusWidget(), Qt.Key.Key_Escape)
        page.stack.review.leave()
        self.take("7-reviewed", 1.5)

    def _use(self) -> None:
        """Every step of sorting and of writing keywords, before any is taken."""
        page = self.page
        from gui.folders.plan_forms import KeywordForm, SortForm

        page.open_plan(KeywordForm)
        keywords, sorting = page.stack.plans[KeywordForm].get(), page.stack.plans[SortForm].get()
        keywords.plan()
        self.wait(lambda: keywords.steps.rowCount() > 0 or not keywords.bar.isVisible())
        self.take("8-keywords")
        page.open_plan(SortForm)
        sorting.form.sort_to(self.folder / "sorted")  # type: ignore[attr-defined]
        sorting.plan()
        self.wait(lambda: sorting.steps.rowCount() > 0 or not sorting.bar.isVisible())
        self.take("8-sorting")


def _finished(page: FoldersPage) -> int:
    job = page.job
    if job is None or job.progress is None:
        return _UNDER_WAY
    return job.progress.finished


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description="Pictures of the place Folders.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--theme", default="light")
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--model", default="general")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["FOVEA_HOME"] = home
        photos = Path(home).with_name("Holiday photos")  # its path is in the pictures
        shutil.copytree(asked.photos, photos, copy_function=shutil.copyfile)
        from core.base.settings import Theme
        from gui.app.application import open_window

        application, window = open_window([])
        window.session.settings.change(theme=Theme(asked.theme), model=asked.model)
        window.resize(*map(int, asked.size.split("x")))
        walk = FoldersWalk(application, window, asked.folder)
        walk.wait(lambda: window.session.models.in_use is not None)
        walk.run(photos)
        window.close()
        shutil.rmtree(photos)


if __name__ == "__main__":
    main()
