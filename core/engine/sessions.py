"""How an ONNX Runtime session is opened on each provider, and why one cannot be.

ONNX Runtime falls back to the processor without an exception when CUDA's libraries are missing, and lists providers
that were compiled in, not ones that work. So nothing here is believed until a session reports the provider, and
`core.engine.engine` then proves it with a warm-up and the golden inputs. This module is the boundary where ONNX
Runtime's exceptions, which share no base class but `Exception`, are translated.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import importlib.metadata
import importlib.util
import io
import json
import platform
import re
import sys
from pathlib import Path
from typing import Any, Final

import onnx
import onnxruntime as ort

from core.base.errors import ModelError, ProviderError
from core.base.providers import TITLES, Precision, Provider

_ORT_NAMES: Final = {
    Provider.CUDA: "CUDAExecutionProvider",
    Provider.OPENVINO: "OpenVINOExecutionProvider",
    Provider.CPU: "CPUExecutionProvider",
}
_QUIET: Final = 4  # fatal only: what fails while a provider is tried comes back as an exception
_OPENVINO_MODULE: Final = "onnxruntime_ep_openvino"
_PROVIDER_WHEELS: Final = ("onnxruntime-ep-openvino", "nvidia-cublas", "nvidia-cudnn-cu13")


def open_session(data: bytes, provider: Provider, precision: Precision) -> ort.InferenceSession:
    """Open a session on exactly this provider; the bytes must have passed `core.engine.graph`.

    Holds the interpreter's lock while it works (microsoft/onnxruntime#27063), up to seconds for a large backbone.

    Raises:
        ProviderError: the provider cannot be had here; the hint says what is missing.
        ModelError: not even the CPU can open the file, so it is at fault.
    """
    openers = {Provider.CUDA: _open_cuda, Provider.OPENVINO: _open_openvino, Provider.CPU: _open_cpu}
    ort.set_default_logger_severity(_QUIET)
    try:
        session = openers[provider](data, precision)
    except ProviderError:
        raise
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        raise _session_error(provider, error) from error
    if session.get_providers()[0] != _ORT_NAMES[provider]:
        raise ProviderError(
            f"{TITLES[provider]} did not take the model; ONNX Runtime fell back to {session.get_providers()[0]}.",
            hint=_missing_hint(provider, _load_cuda_libraries() if provider is Provider.CUDA else ()),
        )
    return session


@functools.cache
def check_versions(ir_version: int, opset: int) -> None:
    """Refuse a file that ONNX Runtime is too old for, before anything else is done with it.

    ONNX Runtime names the versions it reads only in what it says of a file that it refuses.

    Raises:
        ModelError: it is; the message names both versions.
    """
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "versions", ends[:1], ends[1:])
    opsets = [onnx.helper.make_opsetid("", opset)]
    model = onnx.helper.make_model(graph, ir_version=ir_version, opset_imports=opsets)
    ort.set_default_logger_severity(_QUIET)
    try:
        _open_cpu(model.SerializeToString(), Precision.EXACT)
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        raise _unsupported_error(str(error), ir_version, opset) from error


def _unsupported_error(stated: str, ir_version: int, opset: int) -> ModelError:
    hint = "Export it again for an older version of ONNX, or update Fovea."
    ir = re.search(r"max supported IR version: (\d+)", stated)
    if ir:
        return ModelError(f"The file has ONNX IR version {ir_version}; this Fovea reads up to {ir[1]}.", hint=hint)
    newest = re.search(r"is till opset (\d+)", stated)
    known = f"; this Fovea reads up to {newest[1]}" if newest else ", which this Fovea cannot read"
    return ModelError(f"The file is written in ONNX opset {opset}{known}.", hint=hint)


def _session_error(provider: Provider, error: Exception) -> ProviderError | ModelError:
    if provider is Provider.CPU:
        return ModelError(
            f"The model file cannot be opened: {first_line(error)}",
            hint="Install the model again, or use another one.",
        )
    return ProviderError(
        f"{TITLES[provider]} could not open the model: {first_line(error)}",
        hint="`fovea doctor` tells what works on this machine.",
    )


def first_line(error: BaseException) -> str:
    """What a foreign exception says, in one line of reasonable length.

    Lines that end in a colon only announce the next: OpenVINO begins with where in its source it threw.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = (line for line in lines if not line.endswith(":"))
    return next(message, lines[0] if lines else type(error).__name__)[:300]


def versions() -> dict[str, str]:
    """Versions of what runs backbones here, as a provider choice depends on them."""
    found = {"onnxruntime": ort.__version__, "python": platform.python_version()}
    for wheel in _PROVIDER_WHEELS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[wheel] = importlib.metadata.version(wheel)
    driver = _nvidia_driver()
    if driver is not None:
        found["nvidia-driver"] = _newest_cuda(driver)
    return found


