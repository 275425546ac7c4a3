"""An engine is believed only after it gave the golden features; what fails says whose fault it is."""

from __future__ import annotations

import math

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import helper

from core.base.errors import ModelError, ProviderError
from core.base.providers import TITLES, ComputePrecision, Precision, Provider
from core.engine import golden, graph, sessions
from core.engine.engine import MIN_AGREEMENT, Engine, open_engine
from core.engine.limits import MAX_BATCH
from tests import tiny

DATA = tiny.backbone_bytes()


@pytest.fixture(scope="module")
def engine() -> Engine:
    return open_engine(DATA, tiny.backbone_card(), Provider.CPU, Precision.EXACT)


def images(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)


def expected(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The tiny backbone's features by plain arithmetic: a convolution of stride 2, ReLU, the mean."""
    padded = np.pad(batch.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::2, ::2]
    convolved = np.einsum("nyxcij,kcij->nyxk", windows, tiny.kernels().astype(np.float64))
    return np.maximum(convolved, 0).mean(axis=(1, 2)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 7, MAX_BATCH])
def test_features_are_those_of_the_network(engine: Engine, count: int) -> None:
    features = engine.run(images(count))
    assert (features.shape, features.dtype) == ((count, tiny.WIDTH), np.float32)
    np.testing.assert_allclose(features, expected(images(count)), atol=1e-5)


