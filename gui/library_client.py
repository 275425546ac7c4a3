"""The window's side of the library process: models and their versions, comparisons, export and import.

Every signal carries the message that came, with the ticket of the request it answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.errors import FoveaError
from core.library.foreign_values import ForeignAnswers
from core.providers import Precision, ProviderWish
from core.services.library_messages import (
    Activate,
    Answer,
    Changed,
    Compare,
    Compared,
    Export,
    Exported,
    ExportForm,
    Import,
    Imported,
    Job,
    LibraryListed,
    ListLibrary,
    Remove,
    Restore,
    RollBack,
    ThrowAway,
    last_words,
)
from core.services.messages import Remark
from core.services.processes import serve_library
from core.services.training_messages import Stage, Stop, Stopped
from gui.helper_process import HelperProcess


class LibraryClient(QObject):
    """Asks the library process, which is started by the first request and by the first one after it died.

    Attributes:
        listed: what there is.
        changed: what was asked to be changed is, or why not.
        exported: a file is written, or why not.
        imported: a model is in the library, or why not.
        compared: how two models differ, or why they could not be compared.
        stage: how far a job is.
        stopped: what was called off has ended.
        remarked: something the person should know.
    """

    listed = Signal(LibraryListed)
    changed = Signal(Changed)
    exported = Signal(Exported)
    imported = Signal(Imported)
    compared = Signal(Compared)
    stage = Signal(Stage)
    stopped = Signal(Stopped)
    remarked = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process = HelperProcess(serve_library, self)
        self._process.received.connect(self._on_received)
        self._process.died.connect(self._on_died)
        self._process.failed.connect(self._on_died)
        self._tickets = count(1)
        self._asked: dict[int, Job] = {}
        self._is_running = False
        self._lists_again = False

    @property
    def process_id(self) -> int | None:
        """The library process's number while it lives."""
        return self._process.process_id

    def close(self) -> None:
        """End the library process, whatever it does."""
        self._asked.clear()
        self._is_running = False
        self._process.close()

    def list_all(self) -> None:
        """Ask what there is; while that is being answered, ask once more afterwards: the answer may be out of date."""
        self._lists_again = any(isinstance(job, ListLibrary) for job in self._asked.values())
        if not self._lists_again:
            self._ask(ListLibrary(next(self._tickets)))

    def activate(self, name: str, version: int) -> int:
        """Have a name mean a version from now on; the ticket."""
        return self._ask(Activate(next(self._tickets), name, version))

    def roll_back(self, name: str) -> int:
        """Have a name mean the version again that was active before; the ticket."""
        return self._ask(RollBack(next(self._tickets), name))

    def remove(self, name: str, version: int | None = None) -> int:
        """Take away a version, or the model with all of them; the ticket."""
        return self._ask(Remove(next(self._tickets), name, version))

    def restore(self, name: str, version: int | None = None) -> int:
        """Bring back what was removed; the ticket."""
        return self._ask(Restore(next(self._tickets), name, version))

    def throw_away(self, name: str) -> int:
        """Delete an unfinished run; the ticket."""
        return self._ask(ThrowAway(next(self._tickets), name))

    def export(self, reference: str, file: Path, form: ExportForm, images: Path | None = None) -> int:
        """Write a model as one file; the ticket."""
        return self._ask(Export(next(self._tickets), reference, file, form, images))

    def import_file(self, file: Path, answers: ForeignAnswers | None = None, photo: Path | None = None) -> int:
        """Add the model in a file, with answers to what another program's leaves open; the ticket.

        With a photo, only ask what the model would say about it.
        """
        return self._ask(Import(next(self._tickets), file, answers, photo))

    def compare(self, a: str, b: str, paths: Sequence[Path], wish: ProviderWish, precision: Precision) -> int:
        """Compare two models by photos; the ticket."""
        return self._ask(Compare(next(self._tickets), a, b, tuple(paths), wish, precision))

    def stop(self, ticket: int) -> None:
        """Call a request off."""
        if ticket in self._asked:
            self._process.send(Stop(ticket))

    def _ask(self, job: Job) -> int:
        if not self._is_running:
            self._process.start()
            self._is_running = True
        self._asked[job.ticket] = job
        self._process.send(job)
        return job.ticket

    def _on_received(self, message: object) -> None:
        if isinstance(message, Remark):
            self.remarked.emit(message.text)
        elif isinstance(message, Answer) and message.ticket in self._asked:
            if not isinstance(message, Stage):
                del self._asked[message.ticket]
            self._tell(message)
            if isinstance(message, LibraryListed) and self._lists_again:
                self.list_all()

    def _tell(self, message: Answer) -> None:
        match message:
            case Stage():
                self.stage.emit(message)
            case LibraryListed():
                self.listed.emit(message)
            case Changed():
                self.changed.emit(message)
            case Exported():
                self.exported.emit(message)
            case Imported():
                self.imported.emit(message)
            case Compared():
                self.compared.emit(message)
            case Stopped():
                self.stopped.emit(message)

    def _on_died(self) -> None:
        """Answer for the process; the next request starts it again."""
        self._is_running = False
        asked, self._asked = self._asked, {}
        for job in asked.values():
            self._tell(last_words(job, _death(job)))


def _death(job: Job) -> FoveaError:
    hint = "Try again; if it happens again, one of the photos or files is to blame." if isinstance(job, Compare) else ""
    return FoveaError("The part of Fovea that looks after models ended unexpectedly.", hint=hint or "Try again.")
