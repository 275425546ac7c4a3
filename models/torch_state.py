"""Reading PyTorch state dicts of the format before 1.6 as data, without torch and without running code in the file.

The format, from `torch.serialization._legacy_load`: three pickles (a magic number, a version, the machine's type
sizes), one pickle of the dict with its storages named by persistent ids, one pickle of the storages' keys, then each
storage as an 8-byte count and little-endian values.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_VERSION: Final = 1001
_TYPES: Final = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
_HINT: Final = "Only state dicts of plain float tensors saved before PyTorch 1.6 are supported."


@dataclass(frozen=True, slots=True)
class _Tensor:
    """The location of a tensor: key of its storage, offset of its first value, shape, and strides in values."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Read the float tensors of a state dict by name, without counters (int64).

    Raises:
        ModelError: the bytes are not such a file, or refer to anything but tensors.
    """
    stream = io.BytesIO(data)
    try:
        if _Reader(stream).load() != _MAGIC or _Reader(stream).load() != _VERSION:
            raise ModelError("The file is not a PyTorch state dict of the old format.", hint=_HINT)
        _Reader(stream).load()  # type sizes of the machine that saved it; the values are little-endian in any case
        reader = _Reader(stream)
        tensors = reader.load()
        arrays = {key: _storage(stream, reader.types[key]) for key in _Reader(stream).load()}
        return {
            name: _placed(arrays[tensor.storage], tensor)
            for name, tensor in tensors.items()
            if arrays[tensor.storage].dtype.kind == "f"
        }
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise ModelError("The PyTorch file is damaged or contains more than tensors.", hint=_HINT) from error


class _Reader(pickle.Unpickler):
    """An unpickler that can only create ordered dicts and tensor locations."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.types: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Allow only the four names that a state dict needs; here each creates plain data."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a state dict")

    def persistent_load(self, pid: Any) -> str:
        """Record the type of a storage, and represent it by its key until its values are read."""
        _, kind, key, *_ = pid
        self.types[key] = kind
        return str(key)


def _tensor(storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


def _storage(stream: io.BytesIO, kind: np.dtype[Any]) -> NDArray[Any]:
    count = int.from_bytes(stream.read(8), "little")
    return np.frombuffer(stream.read(count * kind.itemsize), kind, count)


def _placed(values: NDArray[np.float32], tensor: _Tensor) -> NDArray[np.float32]:
    """Copy a tensor to its own array; indexing checks that it is inside its storage."""
    steps = [np.arange(length) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True)]
    indexes = sum(np.ix_(*steps), start=np.asarray(tensor.offset)) if steps else np.asarray(tensor.offset)
    if indexes.size and indexes.min() < 0:
        raise IndexError("a tensor begins before its storage")
    return values[indexes]
