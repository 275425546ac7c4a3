"""Forgetting photos: what is left of them, what else changes, and what is refused."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from core import api
from core.api import jobs, scripts
from core.base import paths
from core.base.errors import Cancelled, DatasetError, ModelError, UsageError
from core.base.hashing import file_sha256
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.jobs.queries import ResultStore
from core.jobs.values import JobRequest, Row, View
from core.models.classifier import open_classifier
from core.models.installed import load_examples
from core.models.library import open_library
from core.prediction import Prediction
from core.training.request import ForgetRequest, RetrainRequest, TrainRequest
from core.training.values import Forgotten
from tests import teaching, tiny
from tests.labels import correction, give, given, override


@pytest.fixture
def folder(home: Path, tmp_path: Path) -> Path:
    """Labelled photos, of which `mine` was trained."""
    teaching.replace_backbone(home)
    place = teaching.write_labelled(tmp_path / "pictures", 12)
    learn(place, "mine")
    return place


def learn(folder: Path, name: str) -> None:
    asked = TrainRequest(folder, name, 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO)
    api.train(asked, None, report=ignore, token=CancelToken())


def ignore(_: object) -> None:
    return None


def forget(*photos: Path, name: str = "mine") -> Forgotten:
    return api.forget(ForgetRequest(name, photos, ProviderPreference.CPU), report=ignore, token=CancelToken())


def correct(photo: Path, label: str, version: int) -> None:
    made = correction(photo, label)
    give(made)
    asked = RetrainRequest("mine", version, (made,), ProviderPreference.CPU)
    api.retrain(asked, report=ignore, token=CancelToken())


def contents(home: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file that Fovea wrote, and every file in those that are archives."""
    for file in (path for path in home.rglob("*") if path.is_file()):
        data = file.read_bytes()
        yield file, data
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for name in archive.namelist():
                    yield file / name, archive.read(name)


def traces(home: Path, photo: Path, sha256: str, features: bytes) -> list[str]:
    """The files that have a photo's hash, path or features in them, or are named by it."""
    prefix = int(sha256[:16], 16).to_bytes(8, "little")
    texts = sha256.encode(), bytes.fromhex(sha256), prefix, str(photo).encode(), features
    found = [str(file) for file, data in contents(home) if any(text in data for text in texts)]
    return [*found, *(str(file) for file in home.rglob(f"*{sha256}*"))]


def features_of(sha256: str) -> bytes:
    """The stored features of a photo."""
    with closing(sqlite3.connect(paths.cache_folder() / "features.sqlite")) as opened:
        ((vector,),) = opened.execute("SELECT vector FROM features WHERE image = ?", (sha256,)).fetchall()
    assert isinstance(vector, bytes)
    return vector


def rows_of(job: str) -> list[Row]:
    with ResultStore(job) as results:
        return list(results.each(View()))


def test_nothing_is_left_of_a_forgotten_photo(home: Path, folder: Path, tmp_path: Path) -> None:
    photo, others = folder / "red" / "5.png", tmp_path / "others"
    added = tiny.write_solid(tmp_path / "added.png", "blue")
    correct(added, "blue", 1)
    api.remove("mine", 1)
    correct(tiny.write_solid(tmp_path / "more.png", "green", size=(30, 31)), "green", 2)
    give(correction(photo, "red"))
    override(folder, {photo: "red"}, *tiny.CLASSES)
    others.mkdir()
    (others / "near.png").write_bytes(photo.read_bytes() + b"\0")
    request = JobRequest(others, recursive=True, model="mine", provider=ProviderPreference.CPU)
    jobs.run_job(request, report=ignore, token=CancelToken())
    job = jobs.read_jobs()[0].id
    sha256 = file_sha256(photo)
    (before,) = rows_of(job)
    was = before.prediction
    assert was is not None
    assert was.evidence is not None
    assert was.evidence.nearest[0].sha256 == sha256
    vector = features_of(sha256)
    assert len(traces(home, photo, sha256, vector)) > 5

    done = forget(photo)
    assert (done.images, done.version, done.is_new, done.removed) == (1, 4, True, (2, 3))
    assert traces(home, photo, sha256, vector) == []
    assert open_library().numbers("mine") == (4,)
    assert scripts.list_removed() == ()
    examples = load_examples(open_library().find("mine"))
    assert examples is not None
    assert len(examples) == 37
    assert added in {one.path for one in examples}
    (now,) = rows_of(job)
    is_now = now.prediction
    assert is_now is not None
    assert is_now.evidence is not None
    assert is_now.evidence.nearest == was.evidence.nearest[1:]
    assert (now.scores, now.label) == (before.scores, before.label)


