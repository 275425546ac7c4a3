"""A model that can be retrained, photos that belong to no class, and the window with both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.base.settings import Settings
from core.models.library import open_library
from core.prediction import Prediction
from core.training.request import TrainRequest
from core.training.train import train
from gui.shell.main_window import MainWindow
from tests import teaching, tiny
from tests.gui.conftest import PATIENCE_MS, show_window


@pytest.fixture
def trained_model(home: Path, tmp_path: Path) -> str:
    """A tiny model with its training data, selected in this test's home."""
    teaching.replace_backbone(home)
    folder = teaching.write_labelled(tmp_path / "pictures", 12)
    request = TrainRequest(folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO)
    train(request, open_library(), report=lambda _: None, token=CancelToken())
    settings.save(Settings(model="mine", provider=ProviderPreference.CPU), paths.settings_file())
    return "mine"


@pytest.fixture
def greys(tmp_path: Path) -> list[Path]:
    """Photos that belong to no class."""
    return [tiny.write_solid(tmp_path / f"grey{side}.png", "grey", size=(side, side)) for side in (40, 44, 48)]


@pytest.fixture
def learner(qtbot: QtBot, trained_model: str, greys: list[Path]) -> Iterator[MainWindow]:
    """The window with that model and those photos."""
    made = show_window(qtbot)
    show(qtbot, made, greys)
    yield made
    made.close()


def show(qtbot: QtBot, window: MainWindow, photos: list[Path]) -> None:
    window.session.photo_list.add(photos)
    qtbot.waitUntil(lambda: classified_by(window, len(photos)), timeout=PATIENCE_MS)
    window.photos_page.gallery.setFocus()
    window.photos_page.gallery.select_row(0)


def classified_by(window: MainWindow, count: int, version: int | None = None) -> bool:
    photos = window.session.photos.photos()
    return len(photos) == count and all(
        isinstance(one.outcome, Prediction) and version in (None, one.version) for one in photos
    )
