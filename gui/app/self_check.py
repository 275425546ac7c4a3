"""`fovea --self-check`: proves that this installation works, part by part, and says what does not.

What a part needs is imported inside it: a broken one is told of, and the others are still checked.
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
from core.base.leftovers import temporary_folder

CHECKED: Final = "Everything works."
_BROKEN: Final = "Something is broken. Install Fovea again, or report the lines above."

_SAMPLE: Final = "cat.jpg"
_ANSWERS: Final = frozenset({"tabby", "tiger cat", "Egyptian cat"})
"""What ImageNet may call the sample."""
_MODEL: Final = "general"
_TIMEOUT_S: Final = 60.0
_FOREIGN_VARIABLES: Final = ("core.trainer",)
"""What the trainer's own check imports."""
_SHOWN: Final = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-ep-openvino", "numpy", "pillow", "PySide6-Essentials")


class _BrokenError(Exception):
    """A part does not work; the text says why."""


def run() -> int:
    """Check every part and tell of each on standard output; 0 if all work, else 1.

    What the person set and made is left out of it: the program writes to a folder that is gone afterwards.
    """
    with temporary_folder("self-check") as place:
        os.environ["FOVEA_HOME"] = str(place)
        broken = _check()
    sys.stdout.write(f"{_BROKEN if broken else CHECKED}\n")
    return int(broken)


def _check() -> bool:
    """Check every part; whether any is broken. Where files are, the others would fail or crash for that reason."""
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
    yield ", ".join(f"{name} {version}" for name in _SHOWN if (version := _version(name)))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _files() -> Iterator[str]:
    bundle = this_bundle()
    if bundle is None:
        yield "run from its sources: no list to hold them against"
        return
    found = list(changed_files(bundle))
    changed = tuple(name for name, is_changed in found if is_changed)
    if changed:
        raise _BrokenError(describe_damage(changed))
    yield f"{len(found):,} files are as they were packed"


def _modules() -> Iterator[str]:
    names = [name for package in ("core", "gui") for name in _names_in(package)]
    for name in names:
        importlib.import_module(name)
    yield f"{len(names)} modules and all they need are there"


def _names_in(package: str) -> Iterator[str]:
    yield package
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        if found.name in _FOREIGN_VARIABLES:
            continue
        if found.ispkg:
            yield from _names_in(found.name)
        else:
            yield found.name


def _models() -> Iterator[str]:
    """Every shipped model opens, and answers as its card promises on every provider that works."""
    from core.base import paths
    from core.models.library import BrokenEntry, InstalledBackbone, Library, load_backbone, load_head

    for entry in Library(paths.builtin_models(), Path(os.devnull)).entries():
        if isinstance(entry, BrokenEntry):
            raise entry.error
        backbone = entry if isinstance(entry, InstalledBackbone) else entry.backbone
        head = "" if isinstance(entry, InstalledBackbone) else f", {load_head(entry).class_count:,} classes"
        yield f"{entry.name}{head}: {_on_every_provider(load_backbone(backbone), backbone)}"


def _on_every_provider(data: bytes, backbone: object) -> str:
    from core.base.providers import TITLES, Precision, Provider
    from core.engine.provider_selection import probe_provider
    from core.models.library import InstalledBackbone

    assert isinstance(backbone, InstalledBackbone)
    results = []
    for provider in Provider:
        trial = probe_provider(data, backbone.card, provider, Precision.AUTO)
        if trial.engine is not None:
            results.append(
                f"{TITLES[provider]} {trial.engine.milliseconds:.0f} ms (cosine {trial.engine.agreement:.5f})"
            )
        elif provider is Provider.CPU:
            raise trial.error or _BrokenError("The CPU provider does not work.")
        elif trial.error is not None:
            results.append(f"not {TITLES[provider]}: {trial.error.what}")
    return "; ".join(results)


def _window() -> Iterator[str]:
    """The window opens, its helper processes start, and a photo dropped on it gets the right answer."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from gui.app.application import open_window

    started = time.perf_counter()
    application, window = open_window([])
    session = window.session
    try:
        _wait(application.processEvents, lambda: session.opened is not None, "its model did not open")
        session.add([Path(__file__).parent.parent / "samples" / _SAMPLE])
        _wait(application.processEvents, lambda: session.photos.rowCount() == 1, "the photo did not come")
        _wait(application.processEvents, lambda: session.photos.photo(0).outcome is not None, "no answer came")
        yield f"{application.platformName()}: {_check_prediction(session.photos.photo(0).outcome)}"
    finally:
        window.close()
    yield f"opened, answered and closed in {time.perf_counter() - started:.1f} s"


def _check_prediction(outcome: object) -> str:
    from core.prediction import Prediction

    if not isinstance(outcome, Prediction):
        raise _BrokenError(f"The sample could not be classified: {outcome}.")
    best = outcome.scores[0]
    if best.label not in _ANSWERS:
        raise _BrokenError(f"The sample is a cat, and {outcome.model} calls it {best.label!r}.")
    return f"{_SAMPLE} is {best.label!r}, {best.probability:.0%}"


def _wait(keep_waiting: Callable[[], object], is_there: Callable[[], bool], message: str) -> None:
    end = time.monotonic() + _TIMEOUT_S
    while not is_there():
        if time.monotonic() > end:
            raise _BrokenError(f"The window waited {_TIMEOUT_S:.0f} s: {message}.")
        keep_waiting()
        time.sleep(0.01)


def _trainer() -> Iterator[str]:
    """Not an error where it is not there: it is a download of its own."""
    from core.base.progress import CancelToken
    from core.training.trainer_process import run_trainer
    from core.training.trainer_program import find_program

    try:
        find_program()
    except TrainerError as error:
        yield f"not here: {error}"
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
