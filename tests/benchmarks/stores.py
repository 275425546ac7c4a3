"""Damage every store of a small home, again and again, and read it back: what is told, what is kept, what breaks.

    uv run python tests/benchmarks/stores.py [--seconds 120] [--seed 0] [--only journal]

Each round takes the home as it was, damages one file (bits flipped, cut off, a part made zero or random, empty, another
program's content), and has the store's readers and writers read it, inside this process. Only errors of Fovea's own may
come out; what was damaged must be readable in what it stands for, or be set aside, or be reported; and no other store
may change. Exits with 1 where something else happened. Bounded by the number of seconds.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2]))

from core.base import paths, settings
from core.base.errors import FoveaError
from core.base.file_state import FileState
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.base.salvage import DAMAGED
from core.datasets.label_file import find_labels
from core.datasets.labelled_image import LabelledImage
from core.datasets.labels import LEFT_OUT
from core.datasets.scan_cache import ImageInfo, ScanCache
from core.datasets.subsets import Subset
from core.engine import provider_selection
from core.engine.feature_store import FeatureKind, FeatureStore
from core.jobs.job_list import job_summary, list_jobs, reset_results
from core.jobs.journal import FoundFile, Journal, ModelRef
from core.jobs.queries import ResultStore
from core.jobs.schema import FILE
from core.jobs.values import JobRequest, Review, Verdict, View
from core.models.installed import load_examples, load_head, load_training_hashes
from core.models.library import Library
from core.models.training_examples import fingerprint
from core.models.values import InstalledModel
from core.models.versions import locked
from core.outputs.keywords.record import open_record
from core.outputs.sorting.disk import resolve_request
from core.outputs.sorting.execute import execute
from core.outputs.sorting.records import list_sortings
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import SortRequest, Step, TransferMode
from core.training import runs
from core.training.request import Recipe, TrainRequest
from tests import tiny
from tests.journals import write_journal
from tests.labels import correction, give, given, override

KIND: Final = FeatureKind("backbone", "preprocessing", "exact", 16)
PLAN: Final = {"recipe": "dense", "epochs": 5}
EXAMPLES: Final = tuple(LabelledImage(Path(f"{n}.jpg"), "red", Subset.TRAIN, f"{n:064x}") for n in range(20))
REQUEST: Final = TrainRequest(
    folder=Path("photos"), name="mine", validation=0.1, test=0.1, seed=0,
    provider=ProviderPreference.CPU, precision=Precision.EXACT, recipe=Recipe.DENSE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Store:
    """A store: its file below the home, and everything that reads it."""

    name: str
    file: str
    use: Callable[[], None]


class Heard(logging.Handler):
    """Counts what the core warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        record.getMessage()
        self.count += 1


# ---- a home with something in every store


def fill(place: Path) -> dict[str, str]:
    """Make a home; which files hold the stores whose names are drawn."""
    photos = place / "photos"
    for colour in tiny.CLASSES:
        tiny.write_solid(photos / f"{colour}.png", colour)
    settings.save(settings.Settings(model="everyday", top_k=7), paths.settings_file())
    job = write_journal(place / "set", 60)
    with ResultStore(job) as answers:
        answers.set_reviews(dict.fromkeys(range(1, 20), Review(Verdict.CORRECTED, "blue")))
    for number in range(3):
        override(photos, {photos / f"{tiny.CLASSES[number]}.png": "blue"})
    give(*(correction(photos / f"{n}.jpg", "green") for n in range(20)))
    with open_record(paths.keyword_record()) as record:
        record.add((photos / f"{n}.xmp", photos / f"{n}.jpg", True) for n in range(200))
    fill_caches(photos)
    fill_library()
    with runs.open_run(REQUEST, PLAN, ("a",), restart=False) as run:
        (run.folder / "checkpoint.npz").write_bytes(b"learned")
    sorting = sort(place)
    return {"job": job, "sorting": sorting}


def fill_caches(photos: Path) -> None:
    with FeatureStore() as store:
        store.put(KIND, {f"{n:064x}": np.full(16, n, np.float16) for n in range(200)})
    with closing_memo() as memo:
        state = FileState.of(photos / "red.png")
        assert state is not None
        memo.put([(photos / "red.png", state, ImageInfo("0" * 64, 7, ()))])
    provider_selection._file().write_text('{"key": "cpu"}')


def closing_memo() -> ScanCache:
    return ScanCache()


