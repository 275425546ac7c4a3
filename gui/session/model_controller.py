"""The installed models and the one in use: opening, and what to do when that fails."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.base.errors import FoveaError, ModelError
from core.base.i18n import tr
from core.base.providers import Precision, Provider, ProviderPreference
from core.base.settings import Settings
from core.detection import DetectionOptions
from core.models.values import BrokenEntry, InstalledModel, ModelName, OpenedModel
from gui.session.settings_store import SettingsStore
from gui.session.speed import Speed
from gui.tasks.engine_client import EngineClient
from gui.tasks.notice import Notice, NoticeKind
from gui.tasks.task import LatestTask

_PROVIDER_KEY: Final = "provider"
_DETECTOR_KEY: Final = "detector"


class ModelController(QObject):
    """Opens models in the engine process.

    Attributes:
        changed: the installed models changed, or another model is in use or being opened.
        opened: the model is ready.
        noticed: a notice for the user.
        resolved: the key of a notice that no longer holds.
        installed: the installed models, by name.
        in_use: the model in use; None while there is none.
        opening: the name of the model that is being opened; empty if none is.
        speed: the speed of the model in use.
    """

    changed = Signal()
    opened = Signal(OpenedModel)
    noticed = Signal(object)
    resolved = Signal(str)

    def __init__(self, engine: EngineClient, settings: SettingsStore, parent: QObject) -> None:
        super().__init__(parent)
        self._engine, self._settings = engine, settings
        self.installed: dict[str, InstalledModel] = {}
        self.in_use: OpenedModel | None = None
        self.opening = ""
        self.speed = Speed()
        self._titles: dict[str, str] = {}
        self._broken: set[str] = set()
        self._latest = LatestTask(engine.tasks)
        engine.reopened.connect(self._on_opened)
        engine.died.connect(self._on_died)
        engine.classified.connect(lambda outcome: self.speed.add(outcome))

    def refresh(self) -> None:
        """List the installed models again."""
        from core import api  # not needed by the first paint

        self._engine.tasks.start(api.list_models, repeats=True).succeeded.connect(self._on_listed)

    @property
    def extendable(self) -> InstalledModel | None:
        """The model in use if it can only learn as a new model that keeps its classes; None otherwise."""
        model = self.current
        return None if model is None or model.has_training_data else model

    @property
    def opening_title(self) -> str:
        """The title of the model that is being opened; empty if none is."""
        return self._titles.get(self.opening) or self.opening.capitalize()

    def title_of(self, reference: str) -> str:
        """The title of a model, `name` or `name@version`; its name if it was not listed while this window was open."""
        name, _, number = reference.partition("@")
        title = self._titles.get(reference) or self._titles.get(name, name)
        return title if number in ("", "0") else tr("{title} · v{number}", title=title, number=number)

    def learn_titles(self, names: Sequence[ModelName]) -> None:
        """Learn the titles of versions, which may differ from that of the active one."""
        for one in names:
            own = {
                f"{one.name}@{version.number}": version.model.card.title for version in one.versions if version.model
            }
            self._titles |= own

    @property
    def current(self) -> InstalledModel | None:
        """What the model in use is."""
        return self.in_use.model if self.in_use else None

    @property
    def name(self) -> str:
        """The name of the model in use; empty if there is none."""
        return self.in_use.name if self.in_use else ""

    def open(self, **fields: str | bool | ProviderPreference | Precision) -> None:
        """Change these fields of the settings, then open their model, also for the photos that wait."""
        from core import api  # not needed by the first paint

        if fields:
            self._settings.change(**fields)
        value: Settings = self._settings.value
        detection = DetectionOptions(value.crop, value.count_objects)
        self._engine.pause()
        self.opening = value.model
        self.changed.emit()
        task = self._latest.start(api.open_model, value.model, value.provider, value.precision, value.top_k, detection)
        task.succeeded.connect(self._on_opened)
        task.failed.connect(partial(self._on_failed, value.model))

    def _on_listed(self, listed: Sequence[InstalledModel | BrokenEntry]) -> None:
        self.installed = {model.card.name: model for model in listed if isinstance(model, InstalledModel)}
        self._titles |= {name: model.card.title for name, model in self.installed.items()}
        broken_entries = [model for model in listed if isinstance(model, BrokenEntry)]
        for name in self._broken.difference(broken.name for broken in broken_entries):
            self.resolved.emit(_key(name))
        self._broken = {broken.name for broken in broken_entries}
        for broken in broken_entries:
            title = self.title_of(broken.name)
            text = tr("Couldn't load the model “{model}”. {error}", model=title, error=broken.error)
            self.noticed.emit(Notice(text, NoticeKind.ERROR, key=_key(broken.name)))
        self.changed.emit()
        if self.in_use is not None and not self.opening and self._is_outdated(self.in_use):
            self.open()

    def _is_outdated(self, opened: OpenedModel) -> bool:
        """Whether another version of the model is active now; a removed model stays in use until another is chosen."""
        model = self.installed.get(opened.name)
        return model is not None and model.version != opened.version

    def _on_opened(self, opened: OpenedModel) -> None:
        if self.in_use is None or _kind(opened) != _kind(self.in_use):
            self.speed = Speed()
        self.in_use, self.opening = opened, ""
        self._warn_or_resolve(str(opened.refusal or ""), _PROVIDER_KEY)
        self._warn_or_resolve(_no_detector_text(opened), _DETECTOR_KEY)
        self.resolved.emit(_key(opened.name))
        self.changed.emit()
        self.opened.emit(opened)
        self._engine.resume()

    def _warn_or_resolve(self, text: str, key: str) -> None:
        if text:
            self.noticed.emit(Notice(text, NoticeKind.WARNING, key=key))
        else:
            self.resolved.emit(key)

    def _on_failed(self, name: str, error: FoveaError) -> None:
        if error is not self._engine.tasks.death:  # otherwise `_on_died` decides
            self._refuse(name, error)

    def _on_died(self) -> None:
        """Open the model again, unless opening it crashed the engine."""
        if self.opening:
            self._refuse(self.opening, _crash_of_model(self.opening))
        elif self.in_use is not None:
            self.open()

    def _refuse(self, name: str, error: FoveaError) -> None:
        """Return to the model that was open before, or else to the usual one."""
        self.opening = ""
        self.noticed.emit(Notice.of(error, key=_key(name)))
        next_best = self.name or Settings().model
        if name != next_best:
            self.open(model=next_best)
        else:
            self.in_use = None  # so that the user can choose it again
        self.changed.emit()


def _crash_of_model(name: str) -> ModelError:
    what = tr("Opening the model “{model}” crashed the engine.", model=name)
    return ModelError(what, hint=tr("Choose another model or provider."))


def _key(model: str) -> str:
    """The key of the notices about a model that cannot be opened."""
    return f"model {model}"


def _no_detector_text(opened: OpenedModel) -> str:
    """Why photos are neither cropped nor counted although the user asked for it; empty if they are."""
    if opened.detector_refusal is None:
        return ""
    return tr("Photos are classified without cropping or counting. {reason}", reason=opened.detector_refusal)


def _kind(opened: OpenedModel) -> tuple[str, int, Provider, DetectionOptions]:
    """The properties of a model on which predictions and timings depend."""
    return opened.name, opened.version, opened.provider, opened.detection
