"""Predictions of a classifier from another program, before it is imported."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from core.base.providers import Precision, ProviderPreference
from core.models.classifier import open_classifier
from core.models.library import Library
from core.models.onnx_import import import_onnx
from core.models.onnx_import_values import ImportAnswers
from core.prediction import Outcome

TOP_K: Final = 5


def preview(file: Path, answers: ImportAnswers, photo: Path) -> Outcome:
    """The prediction for a photo that the model would give if it were imported with these answers.

    It is imported into a temporary library, so that the same code runs as after a real import.

    Raises:
        FoveaError: as `import_onnx`; a photo that cannot be read is a `Failure`.
    """
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        library = Library(Path(folder, "shipped"), Path(folder, "own"))
        model = import_onnx(file, answers, library).model
        (outcome,) = open_classifier(model, ProviderPreference.CPU, Precision.EXACT).classify([photo], top_k=TOP_K)
    return outcome