def test_the_feature_map_averages_to_the_features(engine: Engine) -> None:
    _, (feature_map,) = engine.run_with_maps(images(3))
    assert feature_map.shape == (3, tiny.WIDTH, tiny.SIZE // 2, tiny.SIZE // 2)
    np.testing.assert_allclose(feature_map.mean(axis=(2, 3)), engine.run(images(3)), atol=1e-6)


def test_an_engine_reports_how_it_was_verified(engine: Engine) -> None:
    assert engine.provider is Provider.CPU
    assert (engine.requested, engine.precision) == (Precision.EXACT, ComputePrecision.FLOAT32)
    assert MIN_AGREEMENT[Precision.EXACT] <= engine.agreement <= 1.0000001
    assert engine.opening_ms > 0
    assert engine.milliseconds() > 0


@pytest.mark.parametrize("shape", [(1, 64, 64, 3), (1, 32, 32, 4), (32, 32, 3), (1,)])
def test_a_batch_of_another_shape_is_an_error_and_harms_nothing(engine: Engine, shape: tuple[int, ...]) -> None:
    with pytest.raises(ProviderError) as caught:
        engine.run(np.zeros(shape, np.uint8))
    assert "\n" not in caught.value.what
    assert engine.run(images(1)).shape == (1, tiny.WIDTH)


@pytest.mark.parametrize("provider", Provider)
@pytest.mark.parametrize("precision", Precision)
def test_a_provider_works_or_says_why_not(
    provider: Provider, precision: Precision, capfd: pytest.CaptureFixture[str]
) -> None:
    """True on every machine: no provider is replaced by another, and trying one writes nothing to standard output."""
    card = tiny.backbone_card()
    try:
        engine = open_engine(DATA, card, provider, precision)
    except ProviderError as error:
        assert provider is not Provider.CPU
        assert error.hint.endswith(".")  # noqa: PT017 - either end is right, which one depends on the machine
        named = {Provider.CUDA: ("CUDA", "NVIDIA"), Provider.OPENVINO: ("OpenVINO",)}[provider]
        assert any(name in error.what for name in named)  # noqa: PT017
    else:
        assert engine.provider is provider
        assert engine.agreement >= MIN_AGREEMENT[precision]
        np.testing.assert_allclose(engine.run(images(2)), expected(images(2)), atol=0.02)
    assert capfd.readouterr().out == ""


def perturbed(cosine: float) -> str:
    """The true golden features, each row turned until it has this cosine with the true one."""
    true = golden.decode_features(tiny.backbone_card().golden_features, tiny.WIDTH).astype(np.float64)
    aside = np.random.default_rng(0).normal(size=true.shape)
    aside -= true * (aside * true).sum(1, keepdims=True) / (true * true).sum(1, keepdims=True)
    aside *= np.linalg.norm(true, axis=1, keepdims=True) / np.linalg.norm(aside, axis=1, keepdims=True)
    return golden.encode_features((true * cosine + aside * math.sqrt(1 - cosine**2)).astype(np.float32))


@pytest.mark.parametrize(
    ("cosine", "precision", "enough"),
    [
        (0.99999, Precision.EXACT, True),
        (0.999, Precision.EXACT, False),
        (0.999, Precision.AUTO, True),
        (0.99, Precision.AUTO, False),
        (0.0, Precision.AUTO, False),
    ],
)
def test_the_gate_is_as_wide_as_the_precision_asked_for(cosine: float, precision: Precision, enough: bool) -> None:
    card = tiny.backbone_card(golden_features=perturbed(cosine))
    if enough:
        assert open_engine(DATA, card, Provider.CPU, precision).agreement == pytest.approx(cosine, abs=1e-4)
    else:
        with pytest.raises(ModelError, match="does not reproduce the features in its card"):
            open_engine(DATA, card, Provider.CPU, precision)


def open_elsewhere(monkeypatch: pytest.MonkeyPatch, coarse: set[Precision]) -> list[Precision]:
    """Have the CPU stand in for every provider, and a worse network for coarse arithmetic; returns what gets opened."""
    weights = tiny.kernels() + np.random.default_rng(1).normal(0, 1e-3, tiny.kernels().shape)
    worse = tiny.backbone_proto(weights.astype(np.float32)).SerializeToString()
    opened: list[Precision] = []
    open_session = sessions.open_session

    def open_here(data: bytes, _: Provider, precision: Precision) -> ort.InferenceSession:
        opened.append(precision)
        return open_session(worse if precision in coarse else data, Provider.CPU, precision)

    monkeypatch.setattr(sessions, "open_session", open_here)
    return opened


@pytest.mark.parametrize("provider", [Provider.CUDA, Provider.OPENVINO])
def test_where_the_fastest_arithmetic_is_too_coarse_float32_is_used(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As OpenVINO's bfloat16 is for EfficientNet-Lite0."""
    opened = open_elsewhere(monkeypatch, {Precision.AUTO})
    engine = open_engine(DATA, tiny.backbone_card(), provider, Precision.AUTO)
    assert opened == [Precision.AUTO, Precision.EXACT]
    assert (engine.provider, engine.requested) == (provider, Precision.AUTO)
    assert engine.precision is ComputePrecision.FLOAT32
    assert engine.agreement > MIN_AGREEMENT[Precision.EXACT]
    np.testing.assert_allclose(engine.run(images(2)), expected(images(2)), atol=1e-5)


@pytest.mark.parametrize(
    ("provider", "precision", "tried"),
    [
        (Provider.OPENVINO, Precision.AUTO, [Precision.AUTO, Precision.EXACT]),
        (Provider.OPENVINO, Precision.EXACT, [Precision.EXACT]),
        (Provider.CPU, Precision.AUTO, [Precision.AUTO]),
    ],
)
def test_features_wrong_even_in_float32_are_refused(
    provider: Provider, precision: Precision, tried: list[Precision], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_elsewhere(monkeypatch, set(Precision))
    with pytest.raises(ModelError if provider is Provider.CPU else ProviderError, match="features"):
        open_engine(DATA, tiny.backbone_card(), provider, precision)
    assert opened == tried


@pytest.mark.parametrize("precision", Precision)
def test_a_network_that_was_imported_when_products_of_8_bits_saturated_still_runs(
    precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its golden features are those of such products, and so are the heads that were trained on it."""
    data, variant = tiny.int8_backbone()
    opened = open_elsewhere(monkeypatch, set(Precision))
    card = tiny.backbone_card(variants=(variant,)).of_variant(variant)
    engine = open_engine(data, card, Provider.CPU, precision)
    assert opened == [precision]
    assert (engine.requested, engine.precision) == (precision, ComputePrecision.INT8)
    assert engine.agreement >= MIN_AGREEMENT[precision]
    each = [engine.run(images(MAX_BATCH)[place : place + 1]) for place in range(MAX_BATCH)]
    np.testing.assert_array_equal(engine.run(images(MAX_BATCH)), np.concatenate(each))


@pytest.mark.parametrize("value", [0.0, 1.0, math.nan, math.inf])
def test_golden_features_made_up_are_refused(value: float) -> None:
    made_up = golden.encode_features(np.full((2, tiny.WIDTH), value, np.float32))
    with pytest.raises(ModelError):
        open_engine(DATA, tiny.backbone_card(golden_features=made_up), Provider.CPU, Precision.AUTO)


@pytest.mark.parametrize("data", [b"", b"no model", DATA[: len(DATA) // 2]])
def test_on_the_cpu_a_bad_file_is_the_files_fault(data: bytes) -> None:
    with pytest.raises(ModelError):
        open_engine(data, tiny.backbone_card(), Provider.CPU, Precision.AUTO)


def mixing_images() -> onnx.ModelProto:
    """One row of features for any number of images: right for one, wrong for two."""
    model = tiny.backbone_proto()
    model.graph.node[5].output[0] = "each"
    model.graph.node.append(helper.make_node("ReduceMean", ["each"], ["features"], axes=[0], keepdims=1))
    return model


def test_a_backbone_that_mixes_images_is_refused() -> None:
    data = mixing_images().SerializeToString()
    card = tiny.backbone_card(data)
    with pytest.raises(ModelError, match=r"for 8 images, their shapes are \(1, 8\)"):
        graph.check_backbone(data, card)
    with pytest.raises(ModelError, match=r"array of shape \(1, 8\) for 2 images"):
        open_engine(data, card, Provider.CPU, Precision.AUTO)


def test_every_provider_has_a_title() -> None:
    assert set(TITLES) == set(Provider)
