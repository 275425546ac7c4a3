"""Export of a model as one self-contained .onnx file, and import of such a file into the library.

`core.models.joined` defines the content of the file. An export is compared with the model before it is written. An
import is treated as untrusted: it is validated and checked on the golden inputs before it is installed.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

import numpy as np

from core.base.errors import ModelError, UnreadableModelError, os_reason
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.providers import Precision, Provider
from core.base.storage import write_atomically
from core.card import HeadReference, ModelCard, SharedBackbone, write_card
from core.card_rules import UnknownRule
from core.card_sharing import shareable
from core.engine import graph
from core.engine.engine import open_engine
from core.models import joined
from core.models.feature_bank import bank_bytes
from core.models.heads import Head, head_arrays, head_bytes, is_kernel
from core.models.installed import check_bank, check_head, load_backbone, load_bank, load_head
from core.models.library import Library
from core.models.values import InstalledBackbone, InstalledModel
from core.models.variants import (
    MAX_DIFFERENCE,
    MAX_ROUNDING,
    Variant,
    backbone_variant,
    check_joined,
    logits_of,
)
from core.models.versions import NameTakenError
from core.models.weight_storage import Storage, head_to_float16

_MAX_FILE_BYTES: Final = 1024**3
_MAX_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import.

    Attributes:
        model: the model in the library.
        is_new: whether it was added; False if the library already had the same model.
    """

    model: InstalledModel
    is_new: bool


def export(
    model: InstalledModel,
    file: Path,
    storage: Storage | None = None,
    *,
    report: ProgressCallback = lambda _: None,
    token: CancelToken | None = None,
) -> None:
    """Write backbone, head and card as one .onnx that gives the model's predictions in any program.

    Its logits differ from the model's by at most `MAX_DIFFERENCE`, in float16 by at most `MAX_ROUNDING` of the largest.

    Args:
        model: the model.
        file: the file to write or replace.
        storage: of the weights; None for that of the model. Not INT8, which needs images: see
            `core.exporting.quantised`.
        report: called with the progress.
        token: checked before each step.

    Raises:
        Cancelled: the token was cancelled; nothing was written.
        ModelError: the model's files are damaged, it has weights too large for float16, or the outputs of the file
            differ from the model's.
        ProviderError: ONNX Runtime cannot run the model.
        StorageError: the file cannot be written; an existing file is unchanged.
    """
    token, clock = token or CancelToken(), ProgressReporter(tr("exporting"), 3, report)

    def advance() -> None:
        clock.advance()
        token.check()

    head, bank = load_head(model), load_bank(model)
    own = Variant(load_backbone(model.backbone), model.backbone.card)
    wanted = logits_of(own, head)
    advance()
    variant = own if storage is None else backbone_variant(own, storage)
    advance()
    half, exact = storage is Storage.FLOAT16, storage is Storage.FLOAT32
    stored = head_to_float16(head) if half else head
    data = joined.join(variant.data, variant.card, stored, model.card, bank, exact=exact)
    maximum = MAX_ROUNDING * max(1.0, float(np.abs(wanted).max())) if half else MAX_DIFFERENCE
    check_joined(data, variant.card, model.card, wanted, maximum, bank)
    advance()
    write_atomically(file, data)


@graph.only_model_errors()
def import_model(file: Path, library: Library) -> Imported:
    """Import a file written by `export`; everything in it is validated first.

    A backbone that the library already shares is shared again. If the name is taken, the new model is called name-2,
    name-3 and so on. The same model is not added twice, whatever its name.

    Raises:
        ModelError: the file is damaged, unsupported, malicious or changed, or does not match its card.
        ProviderError: ONNX Runtime cannot open the backbone.
        StorageError: the library's folder does not allow it.
    """
    parts = joined.split(read_file(file))
    check_head(parts.head, parts.card, parts.backbone_card)
    shared = _find_shared(library, parts)
    backbone_card = shared.card if shared else replace(parts.backbone_card, sha256=_sha256(parts.backbone))
    graph.check_backbone(parts.backbone, backbone_card)
    open_engine(parts.backbone, backbone_card, Provider.CPU, Precision.EXACT)
    head_data = _head_file(parts.head)
    card = replace(
        parts.card,
        head=HeadReference(parts.card.head.file, _sha256(head_data)),
        backbone=SharedBackbone(shared.card.name, shared.card.sha256) if shared else backbone_card,
        fit=shared.fit if shared else None,
    )
    own = {} if shared else {backbone_card.file: parts.backbone}
    if parts.bank and (rule := parts.card.unknown):
        check_bank(parts.bank, card, backbone_card)
        bank = bank_bytes(parts.bank)
        card = replace(card, unknown=replace(rule, sha256=_sha256(bank)))
        own[rule.file] = bank
    return install_new(card, {card.head.file: head_data, **own}, parts.head, library)