def test_a_deleted_photo_is_forgotten_by_its_path(home: Path, folder: Path) -> None:
    photo = folder / "green" / "0.png"
    sha256 = file_sha256(photo)
    vector = features_of(sha256)
    photo.unlink()
    assert forget(photo).removed == (1,)
    assert traces(home, photo, sha256, vector) == []


def test_versions_without_the_photo_are_kept(folder: Path, tmp_path: Path) -> None:
    """Here it was added by the second version, and the first is active again."""
    added = tiny.write_solid(tmp_path / "added.png", "blue")
    correct(added, "blue", 1)
    api.activate("mine", 1)
    done = forget(added)
    assert (done.version, done.is_new, done.removed) == (1, False, (2,))
    assert given("mine") == {}
    correct(tiny.write_solid(tmp_path / "other.png", "green"), "green", 1)
    assert open_library().numbers("mine") == (1, 3)


def test_a_class_without_other_photos_is_dropped(folder: Path, tmp_path: Path) -> None:
    added = tiny.write_solid(tmp_path / "added.png", "grey")
    correct(added, "grey", 1)
    assert "grey" in open_library().find("mine").card.classes
    done = forget(added)
    assert done.classes == ("grey",)
    assert open_library().find("mine").card.classes == ("blue", "green", "red")
    assert "Removed class “grey”: it has no training images left." in done.notes


def test_other_models_are_named(folder: Path) -> None:
    learn(folder, "yours")
    done = forget(folder / "red" / "0.png")
    assert done.others == ("yours",)
    assert open_library().find("yours").version == 1


def test_a_photo_that_was_not_learned_is_refused(folder: Path, tmp_path: Path) -> None:
    stranger = tiny.write_solid(tmp_path / "stranger.png", "red")
    with pytest.raises(UsageError, match=r"“stranger.png” is not among the images"):
        forget(folder / "red" / "0.png", stranger)
    assert open_library().find("mine").version == 1


def test_a_model_with_a_backbone_of_its_own_is_refused(folder: Path) -> None:
    library = open_library()
    tuned = library.find("mine")
    own = tiny.backbone_card(name="mine-backbone")
    tiny.rewrite_card(tuned.folder, backbone=asdict(own))
    (tuned.folder / tiny.MODEL_FILE).write_bytes(tiny.backbone_bytes())
    with pytest.raises(ModelError, match="was fine-tuned"):
        forget(folder / "red" / "0.png")
    assert library.numbers("mine") == (1,)


def test_cancelling_changes_nothing(home: Path, folder: Path) -> None:
    before = {file for file, _ in contents(home / "models")}
    token = CancelToken()
    token.cancel()
    request = ForgetRequest("mine", (folder / "red" / "0.png",), ProviderPreference.CPU)
    with pytest.raises(Cancelled):
        api.forget(request, report=ignore, token=token)
    assert {file for file, _ in contents(home / "models")} == before


def test_two_classes_have_to_be_left(folder: Path, tmp_path: Path) -> None:
    small = teaching.write_labelled(tmp_path / "small", 8, classes=("red", "green"))
    learn(small, "two")
    with pytest.raises(DatasetError, match="Fewer than two classes"):
        forget(*(small / "red").iterdir(), name="two")
    assert open_library().numbers("two") == (1,)


def test_predictions_are_those_of_the_new_version(folder: Path) -> None:
    forget(folder / "red" / "0.png")
    classifier = open_classifier(open_library().find("mine"), ProviderPreference.CPU, Precision.AUTO)
    (found,) = classifier.classify([folder / "green" / "1.png"], top_k=1)
    assert isinstance(found, Prediction)
    assert found.best.label == "green"
    assert found.evidence is not None
    assert all(one.path != folder / "red" / "0.png" for one in found.evidence.nearest)
