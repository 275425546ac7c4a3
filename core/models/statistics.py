"""Statistics of the models and backbones in a library, and of ONNX files from anywhere.

A model is counted as one graph, its backbone joined with its head: what runs is what is counted. A backbone that is
composed of several is counted as composed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import onnx

from core.base.errors import ModelError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import ComputePrecision
from core.card import BackboneCard
from core.engine import graph
from core.engine.complexity import compute_stats
from core.engine.layer_timing import measure_layers
from core.engine.values import LayerStatistics, LayerTimings
from core.models import joined
from core.models.composite import RESIZING
from core.models.exchange import read_file
from core.models.files import file_size
from core.models.heads import head_arrays
from core.models.installed import load_backbone, load_head, part_card
from core.models.library import Library
from core.models.onnx_import_file import read_onnx
from core.models.values import InstalledBackbone, InstalledModel, ModelStatistics

_PART: Final = re.compile(r"(?:part|resized?|roots)(\d)(?:/|$)")
"""How names begin in a composed backbone, with the number of the part."""
_MAX_NAME, _MAX_NAMED = 80, 3


@dataclass(frozen=True, slots=True)
class Counted:
    """What is to be counted: a model or backbone in the library, in the precision of its file or of a variant."""

    entry: InstalledModel | InstalledBackbone
    precision: ComputePrecision | None = None

    @property
    def backbone(self) -> InstalledBackbone:
        """The backbone, or that of the model."""
        return self.entry.backbone if isinstance(self.entry, InstalledModel) else self.entry

    @property
    def card(self) -> BackboneCard:
        """The card of the backbone or of its variant in this precision.

        Raises:
            ModelError: there is no such variant.
        """
        own = self.backbone.card
        cards = [own, *map(own.of_variant, own.variants)]
        found = next((one for one in cards if self.precision in (None, one.precision)), None)
        if found is None:
            what = tr("“{name}” has no variant in {precision}.", name=own.name, precision=self.precision)
            raise ModelError(what, hint=tr("Variants: {names}.", names=", ".join(one.precision for one in cards)))
        return found


def find(reference: str, library: Library) -> InstalledModel | InstalledBackbone:
    """The model, `name` or `name@version`, or the backbone of this name.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    entry = next((one for one in library.entries() if one.name == reference), None)
    return entry if isinstance(entry, InstalledBackbone) else library.find(reference)


@graph.only_model_errors()
def entry_statistics(counted: Counted) -> ModelStatistics:
    """Count a model or backbone in the library.

    Raises:
        ModelError: it is damaged, or there is no such variant.
    """
    backbone, card = counted.backbone, counted.card
    network = compute_stats(graph.decode(_joined(counted)))
    layers = tuple(_named(network.layers, _titles(backbone)))
    weights, size, title = backbone.card.weights, _file_size(backbone, card), card.architecture
    if isinstance(counted.entry, InstalledModel):
        model = counted.entry
        weights += sum(array.size for array in head_arrays(load_head(model)).values())
        size, title = size + file_size(model.folder / model.card.head.file), model.card.title
    precisions = (backbone.card.precision, *(one.precision for one in backbone.card.variants))
    return ModelStatistics(title, replace(network, layers=layers), size, weights, card.precision, precisions)


@graph.only_model_errors()
def file_statistics(file: Path) -> ModelStatistics:
    """Count an ONNX file, as far as possible; no session opens it, and weights in other files are not read.

    Raises:
        ModelError: it cannot be read, is damaged, or is too large.
    """
    data = read_file(file)
    model = graph.decode(data)
    graph.use_plain_domain(model)
    notes = (*_external_notes(model), *_drop_damaged(model), *_other_notes(model))
    network = compute_stats(model)
    return ModelStatistics(file.name, replace(network, notes=(*notes, *network.notes)), len(data))


def measure_entry(counted: Counted, *, report: ProgressCallback, token: CancelToken) -> LayerTimings:
    """Measure the layers of a model or backbone in the library; see `measure_layers`."""
    return measure_layers(graph.decode(_joined(counted)), report=report, token=token)


def measure_file(file: Path, *, report: ProgressCallback, token: CancelToken) -> LayerTimings:
    """Measure the layers of an ONNX file, if it is safe to run; see `measure_layers`."""
    model = read_onnx(file)
    graph.use_plain_domain(model)
    return measure_layers(model, report=report, token=token)


