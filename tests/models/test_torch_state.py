"""State dicts in PyTorch's old format, written here with pickle and stand-ins for torch's names."""

from __future__ import annotations

import io
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import ModelError
from models.torch_state import read_state_dict

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001


class FloatStorage:
    """Stands for torch.FloatStorage: pickled by name alone."""


class LongStorage:
    """Stands for torch.LongStorage."""


def _rebuild_tensor_v2(*_: object) -> None:
    raise AssertionError("only its name is pickled")


class _Key:
    """The pickler writes it as a persistent id."""

    def __init__(self, kind: type, key: str, count: int) -> None:
        self.parts = ("storage", kind, key, "cpu", count, None)


class _Tensor:
    def __init__(self, key: _Key, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.parts = (key, offset, shape, strides, False, OrderedDict())

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_tensor_v2, self.parts


class _Writer(pickle.Pickler):
    def persistent_id(self, thing: object) -> object:
        return thing.parts if isinstance(thing, _Key) else None


@pytest.fixture(autouse=True)
def _stand_in_for_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch, inner = ModuleType("torch"), ModuleType("torch._utils")
    for module, thing in ((torch, FloatStorage), (torch, LongStorage), (inner, _rebuild_tensor_v2)):
        monkeypatch.setattr(thing, "__module__", module.__name__)
        setattr(module, thing.__name__, thing)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", inner)


def _file(state: object, storages: dict[str, NDArray[Any]], magic: int = _MAGIC) -> bytes:
    buffer = io.BytesIO()
    for head in (magic, _VERSION, {"little_endian": True}):
        pickle.dump(head, buffer, protocol=2)
    _Writer(buffer, protocol=2).dump(state)
    pickle.dump(list(storages), buffer, protocol=2)
    for values in storages.values():
        buffer.write(len(values).to_bytes(8, "little") + values.tobytes())
    return buffer.getvalue()


def _state(strides: tuple[int, ...] = (1, 2), offset: int = 0) -> bytes:
    weight = _Tensor(_Key(FloatStorage, "11", 6), offset, (2, 3), strides)
    count = _Tensor(_Key(LongStorage, "12", 1), 0, (), ())
    storages = {"11": np.arange(6, dtype="<f4"), "12": np.array([7], "<i8")}
    return _file(OrderedDict(weight=weight, count=count), storages)


def test_tensors_are_read_with_their_strides() -> None:
    state = read_state_dict(_state())
    assert list(state) == ["weight"]  # the counter is no weight
    assert state["weight"].tolist() == [[0, 2, 4], [1, 3, 5]]


def test_an_offset_counts_values() -> None:
    weight = _Tensor(_Key(FloatStorage, "1", 4), 3, (), ())
    assert read_state_dict(_file({"weight": weight}, {"1": np.arange(4, dtype="<f4")}))["weight"] == 3


@pytest.mark.parametrize(("strides", "offset"), [((3, 2), 0), ((1, 2), 1), ((-1, 2), 0)])
def test_a_tensor_outside_its_storage_is_rejected(strides: tuple[int, int], offset: int) -> None:
    with pytest.raises(ModelError, match="damaged"):
        read_state_dict(_state(strides, offset))


def test_nothing_in_the_file_is_executed(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    with pytest.raises(ModelError, match="more than tensors"):
        read_state_dict(_file({"weight": Hostile()}, {}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("length", [0, 10, 40, -1, -30])
def test_a_truncated_file_is_rejected(length: int) -> None:
    with pytest.raises(ModelError):
        read_state_dict(_state()[:length])


def test_another_format_is_rejected() -> None:
    with pytest.raises(ModelError, match="old format"):
        read_state_dict(_file({}, {}, magic=5))
    with pytest.raises(ModelError):
        read_state_dict(b"PK\3\4" + bytes(200))
