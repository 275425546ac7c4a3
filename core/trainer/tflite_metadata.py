"""What a .tflite says of itself, the way Android and iOS tools read it: TFLite Metadata.

It is a flatbuffer inside the model's, under the name TFLITE_METADATA. Its tables, and the numbers of their fields, are
those of tensorflow/tflite-support, tensorflow_lite_support/metadata/metadata_schema.fbs, version 1.1.0. The files it
names follow the model as a zip archive, see `core.exporting.litert`.
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
"""In the order in which programs find them that do not ask by name."""

_OLDEST_PARSER: Final = "1.0.0"
"""The first version of the schema that has every field used here."""
_DESCRIPTIONS, _TENSOR_AXIS_LABELS = 1, 2  # AssociatedFileType
_RGB: Final = 1  # ColorSpaceType
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = 1, 2  # ContentProperties
_NORMALIZATION: Final = 1  # ProcessUnitOptions


@dataclass(frozen=True, slots=True)
class _Byte:
    """A number of one byte in a table."""

    value: int


@dataclass(frozen=True, slots=True)
class _Int32:
    """An unsigned number of four bytes in a table."""

    value: int


def with_metadata(model: bytes, card: ModelCard, plan: Preprocessing) -> bytes:
    """A .tflite that also says what goes in and what comes out; its outputs are put in the order of `OUTPUTS`.

    Args:
        model: with one signature, which names them.
        card: the model's.
        plan: what must be done to pixels before.
    """
    content = parse(model)
    (signature,), (graph,) = content.signatureDefs, content.subgraphs
    places = {entry.name.decode(): entry.tensorIndex for entry in signature.outputs}
    graph.outputs = np.array([places[name] for name in OUTPUTS], np.int32)
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
    description = "the card of the model, as Fovea reads and writes it"
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
    """TensorMetadata of the input: an RGB image whose values are taken as they are."""
    size = _table(builder, 2, {0: _Int32(plan.size), 1: _Int32(plan.size)})
    content = _content(builder, _IMAGE_PROPERTIES, {0: _Byte(_RGB), 1: size})
    as_they_are = _table(builder, 2, {0: _reals(builder, [0.0]), 1: _reals(builder, [1.0])})
    units = _vector(builder, [_table(builder, 2, {0: _Byte(_NORMALIZATION), 1: as_they_are})])
    stats = _table(builder, 2, {0: _reals(builder, [255.0]), 1: _reals(builder, [0.0])})
    name, description = builder.CreateString(INPUT), builder.CreateString(describe_input(plan))
    return _table(builder, 7, {0: name, 1: description, 3: content, 4: units, 5: stats})


def _output(builder: Any, name: str) -> int:
    """TensorMetadata of an output; that of the probabilities names the file with the labels."""
    fields = {0: builder.CreateString(name), 3: _content(builder, _FEATURE_PROPERTIES, {})}
    if name == PROBABILITIES:
        labels = _file(builder, LABELS, "the classes, one a line, in the order of the outputs", _TENSOR_AXIS_LABELS)
        fields[6] = _vector(builder, [labels])
    return _table(builder, 7, fields)


def _content(builder: Any, kind: int, properties: Mapping[int, int | _Byte | _Int32]) -> int:
    return _table(builder, 3, {0: _Byte(kind), 1: _table(builder, 2, properties)})


def _file(builder: Any, name: str, description: str, kind: int) -> int:
    texts = {0: builder.CreateString(name), 1: builder.CreateString(description)}
    return _table(builder, 4, {**texts, 2: _Byte(kind)})


def _table(builder: Any, size: int, fields: Mapping[int, int | _Byte | _Int32]) -> int:
    """A table of `size` fields, given by their number: small and whole numbers, or where something was written."""
    builder.StartObject(size)
    for number, value in fields.items():
        match value:
            case _Byte(small):
                builder.PrependUint8Slot(number, small, 0)
            case _Int32(whole):
                builder.PrependUint32Slot(number, whole, 0)
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