@functools.cache
def processor() -> str:
    """The processor's name as its maker gives it."""
    for device in ort.get_ep_devices():
        description = device.device.metadata.get("Description", "")
        if device.ep_name == _ORT_NAMES[Provider.CPU] and description:
            return f"{description}"
    return _linux_processor() or platform.processor() or platform.machine()


def _linux_processor() -> str:
    try:
        facts = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return ""
    found = re.search(r"^model name\s*:\s*(.+)$", facts, re.MULTILINE)
    return found[1].strip() if found else ""


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = _QUIET
    # Threads that spin while they wait would keep both cores of a small machine from decoding the next image.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _open_cpu(data: bytes, precision: Precision) -> ort.InferenceSession:  # noqa: ARG001 - float32 is exact and fastest
    return ort.InferenceSession(data, _options(), providers=[_ORT_NAMES[Provider.CPU]], enable_fallback=0)


def _open_cuda(data: bytes, precision: Precision) -> ort.InferenceSession:
    if _ORT_NAMES[Provider.CUDA] not in ort.get_available_providers():
        raise ProviderError("This ONNX Runtime was built without CUDA.", hint=_missing_hint(Provider.CUDA))
    if _nvidia_driver() is None:
        raise ProviderError(
            "No NVIDIA driver was found.",
            hint="Without an NVIDIA graphics card nothing is missing: use another provider.",
        )
    _load_cuda_libraries()
    exact = precision is Precision.EXACT
    cuda = (_ORT_NAMES[Provider.CUDA], {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0" if exact else "1"})
    providers = [cuda, _ORT_NAMES[Provider.CPU]]
    return ort.InferenceSession(data, _options(), providers=providers, enable_fallback=0)


def _open_openvino(data: bytes, precision: Precision) -> ort.InferenceSession:
    device = _openvino_device()
    configuration = {"INFERENCE_PRECISION_HINT": "f32"} if precision is Precision.EXACT else {}
    options = _options()
    # Device names are OpenVINO's own (https://docs.openvino.ai, "CPU device").
    provider_options = {"load_config": json.dumps({"CPU": configuration})} if configuration else {}
    options.add_provider_for_devices([device], provider_options)
    return ort.InferenceSession(data, options, enable_fallback=0)


@functools.cache
def _register_openvino() -> None:
    """Register the plugin once for the process; unregistering while a session lives would crash."""
    plugin: Any = importlib.import_module(_OPENVINO_MODULE)
    ort.register_execution_provider_library("fovea-openvino", plugin.get_library_path())


def _openvino_device() -> Any:  # noqa: ANN401 - ONNX Runtime's OrtEpDevice, which has no public type
    if not importlib.util.find_spec(_OPENVINO_MODULE):
        raise ProviderError("The OpenVINO plugin is not installed.", hint=_missing_hint(Provider.OPENVINO))
    _register_openvino()
    devices = [device for device in ort.get_ep_devices() if device.ep_name == _ORT_NAMES[Provider.OPENVINO]]
    processors = [device for device in devices if device.ep_metadata.get("ov_device") == "CPU"]
    if not processors:
        raise ProviderError(
            "The OpenVINO plugin is installed but offers no processor here.",
            hint=f"It serves Intel processors only; this one is: {processor()}. Use another provider.",
        )
    return processors[0]


def _nvidia_driver() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None


def _newest_cuda(driver: ctypes.CDLL) -> str:
    """The newest CUDA the driver can serve, as its `cuDriverGetVersion` says: 13000 for 13.0."""
    version = ctypes.c_int(0)
    with contextlib.suppress(AttributeError):  # a library of that name that is no driver
        driver.cuDriverGetVersion(ctypes.byref(version))
    return f"CUDA {version.value // 1000}.{version.value % 1000 // 10}"


@functools.cache
def _load_cuda_libraries() -> tuple[str, ...]:
    """Load NVIDIA's libraries from their wheels; the names of those that are needed and not to be had.

    ONNX Runtime prints what it misses, which would spoil our output, and tells it in no other way.
    """
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        ort.preload_dlls(directory="")
    return tuple(re.findall(r"^Failed to load ([\w.-]+):", output.getvalue(), re.MULTILINE))


def _missing_hint(provider: Provider, libraries: tuple[str, ...] = ()) -> str:
    match provider:
        case Provider.CUDA:
            missing = f"Missing: {', '.join(libraries)}. " if libraries else ""
            return f"{missing}Install the extra `cuda` (NVIDIA driver 580 or newer), or use another provider."
        case Provider.OPENVINO:
            return "Install the extra `intel`, or use another provider."
        case Provider.CPU:
            return "Install Fovea again."
