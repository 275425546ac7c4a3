"""What goes into the bundles and what must not, each with its reason; the specs and the tests read it here."""

from __future__ import annotations

import json
import re
import sys
import sysconfig
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

SOURCES: Final = "sources.json"
"""In PyInstaller's working folder: the files of this machine that went in."""

Entry = tuple[str, str, str]
"""PyInstaller's: where a file goes, where it comes from, and what it is."""


class Flavour(StrEnum):
    """The bundles."""

    CPU = "cpu"
    """The window and the command line, for every machine; with the OpenVINO plugin."""
    CUDA = "cuda"
    """The same for NVIDIA cards, with NVIDIA's libraries."""
    TRAINER = "trainer"
    """TensorFlow in a program of its own, which the other two find beside them."""


_FOLDERS: Final = (
    *("docs", "gui/icons", "gui/samples", "models/*"),
    *("core/evaluation/templates", "core/outputs/keywords/namespace", "core/outputs/reports/templates"),
)
"""What the code reads beside itself; what rebuilds the models stays out."""
_NOT_READ: Final = ("__pycache__", "calibration")

TOLD: Final = (
    *("fovea", "numpy", "onnx", "onnxruntime-gpu", "onnxruntime", "onnxruntime-ep-openvino", "pillow"),
    *(
        "pillow-heif",
        "platformdirs",
        "PySide6-Essentials",
        "pyqtgraph",
        "rich",
        "tensorflow",
        "keras",
        "tf2onnx",
        "h5py",
    ),
)
"""Distributions whose version the program tells."""

_TENSORFLOW: Final = ("tensorflow", "keras", "tf2onnx", "h5py", "core.trainer")
_TOOLS: Final = ("pytest", "hypothesis", "setuptools", "pip", "wheel", "pkg_resources", "PyInstaller", "zstandard")
_NEVER_IMPORTED: Final = (
    "attr",
    "attrs",
    "defusedxml",
    "tkinter",
    "IPython",
    "matplotlib",
    "pandas",
    "pyarrow",
    "sklearn",
    "scipy",
    "torch",
    "sympy",
    "OpenGL",
    "pyqtgraph.opengl",
    "pyqtgraph.examples",
)
"""Asked for by libraries where they are there."""
_CLUSTER: Final = ("ray", "fsspec")
"""Spreads work over machines, which is a server's task: 200 MB, and the extra `cluster` of an installation by pip."""
_CAMERA: Final = ("PySide6.QtMultimedia",)
"""With the FFmpeg and the Qt Quick that it loads, 40 MB for a part that few need: the extra `camera`."""
_GPL: Final = ("pillow_heif",)
"""It brings x265; a bundle that holds that would have to be under the GPL."""

EXCLUDED: Final = {
    Flavour.CPU: (*_TENSORFLOW, *_TOOLS, *_NEVER_IMPORTED, *_CLUSTER, *_CAMERA, *_GPL),
    Flavour.CUDA: (*_TENSORFLOW, *_TOOLS, *_NEVER_IMPORTED, *_CLUSTER, *_CAMERA, *_GPL),
    Flavour.TRAINER: ("gui", "core.cli", "core.services", "PySide6", "shiboken6", *_NEVER_IMPORTED, *_CLUSTER, *_GPL),
}
"""Modules that must not be inside."""

PLOTS: Final = ("PySide6.QtOpenGL", "PySide6.QtOpenGLWidgets")
"""Imported by name: pyqtgraph does not import without them, though nothing is drawn with them."""
OPENVINO: Final = "onnxruntime_ep_openvino"
"""Imported by name where it is installed."""

