"""The scores of a prediction and what belongs to them, as the JSON in a journal.

Earlier versions of Fovea stored a list of the scores alone, or an object without what was added since.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from core.detection import Box, Detection
from core.prediction import Crop, Evidence, Level, Neighbour, Prediction, Score


class Details(NamedTuple):
    """Fields of a prediction, as there."""

    scores: tuple[Score, ...] = ()
    evidence: Evidence | None = None
    detections: tuple[Detection, ...] | None = None
    crop: Crop | None = None
    labels: tuple[str, ...] | None = None

    @property
    def beside_scores(self) -> dict[str, Any]:
        """All but the scores."""
        return {name: value for name, value in self._asdict().items() if name != "scores"}


def encode_details(outcome: Prediction) -> str:
    """The details of a prediction as JSON."""
    content = _encode_evidence(outcome.evidence) if outcome.evidence else {}
    if outcome.detections is not None:
        content["detections"] = [_encode_detection(one) for one in outcome.detections]
    if outcome.crop:
        crop = outcome.crop
        whole = {"scores": _encode_scores(crop.scores), "unknown": crop.unknown}
        content["crop"] = {"box": _encode_box(crop.box), "subject": _encode_detection(crop.subject), "whole": whole}
    if outcome.labels is not None:
        content["labels"] = outcome.labels
    scores = _encode_scores(outcome.scores)
    return json.dumps({"scores": scores, **content} if content else scores)


def parse_details(text: str | None) -> Details:
    """The details of a prediction from JSON.

    Raises:
        ValueError, TypeError or LookupError: the text is invalid.
    """
    content = json.loads(text or "[]")
    if isinstance(content, list):
        return Details(_scores(content))
    found, crop, labels = (content.get(key) for key in ("detections", "crop", "labels"))
    return Details(
        _scores(content["scores"]),
        _evidence(content) if "nearest" in content else None,
        None if found is None else tuple(map(_detection, found)),
        None if crop is None else _crop(crop),
        None if labels is None else tuple(map(str, labels)),
    )


def _encode_evidence(found: Evidence) -> dict[str, Any]:
    near = [
        [one.label, one.similarity, one.sha256, *(str(path or "") for path in (one.path, one.thumbnail))]
        for one in found.nearest
    ]
    levels = {"levels": [[level.path, level.probability] for level in found.levels]} if found.levels else {}
    sets = {"set": found.set, "coverage": found.coverage}
    return {"unknown": found.unknown_score, "nearest": near, **sets, **levels}


def _evidence(content: dict[str, Any]) -> Evidence:
    labels, coverage = content["set"], content.get("coverage")
    near = tuple(_neighbour(*one) for one in content["nearest"])
    chosen = None if labels is None else tuple(map(str, labels))
    stated = None if coverage is None else float(coverage)
    levels = tuple(Level(tuple(map(str, path)), float(sure)) for path, sure in content.get("levels", ()) if path)
    return Evidence(float(content["unknown"]), chosen, near, stated, levels)


def _neighbour(label: str, similarity: float, sha256: str, *files: str) -> Neighbour:
    paths = (Path(one) if one else None for one in files)
    return Neighbour(str(label), float(similarity), str(sha256), *paths)


def _encode_scores(scores: Sequence[Score]) -> list[list[Any]]:
    return [[one.label, one.probability, *(() if one.threshold is None else (one.threshold,))] for one in scores]


def _scores(content: Sequence[Any]) -> tuple[Score, ...]:
    return tuple(Score(str(label), *map(float, numbers)) for label, *numbers in content)


def _encode_box(box: Box) -> list[float]:
    return [box.left, box.top, box.right, box.bottom]


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(float(left), float(top), float(right), float(bottom))


def _encode_detection(one: Detection) -> list[Any]:
    return [one.label, one.score, _encode_box(one.box)]


def _detection(content: Sequence[Any]) -> Detection:
    label, score, box = content
    return Detection(str(label), float(score), _box(*box))


def _crop(content: dict[str, Any]) -> Crop:
    whole = content["whole"]
    scores, unknown = _scores(whole["scores"]), whole["unknown"]
    if not scores or not isinstance(unknown, bool | None):
        raise ValueError("invalid answer for the whole image")
    return Crop(_box(*content["box"]), _detection(content["subject"]), scores, unknown)
