"""The verbs of models as files: export and import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.base.progress import CancelToken, ProgressCallback
from core.exporting.formats import ExportFormat
from core.exporting.values import MAX_LOSS, ExportEvaluation
from core.models.onnx_import_values import ImportAnswers, ImportQuestions
from core.prediction import Outcome
from core.training.networks import BackboneRequest


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A model that was written to a file, with the evaluation of its 8-bit variants if there are any."""

    size_bytes: int
    evaluation: ExportEvaluation | None = None


def export_model(
    reference: str,
    file: Path,
    format: ExportFormat,  # noqa: A002 - the usual name
    images: Path | None,
    max_loss: float = MAX_LOSS,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> ExportedFile:
    """Write a model, `name` or `name@version`, to a file; see `core.exporting.export`."""
    from core.exporting.export import export_model as export
    from core.models.library import open_library

    evaluation = export(open_library().find(reference), file, format, images, max_loss, report=report, token=token)
    return ExportedFile(file.stat().st_size, evaluation)


def inspect_model(
    file: Path, class_count: int | None = None, *, every_output: bool = False
) -> tuple[ImportQuestions, ...]:
    """Find out what must be known to import a file; see `core.models.onnx_import`."""
    from core.models import onnx_import

    return onnx_import.inspect_model(file, class_count, every_output=every_output)


def fetch_network(request: BackboneRequest, *, report: ProgressCallback, token: CancelToken) -> str:
    """Add a published network to the library, and return its name there; see `core.training.fetch`."""
    from core.models.library import open_library
    from core.training import fetch
    from core.training.networks import check_request

    check_request(request)
    add = fetch.fetch_classifier if request.described.classes else fetch.fetch_backbone
    return add(request, open_library(), report=report, token=token).name


def provide_backbone(request: BackboneRequest, *, report: ProgressCallback, token: CancelToken) -> str:
    """The name of a published network in the library, to which it is added if it is missing."""
    from core.models.library import open_library
    from core.training import fetch

    if fetch.is_installed(request, open_library()):
        return request.name
    return fetch_network(request, report=report, token=token)


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A model that was imported from a file; it is not new if the library had the same model already."""

    name: str
    is_new: bool


def import_model(file: Path, answers: ImportAnswers | None = None) -> ImportedModel:
    """Add the model in a file; a classifier of another program needs answers to the questions about it."""
    from core.models import exchange, onnx_import
    from core.models.library import open_library

    library = open_library()
    found = onnx_import.import_onnx(file, answers, library) if answers else exchange.import_model(file, library)
    return ImportedModel(found.model.name, found.is_new)


def preview_import(file: Path, answers: ImportAnswers, photo: Path) -> Outcome:
    """Predict one photo with a classifier of another program, without adding it."""
    from core.models.import_preview import preview

    return preview(file, answers, photo)
