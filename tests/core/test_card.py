"""Cards are read as if an enemy had written them, and say which field is wrong."""

from __future__ import annotations

import base64
import contextlib
import copy
import functools
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import ModelError
from core.card import (
    FORMAT,
    MAX_CLASSES,
    BackboneCard,
    HeadReference,
    ModelCard,
    Origin,
    Preprocessing,
    ResizeMode,
    SharedBackbone,
    read_card,
    write_card,
)
from tests import tiny

HUGE = 10**400
"""More than a float can hold; JSON allows it."""


def content_of(card: BackboneCard | ModelCard) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(write_card(card))
    return content


@functools.cache
def cards() -> dict[str, dict[str, Any]]:
    return {
        "backbone": content_of(tiny.backbone_card()),
        "shared": content_of(tiny.model_card()),
        "own": content_of(tiny.model_card(backbone=tiny.backbone_card(name="own"))),
    }


def changed(kind: str, field: str, value: object) -> bytes:
    """A card with one field, given by its dotted path, replaced."""
    content = copy.deepcopy(cards()[kind])
    *outer, last = field.split(".")
    place = content
    for key in outer:
        place = place[key]
    place[last] = value
    return json.dumps(content).encode()


_OPTIONAL = (
    *("precision", "variants", "parts", "kernel_order", "design", "untrained", "unknown_below", "unknown", "sets"),
    *("hierarchy", "out_of_sample", "training", "evaluation"),
)
"""Cards of earlier versions lack these fields."""


def required_fields() -> list[tuple[str, str]]:
    found = []
    for kind, content in cards().items():
        for key, value in content.items():
            if key in _OPTIONAL:
                continue
            found.append((kind, key))
            if isinstance(value, dict):
                left_out = (*_OPTIONAL, *(["file"] if kind == "own" else []))
                found += [(kind, f"{key}.{inner}") for inner in value if inner not in left_out]
    return found


def refusal(data: bytes) -> ModelError:
    with pytest.raises(ModelError) as caught:
        read_card(data)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "card",
    [
        tiny.backbone_card(),
        tiny.model_card(),
        tiny.model_card(backbone=tiny.backbone_card(name="own")),
        tiny.model_card(unknown_below=0.0, temperature=2, training={"seed": 7, "loss": [0.5, None, True]}),
        tiny.model_card(classes=("Hündin", "鳥", "می‌خواهم", "don't know")),
    ],
)
def test_what_is_written_is_read_again(card: BackboneCard | ModelCard) -> None:
    assert read_card(write_card(card)) == card


def test_a_written_card_can_be_read_by_a_person() -> None:
    text = write_card(tiny.model_card(classes=("Häschen", "鳥"))).decode()
    assert '"Häschen"' in text
    assert text.count("\n") > 10
    assert text.endswith("}\n")


LABELS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63)
FACTS = st.dictionaries(
    LABELS, st.recursive(NUMBERS | LABELS | st.none() | st.booleans(), lambda inner: st.lists(inner, max_size=3))
)


@st.composite
def model_cards(draw: st.DrawFn) -> ModelCard:
    return replace(
        tiny.model_card(draw(st.from_regex(r"[a-z0-9]{1,3}[a-z0-9_-]{4,20}", fullmatch=True))),
        title=draw(LABELS),
        classes=tuple(draw(st.lists(LABELS, min_size=2, max_size=9, unique=True))),
        origin=Origin(draw(LABELS), draw(LABELS)),
        temperature=draw(st.floats(0.01, 100)),
        unknown_below=draw(st.none() | st.floats(0, 1)),
        training=draw(FACTS),
        evaluation=draw(FACTS),
        backbone=draw(st.sampled_from([SharedBackbone("tiny", "0" * 64), tiny.backbone_card(name="own")])),
    )


@given(model_cards())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_card_survives_writing_and_reading(card: ModelCard) -> None:
    assert read_card(write_card(card)) == card


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@given(kind=st.sampled_from(["backbone", "shared", "own"]), place=st.integers(0, 99), value=JSON)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_value_in_any_field_is_refused_or_harmless(kind: str, place: int, value: object) -> None:
    fields = [field for owner, field in required_fields() if owner == kind]
    with contextlib.suppress(ModelError):
        card = read_card(changed(kind, fields[place % len(fields)], value))
        assert read_card(write_card(card)) == card


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_bytes_are_refused(data: bytes) -> None:
    refusal(data)


@pytest.mark.parametrize(("kind", "field"), required_fields())
def test_a_missing_field_is_named(kind: str, field: str) -> None:
    content = copy.deepcopy(cards()[kind])
    *outer, last = field.split(".")
    place = content
    for key in outer:
        place = place[key]
    del place[last]
    assert last in str(refusal(json.dumps(content).encode()))


