"""Diagnostics of this machine, as values; nothing is printed or changed here.

Each part is checked on its own: any exception becomes an issue, and the other parts are still checked. So ONNX Runtime,
Pillow and everything that uses them are imported inside the checks.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from core.base import paths, settings
from core.base.errors import FoveaError, ModelError
from core.base.i18n import mark, tr
from core.base.providers import TITLES, ComputePrecision, Precision, Provider, ProviderPreference
from core.card import BackboneCard

if TYPE_CHECKING:
    from core.engine.provider_selection import BackboneFiles
    from core.models.library import Library
    from core.models.values import InstalledBackbone, InstalledModel

T = TypeVar("T")

_PACKAGES: Final = (
    *("fovea", "onnxruntime", "onnxruntime-gpu", "onnxruntime-ep-openvino", "onnx", "numpy", "pillow"),
    *("pillow-heif", "PySide6-Essentials", "rich", "platformdirs"),
)
_RUNTIMES: Final = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
"""Distributions that install the same package `onnxruntime` and overwrite each other's files."""
_REINSTALL: Final = mark("Install Fovea again.")


@dataclass(frozen=True, slots=True)
class Issue:
    """A problem: what is wrong, and what to do."""

    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class ProviderCheck:
    """The check of one provider with a backbone, or with one of its variants.

    Attributes:
        backbone: its name; empty for a provider that works with none.
        provider: the provider.
        precision: the number format that the backbone is computed in.
        agreement: lowest cosine between its features of the golden inputs and the card's; None if it does not work.
        milliseconds: median time of a single image; None if it does not work.
        trouble: why it does not work.
    """

    backbone: str
    provider: Provider
    precision: ComputePrecision
    agreement: float | None
    milliseconds: float | None
    trouble: Issue | None

    @property
    def works(self) -> bool:
        """Whether images can be classified with it."""
        return self.trouble is None


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """The check of one installed model or backbone: whether it opens and reproduces the features in its card.

    Attributes:
        name: its name in the library.
        is_backbone: whether it is a shared backbone.
        in_use: whether it is the model in use.
        trouble: why it does not open.
    """

    name: str
    is_backbone: bool
    in_use: bool
    trouble: Issue | None

    @property
    def works(self) -> bool:
        """Whether it opens."""
        return self.trouble is None


@dataclass(frozen=True, slots=True)
class FolderCheck:
    """A folder the program writes to: its purpose and path, whether it is writable, and its free space in bytes."""

    purpose: str
    folder: Path
    is_writable: bool
    free_bytes: int | None


@dataclass(frozen=True, slots=True)
class DiagnosticReport:
    """The diagnostics of this machine.

    Attributes:
        versions: of Python, Fovea and its installed dependencies.
        system: the operating system.
        processor: the name of the processor.
        cores: how many hardware threads this process may use.
        decoders: by image format, whether it can be read.
        tried_on: the model whose backbone comes first in `providers`; None if no backbone could be read.
        providers: the check of each backbone and its variants on each provider, and once each provider that works with
            none.
        models: the check of each installed model and backbone.
        folders: the folders that the program writes to.
        trainer: why the recipes `dense` and `fine-tune` cannot run here; None if they can.
        keywords: why keywords cannot be written into the metadata of photos; None if they can.
        troubles: other issues.
    """

    versions: dict[str, str]
    system: str
    processor: str
    cores: int
    decoders: dict[str, bool]
    tried_on: str | None
    providers: tuple[ProviderCheck, ...]
    models: tuple[ModelCheck, ...]
    folders: tuple[FolderCheck, ...]
    trainer: Issue | None
    keywords: Issue | None
    troubles: tuple[Issue, ...]

    @property
    def can_classify(self) -> bool:
        """Whether at least one model opens and one provider works."""
        models = any(model.works and not model.is_backbone for model in self.models)
        return models and any(provider.works for provider in self.providers)


