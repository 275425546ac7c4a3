"""Class activation maps: their mean plus the bias is the logit; where they lie; and when there is none."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.errors import ImageError, ModelError
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import Preprocessing, ResizeMode
from core.engine.engine import open_engine
from core.evaluation.explanation import Explanation, MapMethod, class_map, explain, gradient
from core.images.decoding import read_image
from core.images.preprocessing import preprocess
from core.models.classifier import Classifier, open_classifier
from core.models.heads import DenseHead, LinearHead
from core.models.library import open_library
from tests import composites, tiny

_RANDOM = np.random.default_rng(0)


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    model = tiny.make_library(tmp_path / "library").find("colours")
    return open_classifier(model, ProviderPreference.CPU, Precision.EXACT)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Red on the left, blue on the right; wider than high."""
    image = Image.new("RGB", (64, 32), tiny.SOLID["red"])
    image.paste(tiny.SOLID["blue"], (32, 0, 64, 32))
    image.save(tmp_path / "both.png")
    return tmp_path / "both.png"


def logit(classifier: Classifier, path: Path, index: int) -> float:
    plan = classifier.engine.card.preprocessing
    batch = preprocess(read_image(path, min_side=plan.min_decode_side).pixels, plan)[None]
    return float(classifier.predictor.head.logits(classifier.engine.run(batch))[0, index])


def drawn_head(*widths: int) -> tuple[LinearHead, ...]:
    sizes = [tiny.WIDTH, *widths, len(tiny.CLASSES)]
    return tuple(
        LinearHead(_RANDOM.normal(0, 1, (before, after)).astype(np.float32), _RANDOM.normal(size=after).astype("f4"))
        for before, after in pairwise(sizes)
    )


def test_the_mean_plus_the_bias_is_the_logit(classifier: Classifier, photo: Path) -> None:
    classifier = replace(classifier, predictor=replace(classifier.predictor, head=drawn_head()[0]))
    for index, label in enumerate(tiny.CLASSES):
        found = explain(classifier, photo, label)
        assert found.method is MapMethod.EXACT
        mean = float(np.mean(found.grid)) + float(classifier.predictor.head.bias[index])  # type: ignore[union-attr]
        assert mean == pytest.approx(logit(classifier, photo, index), abs=1e-4)


