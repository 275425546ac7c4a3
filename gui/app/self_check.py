"""`fovea --self-check`: verifies an installation part by part and reports what does not work.

Each check imports what it needs itself, so that a broken part is reported and the others are still checked.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

from core.base.bundle import changed_files, describe_damage, this_bundle
from core.base.errors import FoveaError, TrainerError
from core.base.i18n import mark, tr, tr_n
from core.base.leftovers import temporary_folder

CHECKED: Final = mark("Everything works.")
_BROKEN: Final = mark("Some checks failed. Install Fovea again, or report the lines above.")

_SAMPLE: Final = "cat.jpg"
_EXPECTED: Final = frozenset({"tabby", "tiger cat", "Egyptian cat"})
"""ImageNet classes that are right for the sample."""
_TIMEOUT_S: Final = 60.0
_SKIPPED: Final = ("core.trainer",)
"""Packages that the trainer's own self-check imports."""
_CAMERA: Final = "gui.camera.qt_camera"
"""The module that needs the optional Qt Multimedia."""
_LISTED: Final = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-ep-openvino", "numpy", "pillow", "PySide6-Essentials")


class _BrokenError(Exception):
    """A part does not work; the message is the reason."""


def run() -> int:
    """Check every part, report each on standard output, and return 0 if all of them work, else 1.

    The user's settings and models are not touched: the program writes to a temporary folder.
    """
    with temporary_folder("self-check") as home:
        os.environ["FOVEA_HOME"] = str(home)
        broken = _check()
    print(tr(_BROKEN) if broken else tr(CHECKED))
    return int(broken)


def _check() -> bool:
    """Check every part and return whether any is broken; damaged files end the check, as other parts need them."""
    broken = False
    for part, check in _PARTS.items():
        try:
            for line in check():
                _print("ok", part, line)
        except Exception as error:  # noqa: BLE001 - a damaged installation raises anything, and the rest is still checked
            broken = True
            _print("NO", part, _reason(error))
            if check is _files:
                break
    return broken


def _print(verdict: str, part: str, text: str) -> None:
    sys.stdout.write(f"{verdict:<3} {part:<9} {text}\n")
    sys.stdout.flush()


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, (_BrokenError, FoveaError)) else f"{type(error).__name__}: {error}"


def _versions() -> Iterator[str]:
    yield f"Fovea {metadata.version('fovea')}, Python {platform.python_version()}, {platform.platform()}"
    yield ", ".join(f"{name} {version}" for name in _LISTED if (version := _version(name)))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _files() -> Iterator[str]:
    bundle = this_bundle()
    if bundle is None:
        yield tr("running from source: no list of files to compare with")
        return
    found = list(changed_files(bundle))
    changed = tuple(name for name, is_changed in found if is_changed)
    if changed:
        raise _BrokenError(describe_damage(changed))
    yield tr_n("{count:,} file unchanged", "{count:,} files unchanged", len(found))


def _modules() -> Iterator[str]:
    names = [name for package in ("core", "gui") for name in _names_in(package)]
    for name in names:
        importlib.import_module(name)
    yield tr_n("{count:,} module imported", "{count:,} modules imported", len(names))


def _names_in(package: str) -> Iterator[str]:
    yield package
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        if found.name in _SKIPPED or (found.name == _CAMERA and _is_camera_missing()):
            continue
        if found.ispkg:
            yield from _names_in(found.name)
        else:
            yield found.name


def _is_camera_missing() -> bool:
    """Whether this installation has no support for cameras, which is optional."""
    from gui.camera.support import missing_reason

    return bool(missing_reason())


def _models() -> Iterator[str]:
    """Check that every built-in model opens and matches its card on every provider that works."""
    from core.base import paths
    from core.models.installed import load_head
    from core.models.library import Library
    from core.models.values import BrokenEntry, InstalledBackbone

    for entry in Library(paths.builtin_models(), Path(os.devnull)).entries():
        if isinstance(entry, BrokenEntry):
            raise entry.error
        backbone = entry if isinstance(entry, InstalledBackbone) else entry.backbone
        results = _on_every_provider(backbone)
        if isinstance(entry, InstalledBackbone):
            yield tr("{name}: {results}", name=entry.name, results=results)
        else:
            yield tr_n(
                "{name}, {count:,} class: {results}",
                "{name}, {count:,} classes: {results}",
                load_head(entry).class_count,
                name=entry.name,
                results=results,
            )


