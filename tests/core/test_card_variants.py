"""Variants in a backbone's card are read as if an enemy had written them, too."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from core.base.errors import ModelError
from core.card import BackboneCard, read_card, write_card
from tests import tiny


def content_of(card: BackboneCard) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(write_card(card))
    return content


def refusal(content: dict[str, Any]) -> str:
    with pytest.raises(ModelError) as caught:
        read_card(json.dumps(content).encode())
    return str(caught.value)


def test_variants_are_read_as_written() -> None:
    _, variant = tiny.int8_backbone()
    card = tiny.backbone_card(variants=(variant,))
    assert read_card(write_card(card)) == card
    own = card.of_variant(variant)
    assert (own.file, own.sha256, own.precision, own.variants) == (variant.file, variant.sha256, variant.precision, ())


def test_cards_of_earlier_versions_have_no_variants() -> None:
    content = content_of(tiny.backbone_card())
    for key in ("precision", "variants"):
        del content[key]
    assert read_card(json.dumps(content).encode()) == tiny.backbone_card()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file", "../int8.onnx"),
        ("file", "/etc/passwd"),
        ("file", None),
        ("sha256", "0"),
        ("golden_features", "AAAA"),
        ("precision", "int3"),
        ("cosine", 2.0),
        ("cosine", math.nan),
        ("method", "\x1b[2J"),
    ],
)
def test_a_hostile_variant_is_refused(field: str, value: object) -> None:
    _, variant = tiny.int8_backbone()
    content = content_of(tiny.backbone_card(variants=(variant,)))
    content["variants"][0][field] = value
    assert f"variants[0].{field}" in refusal(content)


@pytest.mark.parametrize("variants", [{}, "int8", 3, ["int8"], [None], [{}]])
def test_what_is_no_list_of_variants_is_refused(variants: object) -> None:
    assert "variants" in refusal(content_of(tiny.backbone_card()) | {"variants": variants})


def test_a_precision_has_one_variant() -> None:
    _, variant = tiny.int8_backbone()
    content = content_of(tiny.backbone_card(variants=(variant,)))
    content["variants"] *= 2
    assert "occurs twice" in refusal(content)
