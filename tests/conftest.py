"""What every test stands on: a home of its own, no screen, no network, no thread left behind."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.base import paths
from tests.patience import PATIENCE_S

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Hundreds of processes are started: where none may keep what it compiled, each compiles all that it imports, and
# TensorFlow alone takes three times as long.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_LOOPBACK = ("localhost", "127.", "::1")
_ORDER = (
    "core/cli/test_train_deeper.py",
    "gui/training/wizard/test_from_nothing.py",
    "core/cli/test_acceptance.py",
    "core/trainer/test_fine_tune.py",
    "core/jobs/cluster/test_classify.py",
    "core/trainer/",
    "models/",
    "test_project.py",
    "core/",
    "gui/folders/",
    "gui/photos/",
    "packaging/",
)
"""Files of few but long tests begin, so that no worker ends with minutes of work that nobody can share.

The bundle that some need may be built meanwhile, see `.ci/run`.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files as in `_ORDER`; what it does not name comes last."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        return next((number for number, start in enumerate(_ORDER) if name.startswith(start)), len(_ORDER))

    items.sort(key=place)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything the program writes goes into this test's own folder."""
    place = tmp_path / "fovea-home"
    monkeypatch.setenv("FOVEA_HOME", str(place))
    return place


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program opens no network connection and looks up no name; a test that sees it try fails."""

    def guard(owner: object, name: str, host_of: Callable[..., object]) -> None:
        plain = getattr(owner, name)

        def guarded(*arguments: object, **more: object) -> object:
            host = host_of(*arguments, **more)
            if host is not None and not str(host).startswith(_LOOPBACK):
                pytest.fail(f"the program opens no network connection, but it asked for {host!r}")
            return plain(*arguments, **more)

        monkeypatch.setattr(owner, name, guarded)

    guard(socket.socket, "connect", _host_of_connection)
    guard(socket.socket, "connect_ex", _host_of_connection)
    guard(socket, "getaddrinfo", lambda host, *_, **__: host)


def _host_of_connection(connection: socket.socket, address: tuple[object, ...] | str) -> object:
    return address[0] if connection.family in (socket.AF_INET, socket.AF_INET6) else None


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """A thread that outlives its test would keep the program from ending."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(timeout=PATIENCE_S)
    names = [thread.name for thread in left if thread.is_alive()]
    assert not names, f"the test left threads running: {names}"


@pytest.fixture(scope="session")
def photos() -> Path:
    """The labelled photos, one folder a class; they lie beside the repository and not everywhere."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "photos"
    if not folder.is_dir():
        pytest.skip("the labelled photos ../shared/data/photos are not on this machine")
    return folder


@pytest.fixture(scope="session")
def shipped_models() -> Path:
    """The models that come with the program."""
    return paths.builtin_models()


@pytest.fixture(scope="session")
def small_xception(shipped_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built-in backbone, changed to read images of 75 pixels."""
    from tests import small_xception

    folder = tmp_path_factory.mktemp("small")
    small_xception.write(folder, shipped_models / "xception-imagenet")
    return folder


@pytest.fixture
def speeds(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Times by precision that are measured: the tiny network is no faster in 8 bits."""
    from core.engine import provider_selection

    found = {"float32": 10.0, "int8": 4.0}
    monkeypatch.setattr(
        provider_selection, "_times", lambda engines: {one: found[one.card.precision] for one in engines}
    )
    return found
