"""Reading of an ONNX file from another program, with weights in a separate file."""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

import onnx
from onnx import TensorProto

from core.base.errors import ModelError, os_reason
from core.base.i18n import mark, tr
from core.base.text import display_path
from core.engine import graph
from core.models.exchange import read_file

_ONE_FILE: Final = mark("Put it next to the .onnx file, or save one file: onnx.save(onnx.load('a.onnx'), 'b.onnx').")


@graph.only_model_errors()
def read_onnx(file: Path) -> onnx.ModelProto:
    """Read the graph in a file with its weights; it must still be checked by `graph.check`.

    PyTorch stores weights in `NAME.onnx.data`. They are read only from a regular file in the same folder, and only as
    many bytes as the arrays declare.

    Raises:
        ModelError: the file or its weights cannot be read, are damaged, or are in another folder.
    """
    model = graph.decode(read_file(file))
    tensors = [tensor for tensor in graph.tensors(model.graph) if graph.is_external(tensor)]
    if sum(map(graph.declared_bytes, tensors)) > graph.MAX_BYTES:
        what = tr("The model's weights are larger than {limit:,} bytes.", limit=graph.MAX_BYTES)
        raise ModelError(what, hint=tr("Use a smaller model."))
    for tensor in tensors:
        _inline_weights(tensor, file.parent)
    return model


def _inline_weights(tensor: TensorProto, folder: Path) -> None:
    declared = {entry.key: entry.value for entry in tensor.external_data}
    weights = folder / _plain_name(declared.get("location", ""))
    length = graph.declared_bytes(tensor)
    start = int(declared.get("offset") or 0)
    if int(declared.get("length") or length) != length or start < 0:
        what = tr("The model file is damaged: the location of the array {name!r} is invalid.", name=tensor.name[:80])
        raise ModelError(what, hint=tr("Export the model again as one file."))
    tensor.raw_data = _read_part(weights, start, length)
    tensor.ClearField("data_location")
    del tensor.external_data[:]


def _plain_name(location: str) -> str:
    location = location.removeprefix("./")
    is_plain = location not in ("", ".", "..") and "\0" not in location
    if not is_plain or PurePosixPath(location).name != location or PureWindowsPath(location).name != location:
        what = tr(
            "The model refers to a file in another folder, which is not allowed for safety: “{file}”.",
            file=display_path(location[:80]),
        )
        raise ModelError(what, hint=tr("Export it again as one file: torch.onnx.export(..., external_data=False)."))
    return location


def _read_part(weights: Path, start: int, length: int) -> bytes:
    name = f"“{display_path(weights.name)}”"
    try:
        status = weights.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(tr("The weights file {name} is not a regular file.", name=name), hint=tr(_ONE_FILE))
        if status.st_size < start + length:
            what = tr("The weights file {name} is incomplete ({count:,} bytes).", name=name, count=status.st_size)
            raise ModelError(what, hint=tr("Download or copy it again."))
        with weights.open("rb") as opened:
            opened.seek(start)
            return opened.read(length)
    except FileNotFoundError as error:
        raise ModelError(tr("The weights file {name} is missing.", name=name), hint=tr(_ONE_FILE)) from error
    except OSError as error:
        what = tr("Couldn't read the weights file {name}: {reason}.", name=name, reason=os_reason(error))
        raise ModelError(what, hint=tr(_ONE_FILE)) from error
