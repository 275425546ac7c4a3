"""Names of classes in every form that people and programs write them down in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.base.errors import ModelError
from core.models.class_names import names_beside, names_in_metadata, numbered, read_names, text_of

WANTED = ("cat", "dog", "sea lion")


@pytest.mark.parametrize(
    "text",
    [
        "cat\ndog\nsea lion\n",
        "\ufeffcat\r\n\r\ndog\r\nsea lion",
        "cat, dog, sea lion",
        "0 cat\n1 dog\n2 sea lion",
        "1: cat\n2: dog\n3: sea lion",
        "2,sea lion\n0,cat\n1,dog",
        '"cat",\n"dog",\n"sea lion"',
        "- cat\n- dog\n- sea lion",
        "n02121808 cat\nn02084071 dog\nn02077923 sea lion",
        json.dumps(WANTED),
        str(list(WANTED)),
        json.dumps({"2": "sea lion", "0": "cat", "1": "dog"}),
        "{0: 'cat', 1: 'dog', 2: 'sea lion'}",
        json.dumps({"cat": 0, "sea lion": 2, "dog": 1}),
        json.dumps({"0": ["n02121808", "cat"], "1": ["n02084071", "dog"], "2": ["n02077923", "sea lion"]}),
        json.dumps({"model_type": "vit", "id2label": {"0": "cat", "1": "dog", "2": "sea lion"}}),
        "names:\n  0: cat\n  1: dog\n  2: sea lion\n",
        "nc: 3\nnames: ['cat', 'dog', 'sea lion']",
    ],
)
def test_every_usual_form_is_read(text: str) -> None:
    assert read_names(text) == WANTED


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("7 up\n8 ball", ("7 up", "8 ball")),
        ("tench, Tinca tinca\ngoldfish, Carassius auratus", ("tench, Tinca tinca", "goldfish, Carassius auratus")),
        ('{"²": "a"}', ()),
        ('{"0": "a", "0.5": "b"}', ()),
        ('{"0": "a", "2": "b"}', ()),
        ("[1, 2]", ()),
        ("[[", ("[[",)),
        ("", ()),
    ],
)
def test_what_only_looks_like_it_is_left_as_it_is(text: str, names: tuple[str, ...]) -> None:
    assert read_names(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "[" + "1if 1 else " * 1000 + "1]",
        "[" + "-" * 100_000 + "1]",
        "[" * 100_000,
        "{" * 100_000,
        "__import__('os')",
        "(" * 5000,
    ],
)
def test_hostile_text_is_only_text(text: str) -> None:
    assert len(read_names(text)) <= 1


def test_names_in_the_file_s_own_metadata() -> None:
    assert names_in_metadata({"author": "me", "id2label": '{"0": "a", "1": "b"}'}) == ("a", "b")
    assert names_in_metadata({"Classes": "a,b"}) == ("a", "b")
    assert names_in_metadata({"names": "__import__('os')", "classes": '{"count": 80}'}) == ()
    assert names_in_metadata({"names": '{"n02121808": "cat", "n02084071": "dog"}'}) == ("cat", "dog")
    with pytest.raises(ModelError, match="“²” is not a number"):
        names_in_metadata({"classes": "{'²': 'x'}"})


def test_names_beside_the_file_count_only_if_there_are_enough(tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    assert names_beside(model, 2) == ()
    (tmp_path / "labels.txt").write_text("a\nb\nc")
    (tmp_path / "config.json").write_text('{"id2label": {"0": "x", "1": "y"}}')
    assert names_beside(model, 3) == ("a", "b", "c")
    assert names_beside(model, 2) == ("x", "y")
    assert names_beside(model, 4) == ()
    (tmp_path / "net.txt").write_bytes("ä\nö".encode("utf-16"))
    assert names_beside(model, 2) == ("ä", "ö")
    assert text_of(tmp_path) == ""


def test_a_number_never_makes_a_name_that_is_there() -> None:
    assert numbered(["crane", "crane", "crane (2)", "maillot", "crane"]) == (
        *("crane", "crane (3)", "crane (2)", "maillot", "crane (4)"),
    )
    assert numbered(WANTED) == WANTED
