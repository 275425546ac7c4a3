"""Parsing and serializing .tflite files."""

from __future__ import annotations

from typing import Any, Final

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from core.trainer.framework import tflite_schema

_IDENTIFIER: Final = b"TFL3"
_ALIGNMENT: Final = 16
"""The alignment of byte arrays that the schema requires for buffers."""


def parse(data: bytes) -> Any:
    """Parse a model as TensorFlow's object, whose arrays are views of the bytes."""
    return tflite_schema.ModelT.InitFromPackedBuf(bytearray(data))


def serialize(model: Any) -> bytes:
    """Serialize a model as a .tflite."""
    builder = _AligningBuilder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def add_buffer(model: Any, values: NDArray[Any]) -> int:
    """Add a buffer with an array, and return its index."""
    buffer = tflite_schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


class _AligningBuilder(flatbuffers.Builder):  # type: ignore[misc] # it has no types
    """Aligns byte arrays, which flatbuffers' Python implementation neglects even if the schema requires it."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803 - flatbuffers' own
        """Begin a vector."""
        return super().StartVector(elemSize, numElems, max(alignment, _ALIGNMENT) if elemSize == 1 else alignment)
