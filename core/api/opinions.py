"""What a model says that is not in use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.models.classifier import Classifier
    from core.prediction import Outcome

_ASKING: Final = threading.Lock()
"""Held while the model is opened and used: calls come in threads of their own."""


def ask(image: Path, model: str, top_k: int) -> Outcome:
    """What a model that need not be in use says of an image.

    Args:
        image: the image file.
        model: `name@version`.
        top_k: how many classes to report.

    Raises:
        FoveaError: the model cannot be opened, or its provider failed.
    """
    with opened(model) as classifier:
        (outcome,) = classifier.classify([image], top_k=top_k)
    return outcome


@contextmanager
def opened(model: str) -> Iterator[Classifier]:
    """A model that need not be in use, for one call at a time; the last such model stays open.

    Raises:
        FoveaError: it cannot be opened.
    """
    with _ASKING:
        yield _open(model)


@lru_cache(maxsize=1)
def _open(model: str) -> Classifier:
    from core.base import paths, settings
    from core.models.classifier import open_classifier
    from core.models.library import open_library

    chosen = settings.load(paths.settings_file())
    return open_classifier(open_library().find(model), chosen.provider, chosen.precision)
