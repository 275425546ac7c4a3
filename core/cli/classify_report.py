"""How the report of `fovea classify` is to be."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.cli.classify_arguments import ClassifyRequest
from core.images.listing import folder_name
from core.jobs.cluster.addresses import Address
from core.models.library import InstalledModel
from core.outputs.reports.columns import ColumnSet
from core.outputs.reports.plan import ReportFormat, ReportOptions

_PATHS_TOLD: Final = 5


def plan(request: ClassifyRequest, model: InstalledModel, top_k: int) -> ReportOptions | None:
    """How the report is to be; None for a table to read."""
    if request.format == "table":
        return None
    card = model.card
    about = (("model", f"{card.title} ({model.name})"), ("backbone", model.backbone.name))
    asked = ("images", ", ".join(_name(path) for path in request.paths[:_PATHS_TOLD]))
    folder = request.paths[0] if len(request.paths) == 1 else None
    return ReportOptions(
        ReportFormat(request.format),
        ColumnSet(top_k),
        byte_order_mark=request.byte_order_mark,
        delimiter=request.delimiter,
        about=(*about, asked),
        folder=folder,
    )


def _name(path: Path | Address) -> str:
    """What was asked for, without the way to it: reports are sent to other people."""
    return str(path) if isinstance(path, Address) else folder_name(path)
