"""Several models in one pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.base.providers import Precision, ProviderPreference
from core.card import ResizeMode
from core.engine.engine import Engine
from core.images import decoding
from core.models import prepare as preparing
from core.models.classifier import open_classifier
from core.models.heads import LinearHead
from core.models.joint_classifier import JointClassifier, open_joint
from core.models.library import Library
from core.prediction import Failure, Prediction
from tests import tiny

ASKED = ProviderPreference.CPU, Precision.AUTO


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """`colours` and `opposite` on one backbone, `own` on another one that is as good."""
    made = tiny.make_library(tmp_path)
    other = LinearHead(-tiny.head().weights, tiny.head().bias)
    made.install(*tiny.packaged_model("opposite", shared=True, own_head=other))
    made.install(*tiny.packaged_model("own"))
    return made


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return [*(tiny.write_solid(tmp_path / f"{one}.png", one) for one in tiny.CLASSES), tmp_path / "torn.png"]


def joint(library: Library, *names: str) -> JointClassifier:
    return open_joint([library.find(name) for name in names], *ASKED)


def test_every_model_says_what_it_says_alone(library: Library, photos: list[Path]) -> None:
    names = "colours", "opposite", "own"
    together = list(joint(library, *names).classify(photos, top_k=3))
    assert [len(outcomes) for outcomes in together] == [3] * 4
    for place, name in enumerate(names):
        alone = list(open_classifier(library.find(name), *ASKED).classify(photos, top_k=3))
        for outcomes, expected in zip(together, alone, strict=True):
            found = outcomes[place]
            if isinstance(expected, Failure):
                assert found == expected
                continue
            assert isinstance(found, Prediction)
            assert (found.model, found.path, found.provider) == (name, expected.path, "cpu")
            assert [one.label for one in found.scores] == [one.label for one in expected.scores]
            probabilities = [[one.probability for one in each.scores] for each in (found, expected)]
            np.testing.assert_allclose(*probabilities, atol=1e-6)


def test_an_image_is_decoded_once_and_each_backbone_runs_once(
    library: Library, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []
    ran: dict[int, int] = {}
    plain_read, plain_run = decoding.read_image, Engine.run

    def read(path: Path, **more: int) -> object:
        decoded.append(path)
        return plain_read(path, **more)

    def run(engine: Engine, images: np.ndarray) -> np.ndarray:
        ran[id(engine)] = ran.get(id(engine), 0) + len(images)
        return plain_run(engine, images)

    opened = joint(library, "colours", "opposite", "own")
    assert len(opened.engines) == 2
    monkeypatch.setattr(preparing, "read_image", read)
    monkeypatch.setattr(Engine, "run", run)
    assert len(list(opened.classify(photos, top_k=1))) == 4
    assert sorted(decoded) == sorted(photos)
    assert sorted(ran.values()) == [3, 3]


def test_images_are_read_only_as_needed(library: Library, photos: list[Path]) -> None:
    def endless() -> object:
        while True:
            yield from photos

    outcomes = joint(library, "colours", "own").classify(endless(), top_k=1)  # type: ignore[arg-type]
    assert isinstance(next(outcomes)[0], Prediction)
    outcomes.close()  # type: ignore[attr-defined]


def test_features_are_shared_only_by_models_with_the_same_fit(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = {"padded": ResizeMode.PAD, "centred": ResizeMode.CENTRE_CROP, "padded-too": ResizeMode.PAD}
    for name, fit in fits.items():
        library.install(*tiny.packaged_model(name, shared=True, fit=fit))
    names, photo = ("colours", *fits, "opposite"), tiny.write_banner(tmp_path / "banner.png", "red", "blue")
    ran, plain_run = [], Engine.run
    together = joint(library, *names)
    monkeypatch.setattr(Engine, "run", lambda engine, images: (ran.append(engine), plain_run(engine, images))[1])
    (found,) = together.classify([photo], top_k=3)
    assert len(together.engines) == len(ran) == 3
    assert len({id(engine._session) for engine in together.engines}) == 1, "one network is open"
    for name, outcome in zip(names, found, strict=True):
        (alone,) = open_classifier(library.find(name), *ASKED).classify([photo], top_k=3)
        assert isinstance(alone, Prediction)
        assert isinstance(outcome, Prediction)
        assert outcome.scores == alone.scores
    assert len({outcome.scores[0].probability for outcome in found[:3] if isinstance(outcome, Prediction)}) == 3
