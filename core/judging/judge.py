"""Judge a model by a folder of labelled images, each of which the backbone sees once and, with kept features, never."""

from __future__ import annotations

import errno
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.card import ModelCard
from core.dataset.labelled import LAYOUT_HINT, Labelled, Part, find_labelled
from core.dataset.problems import Problem, ProblemKind, counted, quantity
from core.errors import DatasetError
from core.features.compute import FeatureSource, compute_features
from core.features.store import FeatureStore
from core.images.folders import printable
from core.judging.evaluation import Evaluation, evaluate
from core.library.heads import LinearHead
from core.prediction import Failure
from core.progress import CancelToken, Report, StageClock

_MATCH_HINT: Final = "Name the folders as the model's classes; `fovea models show` lists them."


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What came of judging a model by a folder.

    Attributes:
        evaluation: how good it is on the images that could be read.
        failures: why the others could not.
        problems: what of the folder was left out, and why.
        computed: how many images the engine had to look at; features of the others were kept.
    """

    evaluation: Evaluation
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]
    computed: int


@dataclass(frozen=True, slots=True)
class _Content:
    path: Path
    sha256: str
    label: int


def judge(
    folder: Path,
    card: ModelCard,
    head: LinearHead,
    source: FeatureSource,
    store: FeatureStore,
    *,
    report: Report,
    token: CancelToken,
) -> Judgement:
    """Judge a model by the labelled images under a folder.

    `core.dataset.labelled` says which layouts are read. Folders are matched to the model's classes by label; what is no
    class of the model is left out, with a problem that says so. Where the folder has parts, only `test` is judged by,
    or `validation` where there is none. Copies count as often as they are there.

    Raises:
        DatasetError: there is no folder, no labelled image, none of a class of the model, or none that can be read.
        ModelError: the backbone is damaged, or its answers are not numbers.
        ProviderError: the engine cannot be opened or failed under way.
        Cancelled: the token was cancelled.
    """
    images, problems = find_labelled(folder, token)
    if not images:
        raise DatasetError(f"“{printable(folder)}” holds no labelled images.", hint=LAYOUT_HINT, problems=(*problems,))
    images, remarks = _judged_part(images)
    indexes = _matches({image.label for image in images}, card.classes)
    left_out = Counter(image.label for image in images if image.label not in indexes)
    if not indexes:
        what = f"No folder bears the name of a class of {card.name!r}; found are {counted(left_out)}."
        raise DatasetError(what, hint=_MATCH_HINT)
    contents, unread = _contents([image for image in images if image.label in indexes], indexes, report, token)
    table = compute_features(contents, source, store, report=report, token=token)
    kept = [contents[row] for row in table.rows.tolist()]
    evaluation = evaluate(
        head.logits(table.features),
        np.array([content.label for content in kept], np.int64),
        card.classes,
        temperature=card.temperature,
        paths=[content.path for content in kept],
    )
    problems = [*problems, *remarks, *_no_classes(left_out, card)]
    return Judgement(evaluation, (*unread, *table.failures), tuple(problems), table.computed)


def _judged_part(images: Sequence[Labelled]) -> tuple[list[Labelled], list[Problem]]:
    """The images of the part that models do not learn from, where the folder has parts, and a word about the others."""
    found = {image.part for image in images}
    part = next((part for part in (Part.TEST, Part.VALIDATION) if part in found), None)
    if part is None:
        return list(images), []
    kept = [image for image in images if image.part is part]
    what = f"The folder has parts; only the {quantity(len(kept))} of the part “{part}” are judged by."
    hint = "Name a part's own folder to be judged by that one."
    return kept, [Problem(ProblemKind.PASSED_OVER, (kept[0].path,), what, hint)]


def _matches(labels: Iterable[str], classes: Sequence[str]) -> dict[str, int]:
    """The index of the class each label means: the one spelt so, else the only one spelt so but for case."""
    exact = {label: index for index, label in enumerate(classes)}
    spelt = Counter(map(_folded, classes))
    alike = {_folded(label): index for index, label in enumerate(classes) if spelt[_folded(label)] == 1}
    found = {label: exact.get(label, alike.get(_folded(label))) for label in labels}
    return {label: index for label, index in found.items() if index is not None}


def _folded(label: str) -> str:
    return unicodedata.normalize("NFC", label).casefold()


def _no_classes(left_out: Mapping[str, int], card: ModelCard) -> list[Problem]:
    if not left_out:
        return []
    what = f"No class of {card.name!r}, and so left out: {counted(left_out)}."
    return [Problem(ProblemKind.CLASS_LEFT_OUT, (), what, _MATCH_HINT)]


def _contents(
    images: Sequence[Labelled], indexes: Mapping[str, int], report: Report, token: CancelToken
) -> tuple[list[_Content], list[Failure]]:
    """The sums of the images, by which their features are kept, and which files could not be read."""
    contents, failures = [], []
    clock = StageClock("reading the images", len(images), report)
    for image in images:
        token.check()
        try:
            contents.append(_Content(image.path, _sha256(image.path), indexes[image.label]))
        except OSError as error:
            what = f"“{printable(image.path.name)}” could not be read: {error.strerror or 'no reason given'}."
            failures.append(Failure(image.path, "no-access", what, "See that it is there and that you may open it."))
        clock.advance()
    return contents, failures


def _sha256(path: Path) -> str:
    if not path.is_file():  # opening a pipe would wait for someone to write
        raise OSError(errno.EINVAL, "it is no file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