_QT_PLUGINS: Final = (
    "platforms/.*(xcb|wayland|offscreen|windows|cocoa)",
    "wayland-shell-integration/.*xdg-shell",
    "wayland-decoration-client/.*(adwaita|bradient)",
    "platforminputcontexts/.*(compose|ibus)",
    "platformthemes/.*",
    "iconengines/.*svg",
    "imageformats/.*(jpeg|svg|ico)",
    "styles/.*",
)
"""What a window of widgets uses: a screen to draw on, file dialogs of the desktop, typing of accents, icons."""
_QT_LIBRARIES_UNUSED: Final = (
    r"Qt6?(Qml|Quick|Pdf|VirtualKeyboard|EglF|Test|Sql|PrintSupport|Designer"
    r"|WaylandCompositor|WaylandEgl|WlShell)"
)
_OPENVINO_UNUSED: Final = r"openvino_(intel_gpu|intel_npu|hetero|auto|auto_batch)_plugin|_ep_openvino/cache\.json"
"""`core.engine.sessions` asks for the processor's device, and for nothing else."""
_OPENVINO_LINKS: Final = r"^lib(openvino|tbb)[^/]*$"
"""PyInstaller's links in the folder where libraries are searched first: OpenVINO looks for its plugins beside itself,
so loaded through a link it would find none, and no processor would be supported.
"""
_TENSORRT: Final = r"onnxruntime_providers_(tensorrt|nv_tensorrt_rtx)"
_CUDA: Final = r"onnxruntime_providers_cuda|^libcudart"
_SYSTEM: Final = (
    r"^lib(stdc\+\+|gcc_s|X11|X11-xcb|Xau|Xdmcp|Xext|Xrender|glib-2\.0|gio-2\.0|gobject-2\.0|gmodule-2\.0|gthread-2\.0"
    r"|cairo|pixman-1|fontconfig|freetype|expat|fribidi|graphite2|harfbuzz|thai|datrie|dbus-1|systemd|mount|blkid|selinux"
    r"|brotlicommon|brotlidec|bsd|md|cap|gcrypt|gpg-error|lz4|pcre2-8|cairo-gobject|png16|jpeg|zstd|readline|tinfo|xcb-glx"
    r"|EGL|GL|GLX|OpenGL|GLdispatch|drm|gbm|wayland-\w+|gtk-3|gdk-3|gdk_pixbuf-2\.0|atk-1\.0|epoxy|pango\w*-1\.0)\.so"
)
"""What every Linux desktop has, in a version that fits its drivers and settings, and what those load: never ours. The
list follows AppImage's excludelist.
"""
_MODULES_UNUSED: Final = r"lib-dynload/readline|PySide6/QtDBus\."
_NVIDIA_LIBRARIES: Final = (
    *("cudart", "cublas", "cublasLt", "cufft", "curand", "nvrtc", "nvrtc-builtins", "nvJitLink"),
    *("cudnn", "cudnn_graph", "cudnn_ops", "cudnn_cnn", "cudnn_heuristic", "cudnn_adv", "cudnn_ext"),
    *("cudnn_engines_precompiled", "cudnn_engines_runtime_compiled", "cudnn_engines_tensor_ir"),
)
"""What ONNX Runtime's CUDA provider loads, itself or through cuDNN."""


def data() -> list[tuple[str, str]]:
    """Folders of the project that go in as they are, and where to."""
    folders = (folder for pattern in _FOLDERS for folder in sorted(ROOT.glob(pattern)) if folder.is_dir())
    return [(str(folder), folder.relative_to(ROOT).as_posix()) for folder in folders if folder.name not in _NOT_READ]


def icon() -> str:
    """The file of the icon that a program's own file shows; Linux shows none."""
    return str(ROOT / "packaging/icons" / ("fovea.icns" if sys.platform == "darwin" else "fovea.ico"))


def resource(program: str) -> object:
    """What Windows shows under Properties > Details of a program's file; None elsewhere."""
    if sys.platform != "win32":
        return None
    sys.path.insert(0, str(ROOT / "packaging/windows"))
    from version import version_resource

    return version_resource(program)


def nvidia() -> list[tuple[str, str]]:
    """NVIDIA's libraries from their wheels, kept in the folders where `onnxruntime.preload_dlls` looks for them."""
    wheels = Path(sysconfig.get_path("purelib")) / "nvidia"
    found = (file for file in wheels.rglob("*") if file.is_file() and _is_nvidias(file.name))
    return [(str(file), file.parent.relative_to(wheels.parent).as_posix()) for file in sorted(found)]


def _is_nvidias(name: str) -> bool:
    """Such as libcudnn_ops.so.9 and libnvrtc-builtins.so.13.0, or cudnn_ops64_9.dll and nvrtc-builtins64_130.dll."""
    stem = re.match(r"(?:lib)?([A-Za-z_]+(?:-builtins)?)(?:\.so[.\d]*|(?:64)?(?:_[\d_]+)?\.dll)$", name)
    return stem is not None and stem[1] in _NVIDIA_LIBRARIES


def wanted(entries: Sequence[Entry], flavour: Flavour) -> list[Entry]:
    """Of what PyInstaller found, what a bundle of this flavour needs."""
    return [entry for entry in entries if is_wanted(Path(entry[0]).as_posix(), flavour)]


def is_wanted(place: str, flavour: Flavour) -> bool:
    """Whether a file belongs into a bundle, by the place it would have there."""
    if "/Qt/qml/" in place or "/translations/" in place:
        return False
    plugin = re.search(r"/(?:Qt/)?plugins/(.+)$", place) if "PySide6" in place else None
    if plugin:
        return any(re.match(pattern, plugin[1]) for pattern in _QT_PLUGINS)
    unwanted = [_QT_LIBRARIES_UNUSED, _OPENVINO_UNUSED, _OPENVINO_LINKS, _TENSORRT, _SYSTEM, _MODULES_UNUSED]
    if flavour is not Flavour.CUDA:
        unwanted.append(_CUDA)
    return not any(re.search(pattern, place) for pattern in unwanted)


def write_sources(entries: Sequence[Entry], folder: Path) -> None:
    """Tell `build.py` which files of this machine went in."""
    sources = sorted({str(Path(source).resolve()) for _, source, _ in entries if source and Path(source).is_file()})
    (folder / SOURCES).write_text(json.dumps(sources))
