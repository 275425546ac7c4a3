"""What a classifier of another program says about a photo, before it is added to the library."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from core.classifier import open_classifier
from core.library.foreign import import_foreign
from core.library.foreign_values import ForeignAnswers
from core.library.library import Library
from core.prediction import Outcome
from core.providers import Precision, ProviderWish

SHOWN: Final = 5


def preview(file: Path, answers: ForeignAnswers, photo: Path) -> Outcome:
    """The most likely classes of a photo, as the model would answer once it is imported with these answers.

    It is imported into a temporary library, so that nothing but the photo's answer can differ.

    Raises:
        FoveaError: as `import_foreign`; a photo that cannot be read is a `Failure`.
    """
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        library = Library(Path(folder, "shipped"), Path(folder, "own"))
        model = import_foreign(file, answers, library).model
        (outcome,) = open_classifier(model, ProviderWish.CPU, Precision.EXACT).classify([photo], top_k=SHOWN)
    return outcome
