"""What damaged and forged model files do: `python -m tests.benchmarks.fuzz_models [COUNT] [SEED]`.

COUNT mutants (600) of small models in each family, the same for the same seed (0): files that Fovea exported, and
classifiers of the kinds that other programs write. A file may be refused with a `FoveaError`, or accepted; told are
other exceptions, exports of Fovea that are accepted and answer otherwise, files that a refused one left behind, the
longest time and the memory at its highest. Exit code 1 where any of the first three is above 0.
"""

from __future__ import annotations

import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from rich.console import Console
from rich.table import Table

from core.base.errors import FoveaError
from core.base.providers import Precision, Provider
from core.engine import golden
from core.engine.engine import open_engine
from core.models import joined
from core.models.exchange import import_model
from core.models.installed import load_backbone, load_head
from core.models.library import Library
from core.models.onnx_import import import_onnx, inspect_model
from core.models.onnx_import_values import ImportAnswers, Scaling
from core.models.values import InstalledModel
from tests import tiny
from tests.core.models import test_onnx_import_kinds as kinds
from tests.core.models.test_onnx_import import classifier

Mutation = Callable[[bytes, random.Random], bytes]
SAME: Final = 1e-4
"""Logits that differ by less are the same answer."""


@dataclass(slots=True)
class Outcome:
    """What came of the mutants of a family."""

    tried: int = 0
    refused: int = 0
    accepted: int = 0
    foreign: dict[str, int] = field(default_factory=dict)
    otherwise: int = 0
    left: int = 0
    longest: float = 0.0


# ---- seeds


def exports() -> list[bytes]:
    """Files that Fovea exported."""
    card = tiny.model_card("colours")
    backbone = tiny.backbone_bytes(), tiny.backbone_card()
    return [joined.join(*backbone, head, card) for head in (tiny.head(), tiny.dense_head())]


def foreign() -> list[bytes]:
    """Classifiers as other programs write them."""
    models = [*kinds.IMPORTED.values(), classifier(names="['a', 'b', 'c']"), classifier(last="MatMul", layout="nhwc")]
    return [model.SerializeToString() for model in models]


# ---- mutations of bytes


