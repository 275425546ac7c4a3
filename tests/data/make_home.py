"""Makes `home.zip`: what a user of Fovea 0.1.0 has on disk, small; run at the commit 143188d, in its checkout.

    FOVEA_HOME=/photos/home python3 -m uv run python make_home.py /photos home.zip

The folder has to be empty or absent: the paths in the home are those of the photos that are written into it.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from core import corrections, paths, settings
from core.batch.queries import Answers
from core.batch.values import Filter, Review, Verdict, View
from core.cli import main
from core.corrections import Correction
from core.dataset import built
from core.dataset.amendments import Amendment, amend
from core.dataset.built import AddPhotos
from tests import teaching, tiny


def make(folder: Path, file: Path) -> None:
    """Use Fovea as a user does, then keep the home and an exported model."""
    teaching.replace_backbone(paths.own_models().parent)
    labelled = teaching.write_labelled(folder / "labelled", 8)
    run("train", labelled, "--name", "mine")
    amend(labelled, {labelled / "red" / "0.png": Amendment("blue"), labelled / "red" / "1.png": Amendment(None)})
    run("train", labelled, "--name", "mine")
    photos = folder / "photos"
    for colour in tiny.CLASSES:
        tiny.write_solid(photos / f"{colour}.png", colour)
    run("classify", photos, "--recursive", "--model", "mine")
    review()
    run("sort", photos, "--model", "mine", "--to", folder / "sorted")
    photo = tiny.write_solid(folder / "grey.png", "grey")
    corrections.change("mine", add=[Correction(photo, "red", 0.5, "blue", "mine")])
    dataset = built.new_set("Colours")
    built.change(dataset, AddPhotos("red", (labelled / "red" / "0.png",)))
    run("models", "export", "mine", folder / "mine.onnx")
    settings.save(settings.Settings(model="mine", top_k=3), paths.settings_file())
    keep(file, folder)


def run(*arguments: str | Path) -> None:
    """Run a command, which must succeed."""
    if code := main([str(argument) for argument in arguments]):
        raise SystemExit(f"{arguments} ended with {code}")


def review() -> None:
    """Confirm the first row of the job, and correct the second."""
    (job,) = [entry.name for entry in paths.jobs().iterdir() if entry.is_dir()]
    with Answers(job) as answers:
        first, second, _ = answers.numbers(View(filter=Filter()), 0, 3)
        answers.set_review([first], Review(Verdict.ACCEPTED))
        answers.set_review([second], Review(Verdict.CORRECTED, "purple"))


def keep(file: Path, folder: Path) -> None:
    """Write what is not a cache into the archive, with one date, so that it comes out the same again."""
    home = paths.own_models().parent
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted([*home.rglob("*"), folder / "mine.onnx"]):
            if path.is_file() and "cache" not in path.parts:
                name = path.relative_to(folder).as_posix()
                archive.writestr(
                    zipfile.ZipInfo(name, (2026, 11, 22, 0, 0, 0)), path.read_bytes(), zipfile.ZIP_DEFLATED
                )


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