def _on_every_provider(backbone: object) -> str:
    from core.base.providers import Precision, Provider, ProviderPreference, provider_text
    from core.engine.provider_selection import candidates, probe_provider
    from core.models.installed import backbone_files
    from core.models.values import InstalledBackbone

    assert isinstance(backbone, InstalledBackbone)
    files, results = backbone_files(backbone), []
    for provider, card in candidates(files, ProviderPreference.AUTO, Precision.AUTO):
        probe = probe_provider(files, card, provider, Precision.AUTO)
        if probe.engine is not None:
            results.append(
                tr(
                    "{provider} {milliseconds:.0f} ms (cosine {cosine:.5f})",
                    provider=provider_text(provider, probe.engine.precision),
                    milliseconds=probe.engine.milliseconds(),
                    cosine=probe.engine.agreement,
                )
            )
        elif provider is Provider.CPU and card is files.cards[0]:
            raise probe.error or _BrokenError(tr("The CPU provider does not work."))
        elif probe.error is not None:
            name = provider_text(provider, card.precision)
            results.append(tr("no {provider}: {reason}", provider=name, reason=probe.error.what))
    return "; ".join(results)


def _window() -> Iterator[str]:
    """Check that the window opens, its helper processes start, and a sample photo is classified correctly."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from gui.app.application import open_window

    started = time.perf_counter()
    application, window = open_window([])
    session = window.session
    try:
        not_opened = tr("The model did not open in time.")
        _wait(application.processEvents, lambda: session.models.in_use is not None, not_opened)
        session.photo_list.add([Path(__file__).parent.parent / "samples" / _SAMPLE])
        not_listed = tr("The sample was not listed in time.")
        _wait(application.processEvents, lambda: session.photos.rowCount() == 1, not_listed)
        not_classified = tr("The sample was not classified in time.")
        _wait(application.processEvents, lambda: session.photos.photo(0).outcome is not None, not_classified)
        yield f"{application.platformName()}: {_check_prediction(session.photos.photo(0).outcome)}"
    finally:
        window.close()
    yield tr("opened, classified and closed in {seconds:.1f} s", seconds=time.perf_counter() - started)


def _check_prediction(outcome: object) -> str:
    from core.prediction import Prediction

    if not isinstance(outcome, Prediction):
        raise _BrokenError(tr("The sample could not be classified: {outcome}.", outcome=outcome))
    best = outcome.scores[0]
    if best.label not in _EXPECTED:
        raise _BrokenError(
            tr("The sample is a cat, but {model} predicted {label!r}.", model=outcome.model, label=best.label)
        )
    return tr("{file}: {label!r}, {confidence:.0%}", file=_SAMPLE, label=best.label, confidence=best.probability)


def _wait(process_events: Callable[[], object], is_done: Callable[[], bool], message: str) -> None:
    end = time.monotonic() + _TIMEOUT_S
    while not is_done():
        if time.monotonic() > end:
            raise _BrokenError(message)
        process_events()
        time.sleep(0.01)


def _trainer() -> Iterator[str]:
    """Check the trainer; a missing one is no error, as it is a separate download."""
    from core.base.progress import CancelToken
    from core.training.trainer_process import run_trainer
    from core.training.trainer_program import find_program

    try:
        find_program()
    except TrainerError as error:
        yield tr("not installed: {error}", error=error)
        return
    facts = run_trainer(["self-check"], report=lambda _: None, on_epoch=lambda _: None, token=CancelToken())
    yield ", ".join(f"{name} {value}" for name, value in facts.items())


_PARTS: Final[Mapping[str, Callable[[], Iterator[str]]]] = {
    "versions": _versions,
    "files": _files,
    "modules": _modules,
    "models": _models,
    "window": _window,
    "trainer": _trainer,
}
