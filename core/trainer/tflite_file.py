"""A .tflite as an object that can be changed, and as bytes again."""

from __future__ import annotations

from typing import Any, Final

import flatbuffers
import numpy as np
from numpy.typing import NDArray

from core.trainer.framework import tflite_schema

_IDENTIFIER: Final = b"TFL3"
_ALIGNMENT: Final = 16
"""Of arrays of bytes, as the schema asks for of a buffer."""


def parse(data: bytes) -> Any:
    """The model as TensorFlow's object of it, whose arrays are views of the bytes."""
    return tflite_schema.ModelT.InitFromPackedBuf(bytearray(data))


def serialize(model: Any) -> bytes:
    """The model as the bytes of a .tflite."""
    builder = _AligningBuilder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def add_buffer(model: Any, values: NDArray[Any]) -> int:
    """Add an array of stored numbers, and return its index."""
    buffer = tflite_schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


class _AligningBuilder(flatbuffers.Builder):  # type: ignore[misc] # it has no types
    """Aligns arrays of bytes, which flatbuffers' Python forgets even where the schema says so."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803 - flatbuffers' own
        """Begin a vector."""
        return super().StartVector(elemSize, numElems, max(alignment, _ALIGNMENT) if elemSize == 1 else alignment)
