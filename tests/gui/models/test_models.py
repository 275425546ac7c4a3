"""Models in the window: the one in use, switching, and models and providers that fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.base.providers import Precision, Provider, ProviderPreference
from core.base.settings import Settings
from core.engine import provider_selection
from core.models.installed import backbone_files
from core.models.library import open_library
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui.conftest import PATIENCE_MS, show_window


def visible_texts(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def install(name: str, title: str) -> None:
    card, files = tiny.packaged_model(name, title=title)
    open_library().install(card, files)


def test_the_model_in_use_is_shown_everywhere(window: MainWindow, qtbot: QtBot) -> None:
    assert window.top_bar.switcher.currentText() == "Colours · v1"
    assert window.top_bar.chip.text().strip() == "CPU, float32"
    assert "CPU" not in visible_texts(window.status), "said once, in the top bar"
    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    assert "photos" not in visible_texts(window.status), "counts are for the page of photos"
    shown = visible_texts(window.pages.models)
    for words in ("Tiny", "32 × 32 px", "Multiply-adds", "red, green, blue", tiny.ORIGIN.licence, "no photos yet"):
        assert words in shown


def test_latency_is_shown_after_photos(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    window.session.photo_list.add(list(solids.values()))
    qtbot.waitUntil(lambda: "(3 photos)" in visible_texts(window.photos_page.inspector), timeout=PATIENCE_MS)
    assert "95% within" in visible_texts(window.photos_page.inspector)


def test_switching_the_model_classifies_the_photos_again(
    qtbot: QtBot, tiny_model: str, solids: dict[str, Path]
) -> None:
    install("hues", "Hues")
    window = show_window(qtbot)
    window.session.photo_list.add(list(solids.values()))
    photos = window.session.photos
    qtbot.waitUntil(lambda: photos.rowCount() == 3 and all(p.outcome for p in photos.photos()), timeout=PATIENCE_MS)

    switcher = window.top_bar.switcher
    qtbot.waitUntil(lambda: switcher.findData("hues") >= 0, timeout=PATIENCE_MS)
    switcher.setFocus()
    qtbot.keyClicks(switcher, "Hues")
    qtbot.keyClick(switcher, Qt.Key.Key_Return)
    if window.session.models.in_use is None or window.session.models.in_use.name != "hues":
        switcher.activated.emit(switcher.findData("hues"))
    qtbot.waitUntil(lambda: all(photo.outcome.model == "hues" for photo in photos.photos()), timeout=PATIENCE_MS)  # type: ignore[union-attr]
    window.close()
    assert settings.load(paths.settings_file()).model == "hues"


def test_a_broken_model_is_reported_and_the_default_opened(qtbot: QtBot, tiny_model: str) -> None:
    install("hues", "Hues")
    folder = paths.user_models() / "hues" / "1"
    (folder / "head.npz").write_bytes(b"damaged")
    settings.save(Settings(model="hues"), paths.settings_file())
    window = show_window(qtbot)
    qtbot.waitUntil(lambda: bool(window.notices.texts()), timeout=PATIENCE_MS)
    assert "head.npz" in window.notices.texts()[0]
    models = window.session.models
    qtbot.waitUntil(lambda: models.in_use is not None, timeout=PATIENCE_MS)  # the default is opened instead
    window.close()


def test_a_window_without_models_reports_it(qtbot: QtBot, tiny_model: str, tmp_path: Path) -> None:
    shutil.rmtree(paths.user_models())
    settings.save(Settings(model="gone"), paths.settings_file())
    window = show_window(qtbot)
    qtbot.waitUntil(lambda: any("“gone”" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    assert window.isVisible()
    window.close()


def test_a_provider_that_does_not_work_is_reported_and_the_next_best_used(window: MainWindow, qtbot: QtBot) -> None:
    before = window.session.models.in_use
    window.session.models.open(provider=ProviderPreference.CUDA)  # its action is disabled where it cannot work
    qtbot.waitUntil(lambda: window.session.models.in_use is not before, timeout=PATIENCE_MS)
    opened = window.session.models.in_use
    assert opened is not None
    assert (opened.refusal is None) == (opened.provider.value == "cuda")
    if opened.refusal is not None:
        assert any(opened.refusal.what in text for text in window.notices.texts())
    assert window.session.settings.value.provider is ProviderPreference.CUDA
    assert window.actions_by_id[ActionId.PROVIDER_CUDA].isChecked()


def test_a_remembered_provider_that_no_longer_works_is_reported(qtbot: QtBot, tiny_model: str) -> None:
    model = open_library().find(tiny_model)
    files = backbone_files(model.backbone, model.card)
    if provider_selection.probe_provider(files, files.cards[0], Provider.CUDA, Precision.AUTO).engine:
        pytest.skip("CUDA works on this machine")
    provider_selection.choose_engine(files, ProviderPreference.AUTO, Precision.AUTO)
    memory = paths.cache_folder() / "providers.json"
    memory.write_text(json.dumps(dict.fromkeys(json.loads(memory.read_bytes()), "cuda float32")))
    window = show_window(qtbot)
    qtbot.waitUntil(lambda: any("no longer works" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: window.session.models.in_use is not None, timeout=PATIENCE_MS)
    window.close()


def test_restored_photos_are_classified_by_the_model_in_use(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    photos = window.session.photos
    window.session.photo_list.add(list(solids.values()))
    qtbot.waitUntil(lambda: photos.rowCount() == 3 and all(p.outcome for p in photos.photos()), timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.CLEAR].trigger()
    install("hues", "Hues")
    window.session.models.open(model="hues")
    qtbot.waitUntil(lambda: window.session.models.in_use.name == "hues", timeout=PATIENCE_MS)  # type: ignore[union-attr]
    window.actions_by_id[ActionId.UNDO].trigger()
    qtbot.waitUntil(lambda: all(p.outcome.model == "hues" for p in photos.photos()), timeout=PATIENCE_MS)  # type: ignore[union-attr]
    assert photos.rowCount() == 3


def test_stopping_leaves_the_rest_for_later(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    paths_ = [tiny.write_solid(tmp_path / f"{number}.png", "red") for number in range(400)]
    window.session.photo_list.add(paths_)
    photos = window.session.photos
    qtbot.waitUntil(lambda: photos.rowCount() == 400 and photos.photo(0).outcome is not None, timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.STOP].trigger()
    qtbot.waitUntil(lambda: window.session.engine.waiting_count == 0, timeout=PATIENCE_MS)
    assert any(photo.outcome is None for photo in photos.photos())
    window.actions_by_id[ActionId.CLASSIFY_AGAIN].trigger()
    qtbot.waitUntil(lambda: all(photo.outcome for photo in photos.photos()), timeout=PATIENCE_MS)
