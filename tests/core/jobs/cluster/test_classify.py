"""Classifying on a cluster of one machine: the same results as locally, and no leftovers.

Ray takes many seconds to start: one session classifies a folder, then a store, and is looked at meanwhile.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.models import library
from tests import tiny
from tests.patience import PATIENCE_S

pytest.importorskip("ray", reason="the extra `cluster` is not installed")
ROOT = Path(__file__).resolve().parents[4]
PROGRAM = """
    import json, os, sys
    from contextlib import nullcontext
    from dataclasses import replace
    from pathlib import Path

    import core.jobs.cluster.classify as classifying
    from core.models.classifier import open_classifier
    from core.jobs.cluster.addresses import RemoteStore
    from core.jobs.cluster.classify import classify
    from core.jobs.cluster.worker import ClusterTask, model_hashes
    from core.base.errors import ModelError
    from core.models.library import open_library
    from core.prediction import Failure
    from core.base.providers import Precision, ProviderPreference

    def as_text(outcome):
        if isinstance(outcome, Failure):
            return [str(outcome.path), outcome.kind, outcome.message, outcome.hint]
        scores = [[score.label, round(score.probability, 5)] for score in outcome.scores]
        return [str(outcome.path), scores, outcome.unknown, outcome.model, outcome.provider]

    def listening():
        lines = Path("/proc/net/tcp").read_text().splitlines() + Path("/proc/net/tcp6").read_text().splitlines()
        own = {os.stat(f"/proc/{pid}/fd/{fd}").st_ino for pid in ours() for fd in fds(pid)}
        return [line.split()[1] for line in lines[1:] if " 0A " in line and int(line.split()[9]) in own]

    def ours():
        return [pid for pid in os.listdir("/proc") if pid.isdigit() and session(pid)]

    def session(pid):
        try:
            return b"fovea-ray-" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    def fds(pid):
        try:
            return [fd for fd in os.listdir(f"/proc/{pid}/fd") if os.path.exists(f"/proc/{pid}/fd/{fd}")]
        except OSError:
            return []

    os.chdir(sys.argv[1])
    model = open_library().find("colours")
    task = ClusterTask("colours", model_hashes(model), ProviderPreference.CPU, Precision.EXACT, 3, os.getcwd())
    images = [f"photos/{number}.png" for number in range(70)] + ["photos/bad.jpg", "photos/gone.png"]
    here = [as_text(one) for one in open_classifier(model, ProviderPreference.CPU, Precision.EXACT).classify(
        map(Path, images), top_k=3)]
    found = {"here": here, "there": [], "open": []}
    store = RemoteStore(sys.argv[2])
    names = list(store.images(recursive=True, on_error=print)) + ["photos/gone.png"]
    with classifying.ray_session() as ray:
        classifying.ray_session = lambda: nullcontext(ray)
        for outcome in classify(images, task):
            found["there"].append(as_text(outcome))
            if sys.platform == "linux" and not found["open"]:
                found["open"] = listening()
        found["stored"] = [as_text(one) for one in classify(names, replace(task, source=store))]
        try:
            list(classify(names, replace(task, model_hashes=("other", "sums"))))
        except ModelError as error:
            found["refused"] = error.what
    found["modules"] = sorted({name.partition(".")[0] for name in sys.modules})
    print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Session:
    """What one session of Ray found, and the folders that it could have left something in."""

    found: dict[str, Any]
    home: Path
    temporary: Path


def run(folder: Path, store: str, changes: dict[str, str]) -> dict[str, Any]:
    """Run Python like a server, in its own home; bytecode is cached, as Ray starts many processes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PYTEST"))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"PYTHONPATH": str(ROOT), **changes}
    program = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(folder), store]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False)
    if "timed out during startup" in done.stderr:
        pytest.skip("this machine is too busy: Ray gives its own parts 30 seconds to start")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "nothing but results is said"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def write_photos(folder: Path) -> str:
    """Write photos into a folder, and into an archive beside it, whose address is returned."""
    for number in range(70):
        tiny.write_solid(folder / "photos" / f"{number}.png", ("red", "green", "blue", "grey")[number % 4])
    (folder / "photos" / "bad.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    file = folder / "all.zip"
    with zipfile.ZipFile(file, "w") as made:
        for image in sorted((folder / "photos").iterdir(), key=lambda path: (not path.stem.isdigit(), path.name)):
            made.write(image, f"photos/{image.name}")
    return f"zip://::{file.as_uri()}"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("cluster")
    (home := folder / "home").mkdir()
    temporary = Path(tempfile.mkdtemp(prefix="fovea-test-"))  # short: Ray's sockets lie in it
    changes = {"HOME": str(home), "FOVEA_HOME": str(folder / "fovea"), "TMPDIR": str(temporary)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEA_HOME", changes["FOVEA_HOME"])
        library.open_library().install(*tiny.packaged_model("colours"))
    try:
        yield Session(run(folder, write_photos(folder), changes), home, temporary)
    finally:
        shutil.rmtree(temporary)


def test_results_are_the_same_in_the_same_order(session: Session) -> None:
    assert session.found["there"] == session.found["here"]
    assert len(session.found["there"]) == 72
    assert not {"tensorflow", "keras"} & set(session.found["modules"])


def test_other_users_are_kept_out_and_nothing_is_left(session: Session) -> None:
    if sys.platform == "linux":
        loopback = ("0100007F", "0000000000000000FFFF00000100007F")
        assert session.found["open"]
        assert [one for one in session.found["open"] if not one.startswith(loopback)] == []
    assert list(session.home.rglob("*")) == [], "Ray wrote to the user's home"
    assert list(session.temporary.iterdir()) == [], "something of the session is left"


def test_a_store_gives_the_same_results(session: Session) -> None:
    there = {str(row[0]).rpartition("/")[2]: row[1:] for row in session.found["stored"]}
    here = {str(row[0]).rpartition("/")[2]: row[1:] for row in session.found["here"]}
    assert there == here


def test_a_different_model_is_refused(session: Session) -> None:
    assert "a different model “colours" in session.found["refused"]
