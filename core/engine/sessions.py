"""Opening of ONNX Runtime sessions on each provider, and the reasons why one cannot be opened.

ONNX Runtime silently falls back to the CPU if CUDA's libraries are missing, and lists the providers that were compiled
in, not those that work. So a provider counts only once a session reports it, and `core.engine.engine` then checks it
with a warm-up and the golden inputs. Exceptions of ONNX Runtime, which share no base class but `Exception`, are
converted here.
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
from core.base.i18n import tr
from core.base.providers import TITLES, Precision, Provider
from core.engine.cpu_rewrites import add_zero_points, rewrite

_ORT_NAMES: Final = {
    Provider.CUDA: "CUDAExecutionProvider",
    Provider.OPENVINO: "OpenVINOExecutionProvider",
    Provider.CPU: "CPUExecutionProvider",
}
UNSATURATED: Final = "session.x64quantprecision"
"""The entry of ONNX Runtime's configuration that keeps products of 8 bits from saturating."""
_QUIET: Final = 4  # fatal only: errors while a provider is tried are raised as exceptions
_OPENVINO_MODULE: Final = "onnxruntime_ep_openvino"
_PROVIDER_WHEELS: Final = ("onnxruntime-ep-openvino", "nvidia-cublas", "nvidia-cudnn-cu13")


def open_session(data: bytes, provider: Provider, precision: Precision) -> ort.InferenceSession:
    """Open a session on exactly this provider; the file must have been checked by `core.engine.graph`.

    This holds the global interpreter lock (microsoft/onnxruntime#27063), up to seconds for a large backbone.

    Raises:
        ProviderError: the provider is not available; the hint says what is missing.
        ModelError: the CPU provider cannot open the file, so the file is invalid.
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
        what = tr(
            "{provider} could not run the model. ONNX Runtime fell back to {fallback}.",
            provider=TITLES[provider],
            fallback=session.get_providers()[0],
        )
        libraries = _load_cuda_libraries() if provider is Provider.CUDA else ()
        raise ProviderError(what, hint=_missing_hint(provider, libraries))
    return session


def open_profiled(data: bytes, folder: Path) -> ort.InferenceSession:
    """Open a session on the CPU whose profiler writes into a folder; the file must have been checked as above.

    Raises:
        ModelError: the file is invalid.
    """
    ort.set_default_logger_severity(_QUIET)
    options = _options()
    options.enable_profiling, options.profile_file_prefix = True, str(folder / "profile")
    try:
        return ort.InferenceSession(data, options, providers=[_ORT_NAMES[Provider.CPU]], enable_fallback=0)
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        raise _session_error(Provider.CPU, error) from error


def bound_device(session: ort.InferenceSession) -> str | None:
    """The device, as ONNX Runtime calls it, in whose memory inputs and outputs should stay; None if it is the CPU's."""
    return "cuda" if session.get_providers()[0] == _ORT_NAMES[Provider.CUDA] else None


@functools.cache
def check_versions(ir_version: int, opset: int) -> None:
    """Refuse a file that is too new for ONNX Runtime, before anything else is done with it.

    ONNX Runtime names the versions it supports only in the error about a file it refuses.

    Raises:
        ModelError: the file is too new; the message names both versions.
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
    hint = tr("Export it again for an older version of ONNX, or update Fovea.")
    ir = re.search(r"max supported IR version: (\d+)", stated)
    if ir:
        what = tr(
            "The file uses ONNX IR version {version}. This version of Fovea supports up to {newest}.",
            version=ir_version,
            newest=ir[1],
        )
        return ModelError(what, hint=hint)
    newest = re.search(r"is till opset (\d+)", stated)
    if newest:
        what = tr(
            "The file uses ONNX opset {version}. This version of Fovea supports up to {newest}.",
            version=opset,
            newest=newest[1],
        )
        return ModelError(what, hint=hint)
    return ModelError(tr("The file uses ONNX opset {version}, which is not supported.", version=opset), hint=hint)


def _session_error(provider: Provider, error: Exception) -> ProviderError | ModelError:
    if provider is Provider.CPU:
        what = tr("Couldn't open the model file: {reason}", reason=first_line(error))
        return ModelError(what, hint=tr("Install the model again, or use another one."))
    what = tr("{provider} couldn't open the model: {reason}", provider=TITLES[provider], reason=first_line(error))
    return ProviderError(what, hint=tr("Run `fovea doctor` to see what works on this machine."))


def first_line(error: BaseException) -> str:
    """The message of an exception as one line of at most 300 characters.

    Lines that end in a colon only introduce the next: OpenVINO starts with its source location.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = (line for line in lines if not line.endswith(":"))
    return next(message, lines[0] if lines else type(error).__name__)[:300]


def versions() -> dict[str, str]:
    """The versions of the runtime libraries, on which a provider choice depends."""
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
    """The name of the processor."""
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
    # Threads that sleep between two layers wake late: spinning for so long took an image in 8 bits from 48.4 to 46.9 ms
    # (two cores). Spinning for longer would keep the cores of a small machine from decoding the next image.
    options.add_session_config_entry("session.intra_op.spin_duration_us", "50")
    return options


def _cpu_options() -> ort.SessionOptions:
    options = _options()
    # Where products of 8 bits saturate (AVX2, AVX-512 without VNNI), kernels of more than 7 bits become unsigned.
    # Without this, the golden features of EfficientNet-Lite3 have a cosine of 0.905 there. Elsewhere, it does nothing.
    options.add_session_config_entry(UNSATURATED, "1")
    return options


