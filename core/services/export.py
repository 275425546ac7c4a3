"""A model as a file for other programs, as the window asks for it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from core.errors import UsageError
from core.exporting.trial import MOST_LOST, Trial
from core.judging.plots import percent
from core.library.installed import InstalledModel
from core.library.library import Library
from core.library.storage_forms import Storage
from core.progress import CancelToken, Report
from core.services.library_messages import Export, Exported, ExportForm

_STORED: Final = MappingProxyType(
    {
        ExportForm.ONNX_FLOAT32: Storage.FLOAT32,
        ExportForm.ONNX_FLOAT16: Storage.FLOAT16,
        ExportForm.LITERT_FLOAT16: Storage.FLOAT16,
        ExportForm.LITERT_INT8: Storage.INT8,
    }
)


def export(job: Export, library: Library, *, report: Report, token: CancelToken) -> Exported:
    """Write a model as one file.

    Raises:
        FoveaError: nothing was written; what was there before is unharmed. `core.exporting` and
            `core.library.exchange` say why that may be.
        Cancelled: the token was cancelled.
    """
    if job.form.needs_images and job.images is None:
        what = "Which ranges 8 bits have to hold, and what they lose, is found out on images."
        raise UsageError(what, hint="Choose a folder of labelled images, best the one it was trained on.")
    trial = _write(job, library.find(job.reference), report=report, token=token)
    notes = () if trial is None else (_lost(trial),)
    return Exported(job.ticket, job.file, job.file.stat().st_size, notes, None)


def _write(job: Export, model: InstalledModel, *, report: Report, token: CancelToken) -> Trial | None:
    match job.form:
        case ExportForm.ONNX:
            from core.library.exchange import export as export_as_it_is

            export_as_it_is(model, job.file)
        case ExportForm.ONNX_FLOAT32 | ExportForm.ONNX_FLOAT16:
            from core.library.forms import export_as

            export_as(model, job.file, _STORED[job.form], report=report, token=token)
        case ExportForm.ONNX_INT8:
            from core.exporting.quantised import export_int8

            assert job.images is not None
            return export_int8(model, job.file, job.images, MOST_LOST, report=report, token=token)
        case _:
            from core.exporting.litert import export_litert

            stored = _STORED.get(job.form)
            return export_litert(model, job.file, stored, job.images, MOST_LOST, report=report, token=token)
    return None


def _lost(trial: Trial) -> str:
    if trial.chosen is None:
        return ""
    form = trial.chosen
    return (
        f"In 8 bits it names {percent(form.accuracy)} of {trial.images:,} validation photos rightly, "
        f"exactly it names {percent(trial.exact.accuracy)}; {form.named_otherwise:,} are named otherwise."
    )
