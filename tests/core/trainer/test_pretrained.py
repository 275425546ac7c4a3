"""The sources of Xception's weights are tried in order, and each failure is reported."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

import h5py

from core.base.errors import ModelError
from core.trainer.pretrained import Download, default_sources, keras_download, named_file, wheel, xception_weights


@pytest.fixture
def weights_file(tmp_path: Path) -> Path:
    """One layer with one array, in Keras's format."""
    path = tmp_path / "notop.h5"
    with h5py.File(path, "w") as file:
        file.create_group("block1_conv1")["kernel"] = np.arange(3, dtype=np.float32)
        file.attrs["layer_names"] = ["block1_conv1"]
        file["block1_conv1"].attrs["weight_names"] = ["kernel"]
    return path


def _download(path: Path, md5: str = "") -> Download:
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return Download(path.as_uri(), md5 or digest)


def test_the_order_is_keras_then_the_wheel_then_the_user_s_file(weights_file: Path) -> None:
    names = [source.name for source in default_sources(weights_file)]
    assert names == [keras_download().name, wheel().name, "the file “notop.h5”"]
    assert len(default_sources()) == 2


def test_the_first_working_source_is_used_and_named(weights_file: Path) -> None:
    broken = keras_download(_download(weights_file, md5="0" * 32))
    weights, source = xception_weights([broken, named_file(weights_file)])
    assert source == "the file “notop.h5”"
    assert [layer[0].tolist() for layer in weights] == [[0, 1, 2]]


def test_a_download_is_cached(weights_file: Path) -> None:
    download = _download(weights_file)
    first, source = xception_weights([keras_download(download)])
    assert source == "Keras's own download"
    weights_file.unlink()
    again, _ = xception_weights([keras_download(download)])
    np.testing.assert_array_equal(first[0][0], again[0][0])


def test_a_download_with_another_hash_is_not_cached(weights_file: Path, home: Path) -> None:
    with pytest.raises(ModelError, match="MD5"):
        xception_weights([keras_download(_download(weights_file, md5="0" * 32))])
    assert not list(home.rglob("*.h5"))


def test_if_none_works_each_reason_is_reported(tmp_path: Path) -> None:
    gone = tmp_path / "gone.h5"
    (tmp_path / "empty.h5").touch()
    sources = [keras_download(Download(gone.as_uri(), "0" * 32)), named_file(gone), named_file(tmp_path / "empty.h5")]
    with pytest.raises(ModelError) as caught:
        xception_weights(sources)
    assert "Keras's own download: The download failed" in caught.value.what
    assert "“gone.h5”: Couldn't read “gone.h5”" in caught.value.what
    assert "“empty.h5”: The file has no weights" in caught.value.what
    assert "https://" in caught.value.hint