def flip(data: bytes, draw: random.Random) -> bytes:
    """One bit."""
    changed = bytearray(data)
    changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def scatter(data: bytes, draw: random.Random) -> bytes:
    """Some bytes set to anything."""
    changed = bytearray(data)
    for _ in range(draw.randint(2, 16)):
        changed[draw.randrange(len(data))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    return bytes(changed)


def cut(data: bytes, draw: random.Random) -> bytes:
    """The end missing, or all zeros."""
    kept = draw.randrange(len(data))
    return data[:kept] + (bytes(len(data) - kept) if draw.random() < 0.5 else b"")


def shuffle(data: bytes, draw: random.Random) -> bytes:
    """A part removed, doubled or moved."""
    start, end = sorted(draw.sample(range(len(data)), 2))
    part, rest = data[start:end], data[:start] + data[end:]
    place = draw.randrange(len(rest) + 1)
    return draw.choice((rest, data[:end] + part + data[end:], rest[:place] + part + rest[place:]))


# ---- mutations of the message


def forge(data: bytes, draw: random.Random) -> bytes:
    """One to three of `_FORGERIES`, by somebody who knows the format; an export's sum is left as it was."""
    model = onnx.ModelProto.FromString(data)
    for _ in range(draw.randint(1, 3)):
        draw.choice(_FORGERIES)(model, draw)
    forged: bytes = model.SerializeToString()
    return forged.replace(b"NOTTEXT", b"\xff" * 7)


def _any(parts: Any, draw: random.Random) -> Any:  # noqa: ANN401 - protobuf's repeated fields have no common type
    return parts[draw.randrange(len(parts))]


def _dims(model: onnx.ModelProto, draw: random.Random) -> None:
    if model.graph.initializer:
        length = draw.choice((0, 1, -1, 7, 2**20, 2**31, 2**62))
        dims = _any(model.graph.initializer, draw).dims
        dims[:] = draw.choice(([], [length], [*dims, length], [1] * 70))


def _kind(model: onnx.ModelProto, draw: random.Random) -> None:
    if model.graph.initializer:
        _any(model.graph.initializer, draw).data_type = draw.randrange(24)


def _content(model: onnx.ModelProto, draw: random.Random) -> None:
    if model.graph.initializer:
        tensor = _any(model.graph.initializer, draw)
        tensor.raw_data = draw.choice((b"", bytes(len(tensor.raw_data)), draw.randbytes(len(tensor.raw_data))))


def _operator(model: onnx.ModelProto, draw: random.Random) -> None:
    node = _any(model.graph.node, draw)
    node.op_type = draw.choice(("Relu", "Add", "Loop", "Shape", "Softmax", "Reshape", "Gemm", "Dropout", "NOTTEXT", ""))


def _ends(model: onnx.ModelProto, draw: random.Random) -> None:
    node = _any(model.graph.node, draw)
    names = draw.choice((node.input, node.output))
    if draw.random() < 0.3:
        del names[:]
    elif names:
        names[draw.randrange(len(names))] = draw.choice(("", "x", "NOTTEXT", "features", "logits", "p"))


def _node(model: onnx.ModelProto, draw: random.Random) -> None:
    nodes = list(model.graph.node)
    one = nodes.pop(draw.randrange(len(nodes)))
    if draw.random() < 0.6:
        nodes.insert(draw.randrange(len(nodes) + 1), one)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _attribute(model: onnx.ModelProto, draw: random.Random) -> None:
    given = [one for node in model.graph.node for one in node.attribute]
    if given:
        one = draw.choice(given)
        one.i = draw.choice((0, -1, 7, 2**40))
        if one.ints:
            one.ints[draw.randrange(len(one.ints))] = draw.choice((0, -1, 5, 2**31, 2**62))


def _port(model: onnx.ModelProto, draw: random.Random) -> None:
    ports = [*model.graph.input, *model.graph.output]
    if ports:
        axes = draw.choice(ports).type.tensor_type.shape.dim
        if axes:
            _any(axes, draw).dim_value = draw.choice((0, -1, 1, 4, 4096, 2**40))


def _metadata(model: onnx.ModelProto, draw: random.Random) -> None:
    if model.metadata_props and draw.random() < 0.7:
        entry = _any(model.metadata_props, draw)
        entry.value = draw.choice(
            (entry.value[:-1], entry.value.replace("0", "1", 1), "NOTTEXT", '{"²": "a"}', "[" * 5000)
        )
    else:
        model.metadata_props.add(key=draw.choice(("names", "fovea.card", "x")), value=draw.choice(("[1]", "{}", "'")))


def _external(model: onnx.ModelProto, draw: random.Random) -> None:
    if model.graph.initializer:
        tensor = _any(model.graph.initializer, draw)
        tensor.data_location = TensorProto.EXTERNAL
        keys = (
            ("location", draw.choice(("/etc/passwd", "w", "..", ""))),
            ("offset", draw.choice(("0", "x", "²", "-1"))),
        )
        for key, value in keys:
            tensor.external_data.add(key=key, value=value)


def _version(model: onnx.ModelProto, draw: random.Random) -> None:
    model.ir_version = draw.choice((0, 3, 8, 99, -1))
    for one in model.opset_import:
        one.version = draw.choice((-1, 0, 6, 8, 13, 21, 99, 2**40))


_FORGERIES: Final = (
    _dims, _kind, _content, _operator, _ends, _node, _attribute, _port, _metadata, _external, _version,
)  # fmt: skip
MUTATIONS: Final[dict[str, Mutation]] = {
    "one bit flipped": flip,
    "bytes changed": scatter,
    "cut off": cut,
    "parts moved": shuffle,
    "forged": forge,
}

# ---- the round


def logits(model: InstalledModel) -> NDArray[np.float32]:
    """What an installed model says of the golden inputs."""
    card = model.backbone.card
    engine = open_engine(load_backbone(model.backbone), card, Provider.CPU, Precision.EXACT)
    return load_head(model).logits(engine.run(golden.golden_inputs(card.preprocessing.size)))


def _import(file: Path, library: Library) -> InstalledModel:
    questions = inspect_model(file)
    if not questions:
        return import_model(file, library).model
    (asked,) = questions
    names = asked.classes or tuple(f"class {number}" for number in range(asked.class_count))
    answers = ImportAnswers("Theirs", names, asked.size or 32, scaling=Scaling.UNIT)
    return import_onnx(file, answers, library).model


def attempt(data: bytes, place: Path, wanted: dict[str, Any] | None, outcome: Outcome) -> None:
    """Import one mutant into an empty library.

    Args:
        data: its bytes.
        place: an empty folder.
        wanted: what the model says before, where an accepted mutant must say the same: logits and classes.
        outcome: noted here.
    """
    file, library = place / "mutant.onnx", Library(place / "shipped", place / "own")
    file.write_bytes(data)
    started = time.perf_counter()
    outcome.tried += 1
    try:
        model = _import(file, library)
        outcome.accepted += 1
        is_same = wanted is None or (
            model.card.classes == wanted["classes"] and np.allclose(logits(model), wanted["logits"], atol=SAME)
        )
        outcome.otherwise += not is_same
    except FoveaError:
        outcome.refused += 1
        outcome.left += any(path.is_file() for path in library.user.rglob("*"))
    except Exception as error:  # noqa: BLE001 - these are what the round looks for
        name = type(error).__name__
        outcome.foreign[name] = outcome.foreign.get(name, 0) + 1
    outcome.longest = max(outcome.longest, time.perf_counter() - started)
    shutil.rmtree(library.user, ignore_errors=True)


def round_of(seeds: list[bytes], mutate: Mutation, count: int, draw: random.Random, *, ours: bool) -> Outcome:
    """Try `count` mutants of some files."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        wanted: list[dict[str, Any] | None] = [None] * len(seeds)
        if ours:
            for number, seed in enumerate(seeds):
                (place / "seed.onnx").write_bytes(seed)
                model = import_model(place / "seed.onnx", Library(place / "s", place / f"own{number}")).model
                wanted[number] = {"classes": model.card.classes, "logits": logits(model)}
        for _ in range(count):
            number = draw.randrange(len(seeds))
            attempt(mutate(seeds[number], draw), place, wanted[number], outcome)
    return outcome


def table(count: int, seed: int) -> tuple[Table, bool]:
    """The round as a table, and whether it went well."""
    names = (
        "files",
        "mutation",
        "tried",
        "refused",
        "accepted",
        "otherwise",
        "other exceptions",
        "left",
        "longest (s)",
    )
    made = Table(*names, title=f"Mutated model files, seed {seed}")
    went_well = True
    for kind, seeds in (("exported by Fovea", exports()), ("of other programs", foreign())):
        for name, mutate in MUTATIONS.items():
            draw = random.Random(f"{seed} {kind} {name}")
            found = round_of(seeds, mutate, count, draw, ours=kind.startswith("exported"))
            told = ", ".join(f"{times} {error}" for error, times in found.foreign.items()) or "0"
            numbers = (found.tried, found.refused, found.accepted, found.otherwise)
            made.add_row(kind, name, *map(str, numbers), told, str(found.left), f"{found.longest:.2f}")
            went_well &= not (found.foreign or found.otherwise or found.left)
    return made, went_well


def main() -> int:
    """Print the table; 0 if nothing went wrong."""
    given = [int(text) for text in sys.argv[1:3]]
    count, seed = [*given, *(600, 0)[len(given) :]]
    made, went_well = table(count, seed)
    Console(width=140).print(made)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    print(f"At most {peak:,.0f} MB of memory in use.")
    return 0 if went_well else 1


if __name__ == "__main__":
    sys.exit(main())