def run_diagnostics(library: Library | None = None) -> DiagnosticReport:
    """Check this machine; takes seconds, because every installed backbone is opened and every provider is tried.

    Args:
        library: the models to check; None for the user's library.
    """
    errors: list[Issue] = list(_clashing_runtimes())
    chosen = _guarded(tr("settings"), lambda: settings.load(paths.settings_file()), settings.Settings(), errors)
    untried: _Providers = (None, (), frozenset())
    tried_on, providers, opened = _guarded(tr("providers"), lambda: _providers(library, chosen), untried, errors)
    return DiagnosticReport(
        versions=_versions(),
        system=platform.platform(),
        processor=_guarded(tr("processor"), _processor, platform.machine(), errors),
        cores=_cores(),
        decoders=_guarded("Pillow", _decoders, {}, errors),
        tried_on=tried_on,
        providers=providers,
        models=_guarded(tr("models"), lambda: _models(library, chosen.model, opened), (), errors),
        folders=_guarded(tr("folders"), _folders, (), errors),
        trainer=_guarded(tr("trainer"), _trainer, None, errors),
        keywords=_guarded("exiftool", _keywords, None, errors),
        troubles=tuple(errors),
    )


def _guarded(part: str, check: Callable[[], T], default: T, errors: list[Issue]) -> T:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a broken installation can raise anything, and the rest must be checked
        errors.append(_issue(error, part))
        return default


def _issue(error: Exception, part: str) -> Issue:
    if isinstance(error, FoveaError):
        return Issue(error.what, error.hint)
    lines = str(error).splitlines() or [""]
    reason = f"{type(error).__name__}: {lines[0][:300]}"
    return Issue(tr("Couldn't check {part}: {reason}", part=part, reason=reason), tr(_REINSTALL))


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        version = _version(name)
        if version:
            found[name] = version
    return found


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _clashing_runtimes() -> Iterator[Issue]:
    installed = [name for name in _RUNTIMES if _version(name)]
    if len(installed) > 1:
        yield Issue(
            tr(
                "Several packages overwrite each other's files: {packages}.",
                packages=", ".join(installed),
            ),
            tr("Uninstall all of them, then install Fovea again."),
        )


def _processor() -> str:
    from core.engine import sessions

    return sessions.processor()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # available only on Linux
        return os.cpu_count() or 1


def _decoders() -> dict[str, bool]:
    from PIL import features

    parts = {"JPEG": "jpg", "PNG": "zlib", "WebP": "webp", "TIFF": "libtiff", "AVIF": "avif"}
    found = {name: bool(features.check(part)) for name, part in parts.items()}
    return {**found, "GIF": True, "BMP": True, "HEIC": _reads_heic()}


def _reads_heic() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    return bool(pillow_heif.libheif_info()["decoders"])


_Providers: TypeAlias = tuple[str | None, tuple[ProviderCheck, ...], frozenset[Path]]


def _providers(library: Library | None, chosen: settings.Settings) -> _Providers:
    """Check every backbone on every provider, beginning with that of the model in use, which is returned first.

    Raises:
        ModelError: no installed model has a backbone that can be read.
    """
    from core.engine.sessions import unavailable_providers
    from core.models.examine import all_backbones
    from core.models.library import open_library

    opened = library or open_library()
    models = sorted(opened.models(), key=lambda model: model.name != chosen.model)
    tried_on = next((model for model in models if _is_readable(model.backbone)), None)
    if tried_on is None:
        raise ModelError(tr("Couldn't check the providers: no model can be read."), hint=tr(_REINSTALL))
    unavailable = {
        provider: ProviderCheck("", provider, ComputePrecision.FLOAT32, None, None, Issue(error.what, error.hint))
        for provider, error in unavailable_providers().items()
    }
    first = tried_on.backbone
    others = [one for one in all_backbones(opened) if one.card.sha256 != first.card.sha256 and _is_readable(one)]
    checks = {one.folder: [*_backbone_checks(one, chosen.precision, unavailable)] for one in (first, *others)}
    exact = frozenset(folder for folder, own in checks.items() if any(map(_is_exact, own)))
    return tried_on.name, (*(check for own in checks.values() for check in own), *unavailable.values()), exact


def _is_exact(check: ProviderCheck) -> bool:
    """Whether a backbone itself opened on the CPU, and agrees as closely as the precision "exact" requires."""
    from core.engine.engine import MIN_AGREEMENT

    is_own = check.provider is Provider.CPU and check.precision is ComputePrecision.FLOAT32
    return is_own and check.agreement is not None and check.agreement >= MIN_AGREEMENT[Precision.EXACT]


def _is_readable(backbone: InstalledBackbone) -> bool:
    """Whether its file can be read; `_models` reports why not."""
    from core.models.installed import load_backbone

    try:
        load_backbone(backbone)
    except ModelError:
        return False
    return True


