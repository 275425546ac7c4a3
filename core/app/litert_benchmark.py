"""How large and how fast backbones are as LiteRT files on this machine: the trainer process converts and runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.app.benchmark_record import save_litert
from core.app.network_comparison import published_network
from core.app.values import LiteRTTime
from core.base.errors import ModelError
from core.base.i18n import tr
from core.base.leftovers import temporary_folder
from core.base.progress import CancelToken, ProgressCallback
from core.card import write_card
from core.models.installed import load_backbone
from core.models.library import Library
from core.models.library_folders import CARD
from core.models.values import InstalledBackbone
from core.training.networks import can_rebuild
from core.training.trainer_process import run_trainer

COMMAND: Final = "litert-benchmark"
"""The command of the trainer process; its folder has a folder per backbone."""
FILES: Final = "files"
"""What it returns: for each file the number of its backbone's folder, storage, bytes and milliseconds."""


def measure_litert(library: Library, *, report: ProgressCallback, token: CancelToken) -> tuple[LiteRTTime, ...]:
    """Convert the backbones that are published networks in every storage, and measure and keep the times.

    Raises:
        ModelError: there is no such backbone, or it is damaged or cannot be converted.
        TrainerError: TensorFlow is not installed, or the trainer process died.
        Cancelled: the token was cancelled; the times measured before are kept.
    """
    backbones = [entry for entry in library.entries() if isinstance(entry, InstalledBackbone) and _is_compared(entry)]
    if not backbones:
        what = tr("There is no backbone that can be measured as a LiteRT file.")
        raise ModelError(what, hint=tr("Add one with `fovea models fetch`."))
    with temporary_folder("litert") as folder:
        for number, backbone in enumerate(backbones):
            _write(folder / str(number), backbone)
        found = run_trainer([COMMAND, str(folder)], report=report, on_epoch=lambda _: None, token=token)
    times = tuple(
        LiteRTTime(backbones[number].name, storage, size, ms) for number, storage, size, ms in found[FILES]
    )  # fmt: skip
    save_litert(times)
    return times


def _is_compared(backbone: InstalledBackbone) -> bool:
    card = backbone.card
    return not card.untrained and published_network(card) is not None and can_rebuild(card)


def _write(folder: Path, backbone: InstalledBackbone) -> None:
    folder.mkdir()
    (folder / CARD).write_bytes(write_card(backbone.card))
    (folder / backbone.card.file).write_bytes(load_backbone(backbone))
