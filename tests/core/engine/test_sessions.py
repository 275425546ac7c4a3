"""Providers are tried for real, also where their libraries are missing or broken: in processes of their own."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnxruntime as ort
import pytest
from numpy.fft import _pocketfft_umath

from core.base.errors import FoveaError, ModelError, ProviderError
from core.base.providers import Precision, Provider
from core.engine import sessions
from tests import tiny
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="libraries are found through LD_LIBRARY_PATH on Linux only")

OPEN = """
import json, sys
from core.engine.provider_selection import BackboneFiles, choose_engine
from core.engine.engine import open_engine
from core.base.errors import FoveaError
from core.base.providers import Precision, Provider, ProviderPreference
from tests import tiny

data, card = tiny.backbone_bytes(), tiny.backbone_card()
try:
    found = {"provider": open_engine(data, card, Provider(sys.argv[1]), Precision.AUTO).provider}
except FoveaError as error:
    found = {"kind": error.kind, "what": error.what, "hint": error.hint}
found["auto"] = choose_engine(BackboneFiles.of(data, card), ProviderPreference.AUTO, Precision.AUTO).provider
print("ANSWER", json.dumps(found))
"""


def opened(provider: Provider, **environment: str) -> tuple[dict[str, str], str]:
    """What a process with this environment says about a provider, and what it wrote to standard error."""
    command = [sys.executable, "-c", OPEN, provider.value]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert done.stdout.startswith("ANSWER "), "something else was written to standard output"
    answer: dict[str, str] = json.loads(done.stdout.removeprefix("ANSWER "))
    return answer, done.stderr


def test_the_cpu_is_alone_and_asked_for() -> None:
    session = sessions.open_session(tiny.backbone_bytes(), Provider.CPU, Precision.EXACT)
    assert session.get_providers() == ["CPUExecutionProvider"]


@pytest.mark.parametrize("provider", Provider)
def test_a_bad_file_is_an_error_of_ours_and_silent(provider: Provider, capfd: pytest.CaptureFixture[str]) -> None:
    for data in (b"", b"no model", b"\x08\x0a" * 50):
        with pytest.raises(ModelError if provider is Provider.CPU else ProviderError) as caught:
            sessions.open_session(data, provider, Precision.AUTO)
        assert "\n" not in caught.value.what
    assert capfd.readouterr().out == ""


@LINUX
def test_a_driver_without_cuda_libraries_is_no_cuda(tmp_path: Path) -> None:
    """ONNX Runtime would fall back to the CPU without an exception, print what it misses, and log in red."""
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        pytest.skip("this ONNX Runtime was built without CUDA")
    if (Path(ort.__file__).parents[1] / "nvidia").exists():
        pytest.skip("NVIDIA's libraries are installed")
    with contextlib.suppress(OSError):
        ctypes.CDLL("libcublasLt.so.13")
        pytest.skip("CUDA is installed on this system")
    shutil.copy(_pocketfft_umath.__file__, tmp_path / "libcuda.so.1")  # a library, but no driver
    answer, log = opened(Provider.CUDA, LD_LIBRARY_PATH=str(tmp_path))
    assert answer["kind"] == "provider"
    assert "fell back to CPUExecutionProvider" in answer["what"]
    assert "libcublas" in answer["hint"]
    assert "extra `cuda`" in answer["hint"]
    assert answer["auto"] in ("cpu", "openvino")
    assert "onnxruntime" not in log.lower()


def write_plugin(folder: Path, source: str) -> str:
    """A plugin that shadows the real one, and PYTHONPATH to find it."""
    (folder / "onnxruntime_ep_openvino").mkdir()
    (folder / "onnxruntime_ep_openvino" / "__init__.py").write_text(source)
    return os.pathsep.join([str(folder), str(ROOT)])


@pytest.mark.parametrize(
    "source",
    [
        "raise ImportError('libopenvino.so: not found')",
        "raise SystemError('no')",
        "def get_library_path(): return 'nowhere.so'",
        "from numpy.fft._pocketfft_umath import __file__\ndef get_library_path(): return __file__",
        "",
    ],
)
def test_a_broken_plugin_is_reported_and_auto_does_without(tmp_path: Path, source: str) -> None:
    answer, _ = opened(Provider.OPENVINO, PYTHONPATH=write_plugin(tmp_path, source))
    assert answer["kind"] == "provider"
    assert answer["what"].startswith("OpenVINO couldn't open the model: ")
    assert answer["hint"]
    assert answer["auto"] in ("cpu", "cuda")


def test_a_plugin_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_openvino", None)
    with pytest.raises(ProviderError, match="not installed") as caught:
        sessions.open_session(tiny.backbone_bytes(), Provider.OPENVINO, Precision.AUTO)
    assert "extra `intel`" in caught.value.hint


def test_the_plugin_says_which_processors_it_serves() -> None:
    """It offers no device on other makers' processors (microsoft/onnxruntime#31981)."""
    makers = {device.device.vendor for device in ort.get_ep_devices() if device.ep_name == "CPUExecutionProvider"}
    if "onnxruntime-ep-openvino" not in sessions.versions() or any("Intel" in maker for maker in makers):
        pytest.skip("the plugin is not installed, or this is a processor it serves")
    with pytest.raises(ProviderError, match="does not support this processor") as caught:
        sessions.open_session(tiny.backbone_bytes(), Provider.OPENVINO, Precision.EXACT)
    assert sessions.processor() in caught.value.what


def test_what_a_choice_depends_on_is_reported() -> None:
    assert sessions.versions()["onnxruntime"] == ort.__version__
    assert sessions.processor().strip()


@LINUX
def test_the_processor_has_its_name() -> None:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    if not names:
        pytest.skip("this kernel does not tell the processor's name")
    assert sessions.processor() in names[0]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("\n  first \nsecond", "first"),
        (
            "EP_FAIL : Exception from core.cpp:117:\nException from graph.cpp:1628:\nNode 5 cannot run\n\n",
            "Node 5 cannot run",
        ),
        ("only this:", "only this:"),
        ("", "ValueError"),
        (" \n ", "ValueError"),
        ("x" * 999, "x" * 300),
    ],
)
def test_foreign_exceptions_become_one_line(said: str, line: str) -> None:
    assert sessions.first_line(ValueError(said)) == line


def test_an_error_keeps_what_caused_it() -> None:
    with pytest.raises(FoveaError) as caught:
        sessions.open_session(b"no model", Provider.CPU, Precision.AUTO)
    assert caught.value.__cause__ is not None