def fill_library() -> None:
    card, files = tiny.packaged_model("mine", training={"dataset_sha256": _sum()})
    library().install(card, files, trained_on=[one.sha256 for one in EXAMPLES], examples=EXAMPLES)


def _sum() -> str:
    return fingerprint(EXAMPLES)


def sort(place: Path) -> str:
    source = place / "sort"
    for number in range(5):
        tiny.write_solid(source / f"{number}.png", "red")
    request = resolve_request(SortRequest(source, place / "sorted", TransferMode.MOVE))
    steps = [
        Step(path, request.destination / "red" / path.name, "red", 1.0, path.stat().st_size)
        for path in sorted(source.iterdir())
    ]
    return execute(steps, request, report=lambda _: None, token=CancelToken()).id


def library() -> Library:
    return Library(paths.builtin_models(), paths.user_models())


# ---- what reads each store


def each(*uses: Callable[[], object]) -> None:
    """Use a store in several ways; the first error of Fovea's own that comes out is raised when all were tried."""
    errors: list[FoveaError] = []
    for use in uses:
        try:
            use()
        except FoveaError as error:
            str(error)
            errors.append(error)
    if errors:
        raise errors[0]


def stores(place: Path, names: dict[str, str]) -> Iterator[Store]:
    photos, job = place / "photos", names["job"]
    yield Store("settings", "settings.json", use_settings)
    yield Store("journal", f"jobs/{job}/{FILE}", lambda: use_journal(place / "set", job))
    yield Store("journal's lock", f"jobs/{job}/lock", lambda: each(list_jobs, lambda: job_summary(job)))
    yield Store("labels", "labels.sqlite3", lambda: use_labels(photos))
    yield Store("keywords", "keywords.sqlite3", lambda: use_keywords(photos))
    yield Store("features", "cache/features.sqlite", use_features)
    yield Store("seen", "cache/seen.sqlite", lambda: use_memo(photos))
    yield Store("providers", "cache/providers.json", use_choices)
    yield Store("sorting", f"sortings/{names['sorting']}.sqlite", lambda: use_sorting(names["sorting"]))
    yield Store("run", "runs/mine/run.json", use_runs)
    yield Store("run's lock", "runs/mine.lock", use_runs)
    for name in ("card.json", "head.npz", "backbone.onnx", "learnt.bin", "examples.jsonl"):
        yield Store(name, f"models/mine/1/{name}", use_library)
    yield Store("active", "models/mine/active", use_library)
    yield Store("library's lock", "models/.lock", use_library)


def use_settings() -> None:
    found = settings.load(paths.settings_file())
    each(lambda: settings.save(found, paths.settings_file()))


def use_journal(folder: Path, job: str) -> None:
    def read() -> None:
        with ResultStore(job) as answers:
            list(answers.each(View()))
            answers.summary()

    def run() -> None:
        with Journal(JobRequest(folder, recursive=True, model="m"), ModelRef("drawn", "m", 1, 3)) as journal:
            journal.add_found([FoundFile(b"day 00", b"000000.jpg", 1, 1)])
            journal.next_images(0, 100)
            journal.end_walk([])

    each(list_jobs, lambda: job_summary(job), read, lambda: reset_results(job), run, read)


def use_labels(photos: Path) -> None:
    each(
        lambda: given("mine"),
        lambda: find_labels(photos.iterdir()),
        lambda: give(correction(photos / "new.jpg", "green")),
        lambda: override(photos, {photos / "red.png": LEFT_OUT}),
        lambda: find_labels(photos.iterdir()),
    )


def use_keywords(photos: Path) -> None:
    def work() -> None:
        with open_record(paths.keyword_record()) as record:
            record.photos_in(photos)
            record.add([(photos / "new.xmp", photos / "new.jpg", True)])

    each(work)


def use_features() -> None:
    with FeatureStore() as store:
        store.get(KIND, [f"{n:064x}" for n in range(200)])
        store.put(KIND, {"new": np.zeros(16, np.float16)})


def use_memo(photos: Path) -> None:
    with closing_memo() as memo:
        memo.get([photos / f"{colour}.png" for colour in tiny.CLASSES])


def use_choices() -> None:
    provider_selection._load_choice(tiny.backbone_card(), Precision.EXACT)


def use_sorting(name: str) -> None:
    each(list_sortings, lambda: undo(name, report=lambda _: None, token=CancelToken()), list_sortings)


def use_runs() -> None:
    def run() -> None:
        with runs.open_run(REQUEST, PLAN, ("a",), restart=False):
            pass

    each(runs.list_runs, run)


