"""TFLite Metadata of a .tflite, as read by Android and iOS tools.

It is a flatbuffer inside the model's, named TFLITE_METADATA. Its tables and field numbers are those of
tensorflow/tflite-support, tensorflow_lite_support/metadata/metadata_schema.fbs, version 1.1.0. The files it names are
appended to the model as a zip archive, see `core.exporting.litert`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import flatbuffers
import numpy as np

from core.card import ModelCard, Preprocessing
from core.engine.graph import FEATURES, INPUT
from core.exporting.litert import CARD, LABELS
from core.models.joined import LOGITS, PROBABILITIES, describe_input
from core.trainer.framework import tflite_schema
from core.trainer.tflite_file import add_buffer, parse, serialize

NAME: Final = "TFLITE_METADATA"
IDENTIFIER: Final = b"M001"
OUTPUTS: Final = (PROBABILITIES, LOGITS, FEATURES)
"""The order of the outputs, for programs that do not use names."""

_OLDEST_PARSER: Final = "1.0.0"
"""The first version of the schema with all fields used here."""
_DESCRIPTIONS, _TENSOR_AXIS_LABELS = 1, 2  # AssociatedFileType
_RGB: Final = 1  # ColorSpaceType
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = 1, 2  # ContentProperties
_NORMALIZATION: Final = 1  # ProcessUnitOptions


@dataclass(frozen=True, slots=True)
class _Byte:
    """An unsigned 8-bit field of a table."""

    value: int


@dataclass(frozen=True, slots=True)
class _Int32:
    """An unsigned 32-bit field of a table."""

    value: int


def with_metadata(model: bytes, card: ModelCard, plan: Preprocessing) -> bytes:
    """Add metadata to a .tflite, and sort its outputs in the order of `OUTPUTS`.

    Args:
        model: with one signature, which names its outputs.
        card: the model's card.
        plan: the preprocessing of its input.
    """
    content = parse(model)
    (signature,), (graph,) = content.signatureDefs, content.subgraphs
    indexes = {entry.name.decode(): entry.tensorIndex for entry in signature.outputs}
    graph.outputs = np.array([indexes[name] for name in OUTPUTS], np.int32)
    metadata = tflite_schema.MetadataT()
    metadata.name, metadata.buffer = NAME, add_buffer(content, np.frombuffer(_metadata(card, plan), np.uint8))
    content.metadata = [*(content.metadata or []), metadata]
    return serialize(content)


def _metadata(card: ModelCard, plan: Preprocessing) -> bytes:
    builder = flatbuffers.Builder(4096)
    tensors = {
        2: _vector(builder, [_image(builder, plan)]),
        3: _vector(builder, [_output(builder, name) for name in OUTPUTS]),
    }
    description = "the model's card, as read and written by Fovea"
    root = {
        0: builder.CreateString(card.title),
        1: builder.CreateString(card.summary),
        2: builder.CreateString(card.name),
        3: _vector(builder, [_table(builder, 7, tensors)]),
        4: builder.CreateString(card.origin.source),
        5: builder.CreateString(card.origin.licence),
        6: _vector(builder, [_file(builder, CARD, description, _DESCRIPTIONS)]),
        7: builder.CreateString(_OLDEST_PARSER),
    }
    builder.Finish(_table(builder, 8, root), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _image(builder: Any, plan: Preprocessing) -> int:
    """TensorMetadata of the input: an RGB image without normalization."""
    size = _table(builder, 2, {0: _Int32(plan.size), 1: _Int32(plan.size)})
    content = _content(builder, _IMAGE_PROPERTIES, {0: _Byte(_RGB), 1: size})
    identity = _table(builder, 2, {0: _reals(builder, [0.0]), 1: _reals(builder, [1.0])})
    units = _vector(builder, [_table(builder, 2, {0: _Byte(_NORMALIZATION), 1: identity})])
    stats = _table(builder, 2, {0: _reals(builder, [255.0]), 1: _reals(builder, [0.0])})
    name, description = builder.CreateString(INPUT), builder.CreateString(describe_input(plan))
    return _table(builder, 7, {0: name, 1: description, 3: content, 4: units, 5: stats})


def _output(builder: Any, name: str) -> int:
    """TensorMetadata of an output; that of the probabilities names the label file."""
    fields = {0: builder.CreateString(name), 3: _content(builder, _FEATURE_PROPERTIES, {})}
    if name == PROBABILITIES:
        labels = _file(builder, LABELS, "the classes, one per line, in the order of the outputs", _TENSOR_AXIS_LABELS)
        fields[6] = _vector(builder, [labels])
    return _table(builder, 7, fields)


def _content(builder: Any, kind: int, properties: Mapping[int, int | _Byte | _Int32]) -> int:
    return _table(builder, 3, {0: _Byte(kind), 1: _table(builder, 2, properties)})


def _file(builder: Any, name: str, description: str, kind: int) -> int:
    texts = {0: builder.CreateString(name), 1: builder.CreateString(description)}
    return _table(builder, 4, {**texts, 2: _Byte(kind)})


def _table(builder: Any, size: int, fields: Mapping[int, int | _Byte | _Int32]) -> int:
    """Write a table of `size` fields, given by number: scalars, or offsets of objects written before."""
    builder.StartObject(size)
    for number, value in fields.items():
        match value:
            case _Byte(scalar):
                builder.PrependUint8Slot(number, scalar, 0)
            case _Int32(scalar):
                builder.PrependUint32Slot(number, scalar, 0)
            case _:
                builder.PrependUOffsetTRelativeSlot(number, value, 0)
    end: int = builder.EndObject()
    return end


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    end: int = builder.EndVector()
    return end


def _reals(builder: Any, values: Sequence[float]) -> int:
    end: int = builder.CreateNumpyVector(np.array(values, np.float32))
    return end