def test_the_map_shows_where_the_class_is(classifier: Classifier, photo: Path) -> None:
    red, blue = (np.array(explain(classifier, photo, label).grid) for label in ("red", "blue"))
    assert red.shape == (tiny.SIZE // 2, tiny.SIZE // 2)
    assert red[:, :7].min() > red[:, 9:].max()
    assert blue[:, :7].max() < blue[:, 9:].min()


def test_a_dense_head_is_explained_by_its_gradient(classifier: Classifier, photo: Path) -> None:
    head = DenseHead(drawn_head(6, 5))
    features = np.abs(_RANDOM.normal(size=tiny.WIDTH)).astype(np.float32)
    found = gradient(head, features, 1)
    for place in range(tiny.WIDTH):
        step = np.zeros(tiny.WIDTH, np.float32)
        step[place] = 1e-3
        moved = head.logits(np.stack([features + step, features - step]).astype(np.float64))[:, 1]
        assert found[place] == pytest.approx((moved[0] - moved[1]) / 2e-3, abs=1e-3)
    same = replace(classifier, predictor=replace(classifier.predictor, head=tiny.dense_head()))
    approximate, exact = explain(same, photo, "red"), explain(classifier, photo, "red")
    assert approximate.method is MapMethod.APPROXIMATE
    np.testing.assert_allclose(approximate.grid, exact.grid, atol=1e-5)


def test_the_maps_of_a_joined_backbone_are_added_up(tmp_path: Path, photo: Path) -> None:
    data, card = composites.composite()
    engine = open_engine(data, card, Provider.CPU, Precision.EXACT)
    pixels = preprocess(read_image(photo).pixels, card.preprocessing)[None]
    features, maps = engine.run_with_maps(pixels)
    weights = _RANDOM.normal(0, 1, 2 * tiny.WIDTH).astype(np.float32)
    found = class_map([np.moveaxis(one[0], 0, -1) for one in maps], features[0], weights, has_roots=True)
    assert found.shape == (tiny.SIZE // 2, tiny.SIZE // 2)
    assert found.mean() == pytest.approx(float(engine.run(pixels)[0] @ weights), abs=1e-4)


def test_parts_of_other_sizes_keep_their_means() -> None:
    maps = [_RANDOM.random((10, 10, 4)).astype("f4"), _RANDOM.random((7, 7, 3)).astype("f4")]
    maps[1][:, :, 0] = 0  # a feature that is 0 has a root without a slope
    features = np.sqrt(np.hstack([one.mean(axis=(0, 1)) for one in maps]))
    weights = _RANDOM.normal(0, 1, 7).astype(np.float32)
    found = class_map(maps, features, weights, has_roots=True)
    assert (found.shape, found.dtype) == ((10, 10), np.float32)
    assert found.mean() == pytest.approx(float(features @ weights), abs=1e-5)


def test_the_area_is_what_the_backbone_sees(classifier: Classifier, photo: Path) -> None:
    assert explain(classifier, photo, "red").area == (0, 0, 1, 1)
    plan = Preprocessing(tiny.SIZE, ResizeMode.CENTRE_CROP, 0.5)
    cropped = replace(classifier, engine=replace(classifier.engine, card=tiny.backbone_card(preprocessing=plan)))
    found: Explanation = explain(cropped, photo, "red")
    assert found.area == (0.375, 0.25, 0.625, 0.75)
    assert (found.seen.width, found.seen.height) == (tiny.SIZE, tiny.SIZE)


def test_a_backbone_without_places_has_no_map() -> None:
    features = _RANDOM.random(4).astype("f4")
    with pytest.raises(ModelError, match="can't show where it looked"):
        class_map([features.reshape(1, 1, 4)], features, features, has_roots=False)
    others = _RANDOM.random((5, 5, 4)).astype("f4")
    with pytest.raises(ModelError, match="can't show where it looked"):
        class_map([others], -features, features, has_roots=False)


def test_what_cannot_be_explained_says_why(classifier: Classifier, tmp_path: Path, photo: Path) -> None:
    with pytest.raises(ImageError):
        explain(classifier, tmp_path / "gone.png", "red")
    with pytest.raises(ModelError, match="no class “pink”"):
        explain(classifier, photo, "pink")


def test_everyday_sees_the_cat_where_it_is(home: Path) -> None:
    """The model that the window opens first, over the joined backbone."""
    classifier = open_classifier(open_library().find("everyday"), ProviderPreference.CPU, Precision.EXACT)
    path = Path("gui/samples/cat.jpg").resolve()
    index = classifier.predictor.model.card.classes.index("mammal")
    found = explain(classifier, path, "mammal")
    assert isinstance(classifier.predictor.head, LinearHead)
    bias = float(classifier.predictor.head.bias[index])
    assert float(np.mean(found.grid)) + bias == pytest.approx(logit(classifier, path, index), abs=1e-4)
    assert np.shape(found.grid) == (10, 10)
    assert np.max(found.grid) > 2 * np.mean(found.grid) > 0


def test_the_map_of_a_padded_photo_is_larger_than_the_photo(classifier: Classifier, photo: Path) -> None:
    plan = Preprocessing(tiny.SIZE, ResizeMode.PAD)
    padded = replace(classifier, engine=replace(classifier.engine, card=tiny.backbone_card(preprocessing=plan)))
    found = explain(padded, photo, "red")
    assert found.area == (0, -0.5, 1, 1.5)
    grid, rows = np.array(found.grid), tiny.SIZE // 2
    strong = np.argwhere(grid > grid.max() / 2)
    assert (strong[:, 0].min(), strong[:, 0].max()) == (rows // 4, rows * 3 // 4 - 1), "the rows of the photo"
    assert strong[:, 1].max() < rows // 2, "its red half"
