"""The bundle as a person without Python gets it: unpacked from its archive, far from the sources, and made to work.

It is built by `packaging/build.py cpu`; what lies in `dist` is what is tested.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from core.base.errors import ProviderError
from core.base.providers import Provider
from core.engine import sessions
from tests.packaging.conftest import RESULT

ROOT = Path(__file__).resolve().parents[2]
FLAVOUR = f"fovea-{metadata.version('fovea')}-cpu-linux-x86_64"
ARCHIVE = ROOT / "dist" / f"{FLAVOUR}.tar.zst"
FOLDER = ROOT / "dist" / FLAVOUR / "fovea"
UNPACKED_BYTES, ARCHIVE_BYTES = 550_000_000, 230_000_000
NOBODY = 65534
PATIENCE_S = 240

pytestmark = [
    pytest.mark.skipif(not (RESULT or ARCHIVE.exists()), reason="no bundle was built: packaging/build.py cpu"),
    pytest.mark.usefixtures("built"),
    pytest.mark.timeout(900),
]

UNWANTED = re.compile(
    r"tensorflow|keras|tf2onnx|h5py|sklearn|scipy/|pillow_heif|x265|libheif|providers_(cuda|tensorrt)|nvidia|libcud"
    r"|intel_gpu_plugin|intel_npu_plugin|Qt6(Qml|Quick|Pdf|VirtualKeyboard|Designer|Test|Sql|WebEngine)"
    r"|/qml/|/translations/|qmltooling|sqldrivers|/tests?/|\.py$|lib(stdc\+\+|X11|glib-2)"
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that anybody may enter and only root may write to."""
    with tempfile.TemporaryDirectory(prefix="fovea bündle ☃ ", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def bundle(place: Path, built: None) -> Iterator[Path]:
    """The unpacked archive, which nobody can write to any more."""
    import zstandard

    with (
        ARCHIVE.open("rb") as packed,
        zstandard.ZstdDecompressor().stream_reader(packed) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        archive.extractall(place, filter="data")
    folder = place / "fovea"
    subprocess.run(["chmod", "-R", "a-w", folder], check=True)
    yield folder
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a program as a person who owns nothing: an empty HOME, nothing on PATH, and where possible no network."""
    with tempfile.TemporaryDirectory(prefix="höme ") as home:
        os.chmod(home, 0o777)  # noqa: PTH101

        def run_program(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
            environment = {"HOME": home, "PATH": "/nonexistent", "LANG": "C.UTF-8", **more}
            command = [*_alone(), *map(str, words)]
            return subprocess.run(
                command, env=environment, cwd=home, capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )

        yield run_program


def _alone() -> list[str]:
    """What takes away the network and the rights of root, where this process may do that."""
    if os.geteuid() or not shutil.which("setpriv"):
        return []
    words = [shutil.which("setpriv") or "", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    unshare = shutil.which("unshare")
    if unshare and subprocess.run([unshare, "--net", "true"], capture_output=True, check=False).returncode == 0:
        return [unshare, "--net", *words]
    return words


def names(bundle: Path) -> list[str]:
    return [path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()]


def test_it_is_small_enough_to_download(bundle: Path) -> None:
    size = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file() and not path.is_symlink())
    assert 100_000_000 < size < UNPACKED_BYTES
    assert ARCHIVE.stat().st_size < ARCHIVE_BYTES


def test_nothing_is_inside_that_does_not_belong_there(bundle: Path) -> None:
    assert [name for name in names(bundle) if UNWANTED.search(name)] == []


def test_qt_has_what_the_window_imports_and_no_more(bundle: Path) -> None:
    imported = {
        node.module.split(".")[1]
        for file in (ROOT / "gui").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("PySide6.")
    }
    inside = {path.name.split(".")[0] for path in (bundle / "_internal/PySide6").glob("Qt*.so")}
    asked_for_by_pyqtgraph, optional = {"QtOpenGL", "QtOpenGLWidgets"}, {"QtMultimedia"}
    assert inside == (imported | asked_for_by_pyqtgraph) - optional


def test_it_has_every_model_and_tells_what_it_is_made_of(bundle: Path) -> None:
    contents = bundle / "_internal"
    shipped = {path.parent.name for path in (ROOT / "models").glob("*/card.json")}
    assert {path.parent.name for path in (contents / "models").glob("*/card.json")} == shipped
    listed = json.loads((contents / "files.json").read_text())["files"]
    assert set(listed) == set(names(bundle)) - {"_internal/files.json"}
    bill = json.loads((contents / "sbom.json").read_text())
    assert {"numpy", "onnxruntime-gpu", "PySide6_Essentials", "xception-imagenet"} <= {
        part["name"] for part in bill["components"]
    }
    assert "python" in json.dumps(json.loads((contents / "inputs.json").read_text())).lower()
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in (bundle / "LICENCES.txt").read_text()


def test_far_from_the_sources_it_proves_itself(bundle: Path, run: Run) -> None:
    done = run(bundle / "fovea", "--self-check")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert done.stdout.endswith("Everything works.\n")
    assert "files unchanged" in done.stdout
    assert "cat.jpg: “" in done.stdout
    assert "not installed: This needs the trainer" in done.stdout


def test_openvino_is_loaded_from_beside_its_plugins(bundle: Path, run: Run) -> None:
    assert [path.name for path in (bundle / "_internal").iterdir() if re.match(r"lib(openvino|tbb)", path.name)] == []
    done = run(bundle / "fovea", "doctor", "--format", "json")
    works = {one["provider"] for one in json.loads(done.stdout)["providers"] if one["works"]}
    try:
        sessions.check_provider(Provider.OPENVINO)
    except ProviderError:
        assert works == {"cpu"}
    else:
        assert works == {"openvino", "cpu"}


def test_it_tells_what_is_in_a_photo(bundle: Path, run: Run) -> None:
    done = run(bundle / "fovea", "classify", bundle / "_internal/gui/samples/cat.jpg", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["label"] in {"tabby", "tiger cat", "Egyptian cat"}
    assert answer["provider"] in {"cpu", "openvino"}


def test_it_learns_new_classes_without_tensorflow(bundle: Path, run: Run, place: Path, photos: Path) -> None:
    folder = place / "phötos"
    for label in ("bird", "tool"):
        (folder / label).mkdir(parents=True)
        for photo in sorted((photos / label).iterdir())[:10]:
            shutil.copy(photo, folder / label)
    done = run(bundle / "fovea", "train", folder, "--name", "small", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accuracy"] > 0.6
    refused = run(bundle / "fovea", "train", folder, "--name", "large", "--recipe", "dense")
    assert refused.returncode == 2
    assert "needs the trainer" in refused.stderr
    assert "fovea-trainer" in refused.stderr


@pytest.fixture
def damaged(bundle: Path, place: Path) -> Iterator[Path]:
    """A second bundle, of links to the first one's files, to be harmed."""
    folder = place / "harmed"
    subprocess.run(["cp", "-al", bundle, folder], check=True)
    subprocess.run(["find", folder, "-type", "d", "-exec", "chmod", "u+w", "{}", "+"], check=True)
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.mark.parametrize("name", ["PySide6/Qt/lib/libQt6Core.so.6", "onnxruntime/capi", "numpy/_core", "gui/icons"])
def test_without_one_of_its_files_it_says_which_and_what_to_do(damaged: Path, run: Run, name: str) -> None:
    lost = damaged / "_internal" / name
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    for words in (("classify", "x.jpg"), ()):
        done = run(damaged / "fovea", *words, QT_QPA_PLATFORM="offscreen")
        assert done.returncode == 2
        assert "of Fovea " in done.stderr
        assert f"missing or damaged: _internal/{name}" in done.stderr
        assert "Unpack the archive again" in done.stderr
    check = run(damaged / "fovea", "--self-check")
    assert check.returncode == 1
    assert f"damaged: _internal/{name}" in check.stdout


@pytest.mark.parametrize("name", ["PySide6/QtWidgets.abi3.so", "PySide6/Qt/lib/libQt6Gui.so.6"])
def test_a_cut_file_is_told_of(damaged: Path, run: Run, name: str) -> None:
    cut = damaged / "_internal" / name
    half = cut.read_bytes()[:4000]
    cut.unlink()
    cut.write_bytes(half)
    done = run(damaged / "fovea", QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 2
    assert "damaged" in done.stderr
    assert cut.name in done.stderr
    assert "Unpack the archive again" in done.stderr


def test_a_changed_model_is_refused_by_name(damaged: Path, run: Run) -> None:
    model = damaged / "_internal/models/general/backbone.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.unlink()
    model.write_bytes(data)
    done = run(damaged / "fovea", "classify", damaged / "_internal/gui/samples/cat.jpg")
    assert done.returncode == 2
    assert "general" in done.stderr
    check = run(damaged / "fovea", "--self-check")
    assert check.returncode == 1
    assert "damaged: _internal/models/general/backbone.onnx" in check.stdout