def read_file(file: Path) -> bytes:
    """Read a file.

    Raises:
        UnreadableModelError: it is too large, not a regular file, or cannot be read.
    """
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableModelError(tr("{file!r} is not a file.", file=str(file)), hint=tr("Choose an .onnx file."))
        if status.st_size > _MAX_FILE_BYTES:
            what = tr("The model file is too large ({count:,} bytes).", count=status.st_size)
            raise UnreadableModelError(what, hint=tr("Export the model again, or choose another file."))
        return file.read_bytes()
    except OSError as error:
        what = tr("Couldn't read {file!r}: {reason}.", file=str(file), reason=os_reason(error))
        raise UnreadableModelError(what, hint=tr("Check that the file exists and that you can open it.")) from error


def _find_shared(library: Library, parts: joined.Parts) -> InstalledBackbone | None:
    """The installed backbone of which the imported one is a copy; its file may be encoded differently."""
    card = parts.backbone_card
    for entry in library.entries():
        if not isinstance(entry, InstalledBackbone) or entry.card.sha256 != card.sha256:
            continue
        fitted = entry.with_fit(card.preprocessing.fit)
        with contextlib.suppress(ModelError):
            is_copy = joined.serialise(graph.parse(load_backbone(entry))) == parts.backbone
            if is_copy and fitted.card.preprocessing == card.preprocessing:
                return fitted
    return None


def _head_file(head: Head) -> bytes:
    """The head as a file that preserves its numbers; float32 if float16 would lose precision."""
    kernels = [array for name, array in head_arrays(head).items() if is_kernel(name)]
    return head_bytes(head, exact=not all(map(joined.fits_float16, kernels)))


def install_new(card: ModelCard, files: Mapping[str, bytes], head: Head, library: Library) -> Imported:
    """Install a model under its name, or name-2 and so on if that is taken, unless the library already has it.

    Raises:
        ModelError: the card or a file is invalid.
        StorageError: the library's folder does not allow it.
    """
    for model in library.models():
        if _is_same(model, card, head):
            return Imported(model, is_new=False)
    existing = {entry.name for entry in library.entries()}
    names = (name for name in _candidate_names(card.name) if name not in existing)
    while True:
        named = replace(card, name=next(names))
        with contextlib.suppress(NameTakenError):
            return Imported(library.install(write_card(named), files, new_name=True), is_new=True)


def _is_same(model: InstalledModel, card: ModelCard, head: Head) -> bool:
    """Whether an installed model differs from this one at most in its name and the encoding of its files."""
    card_text = shareable(model.card)  # an export has only a part of the card
    alike = replace(card_text, name=card.name, head=card.head, backbone=card.backbone, unknown=card.unknown)
    if _rule(model.card) != _rule(card):
        return False
    if alike != shareable(card) or model.backbone.card.sha256 != card.backbone.sha256:
        return False
    try:
        installed = load_head(model)
    except ModelError:
        return False
    ours, theirs = head_arrays(installed), head_arrays(head)
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def _rule(card: ModelCard) -> UnknownRule | None:
    """The rule for unknown images without its file, which is encoded differently."""
    return replace(card.unknown, sha256="") if card.unknown else None


def _candidate_names(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        suffix = f"-{number}"
        yield name[: _MAX_NAME - len(suffix)] + suffix


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