def _open_cpu(data: bytes, precision: Precision) -> ort.InferenceSession:
    prepared = add_zero_points(data) if precision is Precision.EXACT else rewrite(data)
    return ort.InferenceSession(prepared, _cpu_options(), providers=[_ORT_NAMES[Provider.CPU]], enable_fallback=0)


def open_saturating(data: bytes) -> ort.InferenceSession:
    """Open a session of the CPU provider whose products of 8 bits saturate where the processor's instructions do.

    Raises:
        Exception: ONNX Runtime refuses the file.
    """
    return ort.InferenceSession(data, _options(), providers=[_ORT_NAMES[Provider.CPU]], enable_fallback=0)


def open_single_threaded(data: bytes) -> ort.InferenceSession:
    """Open a session of the CPU provider that runs in the calling thread alone, so that several threads can use it.

    Raises:
        Exception: ONNX Runtime refuses the file.
    """
    options = _cpu_options()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(rewrite(data), options, providers=[_ORT_NAMES[Provider.CPU]], enable_fallback=0)


def check_provider(provider: Provider) -> None:
    """Check what a provider needs on this machine, without opening a model; takes milliseconds.

    Raises:
        ProviderError: it cannot work here.
    """
    try:
        match provider:
            case Provider.CUDA:
                _check_cuda()
            case Provider.OPENVINO:
                _openvino_device()
    except ProviderError:
        raise
    except Exception as error:  # the boundary: a damaged plugin raises whatever its import does
        raise _session_error(provider, error) from error


def unavailable_providers() -> dict[Provider, ProviderError]:
    """The providers that work with no backbone on this machine, and why."""
    found = {}
    for provider in Provider:
        try:
            check_provider(provider)
        except ProviderError as error:
            found[provider] = error
    return found


def _check_cuda() -> None:
    if _ORT_NAMES[Provider.CUDA] not in ort.get_available_providers():
        what = tr("The installed ONNX Runtime does not support CUDA.")
        raise ProviderError(what, hint=_missing_hint(Provider.CUDA))
    if _nvidia_driver() is None:
        hint = tr("Install the NVIDIA driver. On a machine without an NVIDIA GPU, use another provider.")
        raise ProviderError(tr("No NVIDIA driver found."), hint=hint)


def _open_cuda(data: bytes, precision: Precision) -> ort.InferenceSession:
    _check_cuda()
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
    """Register the plugin once per process; unregistering it while a session exists would crash."""
    plugin: Any = importlib.import_module(_OPENVINO_MODULE)
    ort.register_execution_provider_library("fovea-openvino", plugin.get_library_path())


def _openvino_device() -> Any:  # noqa: ANN401 - ONNX Runtime's OrtEpDevice, which has no public type
    if not importlib.util.find_spec(_OPENVINO_MODULE):
        raise ProviderError(tr("The OpenVINO plugin is not installed."), hint=_missing_hint(Provider.OPENVINO))
    _register_openvino()
    devices = [device for device in ort.get_ep_devices() if device.ep_name == _ORT_NAMES[Provider.OPENVINO]]
    processors = [device for device in devices if device.ep_metadata.get("ov_device") == "CPU"]
    if not processors:
        what = tr("The OpenVINO plugin does not support this processor: {processor}.", processor=processor())
        raise ProviderError(what, hint=tr("It needs an Intel processor. Use another provider."))
    return processors[0]


def _nvidia_driver() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None


def _newest_cuda(driver: ctypes.CDLL) -> str:
    """The newest CUDA version the driver supports, from `cuDriverGetVersion`: 13000 for 13.0."""
    version = ctypes.c_int(0)
    with contextlib.suppress(AttributeError):  # a library of that name that is not the driver
        driver.cuDriverGetVersion(ctypes.byref(version))
    return f"CUDA {version.value // 1000}.{version.value % 1000 // 10}"


@functools.cache
def cuda_memory() -> int:
    """The memory of the first NVIDIA GPU in bytes, from `cuDeviceTotalMem`; 0 if unknown."""
    driver, device, total = _nvidia_driver(), ctypes.c_int(0), ctypes.c_size_t(0)
    if driver is None:
        return 0
    with contextlib.suppress(AttributeError):  # a library of that name that is not the driver
        driver.cuInit(0)
        driver.cuDeviceGet(ctypes.byref(device), 0)
        driver.cuDeviceTotalMem_v2(ctypes.byref(total), device)
    return total.value


@functools.cache
def _load_cuda_libraries() -> tuple[str, ...]:
    """Load NVIDIA's libraries from their wheels, and return the names of missing ones.

    ONNX Runtime only prints what is missing, which would also mix with our output, so it is captured.
    """
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        ort.preload_dlls(directory="")
    return tuple(re.findall(r"^Failed to load ([\w.-]+):", output.getvalue(), re.MULTILINE))


def _missing_hint(provider: Provider, libraries: tuple[str, ...] = ()) -> str:
    match provider:
        case Provider.CUDA:
            hint = tr("Install the extra `cuda` and NVIDIA driver 580 or newer, or use another provider.")
            if not libraries:
                return hint
            return f"{tr('Missing libraries: {libraries}.', libraries=', '.join(libraries))} {hint}"
        case Provider.OPENVINO:
            return tr("Install the extra `intel`, or use another provider.")
        case Provider.CPU:
            return tr("Install Fovea again.")
