"""What goes into a bundle, by the place a file would have there."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

CUDA_ONLY = ("onnxruntime/capi/libonnxruntime_providers_cuda.so", "libcudart.so.13")
NEVER = (
    "PySide6/Qt/qml/QtQuick/x.so",
    "PySide6/Qt/translations/qt_de.qm",
    "PySide6/Qt/lib/libQt6Quick.so.6",
    "libQt6Qml.so.6",
    "PySide6/Qt/plugins/sqldrivers/libqsqlite.so",
    "PySide6/Qt/plugins/platforms/libqvnc.so",
    "PySide6/QtDBus.abi3.so",
    "onnxruntime_ep_openvino/libopenvino_intel_gpu_plugin.so",
    "onnxruntime/capi/libonnxruntime_providers_tensorrt.so",
    "libstdc++.so.6",
    "libreadline.so.8",
)
ALWAYS = (
    "PySide6/Qt/lib/libQt6Core.so.6",
    "PySide6/Qt/plugins/platforms/libqxcb.so",
    "PySide6/QtNetwork.abi3.so",
    "onnxruntime_ep_openvino/libopenvino_intel_cpu_plugin.so",
    "onnxruntime/capi/libonnxruntime_providers_shared.so",
    "libxcb-cursor.so.0",
    "libfreetype-57f805ba.so.6.20.6",  # Pillow's own, not the system's
    "models/general/card.json",
)


@pytest.mark.parametrize("place", [*CUDA_ONLY, *NEVER, *ALWAYS])
def test_what_belongs_into_which_flavour(place: str) -> None:
    from contents import Flavour, is_wanted

    wanted = {flavour for flavour in (Flavour.CPU, Flavour.CUDA) if is_wanted(place, flavour)}
    expected = {Flavour.CUDA} if place in CUDA_ONLY else set() if place in NEVER else {Flavour.CPU, Flavour.CUDA}
    assert wanted == expected


@pytest.mark.parametrize(
    ("name", "is_theirs"),
    [
        ("libcudnn_ops.so.9", True),
        ("libnvrtc-builtins.so.13.5", True),
        ("libcublasLt.so.13", True),
        ("cublasLt64_13.dll", True),
        ("cudnn_engines_tensor_ir64_9.dll", True),
        ("nvrtc64_130_0.dll", True),
        ("libnvblas.so.13", False),
        ("cudart_static.lib", False),
        ("cudnn.h", False),
    ],
)
def test_nvidia_s_libraries_are_taken_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_theirs: bool
) -> None:
    import contents

    file = tmp_path / "nvidia/cu13/lib" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    assert contents.nvidia() == ([(str(file), "nvidia/cu13/lib")] if is_theirs else [])


def test_the_folders_of_the_code_s_data_are_there() -> None:
    import contents

    places = {place for _, place in contents.data()}
    assert {"docs", "gui/icons", "gui/samples", "core/outputs/keywords/namespace"} <= places
    assert {"core/evaluation/templates", "core/outputs/reports/templates"} <= places
    assert {"models/general", "models/everyday", "models/xception-imagenet"} <= places


@pytest.mark.skipif(sys.platform == "win32", reason="a zip is made there")
def test_the_same_folder_gives_the_same_archive(tmp_path: Path) -> None:
    import os
    import tarfile

    import zstandard
    from archive import pack

    def packed(name: str, when: int) -> bytes:
        folder = tmp_path / name
        (folder / "fovea/ünder").mkdir(parents=True)
        for file, mode in (("fovea/fovea", 0o700), ("fovea/ünder/a.txt", 0o664)):
            (folder / file).write_text(file)
            (folder / file).chmod(mode)
            os.utime(folder / file, (when, when))
        (folder / "fovea/link").symlink_to("ünder/a.txt")
        return pack(folder, tmp_path / f"{name}-archive").read_bytes()

    assert packed("one", 10**9) == packed("two", 2 * 10**9)
    with (
        zstandard.open(tmp_path / "one-archive.tar.zst", "rb") as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        entries = {entry.name: entry for entry in tar}
    assert entries["fovea/fovea"].mode == 0o755
    assert entries["fovea/ünder/a.txt"].mode == 0o644
    assert entries["fovea/link"].linkname == "ünder/a.txt"
