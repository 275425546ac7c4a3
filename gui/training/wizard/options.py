"""Advanced options, hidden at first: the split of the photos, the training, and the pixels it uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSizePolicy, QSpinBox, QWidget

from core.base.i18n import mark, tr
from core.models.values import InstalledBackbone
from core.training.recipe_defaults import DEFAULTS
from core.training.request import Depth, FitChoice, HeadKind, Recipe, TrainRequest
from gui.training.wizard.network_form import NetworkForm
from gui.training.wizard.preview import Preview
from gui.widgets import theme
from gui.widgets.basic import CheckBox, Choice, Form, Panel, ToolButton, button, label, show_text
from gui.widgets.layouts import SPACE, add, fill, hbox, vbox
from gui.widgets.lazy import Lazy

KEPT_ASIDE: Final = 0.15
"""The fraction of the photos for validation, and for testing, unless the user chooses another one."""
_DEFAULT: Final = mark("Recipe default")
_BEST: Final = mark("Best for the method")
_SMALL: Final = 1e9
"""Multiply-adds below which a network is small."""
_HEADS: Final = {HeadKind.LINEAR: mark("Linear"), HeadKind.PROTOTYPE: mark("Distance to a point per class")}
_FITS: Final = {
    FitChoice.BACKBONE: mark("As the network was trained"),
    FitChoice.AUTO: mark("Chosen on your photos"),
    FitChoice.STRETCH: mark("Stretched"),
    FitChoice.PAD: mark("On a grey square"),
    FitChoice.CENTRE_CROP: mark("Centre square"),
}
_MEASURED: Final = mark(
    "All three ways are tried, so the photos go through the network three times. Another way than the network's own is "
    "used only if it is better beyond chance."
)
_DEPTHS: Final = {Depth.EXIT_FLOW: mark("Last 2 blocks"), Depth.WHOLE: mark("All layers")}


class Options(QWidget):
    """The advanced options; their fields are created when they are first opened, which is rare.

    Attributes:
        opened: the options were opened, so the preview is needed.
        changed: an option changed that the preview depends on.
        network_changed: another network or head was chosen, so other recipes may run, and take another time.
        others_wanted: show other photos in the preview.
        made: the `Fields` were created.
    """

    opened = Signal()
    changed = Signal()
    network_changed = Signal()
    others_wanted = Signal()
    made = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.toggle = ToolButton()
        self.toggle.setText(tr("Advanced options"))
        self.toggle.setCheckable(True)
        self.toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toggle.setArrowType(Qt.ArrowType.RightArrow)
        self.toggle.toggled.connect(lambda is_open: self._open(is_open=is_open))
        self._recipe = Recipe.QUICK
        self._backbones: Sequence[InstalledBackbone] = ()
        self._fields = Lazy(self._make_fields)
        self._column = vbox(self.toggle, parent=self)

    @property
    def fields(self) -> Fields:
        """The fields and the preview."""
        return self._fields.get()

    def _make_fields(self) -> Fields:
        result = Fields()
        result.show_backbones(self._backbones)
        result.seed.valueChanged.connect(self.changed)
        result.backbone.currentIndexChanged.connect(self.changed)
        result.fit.currentIndexChanged.connect(self.changed)
        for choice in (result.backbone, result.how_deep, result.fit):
            choice.currentIndexChanged.connect(self.network_changed)
        result.preview.others_wanted.connect(self.others_wanted)
        result.show_recipe(self._recipe)
        result.hide()
        self._column.addWidget(result)
        self.made.emit(result)
        return result

    def complete(self, request: TrainRequest) -> TrainRequest:
        """The request with the chosen options."""
        return self._fields.made.complete(request) if self._fields.made is not None else request

    def show_backbones(self, backbones: Sequence[InstalledBackbone]) -> None:
        """Offer the installed backbones."""
        self._backbones = backbones
        if self._fields.made is not None:
            self._fields.made.show_backbones(backbones)

    def show_recipe(self, recipe: Recipe) -> None:
        """Show the options that a recipe has."""
        self._recipe = recipe
        if self._fields.made is not None:
            self._fields.made.show_recipe(recipe)

    @property
    def is_open(self) -> bool:
        """Whether the options are shown."""
        return self.toggle.isChecked()

    def _open(self, *, is_open: bool) -> None:
        self.toggle.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.fields.setVisible(is_open)
        if is_open:
            self.opened.emit()


class Fields(QWidget):
    """The fields of the options, beside the preview."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.head = Choice(entries={"": _BEST}), Choice(entries=_HEADS)
        self.fit, self.how_deep = Choice(entries=_FITS), Choice(entries=_DEPTHS)
        self._about, self._about_fit = label(kind="muted", wrap=True), label(kind="muted", wrap=True)
        self.network = NetworkForm()
        self.network.hide()
        self.adds_network = button(tr("Add a network…"), lambda: self._show_network(is_shown=True))
        self._added = ""
        self.validation, self.test = _percent(KEPT_ASIDE), _percent(KEPT_ASIDE)
        self.seed = QSpinBox(minimum=0, maximum=2**31 - 1)
        self.epochs = QSpinBox(minimum=0, maximum=1000)
        self.rate = QDoubleSpinBox(minimum=0, maximum=1, decimals=5, singleStep=0.001)
        self.augment = CheckBox(tr("Augment photos during training"))
        self.thumbnails = CheckBox(tr("Keep thumbnails of the photos with the model"))
        self.thumbnails.setToolTip(tr("They show which photos a prediction is based on. They are never exported."))
        for box in (self.augment, self.thumbnails):
            box.setChecked(True)
        self._rows = Form()
        self._costs: dict[str, str] = {}
        self.preview = Preview()
        hbox(self._make_form(), fill(self.preview), parent=self, spacing=2 * theme.GRID)
        self.backbone.currentIndexChanged.connect(lambda: self._show_about())
        self.fit.currentIndexChanged.connect(lambda: self._show_about_fit())
        self.augment.toggled.connect(lambda is_on: self.preview.show_augmentation(is_on=is_on))

    def complete(self, request: TrainRequest) -> TrainRequest:
        """The request with the options in the fields."""
        return replace(
            request,
            validation=self.validation.value() / 100,
            test=self.test.value() / 100,
            seed=self.seed.value(),
            epochs=self.epochs.value() or None,
            learning_rate=self.rate.value() or None,
            depth=Depth(self.how_deep.currentData()),  # Qt keeps the values as plain texts
            augment=self.augment.isChecked(),
            backbone=self.backbone.currentData(),
            head=HeadKind(self.head.currentData()) if request.recipe is Recipe.QUICK else HeadKind.LINEAR,
            thumbnails=self.thumbnails.isChecked(),
            fit=FitChoice(self.fit.currentData()),
        )

    def show_backbones(self, backbones: Sequence[InstalledBackbone]) -> None:
        """Offer the installed backbones; the chosen one stays chosen."""
        names = ["", *(one.name for one in backbones)]
        self._costs = {one.name: _describe(one) for one in backbones}
        if names != [self.backbone.itemData(at) for at in range(self.backbone.count())]:
            self.backbone.offer({name: name or tr(_BEST) for name in names}, self.backbone.currentData())
        if self._added in names[1:]:
            self.backbone.setCurrentIndex(names.index(self._added))
            self._added = ""
            self._show_network(is_shown=False)
        self._show_about()

    def choose_added(self, name: str) -> None:
        """Choose a backbone as soon as it is offered."""
        self._added = name

    def _show_network(self, *, is_shown: bool) -> None:
        self.network.setVisible(is_shown)
        self.adds_network.setVisible(not is_shown)

    def _show_about(self) -> None:
        show_text(self._about, self._costs.get(self.backbone.currentData(), ""))

    def _show_about_fit(self) -> None:
        is_measured = self.fit.currentData() == FitChoice.AUTO
        show_text(self._about_fit, tr(_MEASURED) if is_measured else "")

    def show_recipe(self, recipe: Recipe) -> None:
        """Show the options that a recipe has."""
        is_deep = recipe is Recipe.FINE_TUNE
        for field in (self.epochs, self.rate):
            self._rows.setRowVisible(field, recipe.value in DEFAULTS)
        self._rows.setRowVisible(self.how_deep, is_deep)
        self._rows.setRowVisible(self.head, recipe is Recipe.QUICK)
        self.augment.setVisible(is_deep)
        self.preview.show_augmentation(is_on=self.augment.isChecked())
        self.preview.show_use(is_used=is_deep)

    def _make_form(self) -> Panel:
        form, rows = Panel(), self._rows
        for field in (self.epochs, self.rate):
            field.setSpecialValueText(tr(_DEFAULT))
        form.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        rows.setSpacing(theme.GRID)
        self._add_field(tr("Backbone"), self.backbone)
        rows.addRow(self._about)
        rows.addRow(hbox(self.adds_network, SPACE))
        rows.addRow(self.network)
        self._add_field(tr("Head"), self.head)
        self._add_field(tr("Making photos square"), self.fit)
        rows.addRow(self._about_fit)
        self._add_field(tr("Validation fraction"), self.validation)
        self._add_field(tr("Test fraction"), self.test)
        self._add_field(tr("Random seed"), self.seed)
        self._add_field(tr("Epochs"), self.epochs)
        self._add_field(tr("Learning rate"), self.rate)
        self._add_field(tr("Layers to fine-tune"), self.how_deep)
        add(form.body, rows, self.augment, self.thumbnails, SPACE)
        return form

    def _add_field(self, text: str, field: QWidget) -> None:
        field.setMinimumWidth(168)
        if isinstance(field, QAbstractSpinBox):
            field.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)  # the arrow keys do the same
        self._rows.add_field(text, field)


def _describe(backbone: InstalledBackbone) -> str:
    """What a backbone costs, and what it is good for."""
    card = backbone.card
    cost = tr(
        "{network}, {size} pixels, {megabytes:.1f} MB, {billions:.2f} billion multiply-adds per photo.",
        network=card.architecture,
        size=card.preprocessing.size,
        megabytes=backbone.size_bytes / 1e6,
        billions=card.multiply_adds / 1e9,
    )
    if card.untrained:
        use = tr("Its weights are random: choose “Fine-tune” with all layers, and have many photos.")
    elif card.multiply_adds < _SMALL:
        use = tr("Less accurate, but fast on small computers.")
    else:
        use = tr("Accurate, but slower than small networks.")
    return f"{cost} {use}"


def _percent(fraction: float) -> QSpinBox:
    return QSpinBox(minimum=5, maximum=45, suffix=tr("%"), value=round(100 * fraction))
