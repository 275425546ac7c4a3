"""The page *Why Xception is small*: the article's numbers, by mouse, keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from core.base.settings import Theme
from gui.convolutions.block_list import BlockRow
from gui.convolutions.kinds import BlockKind, Setup
from gui.convolutions.window import ConvolutionsWindow
from gui.widgets import theme
from gui.widgets.basic import ScrollColumn
from tests.gui.screen_reader import described, listen, press, tab_to

pytestmark = pytest.mark.qt_log_ignore("does not support (raise|grabbing|propagateSizeHints)")


@pytest.fixture
def page(qtbot: QtBot, home: None) -> Iterator[ConvolutionsWindow]:
    parent = QWidget()
    qtbot.addWidget(parent)
    made = ConvolutionsWindow(parent)
    made.bring_up()
    qtbot.waitExposed(made)
    qtbot.waitUntil(made.isActiveWindow)
    yield made
    made.close()


def texts(page: QWidget) -> list[str]:
    return [one.text() for one in page.findChildren(QLabel) if one.isVisible()]


@pytest.mark.parametrize(
    ("example", "shown", "plain"),
    [
        (0, "Separable (Xception): 800 weights", "4,608"),
        (1, "Smaller kernels: 1,769,472 weights", "3,276,800"),
        (2, "Bottleneck (ResNet): 69,632 weights", "589,824"),
        (3, "Separable (Xception): 24 weights", "54"),
    ],
)
def test_the_articles_examples(page: ConvolutionsWindow, example: int, shown: str, plain: str) -> None:
    page.choices.examples[example].click()
    assert page.view.heading.text() == shown
    assert f"of the {plain} of a plain convolution" in page.view.verdict.text()
    assert page.list.rows[BlockKind.PLAIN].weights.text() == plain


def test_it_opens_with_what_separation_saves(page: ConvolutionsWindow) -> None:
    assert "22.9 million weights. With plain convolutions, it would have 179.1 million." in " ".join(texts(page))
    assert "16 × 32 + 3 × 3 × 32 = 800" in texts(page)


def test_both_orders_of_a_separable_convolution(page: ConvolutionsWindow) -> None:
    orders = page.view.orders
    assert orders.isVisible()
    assert orders.pointwise_first.isChecked()
    assert (orders.depthwise_first.text(), orders.pointwise_first.text()) == (
        "Depthwise first: 656",
        "Pointwise first (paper): 800",
    )
    orders.depthwise_first.click()
    assert page.view.heading.text() == "Separable (Xception): 656 weights"
    assert "3 × 3 × 16 + 16 × 32 = 656" in texts(page)
    page.list.rows[BlockKind.PLAIN].choice.click()
    assert not orders.isVisible()


def test_the_keyboard_reaches_everything_and_is_read_out(
    page: ConvolutionsWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = listen(monkeypatch)
    page.choices.size_slider.bar.setFocus()
    press(page, Qt.Key.Key_Right)
    assert described(page.choices.size_slider.bar)[1] == "Kernel: 5 × 5"
    assert page.setup.size == 5
    assert heard[-1] == (
        "Separable (Xception): 1,312 weights. 10.2% of the 12,800 of a plain convolution: 9.8 times fewer."
    )
    tab_to(page, "Output channels: 32")
    press(page, Qt.Key.Key_End)
    assert page.setup.outputs == 2048
    tab_to(page, "Separable (Xception): 83,968 weights")
    press(page, Qt.Key.Key_Down)
    assert page.setup.kind is BlockKind.INVERTED_RESIDUAL
    assert heard[-1].startswith("Inverted residual: 200,544 weights.")
    press(page, Qt.Key.Key_Escape)
    assert not page.isVisible()


def test_the_diagram_is_said_in_words(page: ConvolutionsWindow) -> None:
    page.choices.examples[2].click()
    assert described(page.view.diagram) == (QAccessible.Role.Graphic, "Diagram: Bottleneck (ResNet)")
    assert page.view.diagram.accessibleDescription() == (
        "1 × 1 pointwise, 256 → 64 channels: 16,384 weights, then ReLU. "
        "3 × 3 convolution, 64 channels: 36,864 weights, then ReLU. "
        "1 × 1 pointwise, 64 → 256 channels: 16,384 weights, then no activation."
    )


@pytest.mark.parametrize("shade", [Theme.LIGHT, Theme.DARK])
def test_every_block_is_drawn_in_the_colours_in_use(page: ConvolutionsWindow, shade: Theme) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme.apply_colours(application, shade)
    for kind in BlockKind:
        page.choices.changed.emit(Setup(kind, 3, 64, 64))
        picture = page.view.diagram.grab().toImage()
        across, down = range(0, picture.width(), 2), range(0, picture.height(), 2)
        found = {picture.pixelColor(x, y).name() for x in across for y in down}
        assert {theme.current().accent, theme.current().plot_other} <= found
    theme.apply_colours(application, Theme.LIGHT)


def test_nothing_is_cut_off_in_a_small_window(page: ConvolutionsWindow, qtbot: QtBot) -> None:
    page.resize(720, 480)
    page.choices.changed.emit(Setup(BlockKind.INVERTED_RESIDUAL, 11, 2048, 2048))
    rows = page.list.rows.values()
    qtbot.waitUntil(lambda: all(fits(row) for row in rows))
    assert page.list.rows[BlockKind.PLAIN].weights.text() == "507,510,784"
    viewport = page.list.window().findChildren(ScrollColumn)[0].viewport()
    qtbot.waitUntil(lambda: page.list.width() <= viewport.width())  # once the scroll bar has its place


def fits(row: BlockRow) -> bool:
    shown = row.weights
    end = shown.mapTo(row, shown.rect().topRight()).x()
    return end < row.width() and shown.width() >= shown.fontMetrics().horizontalAdvance(shown.text())