@pytest.mark.parametrize(("kind", "field"), required_fields())
def test_a_field_of_the_wrong_type_is_named(kind: str, field: str) -> None:
    old = copy.deepcopy(cards()[kind])
    for key in field.split("."):
        old = old[key]
    wrong: list[object] = [True, "three" if isinstance(old, (int, float)) else 3, None, [[]]]
    wrong.append("text" if isinstance(old, dict) else {})
    for value in wrong:
        assert field.split(".")[-1] in str(refusal(changed(kind, field, value)))


NUMBER_LIMITS = [
    ("backbone", "preprocessing.size", 16, 2048),
    ("backbone", "feature_width", 1, 65536),
    ("backbone", "weights", 1, 10**12),
    ("backbone", "multiply_adds", 1, 10**15),
    ("backbone", "preprocessing.crop", 0.01, 1),
    ("shared", "temperature", 0.01, 100),
    ("shared", "unknown_below", 0, 1),
]


@pytest.mark.parametrize(("kind", "field", "low", "high"), NUMBER_LIMITS)
def test_numbers_out_of_range_are_named(kind: str, field: str, low: float, high: float) -> None:
    for value in (low - 1, high + 1, HUGE, -HUGE, math.nan, math.inf, -math.inf):
        assert f"“{field}”" in str(refusal(changed(kind, field, value)))


@pytest.mark.parametrize(("kind", "field", "low", "high"), [row for row in NUMBER_LIMITS if "width" not in row[1]])
def test_the_limits_themselves_are_allowed(kind: str, field: str, low: float, high: float) -> None:
    for value in (low, high):
        read_card(changed(kind, field, value))


def test_a_fraction_is_no_count() -> None:
    assert "“weights”" in str(refusal(changed("backbone", "weights", 216.5)))


BAD_FILES = [
    "",
    "..",
    ".",
    "../x",
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\x",
    "a\\b",
    "a/b",
    ".hidden",
    "x\0",
    "x\n",
    "x.onnx\n",
    "é.onnx",
    "a" * 101,
    "con",
    "NUL.onnx",
    "com1.npz",
    "dot.",
    " x",
    "x:stream",
]


@pytest.mark.parametrize("name", BAD_FILES)
def test_file_names_that_lead_elsewhere_are_refused(name: str) -> None:
    for kind, field in (("backbone", "file"), ("own", "backbone.file"), ("shared", "head.file")):
        assert f"“{field}”" in str(refusal(changed(kind, field, name)))


@pytest.mark.parametrize("name", ["console.onnx", "a", "a" * 100, "weights-2.v1_b.onnx", "com.npz"])
def test_plain_file_names_are_allowed(name: str) -> None:
    read_card(changed("shared", "head.file", name))


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "Upper", "a b", "-a", ".a", "_a", "a" * 65, "nul", "a.", "ä"]
)
def test_names_that_are_no_folder_names_are_refused(name: str) -> None:
    for kind, field in (("backbone", "name"), ("own", "name"), ("shared", "backbone.name")):
        assert f"“{field}”" in str(refusal(changed(kind, field, name)))


@pytest.mark.parametrize("total", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 64 + "\n"])
def test_sums_that_are_none_are_refused(total: str) -> None:
    for kind, field in (("backbone", "sha256"), ("shared", "backbone.sha256"), ("shared", "head.sha256")):
        assert f"“{field}”" in str(refusal(changed(kind, field, total)))


@pytest.mark.parametrize(
    "classes",
    [
        [],
        ["only"],
        ["twice", "twice"],
        ["a", ""],
        ["a", "  "],
        ["a", 1],
        ["a", None],
        ["a", ["b"]],
        ["a", "b" * 201],
        ["a", "line\nbreak"],
        ["a", "\x1b[31mred"],
        ["a", "\ud800"],
        ["a", "\u2028"],
    ],
)
def test_classes_that_cannot_be_shown_or_told_apart_are_refused(classes: list[object]) -> None:
    assert "“classes”" in str(refusal(changed("shared", "classes", classes)))


def test_too_many_classes_are_refused() -> None:
    allowed = [str(number) for number in range(MAX_CLASSES)]
    read_card(changed("shared", "classes", allowed))
    assert "“classes”" in str(refusal(changed("shared", "classes", [*allowed, "one more"])))


@pytest.mark.parametrize("field", ["title", "summary", "origin.source", "origin.licence"])
@pytest.mark.parametrize("text", ["", " \t", "x" * 1001, "two\nlines", "\x07", "\x9b31m", "\udcff"])
def test_texts_that_cannot_be_shown_are_refused(field: str, text: str) -> None:
    assert f"“{field}”" in str(refusal(changed("shared", field, text)))


