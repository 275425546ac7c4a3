"""The options of the report that `fovea classify` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.base.i18n import tr
from core.cli.classify_arguments import ClassifyRequest
from core.images.listing import folder_name
from core.jobs.cluster.addresses import Address
from core.models.library import InstalledModel
from core.outputs.reports.columns import ColumnSet
from core.outputs.reports.plan import ReportFormat, ReportOptions

_MAX_PATHS: Final = 5


def plan(request: ClassifyRequest, model: InstalledModel, top_k: int) -> ReportOptions | None:
    """The options of the report; None for a table to read."""
    if request.format == "table":
        return None
    card = model.card
    about = ((tr("model"), f"{card.title} ({model.name})"), (tr("backbone"), model.backbone.name))
    images = (tr("images"), ", ".join(_name(path) for path in request.paths[:_MAX_PATHS]))
    folder = request.paths[0] if len(request.paths) == 1 else None
    return ReportOptions(
        ReportFormat(request.format),
        ColumnSet(top_k),
        byte_order_mark=request.byte_order_mark,
        delimiter=request.delimiter,
        about=(*about, images),
        folder=folder,
    )


def _name(path: Path | Address) -> str:
    """The name of a file or folder without its path, because reports are shared with others."""
    return str(path) if isinstance(path, Address) else folder_name(path)
