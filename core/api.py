"""The verbs: what Fovea can do, each named once.

The command line calls them directly; the window calls them in a worker process (`core.worker`). What takes long takes
a callback for its progress and a token that cancels it. Importing this module is cheap: each verb imports what it
needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.exporting.formats import ExportFormat
from core.library.foreign_values import ForeignAnswers, ForeignQuestions
from core.prediction import Outcome
from core.progress import CancelToken, Report
from core.providers import Precision, ProviderWish

if TYPE_CHECKING:
    from core.learning.runs import FoundRun
    from core.library.removal import Removed
    from core.services.library_values import AgreementFacts, NameFacts

# ---- the library


@dataclass(frozen=True, slots=True)
class LibraryListing:
    """Models with their versions, unfinished runs, and what can be restored."""

    names: tuple[NameFacts, ...]
    runs: tuple[FoundRun, ...]
    removed: tuple[Removed, ...]


def list_library() -> LibraryListing:
    """List what is installed, unfinished or removed; broken versions are listed with the reason."""
    from core.learning.runs import found_runs
    from core.library.library import open_library
    from core.library.removal import removed
    from core.services.model_facts import name_facts

    library = open_library()
    return LibraryListing(name_facts(library), found_runs(), removed(library.own))


def activate(name: str, version: int) -> None:
    """Make a name mean this version.

    Raises:
        FoveaError: there is no such version, it is damaged, or the disk does not allow it.
    """
    from core.library.library import open_library

    open_library().activate(name, version)


def roll_back(name: str) -> int:
    """Make a name mean the version again that was active before, and return its number.

    Raises:
        FoveaError: there is none, it is damaged, or the disk does not allow it.
    """
    from core.library.library import open_library

    return open_library().roll_back(name).version


def remove(name: str, version: int | None) -> int | None:
    """Remove a version, or the model with all its versions; both are kept for some days.

    Returns:
        The version that the name means now; None where it means none.

    Raises:
        FoveaError: it came with Fovea, it is in use, or the disk does not allow it.
    """
    from core.library.library import open_library

    library = open_library()
    if version is None:
        library.remove(name)
    else:
        library.remove_version(name, version)
    return library.active(name)


def restore(name: str, version: int | None) -> None:
    """Bring back what was removed last under a name, or as a version of it.

    Raises:
        FoveaError: there is nothing to restore, or the disk does not allow it.
    """
    from core.library import removal
    from core.library.library import open_library

    removal.restore(open_library().own, name, version)


def discard_run(name: str) -> None:
    """Delete the unfinished training of a name.

    Raises:
        FoveaError: it is being trained now, or the disk does not allow it.
    """
    from core.learning.runs import throw_away

    throw_away(name)


# ---- models as files


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A model that was written to a file; `notes` are sentences the user should read."""

    size_bytes: int
    notes: tuple[str, ...] = ()


def export_model(
    reference: str,
    file: Path,
    format: ExportFormat,  # noqa: A002 - the field's word
    images: Path | None,
    *,
    report: Report,
    token: CancelToken,
) -> ExportedFile:
    """Write a model, `name` or `name@version`, as one file; see `core.exporting.export`.

    Raises:
        FoveaError: nothing was written; what was there before is unharmed.
        Cancelled: the token was cancelled.
    """
    from core.exporting.export import export_model as export
    from core.exporting.trial import MOST_LOST, loss_in_words
    from core.library.library import open_library

    trial = export(open_library().find(reference), file, format, images, MOST_LOST, report=report, token=token)
    return ExportedFile(file.stat().st_size, (loss_in_words(trial),) if trial else ())


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A model that was read from a file; it is not new where the library had the same already."""

    name: str
    is_new: bool


def import_model(file: Path) -> ImportedModel | ForeignQuestions:
    """Add the model in a file, or return what has to be known first of another program's.

    Raises:
        FoveaError: the file is damaged, foreign, hostile or changed.
    """
    from core.library import exchange
    from core.library.foreign import look_at
    from core.library.library import open_library

    questions = look_at(file)
    if questions is not None:
        return questions
    imported = exchange.import_model(file, open_library())
    return ImportedModel(imported.model.name, imported.is_new)


def import_foreign(file: Path, answers: ForeignAnswers) -> ImportedModel:
    """Add another program's classifier, with answers to what its file leaves open.

    Raises:
        FoveaError: the file or the answers do not do.
    """
    from core.library import foreign
    from core.library.library import open_library

    imported = foreign.import_foreign(file, answers, open_library())
    return ImportedModel(imported.model.name, imported.is_new)


def preview_import(file: Path, answers: ForeignAnswers, photo: Path) -> Outcome:
    """Predict one photo with another program's classifier, without adding it.

    Raises:
        FoveaError: the file or the answers do not do.
    """
    from core.import_preview import preview

    return preview(file, answers, photo)


# ---- evaluation


def compare(
    a: str,
    b: str,
    paths: tuple[Path, ...],
    provider: ProviderWish,
    precision: Precision,
    *,
    report: Report,
    token: CancelToken,
) -> AgreementFacts:
    """Compare two models, each `name` or `name@version`, on photos, or on one folder of labelled photos.

    Raises:
        FoveaError: a model cannot be used, or there is nothing to compare on.
        Cancelled: the token was cancelled.
    """
    import time

    from core.features.store import FeatureStore
    from core.judging.comparison import compare_by_paths, contestant
    from core.library.library import open_library
    from core.services.comparison_facts import agreement_facts

    started, library = time.perf_counter(), open_library()
    first, second = (contestant(library.find(name), provider, precision) for name in (a, b))
    with FeatureStore() as store:
        found = compare_by_paths(paths, first, second, store, report=report, token=token)
    return agreement_facts(found, first, second, time.perf_counter() - started)
