"""The built-in detector: which things are in an image, and where.

Its graph takes uint8 RGB `image` [n, size, size, 3] and returns `boxes` float32 [n, boxes, 4], as left, top, right and
bottom in fractions of the image, and `scores` float32 [n, boxes, labels]; suppression follows here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from core.base import paths
from core.base.errors import ModelError, ProviderError
from core.base.i18n import mark, tr
from core.card import Preprocessing
from core.detection import Box, Detection, DetectionOptions
from core.engine import graph, sessions
from core.images.preprocessing import preprocess
from core.models.detector_card import CARD, DetectorCard, read_detector_card
from core.models.files import read_checked, read_file
from core.models.suppression import best_boxes

_REINSTALL: Final = mark("Install Fovea again.")
"""Unlike a model, the detector comes with the program."""
BOXES, SCORES = "boxes", "scores"
MIN_SCORE: Final = 0.5
"""Things with a lower score are not reported."""


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """An open detector; any number of threads may use it, each on one core.

    Attributes:
        card: its card.
        options: what it is used for.
    """

    card: DetectorCard
    options: DetectionOptions
    _session: ort.InferenceSession = field(repr=False)

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing of its input."""
        return Preprocessing(self.card.size)

    def detect(self, pixels: NDArray[np.uint8], least: float = MIN_SCORE) -> tuple[Detection, ...]:
        """The things in an image uint8 [height, width, 3] with at least this score, the surest first.

        Raises:
            ProviderError: ONNX Runtime failed.
        """
        batch = preprocess(pixels, self.preprocessing)[None]
        try:
            boxes, scores = (rows[0] for rows in self._session.run([BOXES, SCORES], {graph.INPUT: batch}))
        except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
            what = tr("The detector failed: {reason}", reason=sessions.first_line(error))
            raise ProviderError(what, hint=tr("Classify without cropping and counting.")) from error
        inside = boxes.clip(0, 1)
        found = best_boxes(inside, scores, least)
        return tuple(
            Detection(self.card.classes[label], round(float(scores[box, label]), 4), _box(inside[box]))
            for box, label in found
            if (inside[box, 2:] > inside[box, :2]).all()
        )


def open_detector(options: DetectionOptions, folder: Path | None = None) -> Detector | None:
    """Open the detector in a folder, by default the built-in one; None if the options need none.

    Raises:
        ModelError: a file is missing, damaged, unsupported or malicious; no session was opened for it.
    """
    if not options:
        return None
    try:
        card, data = _read(folder or paths.builtin_detector())
    except ModelError as error:
        raise ModelError(error.what, hint=tr(_REINSTALL)) from error
    try:
        return Detector(card, options, sessions.open_single_threaded(data))
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        what = tr("Couldn't open the detector: {reason}", reason=sessions.first_line(error))
        raise ModelError(what, hint=tr(_REINSTALL)) from error


def _read(folder: Path) -> tuple[DetectorCard, bytes]:
    """The card and the checked file of a detector."""
    card = read_detector_card(read_file(folder / CARD))
    data = read_checked(folder / card.file, card.sha256)
    _check(graph.parse(data), card)
    return card, data


def _check(model: onnx.ModelProto, card: DetectorCard) -> None:
    """Refuse a graph whose input or outputs are not those of the card."""
    kinds = [(one.name, one.element_type, one.axes[1:]) for one in (*graph.inputs(model), *graph.outputs(model))]
    real, size = onnx.TensorProto.FLOAT, card.size
    image = (graph.INPUT, onnx.TensorProto.UINT8, (size, size, 3))
    count = kinds[1][2][0] if len(kinds) == 3 and kinds[1][2] else None
    if kinds != [image, (BOXES, real, (count, 4)), (SCORES, real, (count, len(card.classes)))]:
        raise ModelError(tr("The detector's file does not match its card."), hint=tr(_REINSTALL))


def _box(corners: NDArray[np.float32]) -> Box:
    return Box(*(round(float(value), 5) for value in corners))
