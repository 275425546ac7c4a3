"""The evaluation of a version on its test images, kept beside its card so that it can be looked at again.

It is not part of an exported model, and a version can be used without it; earlier versions of Fovea ignore it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import types
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from core.base.errors import ModelError
from core.base.i18n import tr
from core.evaluation.multi_label_values import MultiLabelEvaluation
from core.evaluation.values import Evaluation
from core.models.files import read_file
from core.models.installed import EVALUATION
from core.models.values import InstalledModel

_log = logging.getLogger(__name__)
_FORMATS: Final = {1: Evaluation, 2: MultiLabelEvaluation}
"""The evaluation that a file of each format has; earlier versions of Fovea only know the first."""


def serialize_evaluation(evaluation: Evaluation | MultiLabelEvaluation) -> bytes:
    """Encode an evaluation as a file; its images are stored with their absolute paths."""
    number = next(number for number, kind in _FORMATS.items() if isinstance(evaluation, kind))
    content = asdict(evaluation)
    for one in content["predictions"]:
        one["path"] = str(one["path"].absolute())
    return json.dumps({"format": number, "evaluation": content}, default=str).encode()


def load_evaluation(model: InstalledModel) -> Evaluation | MultiLabelEvaluation | None:
    """Read the evaluation of a version; None if it was not kept, is damaged, or is from a later version of Fovea."""
    if not model.has_evaluation:
        return None
    with contextlib.suppress(ModelError, ValueError, TypeError, KeyError, RecursionError):
        content = json.loads(read_file(model.folder / EVALUATION))
        found = _decoded(_FORMATS[content["format"]], content["evaluation"])
        if isinstance(found, Evaluation | MultiLabelEvaluation) and _is_consistent(found):
            return found
    what = tr("The evaluation in {file!r} can't be shown: it is damaged.", file=str(model.folder / EVALUATION))
    _log.warning("%s", what)
    return None


def _decoded(kind: Any, value: Any) -> Any:  # noqa: ANN401 - any type that an evaluation consists of
    """Turn JSON into a value of this type; TypeError if it is of another type, KeyError if a field is missing."""
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        known = [one for one in fields(kind) if one.default is MISSING or one.name in value]  # others came later
        return kind(**{field.name: _decoded(hints[field.name], value[field.name]) for field in known})
    if get_origin(kind) is tuple and isinstance(value, list):
        inner = get_args(kind)
        kinds = inner[:1] * len(value) if inner[-1] is ... else inner
        return tuple(_decoded(one, part) for one, part in zip(kinds, value, strict=True))
    if get_origin(kind) is types.UnionType:  # the only ones are those with None
        return None if value is None else _decoded(get_args(kind)[0], value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise TypeError(f"{value!r} is not of type {kind}")
    return value


_hints = functools.cache(get_type_hints)
"""The types of a dataclass's fields; thousands of predictions are of one class."""


def _is_consistent(found: Evaluation | MultiLabelEvaluation) -> bool:
    """Whether the predictions are of the evaluation's classes, and there are any."""
    if isinstance(found, Evaluation):
        names = {name for one in found.predictions for name in (one.label, one.predicted)}
    else:
        names = {name for one in found.predictions for name in (*one.labels, *one.predicted)}
    return bool(found.predictions) and names <= set(found.classes)
