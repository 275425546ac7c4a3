"""Messages translated from a catalog that is made here."""

from __future__ import annotations

import gettext
import struct
from pathlib import Path

import pytest

from core.base import i18n
from core.base.i18n import mark, tr, tr_n, use_language

HEADER = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=3; plural=n==1 ? 0 : n<5 ? 1 : 2;\n"
MESSAGES = {
    "": HEADER,
    "Removed “{name}”.": "„{name}“ usunięto.",
    "{count:,} photo\0{count:,} photos": "{count} zdjęcie\0{count} zdjęcia\0{count} zdjęć",
}


@pytest.fixture
def polish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(i18n.LANGUAGE, "")
    monkeypatch.setattr(i18n, "_catalog", i18n._catalog)
    file = tmp_path / "pl" / "LC_MESSAGES" / "fovea.mo"
    file.parent.mkdir(parents=True)
    file.write_bytes(catalog(MESSAGES))
    use_language("pl", tmp_path)


def catalog(messages: dict[str, str]) -> bytes:
    """A catalog as `msgfmt` writes it: header, table of the originals, table of the translations, texts."""
    pairs = [(key.encode(), value.encode()) for key, value in sorted(messages.items())]
    offset, rows, texts = 28 + 16 * len(pairs), [], b""
    for column in (0, 1):
        for pair in pairs:
            rows.append(struct.pack("<II", len(pair[column]), offset + len(texts)))
            texts += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return head + b"".join(rows) + texts


def test_without_a_catalog_messages_are_english() -> None:
    assert tr("Removed “{name}”.", name="mine") == "Removed “mine”."
    assert tr_n("{count:,} photo", "{count:,} photos", 1) == "1 photo"
    assert tr_n("{count:,} photo in {where}", "{count:,} photos in {where}", 1200, where="a folder") == (
        "1,200 photos in a folder"
    )
    assert tr(mark("Cancel")) == "Cancel"


def test_a_message_without_values_may_hold_braces() -> None:
    assert tr("{0..9}") == "{0..9}"


@pytest.mark.usefixtures("polish")
def test_messages_and_plurals_come_from_the_catalog() -> None:
    assert tr("Removed “{name}”.", name="mine") == "„mine“ usunięto."
    plural = [tr_n("{count:,} photo", "{count:,} photos", count) for count in (1, 2, 5)]
    assert plural == ["1 zdjęcie", "2 zdjęcia", "5 zdjęć"]
    assert tr("Not translated yet.") == "Not translated yet."


def test_a_language_without_a_catalog_stays_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(i18n.LANGUAGE, "")
    monkeypatch.setattr(i18n, "_catalog", i18n._catalog)
    use_language("xx", tmp_path)
    assert tr("Cancel") == "Cancel"


def test_another_wording_is_used_where_there_is_no_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "_catalog", gettext.NullTranslations())
    i18n.use_wording(lambda message: message.replace("an image", "a photo").replace("image", "photo"))
    assert (tr("an image"), tr("a model")) == ("a photo", "a model")
    assert [tr_n("{count} image", "{count} images", count) for count in (1, 2)] == ["1 photo", "2 photos"]


def test_text_from_outside_is_quoted_and_harmless() -> None:
    assert tr("Removed {name!r}.", name="mine") == "Removed “mine”."
    assert tr_n("{count:,} of {name!r}", "{count:,} of {name!r}", 1200, name="it's\x1b") == "1,200 of “it's\\x1b”"
    assert tr("{number!r} of {name}", number=3, name="x") == "3 of x"