def _backbone_checks(
    backbone: InstalledBackbone, precision: Precision, unavailable: Collection[Provider]
) -> Iterator[ProviderCheck]:
    from core.engine.provider_selection import candidates
    from core.models.installed import backbone_files

    files = backbone_files(backbone)
    for provider, card in candidates(files, ProviderPreference.AUTO, precision):
        if provider not in unavailable:
            yield _provider(files, card, provider, precision)


def _provider(files: BackboneFiles, card: BackboneCard, provider: Provider, precision: Precision) -> ProviderCheck:
    from core.engine.provider_selection import probe_provider

    check = ProviderCheck(files.cards[0].name, provider, card.precision, None, None, None)
    try:
        probe = probe_provider(files, card, provider, precision)
        milliseconds = probe.engine.milliseconds() if probe.engine else None
    except Exception as error:  # noqa: BLE001 - as in `_guarded`; the next provider may still work
        return replace(check, trouble=_issue(error, TITLES[provider]))
    engine = probe.engine
    if engine is None:
        return replace(check, trouble=_issue(probe.error, TITLES[provider]) if probe.error else None)
    return replace(check, precision=engine.precision, agreement=engine.agreement, milliseconds=milliseconds)


def _models(library: Library | None, in_use: str, opened: Collection[Path]) -> tuple[ModelCheck, ...]:
    """Check every model and backbone; a shared backbone is opened once, and those in the folders `opened` were."""
    from core.models.library import open_library
    from core.models.values import BrokenEntry, InstalledBackbone

    checked: dict[Path, Issue | None] = dict.fromkeys(opened)
    findings = []
    for entry in (library or open_library()).entries():
        if isinstance(entry, BrokenEntry):
            error: Issue | None = Issue(entry.error.what, entry.error.hint)
        else:
            error = _entry_issue(entry, checked)
        is_backbone = isinstance(entry, InstalledBackbone)
        findings.append(ModelCheck(entry.name, is_backbone, not is_backbone and entry.name == in_use, error))
    if not any(finding.in_use for finding in findings):
        hint = tr("Run `fovea models use M` to choose another model.")
        error = Issue(tr("The model in use is not installed."), hint)
        findings.append(ModelCheck(in_use, is_backbone=False, in_use=True, trouble=error))
    return tuple(findings)


def _entry_issue(entry: InstalledModel | InstalledBackbone, checked: dict[Path, Issue | None]) -> Issue | None:
    from core.models.installed import load_head
    from core.models.values import InstalledBackbone

    backbone = entry if isinstance(entry, InstalledBackbone) else entry.backbone
    part = tr("model {name!r}", name=entry.name)
    if backbone.folder not in checked:
        checked[backbone.folder] = _check_loads(lambda: _open(backbone), part)
    error = checked[backbone.folder]
    if error is not None or isinstance(entry, InstalledBackbone):
        return error
    return _check_loads(lambda: load_head(entry), part)


def _open(backbone: InstalledBackbone) -> None:
    from core.engine.engine import open_engine
    from core.models.installed import load_backbone

    open_engine(load_backbone(backbone), backbone.card, Provider.CPU, Precision.EXACT)


def _check_loads(load: Callable[[], object], part: str) -> Issue | None:
    try:
        load()
    except Exception as error:  # noqa: BLE001 - as in `_guarded`; the next part may still work
        return _issue(error, part)
    return None


def _trainer() -> Issue | None:
    from core.training.trainer_program import find_program

    return _check_loads(find_program, tr("trainer"))


def _keywords() -> Issue | None:
    from core.outputs.keywords.exiftool import find_exiftool

    return _check_loads(find_exiftool, "exiftool")


def _folders() -> tuple[FolderCheck, ...]:
    places = {
        tr("settings"): paths.settings_file().parent,
        tr("models"): paths.user_models(),
        tr("cache"): paths.cache_folder(),
        tr("logs"): paths.log_folder(),
    }
    return tuple(_folder(purpose, place) for purpose, place in places.items())


def _folder(purpose: str, place: Path) -> FolderCheck:
    """Check a folder; if it does not exist yet, check its nearest existing parent."""
    nearest = next((folder for folder in (place, *place.parents) if folder.exists()), place)
    try:
        free = shutil.disk_usage(nearest).free
    except OSError:
        free = None
    return FolderCheck(purpose, place, nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK), free)