@pytest.mark.parametrize("field", ["training", "evaluation"])
@pytest.mark.parametrize(
    "value",
    [
        {"loss": math.nan},
        {"loss": [1, [-math.inf]]},
        {"name": "\ud800"},
        {"\x1b": 1},
        {"a": {"b": "\x00"}},
        [],
        "text",
        3,
    ],
)
def test_facts_that_cannot_be_shown_are_refused(field: str, value: object) -> None:
    assert f"“{field}”" in str(refusal(changed("shared", field, value)))


@pytest.mark.parametrize("opening", ['{"a":', "["])
@pytest.mark.parametrize("depth", [17, 300, 900, 100_000])
def test_deep_nesting_is_refused(opening: str, depth: int) -> None:
    closing = {"[": "]"}.get(opening, "}")
    deep = '{"x":' + opening * depth + "1" + closing * depth + "}"
    content = json.dumps(cards()["shared"]).replace('"training": {}', f'"training": {deep}')
    assert deep in content
    refusal(content.encode())


@pytest.mark.parametrize("layout", ["", "NHWC", "hwcn", "nhwc "])
def test_unknown_layouts_are_refused(layout: str) -> None:
    assert "“feature_map_layout”" in str(refusal(changed("backbone", "feature_map_layout", layout)))


@pytest.mark.parametrize("fit", ["", "Stretch", "letterbox"])
def test_unknown_fits_are_refused(fit: str) -> None:
    assert "“own”" not in str(refusal(changed("backbone", "preprocessing.fit", fit)))
    assert "“backbone.preprocessing.fit”" in str(refusal(changed("own", "backbone.preprocessing.fit", fit)))


@pytest.mark.parametrize("packed", ["", "AAAA", "not base64!", "é", "A" * 43, "A" * 1_000_000])
def test_golden_features_of_another_size_are_refused(packed: str) -> None:
    assert "“golden_features”" in str(refusal(changed("backbone", "golden_features", packed)))


def test_a_width_that_disagrees_with_the_golden_features_is_refused() -> None:
    assert "“golden_features”" in str(refusal(changed("backbone", "feature_width", tiny.WIDTH + 1)))
    more = base64.b64encode(np.zeros((2, tiny.WIDTH + 1), "<f2").tobytes()).decode()
    assert "“golden_features”" in str(refusal(changed("backbone", "golden_features", more)))


@pytest.mark.parametrize("number", [0, FORMAT + 1, 999])
def test_a_card_of_another_format_says_so(number: int) -> None:
    error = refusal(changed("shared", "format", number))
    assert f"format {number}" in error.what
    assert "Update" in error.hint


@pytest.mark.parametrize("kind", ["", "head", "MODEL", "x" * 100_000])
def test_a_card_of_another_kind_says_so_briefly(kind: str) -> None:
    assert len(refusal(changed("shared", "kind", kind)).what) < 200


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"card"',
        b"1" * 5000,
        b"{",
        b"\xff\xfe\xfa",
        b'{"format": 1}',
        b"\x80\x04N.",
        b"PK\x03\x04",
    ],
)
def test_what_is_no_card_is_refused(data: bytes) -> None:
    refusal(data)


def test_a_card_that_is_far_too_large_is_refused_unread() -> None:
    assert "bytes" in refusal(b" " * (16 * 1024 * 1024 + 1)).what


def test_a_card_in_another_unicode_encoding_is_the_same_card() -> None:
    text = write_card(tiny.model_card()).decode()
    assert read_card(text.encode("utf-8-sig")) == read_card(text.encode("utf-16")) == tiny.model_card()


@pytest.mark.parametrize(("size", "crop", "side"), [(299, 1.0, 374), (224, 0.875, 320), (16, 1.0, 20)])
def test_a_draft_keeps_a_quarter_more_than_the_backbone_reads(size: int, crop: float, side: int) -> None:
    assert Preprocessing(size, ResizeMode.CENTRE_CROP, crop).min_decode_side == side


@pytest.mark.parametrize(("size", "crop"), [(15, 1.0), (2049, 1.0), (299, 0.0), (299, 1.01), (299, math.nan)])
def test_preprocessing_refuses_what_makes_no_sense(size: int, crop: float) -> None:
    with pytest.raises(ValueError):
        Preprocessing(size, ResizeMode.STRETCH, crop)


def test_a_head_reference_holds_what_the_card_said() -> None:
    card = read_card(changed("shared", "head", {"file": "h.npz", "sha256": "a" * 64}))
    assert isinstance(card, ModelCard)
    assert card.head == HeadReference("h.npz", "a" * 64)
