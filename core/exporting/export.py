"""Export of a model as a single file, in any of the supported formats."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Final

from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.base.storage import check_writable
from core.exporting.formats import ExportFormat
from core.exporting.values import ExportEvaluation
from core.models.values import InstalledModel
from core.models.weight_storage import Storage

_STORED: Final = MappingProxyType(
    {
        ExportFormat.ONNX_FLOAT32: Storage.FLOAT32,
        ExportFormat.ONNX_FLOAT16: Storage.FLOAT16,
        ExportFormat.LITERT_FLOAT32: Storage.FLOAT32,
        ExportFormat.LITERT_FLOAT16: Storage.FLOAT16,
        ExportFormat.LITERT_INT8: Storage.INT8,
    }
)


def export_model(
    model: InstalledModel,
    file: Path,
    format: ExportFormat,  # noqa: A002 - the field's word
    images: Path | None,
    most_lost: float,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> ExportEvaluation | None:
    """Write a model as one file, and return the evaluation of its 8-bit variants; None for the other formats.

    Labelled images, preferably the training data, are required for 8 bits; `most_lost` is the largest acceptable
    loss of accuracy on the validation images then, 0..1.

    Raises:
        UsageError: the format needs images, or does not support multi-label models.
        FoveaError: the export failed; an existing file is unchanged. See the modules called here.
    """
    if model.card.is_multi_label and not format.fits_multi_label:
        what = tr("A multi-label model can't be exported in this format.")
        raise UsageError(what, hint=tr("Export it as ONNX in 32 or 16 bits."))
    if format.needs_images and images is None:
        what = tr("Converting to 8 bits needs labelled images to calibrate the model and to measure its accuracy.")
        hint = tr("Choose a folder of labelled images, preferably the one the model was trained on.")
        raise UsageError(what, hint=hint)
    check_writable(file)
    if format is ExportFormat.ONNX_INT8:
        from core.exporting.quantised import export_int8

        assert images is not None
        return export_int8(model, file, images, most_lost, report=report, token=token)
    if format.suffix == ".onnx":
        from core.models.exchange import export

        export(model, file, _STORED.get(format), report=report, token=token)
        return None
    from core.exporting.litert import export_litert

    return export_litert(model, file, _STORED.get(format), images, most_lost, report=report, token=token)
