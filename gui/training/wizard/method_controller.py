"""Second step: how to train; meanwhile the time of each recipe is measured, and what the network sees is drawn."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QStackedWidget

from core import api
from core.api import model_files
from core.api.library_values import LibraryListing
from core.training.networks import BackboneRequest
from core.training.request import TrainRequest
from gui.session.session import Session
from gui.tasks.task import LatestTask
from gui.training.wizard.method_step import MethodStep
from gui.training.wizard.options import Fields
from gui.training.wizard.photos_controller import PhotosController

_DELAY_MS: Final = 1000
"""How long a folder stays unchanged before its training time is measured, so that edits are not slowed down."""
_SHOWN: Final = 3
"""The number of photos in the preview, each of another class."""


class MethodController(QObject):
    """Decides how to train.

    Attributes:
        changed: whether the user can continue may have changed.
    """

    changed = Signal()

    def __init__(self, session: Session, photos: PhotosController, pages: QStackedWidget) -> None:
        super().__init__(pages)
        self._settings, self._photos, self._pages = session.settings, photos, pages
        self._models, self._library, self._training = session.models, session.library, session.training
        self._listed: dict[str, bool] = {}
        self._forecasting, self._previewing = LatestTask(session.training), LatestTask(session.training)
        self._delay = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._delay.timeout.connect(self._forecast)
        session.closing.connect(self.stop_forecast)

    @cached_property
    def step(self) -> MethodStep:
        """What the user sees."""
        step = MethodStep(self._pages)
        step.changed.connect(self.changed)
        step.preview_wanted.connect(self._preview)
        step.options.network_changed.connect(self._forecast)
        step.options.made.connect(self._on_options_made)
        step.keep.toggled.connect(self._forecast)
        self._library.listed.connect(self._on_listed)
        self._pages.addWidget(step)
        return step

    def request(self) -> TrainRequest:
        """The request to train as chosen on the photos that were read."""
        read = self._photos.read
        assert read is not None
        request = self.step.request(read.folder, self._settings.value)
        groups = replace(request, nested=self._photos.nested, hierarchy=self._photos.hierarchy)
        return replace(groups, labels=read.labels, labels_file=read.labels_file)

    def forecast_soon(self) -> None:
        """Measure the times of the recipes, unless the photos change meanwhile."""
        self._delay.start()

    def show(self) -> None:
        """Show the current choices, and measure the times of the recipes without further delay."""
        self._library.refresh()
        self._show_extendable()
        if self._delay.isActive():
            self._delay.stop()
            self._forecast()
        self.step.name.setFocus()
        self.step.name.selectAll()

    def keep_classes(self) -> None:
        """Suggest to keep the classes of the model in use, if that is the only way it can learn."""
        self._show_extendable()
        self.step.keep.setChecked(self._models.extendable is not None)

    def _show_extendable(self) -> None:
        read, model = self._photos.read, self._models.extendable
        if read is not None and read.labels.is_multi_label:
            model = None
        self.step.offer_to_keep(None if model is None else model.card, is_needed=bool(read and len(read.classes) < 2))

    def _on_options_made(self, fields: Fields) -> None:
        fields.network.wanted.connect(partial(self._add_network, fields))

    def _add_network(self, fields: Fields, request: BackboneRequest) -> None:
        """Add a published network to the library, and choose it once the library was listed again."""
        task = self._training.start(model_files.provide_backbone, request)
        fields.network.show_adding(task)
        task.succeeded.connect(fields.choose_added)
        task.succeeded.connect(lambda _: self._library.refresh())

    def _on_listed(self, listed: LibraryListing) -> None:
        self._listed = {one.name: any(not version.number for version in one.versions) for one in listed.names}
        self._show_names()
        self.step.options.show_backbones(listed.backbones)

    def _show_names(self) -> None:
        installed = {name: model.is_builtin for name, model in self._models.installed.items()}
        self.step.show_names(installed | self._listed)

    def stop_forecast(self) -> None:
        """Leave the computer to the training."""
        self._delay.stop()
        self._forecasting.abandon()

    def _forecast(self) -> None:
        read = self._photos.read
        if read is not None and read.error is None:
            self._show_names()
            self._show_extendable()
            self.step.suggest(read.folder.name)
            self.step.begin_forecast()
            task = self._forecasting.start(api.forecast, self.request())
            task.succeeded.connect(self.step.show_forecasts)
            task.failed.connect(self.step.show_no_forecast)

    def _preview(self, turn: int) -> None:
        """Preview one photo of each of some classes; each turn shows other photos."""
        read = self._photos.read
        samples = [one.samples for one in read.classes if one.samples] if read else []
        if samples:
            chosen = [samples[(turn * _SHOWN + place) % len(samples)] for place in range(min(_SHOWN, len(samples)))]
            photos = tuple(own[turn % len(own)] for own in chosen)
            task = self._previewing.start(api.preview_training, self.request(), photos)
            task.succeeded.connect(self.step.show_preview)
            task.failed.connect(self.step.show_no_preview)
