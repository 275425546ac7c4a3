"""The parts of an evaluation that only models for several classes per photo have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.evaluation.multi_label_values import (
    ClassSuspect,
    LabelSetPrediction,
    MultiLabelClass,
    MultiLabelEvaluation,
)
from core.evaluation.values import ClassMetrics
from gui.tasks.picture_client import PictureClient
from gui.widgets.basic import Panel, label
from gui.widgets.files import open_file
from gui.widgets.formats import confidence, percent
from gui.widgets.thumbnails import PhotoWall

_MAX_PHOTOS: Final = 50
_MAX_CLASSES: Final = 100


def label_set_parts(evaluation: MultiLabelEvaluation, pictures: PictureClient) -> list[QWidget]:
    """The test photos with wrong predictions, and the threshold of each class."""
    return [_photos(evaluation, pictures), _thresholds(evaluation)]


def class_suspects_part(suspects: Sequence[ClassSuspect], pictures: PictureClient) -> Panel:
    """The photos with classes that are probably missing or wrong, the most likely ones first."""
    texts: dict[Path, list[str]] = {}
    for one in suspects:
        texts.setdefault(one.path, []).append(_suspect_text(one))
    title = tr_n(
        "{count:,} photo may lack a class, or have a wrong one",
        "{count:,} photos may lack a class, or have a wrong one, the most likely first",
        len(texts),
    )
    panel = Panel(title)
    about = tr("If a label is wrong, correct it where your labels are (folders, table or keywords), and train again.")
    panel.body.addWidget(label(about, "muted", wrap=True))
    panel.body.addWidget(_wall(pictures, title, [(path, "\n".join(texts[path][:2])) for path in texts]))
    return panel


def class_metrics(one: MultiLabelClass) -> ClassMetrics:
    """The metrics that a class also has where each photo has exactly one."""
    return ClassMetrics(one.label, one.precision, one.recall, one.f1, one.support)


def _photos(evaluation: MultiLabelEvaluation, pictures: PictureClient) -> Panel:
    mistakes = evaluation.mistakes
    panel = Panel(tr("Worst mistakes first") if mistakes else tr("No mistakes on the test photos"))
    panel.body.addWidget(
        _wall(pictures, tr("Test photos"), [(one.path, _text(one)) for one in mistakes or evaluation.predictions])
    )
    return panel


def _wall(pictures: PictureClient, name: str, photos: Sequence[tuple[Path, str]]) -> PhotoWall:
    wall = PhotoWall(pictures, name)
    wall.opened.connect(open_file)
    wall.show_photos(photos[:_MAX_PHOTOS])
    return wall


def _suspect_text(one: ClassSuspect) -> str:
    """What may be wrong, as a line: a class that the photo has, or does not have."""
    if one.is_given:
        return tr("{label}? Only {probability}", label=one.label, probability=confidence(one.probability))
    return tr("{label} missing? {probability}", label=one.label, probability=confidence(one.probability))


def _text(one: LabelSetPrediction) -> str:
    """What is wrong with a prediction, on two lines."""
    if one.is_correct:
        return ", ".join(one.labels) or tr("no class")
    missed = tr("Missed: {classes}", classes=", ".join(one.missed)) if one.missed else ""
    added = tr("Wrong: {classes}", classes=", ".join(one.added)) if one.added else ""
    return "\n".join(filter(None, (missed, added)))


def _thresholds(evaluation: MultiLabelEvaluation) -> Panel:
    panel = Panel(tr("A photo has a class from this probability on"))
    for one in evaluation.per_class[:_MAX_CLASSES]:
        text = tr(
            "{label}: {threshold} (F1 {f1}, average precision {precision})",
            label=one.label,
            threshold=percent(one.threshold, 1),
            f1=percent(one.f1, 1),
            precision=percent(one.average_precision, 1),
        )
        panel.body.addWidget(label(text))
    return panel