def use_library() -> None:
    def find(reference: str) -> None:
        model = library().find(reference)
        assert isinstance(model, InstalledModel)
        load_head(model)
        load_training_hashes(model)
        load_examples(model)

    def lock() -> None:
        with locked(paths.user_models()):
            pass

    each(
        lambda: list(library().entries()),
        lambda: library().versions("mine"),
        lambda: find("mine"),
        lambda: find("mine@1"),
        lock,
        lambda: library().activate("mine", 1),
    )


# ---- damage


_MAGIC: Final = b"SQLite format 3\0"


def damaged(data: bytes, draw: random.Random) -> bytes:
    """The content of a file, damaged in one of the ways in which files are."""
    start = draw.randrange(len(data) + 1)
    end = min(len(data), start + draw.choice((1, 16, 512, 4096, len(data))))
    match draw.randrange(8):
        case 0 | 1:
            return _flipped(data, draw)
        case 2:
            return data[:start]
        case 3:
            return data[:start] + bytes(end - start) + data[end:]
        case 4:
            return data[:start] + draw.randbytes(end - start) + data[end:]
        case 5:
            return data[:start] + data[end:]
        case 6:
            return b""
    return draw.choice(
        (b"SQLite format 3\0" + bytes(500), b"{}", b"[]", b"null", b"\xff\xfe" * 50, b"[" * 5000, data * 2)
    )


def _flipped(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        if changed:
            # Headers and lists of tables stand in front, and decide most.
            place = draw.randrange(min(len(changed), 200)) if draw.random() < 0.3 else draw.randrange(len(changed))
            changed[place] ^= 1 << draw.randrange(8)
    return bytes(changed)


# ---- rounds


def others(home: Path, store: Store) -> dict[str, tuple[int, int]]:
    """Size and sum of every file that is none of this store's."""
    own = home / store.file
    files = (path for path in home.rglob("*") if path.is_file() and not path.name.startswith(own.name))
    return {str(path): (path.stat().st_size, hash(path.read_bytes())) for path in files if not _may_change(path)}


def _may_change(path: Path) -> bool:
    return path.suffix in (".lock", ".log") or path.name in ("lock", ".lock", "active") or path.name.endswith("-shm")


def one_round(place: Path, kept: Path, store: Store, draw: random.Random, heard: Heard) -> str:
    """Damage a store and use it; what came of that."""
    for name in ("home", "sort", "sorted"):
        shutil.rmtree(place / name, ignore_errors=True)
        shutil.copytree(kept / name, place / name, symlinks=True)
    file = place / "home" / store.file
    file.write_bytes(damaged(file.read_bytes(), draw))
    for ending in ("-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)
    before, said = others(place / "home", store), heard.count
    try:
        store.use()
        came = "readable"
    except FoveaError:
        came = "refused"
    except Exception:  # noqa: BLE001 - what is counted
        traceback.print_exc()
        return "foreign"
    if list(file.parent.glob(f"{file.name}.{DAMAGED}-*")):
        came = "set aside"
    elif came == "readable" and heard.count > said:
        came = "reported"
    after = others(place / "home", store)
    return came if before.items() <= after.items() else "others changed"


COLUMNS: Final = ("readable", "reported", "set aside", "refused", "foreign", "others changed")


def main() -> int:
    parser = argparse.ArgumentParser(description="Damage every store of a small home and read it back.")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="the stores whose names contain this")
    asked = parser.parse_args()
    heard, core = Heard(), logging.getLogger("core")
    core.addHandler(heard)
    core.propagate = False
    with tempfile.TemporaryDirectory() as name:
        place, kept = Path(name) / "place", Path(name) / "kept"
        os.environ["FOVEA_HOME"] = str(place / "home")
        names = fill(place)
        shutil.copytree(place, kept, symlinks=True)
        chosen = [store for store in stores(place, names) if asked.only in store.name]
        found = {store.name: Counter[str]() for store in chosen}
        draw, end = random.Random(asked.seed), time.monotonic() + asked.seconds
        while time.monotonic() < end:
            for store in chosen:
                found[store.name][one_round(place, kept, store, draw, heard)] += 1
    show(found)
    return int(any(counts["foreign"] or counts["others changed"] for counts in found.values()))


def show(found: dict[str, Counter[str]]) -> None:
    table = Table("store", "tried", *COLUMNS, title="damaged stores")
    for name, counts in found.items():
        table.add_row(name, f"{counts.total():,}", *(f"{counts[column]:,}" for column in COLUMNS))
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
