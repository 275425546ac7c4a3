"""Which form results have in a file, by its suffix and by what is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.cli.conftest import Fovea

pytestmark = pytest.mark.usefixtures("colours")


def test_a_byte_order_mark_and_a_delimiter_are_for_csv_alone(fovea: Fovea, pictures: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    asked = ("classify", pictures / "red.png", "--model", "colours")
    assert fovea(*asked, "--bom", "--delimiter", "semicolon", "--output", file).code == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbfpath;label;")
    for option in (("--bom",), ("--delimiter", "tab")):
        ran = fovea(*asked, "--format", "jsonl", *option)
        assert (ran.code, f"{option[0]} works only with CSV" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("r.csv", b"path,label,"),
        ("r.TSV", b"path\tlabel\t"),
        ("r.jsonl", b'{"path"'),
        ("r.xlsx", b"PK"),
        ("r", b"image "),
    ],
)
def test_the_suffix_decides_the_form(fovea: Fovea, pictures: Path, tmp_path: Path, name: str, beginning: bytes) -> None:
    ran = fovea("classify", pictures / "red.png", "--model", "colours", "--output", tmp_path / name)
    assert (ran.code, (tmp_path / name).read_bytes()[: len(beginning)]) == (0, beginning)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("--format", "xlsx", "--output", "s.csv"), "is for csv files, but the format is xlsx"),
        (("--format", "table", "--output", "s.xlsx"), "is for xlsx files, but the format is table"),
        (("--output", "s.json"), "a name such as s.jsonl"),
        (("--output", "s.xls"), "a name such as s.xlsx"),
    ],
)
def test_a_name_that_contradicts_the_form_is_refused(
    fovea: Fovea, pictures: Path, asked: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    ran = fovea("classify", pictures, "--model", "colours", *asked)
    assert (ran.code, expected in ran.err) == (2, True), ran.err
    assert not list(pictures.glob("s.*"))


@pytest.mark.parametrize(
    "asked",
    [
        ("classify", "pictures", "--model", "colours", "--output", "m" * 300),
        ("sort", "pictures", "--to", "m" * 300),
        ("sort", "m" * 300, "--to", "sorted"),
        ("watch", "pictures", "--sort-to", "m" * 300),
        ("watch", "m" * 300),
    ],
)
def test_names_that_are_too_long_are_refused(
    fovea: Fovea, pictures: Path, asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures.parent)
    ran = fovea(*asked)
    assert (ran.code, ran.out) == (2, ""), ran.err
