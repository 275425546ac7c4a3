"""Class names in the formats that programs and users write: lists, mappings and numbered lines."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from core.base.errors import ModelError
from core.base.i18n import tr

_KEYS: Final = ("id2label", "names", "classes", "class_names", "labels", "categories", "vocab")
_FILES: Final = (
    *("labels.txt", "classes.txt", "class_names.txt", "names.txt", "synset.txt", "vocab.txt"),
    *("labels.json", "classes.json", "class_names.json", "id2label.json", "class_indices.json", "config.json"),
)
_MOST_CHARACTERS: Final = 10_000_000
_MOST_LITERAL: Final = 1_000_000
_NUMBERED: Final = re.compile(r"(\d{1,6})\s*[\s:;,=]\s*(\S.*)")
_SYNSET: Final = re.compile(r"n\d{8}\s+(\S.*)")


def read_names(text: str) -> tuple[str, ...]:
    """Read names in order: one per line, separated by commas, numbered, or as a JSON or Python list or mapping.

    Mappings may be from numbers to names, such as `id2label`, or from names to numbers, and may be nested in another
    object, as in the `config.json` of Hugging Face or the `data.yaml` of Ultralytics.
    """
    text = text[:_MOST_CHARACTERS].removeprefix("\ufeff").strip()
    content = _parsed(text)
    if content is not None:
        return _names_in(content)
    return _names_in_lines([line.strip() for line in text.splitlines()])


def names_in_metadata(entries: Mapping[str, str]) -> tuple[str, ...]:
    """Names that some programs store in the metadata of the model file.

    Raises:
        ModelError: an entry is a mapping to names whose keys are not numbers.
    """
    for key, value in entries.items():
        if key.lower() in _KEYS:
            content = _parsed(value)
            found = _names_in(content) if content is not None else _listed(value)
            if found:
                return found
            _refuse_unordered(key, content)
    return ()


def _listed(text: str) -> tuple[str, ...]:
    """Names separated by commas or line breaks; empty if the text is something else."""
    return read_names(text) if "," in text or "\n" in text else ()


def _refuse_unordered(key: str, content: object) -> None:
    if isinstance(content, dict) and content and all(isinstance(one, str) for pair in content.items() for one in pair):
        what = tr("The class names in the file are invalid: {key!r} is not a number.", key=next(iter(content))[:40])
        raise ModelError(what, hint=tr("Export the model again, or remove {key!r} from its metadata.", key=key))


def names_beside(file: Path, count: int) -> tuple[str, ...]:
    """The names in a file with a common name in the same folder, if their number matches; otherwise empty."""
    for name in (f"{file.stem}.txt", f"{file.stem}.json", *_FILES):
        found = read_names(text_of(file.with_name(name)))
        if len(found) == count:
            return found
    return ()


def text_of(file: Path) -> str:
    """The text of a file; empty if it cannot be read."""
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as opened:
            data = opened.read(_MOST_CHARACTERS)
    except (OSError, ValueError):
        return ""
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))  # Notepad's "Unicode"
    return data.decode("utf-16" if is_wide else "utf-8", "replace")


def numbered(names: Iterable[str]) -> tuple[str, ...]:
    """Make names unique by adding numbers to duplicates: ImageNet has two cranes and two maillots."""
    given = tuple(names)
    taken, seen, found = set(given), Counter[str](), []
    for name in given:
        seen[name] += 1
        unique = name
        while seen[name] > 1 and unique in taken:
            unique = f"{name} ({seen[name]})"
            seen[name] += unique in taken
        taken.add(unique)
        found.append(unique)
    return tuple(found)


def _parsed(text: str) -> object:
    """Parse JSON or a Python literal; None if it is not a list or mapping."""
    if len(text) > _MOST_LITERAL or text.strip()[:1] not in ("[", "{", "("):
        return None
    for read in (json.loads, _literal):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None


def _literal(text: str) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # malicious text can cause one per character
        return ast.literal_eval(text)


def _names_in(content: object) -> tuple[str, ...]:
    match content:
        case list() | tuple():
            names = [_name(item) for item in content]
            return tuple(names) if all(names) else ()
        case dict():
            return _names_in_mapping(content)
        case _:
            return ()


def _names_in_mapping(content: Mapping[object, object]) -> tuple[str, ...]:
    for key in _KEYS:
        found = _names_in(content.get(key))
        if found:
            return found
    if all(isinstance(key, str) and re.fullmatch(r"n\d{8}", key) for key in content):  # synsets, in order
        return _names_in([*content.values()])
    pairs = [(_number(key), _name(value)) for key, value in content.items()]
    if any(number is None for number, _ in pairs):
        pairs = [(_number(value), _name(key)) for key, value in content.items()]
    return _in_order([(number, name) for number, name in pairs if number is not None], len(content))


def _in_order(pairs: list[tuple[int, str]], wanted: int) -> tuple[str, ...]:
    """Names sorted by their numbers, which must be consecutive from 0 or 1."""
    pairs = sorted(pairs)
    numbers = [number for number, _ in pairs]
    is_whole = len(pairs) == wanted > 0 and numbers in (list(range(wanted)), list(range(1, wanted + 1)))
    return tuple(name for _, name in pairs) if is_whole and all(name for _, name in pairs) else ()


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else None


def _name(item: object) -> str:
    """A name, or the last item of a pair such as ["n01440764", "tench"]; empty if it is neither."""
    if isinstance(item, (list, tuple)) and item:
        item = item[-1]
    return item.strip() if isinstance(item, str) else ""


def _names_in_lines(lines: list[str]) -> tuple[str, ...]:
    start = next((place for place, line in enumerate(lines) if line.startswith("names:")), None)
    if start is not None:  # the `data.yaml` of Ultralytics
        lines = [lines[start].removeprefix("names:").strip(), *lines[start + 1 :]]
        if lines[0].startswith(("[", "{")):
            return read_names(lines[0])
    lines = [line for line in lines if line]
    if len(lines) == 1 and "," in lines[0]:
        return tuple(name for name in map(_bare, lines[0].strip("[]").split(",")) if name)
    found = [_NUMBERED.fullmatch(line) for line in lines]
    by_number = _in_order([(int(one[1]), _bare(one[2])) for one in found if one], len(lines))
    return by_number or tuple(name for name in map(_bare, lines) if name)


def _bare(text: str) -> str:
    """A name without list dash, comma, quotes and ImageNet synset identifier."""
    text = text.strip().removeprefix("- ").removesuffix(",").strip()
    synset = _SYNSET.fullmatch(text)
    text = synset[1] if synset else text
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
