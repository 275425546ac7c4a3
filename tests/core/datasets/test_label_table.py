"""Tables of images and their classes: what spreadsheets write, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base.errors import DatasetError
from core.datasets import label_table
from core.datasets.label_table import path_key, read_label_table


def read(tmp_path: Path, content: bytes | str) -> dict[str, set[str]]:
    file = tmp_path / "labels.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return {path: set(classes) for path, classes in read_label_table(file).items()}


EXPECTED: dict[str, set[str]] = {"a.jpg": {"owl", "bird"}, "sub/b.jpg": set(), "c.jpg": {"boat"}}


@pytest.mark.parametrize(
    "content",
    [
        "path,classes\na.jpg,owl;bird\nsub/b.jpg,\nc.jpg,boat\n",
        "\ufeffPath;Tags\r\na.jpg;owl\r\na.jpg;bird\r\nsub\\b.jpg;\r\n./c.jpg; boat \r\n",
        "id\tfilename\tlabels\n1\ta.jpg\t bird ; owl;;bird\n2\tsub/b.jpg\t\n3\tc.jpg\tboat",
        "owl,path,bird,boat\n1,a.jpg,1,0\n0,sub/b.jpg,0,\nno,c.jpg,false,Yes\n",
        'path,classes\n"a.jpg","owl;bird"\nsub/b.jpg\nc.jpg,boat\n\n',
    ],
)
def test_all_forms_mean_the_same(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == EXPECTED


def test_utf_16_of_spreadsheets_is_read_and_accents_are_composed(tmp_path: Path) -> None:
    content = "path\tclasses\nhibou\u0301.jpg\ta\u0301ne\n".encode("utf-16")
    assert read(tmp_path, content) == {"hibo\u00fa.jpg": {"\u00e1ne"}}
    assert path_key("./x\\y//z.jpg") == "x/y//z.jpg"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no column is named “path”"),
        (b"photo number,classes\n1,a", "no column is named “path”"),
        (b"path\na.jpg", "there are no columns of classes"),
        (b"path,owl\na.jpg,1", "there are no columns of classes"),
        (b"path,owl,\na.jpg,1,1", "there are no columns of classes"),
        (b"path,classes\n", "it lists no images"),
        (b"path,owl,bird\na.jpg,1,0\nb.jpg,2,0", "line 3: “2” is neither 0 nor 1"),
        (b"path,classes\n\xe9.jpg,x", "it is not text in UTF-8"),
        (b"path,classes\n" + b"a" * 200_000 + b",x", "line 2: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        read(tmp_path, content)


def test_there_are_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match="line 2: more than 1,000 classes"):
        read(tmp_path, "path,classes\na.jpg," + ";".join(map(str, range(1001))))
    with pytest.raises(DatasetError, match="more than 10,000 columns"):
        read(tmp_path, "path," + ",".join(map(str, range(10_001))))
    monkeypatch.setattr(label_table, "_MAX_BYTES", 20)
    with pytest.raises(DatasetError, match="more than 20 bytes"):
        read(tmp_path, "path,classes\na.jpg,owl\n")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"“labels\.csv”: No such file") as caught:
        read_label_table(tmp_path / "labels.csv")
    assert "Check that the file exists" in caught.value.hint