def _joined(counted: Counted) -> bytes:
    """The whole graph."""
    card = counted.card
    data = load_backbone(counted.backbone, card)
    if isinstance(counted.entry, InstalledBackbone):
        return data
    return joined.join(data, card, load_head(counted.entry), counted.entry.card)


def _file_size(backbone: InstalledBackbone, card: BackboneCard) -> int:
    """The size of the files that a variant is read from."""
    if not backbone.parts:
        return file_size(backbone.folder / card.file)
    return sum(file_size(part.folder / part_card(part, card.precision).file) for part in backbone.parts)


def _titles(backbone: InstalledBackbone) -> tuple[str, ...]:
    """The architectures of the parts of a backbone, numbered if they are the same, or its own."""
    names = [part.card.architecture for part in backbone.parts] or [backbone.card.architecture]
    if len(set(names)) == len(names):
        return tuple(names)
    return tuple(f"{name} ({number})" for number, name in enumerate(names, 1))


def _named(layers: Sequence[LayerStatistics], titles: tuple[str, ...]) -> Iterator[LayerStatistics]:
    """The layers with the parts that they belong to."""
    for layer in layers:
        found = _PART.match(layer.name)
        if layer.name.startswith(joined.PREFIX):
            yield replace(layer, name=layer.name.removeprefix(joined.PREFIX), part=tr("Head"))
        elif len(titles) == 1:
            yield replace(layer, part=titles[0])
        elif found and 1 <= int(found[1]) <= len(titles):
            yield _in_part(layer, layers, found[1], titles[int(found[1]) - 1])
        else:
            yield layer


def _in_part(layer: LayerStatistics, layers: Sequence[LayerStatistics], number: str, part: str) -> LayerStatistics:
    """A layer of a part; what resizes the image for it is computed: it is no weights, and adds no depth."""
    resizing = f"{RESIZING}{number}/"
    is_resizing = layer.name.startswith(resizing)
    before = max((one.depth for one in layers if one.name.startswith(resizing)), default=0)
    name, weights = layer.name.removeprefix(f"part{number}/"), 0 if is_resizing else layer.weights
    return replace(layer, name=name, part=part, weights=weights, depth=max(0, layer.depth - before))


def _external_notes(model: onnx.ModelProto) -> Iterator[str]:
    external = [tensor for tensor in graph.tensors(model.graph) if graph.is_external(tensor)]
    size = sum(_declared(tensor) for tensor in external)
    if external:
        yield tr("Weights of {size:,} bytes are in other files. They are counted, but not in the file size.", size=size)


def _declared(tensor: onnx.TensorProto) -> int:
    try:
        return graph.declared_bytes(tensor)
    except ModelError:
        return 0


def _drop_damaged(model: onnx.ModelProto) -> Iterator[str]:
    """Make sure that stored arrays which shape inference cannot trust are not found by their names."""
    damaged = [tensor for tensor in model.graph.initializer if not _is_sound(tensor)]
    names = [tensor.name[:_MAX_NAME] for tensor in damaged]
    for tensor in damaged:
        tensor.name = ""
    for node in model.graph.node:
        if any(given.HasField("t") and not _is_sound(given.t) for given in node.attribute):
            node.domain = "damaged"
    if damaged:
        yield tr_n(
            "Not counted: {count:,} array that is damaged or holds no plain numbers ({names}).",
            "Not counted: {count:,} arrays that are damaged or hold no plain numbers ({names}).",
            len(damaged),
            names=", ".join([*names[:_MAX_NAMED], *(["…"] if len(names) > _MAX_NAMED else [])]),
        )


def _is_sound(tensor: onnx.TensorProto) -> bool:
    try:
        graph.declared_bytes(tensor) if graph.is_external(tensor) else graph.check_tensor(tensor)
    except ModelError:
        return False
    return True


def _other_notes(model: onnx.ModelProto) -> Iterator[str]:
    if model.graph.sparse_initializer:
        count = len(model.graph.sparse_initializer)
        yield tr_n("Not counted: {count:,} sparse array.", "Not counted: {count:,} sparse arrays.", count)
    if model.functions:
        count = len(model.functions)
        yield tr_n("Not counted: {count:,} own function.", "Not counted: {count:,} own functions.", count)
